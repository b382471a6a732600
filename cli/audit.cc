// See audit.h.
#include "cli/audit.h"

#include <algorithm>

#include "cli/api.h"
#include "cli/audit_verify.h"
#include "cli/harmless.h"
#include "cli/profile.h"
#include "common/warrant/trust.h"

namespace reeve::cli {

namespace {

constexpr uint64_t page_entries_max = 1'000;
constexpr uint64_t export_page_leaves = 20'000;
constexpr size_t read_bytes = 1_MiB;
constexpr size_t line_bytes_max = 16_MiB;
constexpr uint64_t trust_bytes_max = 256_KiB;

// "2026-11-21T02:54:00.123Z  4711  ada@example.net  user.create  <target>  {"role":"admin"}  from 10.0.0.7".
std::string render_entry(const Json& entry, Zone zone) {
  const std::optional<WallTime> time = parse_rfc3339(entry.string_or("time"));
  const Json* actor = entry.find("actor");
  std::string who = actor != nullptr ? actor->string_or("name") : "";
  if (who.empty() && actor != nullptr) who = actor->string_or("kind");
  std::string line = (time ? format_when(*time, zone) : entry.string_or("time")) + "  " +
                     std::to_string(entry.int_or("id")) + "  " + who + "  " + entry.string_or("action");
  if (const std::string target = entry.string_or("target"); !target.empty()) line += "  " + target;
  const Json* detail = entry.find("detail");
  if (detail != nullptr && detail->is_object() && !detail->as_object()->empty()) line += "  " + detail->dump();
  if (const std::string peer = entry.string_or("peer"); !peer.empty()) line += "  from " + peer;
  return harmless_line(line) + "\n";
}

// Calls `take` with every line of the file.
Status read_lines(sys::Disk& disk, const std::string& path, const std::function<Status(std::string_view)>& take) {
  const std::unique_ptr<sys::File> file = TRY(disk.open(path, sys::OpenMode::read));
  Bytes held;
  for (uint64_t at = 0;;) {
    const size_t count = TRY(file->read_at(at, read_bytes, held));
    at += count;
    std::string_view rest = held;
    for (size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
      TRY_DURING(take(rest.substr(0, end)), path);
      rest.remove_prefix(end + 1);
    }
    if (rest.size() > line_bytes_max) return Error(Code::invalid, path + ": a line is too long for an export");
    if (count == 0) return rest.empty() ? Status() : Error(Code::invalid, path + ": its last line is cut off");
    held.erase(0, held.size() - rest.size());
  }
}

// The audit keys of a trust file, which is believed as it is.
Result<std::vector<Bytes>> keys_of_trust(sys::Disk& disk, const std::string& path) {
  const Bytes file = TRY(sys::read_file(disk, path, trust_bytes_max));
  Result<warrant::Envelope> envelope = warrant::decode_envelope(file);
  if (!envelope.ok()) {
    const size_t end = file.find_last_not_of(" \r\n\t");
    const std::optional<Bytes> bytes = from_base64url(std::string_view(file).substr(0, end + 1));
    if (bytes) envelope = warrant::decode_envelope(*bytes);
  }
  if (!envelope.ok()) return envelope.error().during(path);
  if (envelope->payload_type != warrant::type_trust) return Error(Code::invalid, path + " is no trust file");
  const warrant::Trust trust = TRY_DURING(warrant::decode_trust(envelope->payload), path);
  if (trust.audit_keys.empty()) return Error(Code::invalid, path + " names no audit key");
  return trust.audit_keys;
}

std::string describe(const AuditVerdict& verdict) {
  std::string text = "org         " + harmless_line(verdict.org) + "\n";
  text += "entries     " + std::to_string(verdict.entries) + " kept, " +
          std::to_string(verdict.leaves - verdict.entries) + " by their hash alone\n";
  text += "checkpoint  " + std::to_string(verdict.signed_size) + " entries, root " + to_hex(verdict.signed_root) +
          ", signed " + format_rfc3339(verdict.signed_at) + "\n";
  if (!verdict.signer.empty()) text += "signed by   " + to_hex(verdict.signer) + "\n";
  return text;
}

}  // namespace

Status run_audit_list(World& world, const AuditListOptions& options) {
  const Profile profile = TRY(load_profile(world));
  Client client(world.http, profile);
  std::vector<Json> entries;  // newest first
  std::string cursor;
  do {
    std::vector<std::pair<std::string, std::string>> query;
    const uint64_t wanted = std::min<uint64_t>(options.entries_max - entries.size(), page_entries_max);
    query.emplace_back("limit", std::to_string(wanted));
    if (!options.from.empty()) query.emplace_back("from", options.from);
    if (!options.to.empty()) query.emplace_back("to", options.to);
    if (!options.action.empty()) query.emplace_back("action", options.action);
    if (!cursor.empty()) query.emplace_back("cursor", cursor);
    const Json page = TRY(client.audit(std::move(query)));
    const Json* rows = page.find("entries");
    if (rows == nullptr || !rows->is_array())
      return Error(Code::corrupt, "the server's answer has no list \"entries\"");
    for (const Json& row : *rows->as_array()) entries.push_back(row);
    cursor = rows->as_array()->empty() ? "" : page.string_or("next_cursor");
  } while (!cursor.empty() && entries.size() < options.entries_max);

  std::string text;
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    text += options.json ? harmless_json(entry->dump()) + "\n" : render_entry(*entry, options.zone);
  }
  if (entries.empty()) world.screen.say("the audit has no such entry");
  return world.screen.print(text);
}

