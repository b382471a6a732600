// See witness.h.
#include "agent/witness.h"

#include <algorithm>

#include "common/base/json.h"
#include "common/warrant/envelope.h"
#include "common/warrant/merkle.h"
#include "common/warrant/step.h"

namespace reeve::agent {

namespace {

constexpr uint64_t file_bytes_max = 64_KiB;
constexpr size_t hash_bytes = 32;

Error contradiction(const std::string& text) {
  return Error(Code::corrupt, text);
}

// A checkpoint's own word, cut to what a clock can show.
WallTime wall_time(int64_t at_ms) {
  constexpr int64_t ms_max = INT64_MAX / 1'000'000;
  return WallTime{std::clamp(at_ms, -ms_max, ms_max) * 1'000'000};
}

Result<WitnessPin> parse_witness(BytesView text) {
  const Json json = TRY(parse_json(text));
  WitnessPin pin;
  const int64_t size = json.int_or("size", -1);
  const std::optional<Bytes> root = from_hex(json.string_or("root", "?"));
  const std::optional<Bytes> key = from_hex(json.string_or("audit_key", "?"));
  const bool whole = size >= 0 && root && key && root->size() == (size > 0 ? hash_bytes : 0) &&
                     (key->empty() || key->size() == hash_bytes);
  if (!whole) return Error(Code::corrupt, "size, root and audit_key are not those of a pin");
  pin.public_key = *key;
  pin.size = static_cast<uint64_t>(size);
  pin.root = *root;
  pin.at = parse_rfc3339(json.string_or("at")).value_or(WallTime{});
  pin.alarm = json.string_or("alarm");
  pin.alarmed = parse_rfc3339(json.string_or("alarmed")).value_or(WallTime{});
  return pin;
}

}  // namespace

bool Witness::take(const wire::AuditHead& head, WallTime now) {
  if (!pin_.alarm.empty()) return false;
  WitnessPin next = pin_;
  const Status judged = judge(head, next);
  if (!judged.ok()) {
    next = pin_;
    next.alarm = judged.error().text();
    next.alarmed = now;
  }
  const bool changed = next != pin_;
  pin_ = std::move(next);
  return changed;
}

Status Witness::judge(const wire::AuditHead& head, WitnessPin& next) const {
  const warrant::Envelope envelope = TRY_DURING(warrant::decode_envelope(head.envelope), "the audit's checkpoint");
  if (envelope.payload_type != warrant::type_checkpoint) {
    return contradiction("the audit's checkpoint is of type " + printable(envelope.payload_type, 100));
  }
  if (next.public_key.empty()) next.public_key = head.public_key;
  if (!warrant::signed_by(envelope, next.public_key)) {
    return contradiction("the audit's checkpoint is not signed by the pinned key " + to_hex(next.public_key));
  }
  const warrant::Checkpoint shown = TRY_DURING(warrant::decode_checkpoint(envelope.payload), "the audit's checkpoint");
  if (shown.org != org_) {
    return contradiction("the audit's checkpoint is of org " + printable(shown.org, 100) + ", ours is " + org_);
  }
  const std::string pinned = std::to_string(pin_.size) + " entries with root " + to_hex(pin_.root);
  const std::string said = std::to_string(shown.size) + " entries with root " + to_hex(shown.root);
  if (shown.size < pin_.size)
    return contradiction("the audit has become shorter: pinned are " + pinned + ", shown " + said);
  if (shown.size == pin_.size && pin_.size > 0 && shown.root != pin_.root) {
    return contradiction("the audit was rewritten: pinned are " + pinned + ", shown " + said);
  }
  const bool grown = shown.size > pin_.size && pin_.size > 0;
  if (grown && !warrant::verify_consistency(pin_.size, pin_.root, shown.size, shown.root, head.proof)) {
    return contradiction("the audit was rewritten: pinned are " + pinned + ", which are not the beginning of " + said);
  }
  next.size = shown.size;
  next.root = shown.size > 0 ? shown.root : Bytes();
  next.at = wall_time(shown.at_ms);
  return {};
}

wire::AuditPin Witness::frame() const {
  return {.size = pin_.size, .root = pin_.root, .alarm = pin_.alarm};
}

std::optional<WitnessPin> load_witness(sys::Disk& disk, const std::string& path, WallTime now) {
  const Result<Bytes> text = sys::read_file(disk, path, file_bytes_max);
  if (!text.ok() && text.error().code() == Code::not_found) return std::nullopt;
  const Result<WitnessPin> pin = text.ok() ? parse_witness(*text) : Result<WitnessPin>(text.error());
  if (pin.ok()) return *pin;
  WitnessPin lost;
  lost.alarm = "what was pinned of the audit cannot be read: " + path + ": " + pin.error().text();
  lost.alarmed = now;
  return lost;
}

Status save_witness(sys::Disk& disk, const std::string& path, const WitnessPin& pin) {
  Json json;
  json.set("audit_key", to_hex(pin.public_key));
  json.set("size", pin.size);
  json.set("root", to_hex(pin.root));
  json.set("at", format_rfc3339(pin.at));
  json.set("alarm", pin.alarm);
  json.set("alarmed", pin.alarm.empty() ? "" : format_rfc3339(pin.alarmed));
  return sys::write_file_atomically(disk, path, json.dump(2) + "\n");
}

std::string describe(const std::optional<WitnessPin>& pin) {
  if (!pin) return "nothing is pinned yet; the first checkpoint of the audit that the server shows will be\n";
  std::string text;
  text += "audit key   " + (pin->public_key.empty() ? "the first that is shown" : to_hex(pin->public_key)) + "\n";
  text += "pinned      " + std::to_string(pin->size) + " entries";
  if (pin->size > 0) text += ", root " + to_hex(pin->root) + ", signed " + format_rfc3339(pin->at);
  text += "\nalarm       " +
          (pin->alarm.empty() ? "none" : format_rfc3339(pin->alarmed) + " " + printable(pin->alarm, 1000));
  return text + "\n";
}

}  // namespace reeve::agent
