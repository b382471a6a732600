// Renders trust files, what changes between two of them, and revocation lists.
#include "cli/keys_render.h"

#include <algorithm>

#include "cli/harmless.h"
#include "cli/human.h"
#include "cli/times.h"
#include "common/base/ids.h"

namespace reeve::cli {

namespace {

constexpr Duration expiry_warning = 24h * 30;

std::string day_of(int64_t ms) {
  return format_day(WallTime{ms * 1'000'000});
}

std::string expiry_of(int64_t ms, WallTime now) {
  const WallTime end{ms * 1'000'000};
  if (end <= now) return day_of(ms) + " EXPIRED";
  if (end - now < expiry_warning) return day_of(ms) + ", in " + human_seconds(static_cast<double>((end - now) / 1s));
  return day_of(ms);
}

std::string root_line(const warrant::RootKey& root) {
  return to_hex(root.public_key) + "  " + harmless_line(root.person);
}

std::string approver_line(const warrant::ApproverKey& approver, WallTime now) {
  return to_hex(approver.public_key) + "  " + harmless_line(approver.person) + ", up to risk " +
         std::to_string(approver.risk_max) + ", until " + expiry_of(approver.not_after_ms, now);
}

template <typename T, typename Line>
void append_difference(std::string& text, const std::string& what, const std::vector<T>& before,
                       const std::vector<T>& next, const Line& line) {
  for (const T& one : before) {
    if (std::find(next.begin(), next.end(), one) == next.end()) text += "  - " + what + "  " + line(one) + "\n";
  }
  for (const T& one : next) {
    if (std::find(before.begin(), before.end(), one) == before.end()) text += "  + " + what + "  " + line(one) + "\n";
  }
}

void append_keys(std::string& text, const std::string& what, const std::vector<Bytes>& keys) {
  for (const Bytes& key : keys) text += what + to_hex(key) + "\n";
  if (keys.empty()) text += what + "none\n";
}

template <typename T, typename Line>
void append_list(std::string& text, const std::string& what, const std::vector<T>& list, const Line& line) {
  for (const T& one : list) text += "  " + what + "  " + line(one) + "\n";
}

}  // namespace

std::string render_approvals_min(const std::vector<uint32_t>& approvals_min) {
  std::string text;
  for (size_t risk = 0; risk < approvals_min.size(); ++risk)
    text += (text.empty() ? "risk " : ", risk ") + std::to_string(risk) + ": " +
            (approvals_min[risk] == 0 ? "never" : std::to_string(approvals_min[risk]));
  return text;
}

std::string render_trust(const warrant::Trust& trust, const warrant::TrustState* state, WallTime now) {
  const auto revoked = [state](const Bytes& key, const std::string& person) -> std::string {
    const bool is_revoked = state != nullptr && (state->key_revoked(key) || state->person_revoked(person));
    return is_revoked ? "  REVOKED" : "";
  };
  std::string text = "org          " + harmless_line(trust.org) + ", trust file " + std::to_string(trust.version) +
                     ", until " + expiry_of(trust.not_after_ms, now) + "\nfingerprint  " +
                     warrant::to_string(warrant::root_fingerprint(trust)) + "\nroots        " +
                     std::to_string(trust.root_threshold) + " of these must sign\n";
  for (const warrant::RootKey& root : trust.roots)
    text += "  " + root_line(root) + revoked(root.public_key, root.person) + "\n";
  text += trust.approvers.empty() ? "approvers    nobody can approve yet: reeve keys approver add\n" : "approvers\n";
  for (const warrant::ApproverKey& approver : trust.approvers)
    text += "  " + approver_line(approver, now) + revoked(approver.public_key, approver.person) + "\n";
  text += "approvals    " + render_approvals_min(trust.approvals_min) + "\n";
  append_keys(text, "planner      ", trust.planner_keys);
  append_keys(text, "freshness    ", trust.freshness_keys);
  append_keys(text, "audit        ", trust.audit_keys);
  return text;
}

std::string render_trust_changes(const std::optional<warrant::Trust>& before, const warrant::Trust& next,
                                 WallTime now) {
  if (!before) return render_trust(next, nullptr, now);
  const auto hex = [](const Bytes& key) { return to_hex(key); };
  std::string text = "org " + harmless_line(next.org) + ", trust file " + std::to_string(next.version) +
                     " in the place of " + std::to_string(before->version) + "\n";
  append_difference(text, "root     ", before->roots, next.roots, root_line);
  append_difference(text, "approver ", before->approvers, next.approvers,
                    [now](const warrant::ApproverKey& approver) { return approver_line(approver, now); });
  append_difference(text, "planner  ", before->planner_keys, next.planner_keys, hex);
  append_difference(text, "freshness", before->freshness_keys, next.freshness_keys, hex);
  append_difference(text, "audit    ", before->audit_keys, next.audit_keys, hex);
  if (before->root_threshold != next.root_threshold)
    text += "  roots that must sign: " + std::to_string(before->root_threshold) + " -> " +
            std::to_string(next.root_threshold) + "\n";
  if (before->approvals_min != next.approvals_min)
    text += "  approvals: " + render_approvals_min(before->approvals_min) + "\n          -> " +
            render_approvals_min(next.approvals_min) + "\n";
  if (before->not_after_ms != next.not_after_ms)
    text += "  until: " + day_of(before->not_after_ms) + " -> " + expiry_of(next.not_after_ms, now) + "\n";
  if (before->org != next.org) text += "  ANOTHER ORG: " + harmless_line(before->org) + "\n";
  return text;
}

std::string render_revocation(const warrant::Revocation& revocation) {
  const auto hex = [](const Bytes& id) { return to_hex(id); };
  std::string text = "org " + harmless_line(revocation.org) + ", revocation list " +
                     std::to_string(revocation.version) + " of " +
                     format_when(WallTime{revocation.at_ms * 1'000'000}, Zone::utc) + "\n";
  append_list(text, "person ", revocation.persons, [](const std::string& person) { return harmless_line(person); });
  append_list(text, "key id ", revocation.keys, hex);
  append_list(text, "plan   ", revocation.plans, [](const Bytes& plan) {
    const std::optional<Uuid> id = Uuid::from_bytes(plan);
    return id ? to_string(*id) : to_hex(plan);
  });
  append_list(text, "step   ", revocation.steps, hex);
  append_list(text, "host   ", revocation.hosts, hex);
  return text;
}

}  // namespace reeve::cli