Status run_audit_export(World& world, const AuditExportOptions& options) {
  const Profile profile = TRY(load_profile(world));
  Client client(world.http, profile);
  const std::string part = options.file + ".part";
  const std::unique_ptr<sys::File> file = TRY(world.disk.open(part, sys::OpenMode::create));
  TRY(file->truncate(0));
  uint64_t at = 0;
  uint64_t from = 0;
  while (true) {
    Bytes page = TRY(client.audit_export(from, export_page_leaves));
    if (!page.ends_with('\n')) return Error(Code::corrupt, "the server's answer was cut off");
    const size_t before_last = page.rfind('\n', page.size() - 2);
    const size_t last_begin = before_last == std::string::npos ? 0 : before_last + 1;
    const Result<Json> last = parse_json(std::string_view(page).substr(last_begin));
    const int64_t next = last.ok() ? last->int_or("next", -1) : -1;
    if (next >= 0) page.resize(last_begin);
    TRY(file->write_at(at, page));
    at += page.size();
    if (next < 0) break;
    if (static_cast<uint64_t>(next) <= from) return Error(Code::corrupt, "the server's export does not go on");
    from = static_cast<uint64_t>(next);
  }
  TRY(file->sync());
  TRY(world.disk.rename(part, options.file));
  return world.screen.print("wrote " + options.file + ", " + std::to_string(at) +
                            " bytes; to verify it: reeve audit verify " + options.file + "\n");
}

Status run_audit_verify(World& world, const AuditVerifyOptions& options) {
  std::vector<Bytes> keys;
  if (!options.key.empty()) keys.push_back(from_hex(options.key).value_or(""));
  if (!options.trust_file.empty()) keys = TRY(keys_of_trust(world.disk, options.trust_file));

  AuditLeaves earlier;
  if (!options.against.empty()) {
    AuditVerifier verifier(keys, nullptr, true);
    TRY(read_lines(world.disk, options.against, [&](std::string_view line) { return verifier.take(line); }));
    const AuditVerdict verdict = TRY_DURING(verifier.finish(), options.against);
    if (!verdict.ok()) {
      return Error(Code::corrupt, options.against + " does not fit itself: " +
                                      (verdict.findings > 0 ? verdict.first : "its root is not the signed one"));
    }
    earlier = std::move(verifier.leaves());
  }

  AuditVerifier verifier(keys, options.against.empty() ? nullptr : &earlier, false);
  TRY(read_lines(world.disk, options.file, [&](std::string_view line) { return verifier.take(line); }));
  const AuditVerdict verdict = TRY_DURING(verifier.finish(), options.file);
  TRY(world.screen.print(describe(verdict)));
  if (verdict.findings > 0) {
    const std::string more =
        verdict.findings > 1 ? "; " + std::to_string(verdict.findings - 1) + " more do not fit" : "";
    return Error(Code::corrupt, verdict.first + more);
  }
  if (!verdict.is_signed) return Error(Code::denied, verdict.unsigned_why);
  if (!verdict.root_fits) return Error(Code::corrupt, "the entries do not give the root that was signed");
  if (keys.empty()) {
    world.screen.say("the export fits itself; who signed it is proven only with --key or --trust");
  }
  return world.screen.print("verified    every entry is as it was when the checkpoint was signed\n");
}

}  // namespace reeve::cli
