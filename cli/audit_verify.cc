// See audit_verify.h.
#include "cli/audit_verify.h"

#include "cli/audit_line.h"
#include "common/base/json.h"
#include "common/warrant/envelope.h"
#include "common/warrant/step.h"

namespace reeve::cli {

namespace {

constexpr std::string_view leaf_begin = "{\"leaf\":";
constexpr std::string_view format = "reeve audit export 1";
constexpr size_t hash_bytes = 32;

std::string entry_text(uint64_t id) {
  return "entry " + std::to_string(static_cast<int64_t>(id));
}

std::string entries_text(uint64_t from, uint64_t to) {
  return from == to ? entry_text(from) : "entries " + std::to_string(from) + " to " + std::to_string(to);
}

// The server says itself where it skipped numbers, and how many.
bool tells_of_skip(const AuditLine& line, uint64_t last_id) {
  if (!line.entry || line.entry->action != audit_skip_action) return false;
  return line.entry->detail ==
         "{\"from\":" + std::to_string(last_id + 1) + ",\"to\":" + std::to_string(line.id - 1) + "}";
}

}  // namespace

void AuditVerifier::find(std::string what) {
  if (verdict_.findings++ == 0) verdict_.first = std::move(what);
}

Status AuditVerifier::take(std::string_view line) {
  if (ended_) return Error(Code::invalid, "goes on behind its checkpoint");
  if (lines_++ == 0) return take_head(line);
  if (line.starts_with(leaf_begin)) return take_leaf(line);
  return take_checkpoint(line);
}

Status AuditVerifier::take_head(std::string_view line) {
  const Result<Json> head = parse_json(line);
  if (!head.ok() || head->string_or("format") != format) {
    return Error(Code::invalid, "does not begin as an export of `reeve audit export`");
  }
  verdict_.org = head->string_or("org");
  return {};
}

Status AuditVerifier::take_leaf(std::string_view text) {
  Result<AuditLine> parsed = parse_audit_line(text);
  if (!parsed.ok()) return parsed.error().during("line " + std::to_string(lines_));
  AuditLine& line = *parsed;
  if (line.leaf < 0) {
    find(entry_text(line.id) + " was put in: it has no leaf");
    return {};
  }
  const auto leaf = static_cast<uint64_t>(line.leaf);
  if (leaf < verdict_.leaves || (leaf > 0 && line.id <= last_id_)) {
    find(entry_text(line.id) + " was put in behind " + entry_text(last_id_));
    return {};
  }
  const bool follows =
      leaf == verdict_.leaves && (leaf == 0 || line.id == last_id_ + 1 || tells_of_skip(line, last_id_));
  if (!follows) {
    find(entries_text(last_id_ + 1, line.id - 1) + (line.id == last_id_ + 2 ? " is missing" : " are missing"));
  }
  verdict_.leaves = leaf;
  warrant::Hash hash = line.hash;
  if (line.entry) {
    ++verdict_.entries;
    hash = warrant::leaf_hash(audit_leaf(*line.entry));
    if (hash != line.hash) find(entry_text(line.id) + " was changed");
  } else if (verdict_.entries > 0) {
    find(entry_text(line.id) + " is missing: only its hash is there");
  }
  if (earlier_ != nullptr) compare(leaf, line.id, hash);
  if (keep_leaves_) {
    leaves_.hashes += hash;
    leaves_.ids.push_back(line.id);
  }
  last_id_ = line.id;
  ++verdict_.leaves;
  tree_.append(std::move(hash));
  return {};
}

void AuditVerifier::compare(uint64_t leaf, uint64_t id, BytesView hash) {
  if (parted_ || leaf >= earlier_->ids.size()) return;
  if (BytesView(earlier_->hashes).substr(leaf * hash_bytes, hash_bytes) == hash) return;
  const uint64_t before = earlier_->ids[leaf];
  if (id == before) return find(entry_text(id) + " was changed since the earlier export");
  parted_ = true;
  if (id > before) return find(entry_text(before) + " of the earlier export is missing");
  find(entry_text(id) + " was put in since the earlier export");
}

Status AuditVerifier::take_checkpoint(std::string_view line) {
  const Result<Json> last = parse_json(line);
  const std::optional<Bytes> bytes = last.ok() ? from_base64url(last->string_or("checkpoint")) : std::nullopt;
  if (!bytes || bytes->empty())
    return Error(Code::invalid, "line " + std::to_string(lines_) + " is no line of an export");
  ended_ = true;
  if (const Json* keys = last->find("public_keys"); keys != nullptr && keys->is_array()) {
    for (const Json& key : *keys->as_array()) {
      const std::optional<Bytes> public_key = key.is_string() ? from_hex(*key.as_string()) : std::nullopt;
      if (public_key) verdict_.own_keys.push_back(*public_key);
    }
  }
  const Result<warrant::Envelope> envelope = warrant::decode_envelope(*bytes);
  if (!envelope.ok()) return envelope.error().during("the checkpoint");
  const Result<warrant::Checkpoint> checkpoint = warrant::decode_checkpoint(envelope->payload);
  if (!checkpoint.ok()) return checkpoint.error();
  verdict_.signed_size = checkpoint->size;
  verdict_.signed_root = checkpoint->root;
  verdict_.signed_at = WallTime{checkpoint->at_ms * 1'000'000};

  for (const Bytes& key : keys_.empty() ? verdict_.own_keys : keys_) {
    if (warrant::signed_by(*envelope, key)) verdict_.signer = key;
  }
  if (envelope->payload_type != warrant::type_checkpoint) {
    verdict_.unsigned_why = "what is signed is no checkpoint";
  } else if (verdict_.signer.empty()) {
    verdict_.unsigned_why = "the checkpoint is not signed by " +
                            std::string(keys_.empty() ? "the export's own key" : "the key that was given");
  } else if (checkpoint->org != verdict_.org) {
    verdict_.unsigned_why = "the checkpoint is of org " + checkpoint->org + ", the export of " + verdict_.org;
  } else {
    verdict_.is_signed = true;
  }
  return {};
}

Result<AuditVerdict> AuditVerifier::finish() {
  if (!ended_) return Error(Code::invalid, "is cut off: it does not end with a checkpoint");
  verdict_.root_fits = tree_.size() == verdict_.signed_size && tree_.root() == verdict_.signed_root;
  if (earlier_ != nullptr && !parted_ && verdict_.leaves < earlier_->ids.size()) {
    const uint64_t from = earlier_->ids[verdict_.leaves];
    const uint64_t to = earlier_->ids.back();
    find(entries_text(from, to) + " of the earlier export " + (from == to ? "is" : "are") + " missing");
  }
  return verdict_;
}

}  // namespace reeve::cli
