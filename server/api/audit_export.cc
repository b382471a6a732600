// Handing out the audit so that somebody else can verify it: checkpoints, proofs, and every leaf with its entry
// (docs/audit.md has the lines' format). An export is written while it is read: its memory does not follow its length.
#include <array>

#include "server/api/params.h"
#include "server/api/tables.h"
#include "server/checkpoints.h"
#include "server/store/accounts.h"

namespace reeve::server {
namespace {

constexpr size_t slice_entries = 1'000;
constexpr uint64_t lines_max = 100'000'000;

Json hex_list(const std::vector<warrant::Hash>& hashes) {
  Json::Array list;
  for (const warrant::Hash& hash : hashes) list.emplace_back(to_hex(hash));
  return list;
}

Result<Answer> get_checkpoint(ApiContext& context, const ApiRequest& request) {
  TRY(QueryParams::parse(request.query, {}));
  const AuditCheckpoint checkpoint = TRY(context.checkpoints->current());
  Json body;
  body.set("envelope", to_base64url(checkpoint.envelope));
  body.set("size", checkpoint.size);
  body.set("root", to_hex(checkpoint.root));
  body.set("at", format_rfc3339(checkpoint.time));
  body.set("public_key", to_hex(context.checkpoints->public_key()));
  return Answer(json_reply(body));
}

Result<Answer> get_proof(ApiContext& context, const ApiRequest& request) {
  const QueryParams params = TRY(QueryParams::parse(request.query, {{"from"}, {"to"}}));
  const AuditCheckpoint newest = TRY(context.checkpoints->current());
  const std::optional<uint64_t> from = TRY(params.number("from", 1, newest.size));
  const std::optional<uint64_t> to = TRY(params.number("to", 1, newest.size));
  if (!from) return bad_parameter("from", "", "the size of the earlier tree, from 1 to that of the newest checkpoint");
  const uint64_t size = to.value_or(newest.size);
  if (*from > size)
    return bad_parameter("from", std::to_string(*from), "no more than \"to\", which is " + std::to_string(size));
  const std::vector<warrant::Hash> proof = TRY(context.store.accounts().prove_audit(*from, size));
  Json body;
  body.set("from", *from);
  body.set("to", size);
  body.set("proof", hex_list(proof));
  return Answer(json_reply(body));
}

// -- The export ------------------------------------------------------------------------------------------------------

// The exact bytes, whatever they are: what is no text goes by another name.
void set_text(Json& line, const char* name, const std::string& text) {
  if (is_utf8(text)) {
    line.set(name, text);
  } else {
    line.set(std::string(name) + "_base64url", to_base64url(text));
  }
}

void set_entry(Json& line, const AuditEntry& entry) {
  line.set("time_ns", entry.time.ns);
  set_text(line, "actor_kind", entry.actor_kind);
  set_text(line, "actor_id", entry.actor_id);
  set_text(line, "actor_name", entry.actor_name);
  set_text(line, "action", entry.action);
  set_text(line, "target", entry.target);
  set_text(line, "detail", entry.detail);
  set_text(line, "request_id", entry.request_id);
  set_text(line, "peer", entry.peer);
}

std::string leaf_line(const AuditLeaf& leaf) {
  Json line;
  line.set("leaf", leaf.leaf);
  line.set("id", leaf.entry_id);
  line.set("hash", to_hex(leaf.hash));
  if (leaf.entry) set_entry(line, *leaf.entry);
  return line.dump() + "\n";
}

// An entry without a leaf: nobody can have witnessed it.
std::string stray_line(const AuditEntry& stray) {
  Json line;
  line.set("leaf", -1);
  line.set("id", static_cast<int64_t>(stray.id));
  line.set("hash", "");
  set_entry(line, stray);
  return line.dump() + "\n";
}

struct Wanted {
  uint64_t from = 0;
  uint64_t count = 0;
};

Status write_export(const ApiContext& context, Wanted wanted, const sys::ResponseStream& out) {
  const Accounts& accounts = context.store.accounts();
  const AuditCheckpoint newest = TRY(context.checkpoints->current());
  const uint64_t end =
      wanted.count < newest.size - std::min(newest.size, wanted.from) ? wanted.from + wanted.count : newest.size;
  if (wanted.from == 0) {
    Json head;
    head.set("format", "reeve audit export 1");
    head.set("org", context.org);
    TRY(out.write(head.dump() + "\n"));
  }
  for (uint64_t leaf = wanted.from; leaf < end;) {
    const AuditSlice slice = TRY(accounts.read_audit(leaf, std::min<uint64_t>(slice_entries, end - leaf)));
    if (slice.leaves.empty()) break;
    std::string lines;
    for (const AuditLeaf& each : slice.leaves) lines += leaf_line(each);
    for (const AuditEntry& stray : slice.strays) lines += stray_line(stray);
    leaf += slice.leaves.size();
    TRY(out.write(std::move(lines)));
  }
  Json last;
  if (end < newest.size) {
    last.set("next", end);
    return out.write(last.dump() + "\n");
  }
  const AuditSlice behind = TRY(accounts.read_audit(newest.size, slice_entries));
  std::string lines;
  if (behind.leaves.empty()) {
    for (const AuditEntry& stray : behind.strays) lines += stray_line(stray);
  }
  last.set("checkpoint", to_base64url(newest.envelope));
  last.set("size", newest.size);
  last.set("root", to_hex(newest.root));
  last.set("at", format_rfc3339(newest.time));
  last.set("public_keys", Json::Array{to_hex(context.checkpoints->public_key())});
  return out.write(lines + last.dump() + "\n");
}

Result<Answer> get_export(ApiContext& context, const ApiRequest& request) {
  const QueryParams params = TRY(QueryParams::parse(request.query, {{"from"}, {"limit"}}));
  Wanted wanted;
  wanted.from = TRY(params.number("from", 0, INT64_MAX)).value_or(0);
  wanted.count = TRY(params.number("limit", 1, lines_max)).value_or(lines_max);
  Streamed streamed;
  streamed.content_type = "application/x-ndjson";
  streamed.headers = {{"Content-Disposition", "attachment; filename=\"audit.ndjson\""}};
  streamed.produce = [&context, wanted](const sys::ResponseStream& out) { return write_export(context, wanted, out); };
  return Answer(std::move(streamed));
}

// -- The table -------------------------------------------------------------------------------------------------------

constexpr std::array<SchemaField, 5> checkpoint_fields{{
    {"envelope", "string", "the signed checkpoint, base64url"},
    {"size", "int", "entries"},
    {"root", "string", "of their Merkle tree, hex"},
    {"at", "time"},
    {"public_key", "string", "that signed it, hex"},
}};
constexpr Schema checkpoint_schema{"AuditCheckpoint", "The audit's length and root, signed.", checkpoint_fields};
constexpr std::array<SchemaField, 3> proof_fields{{
    {"from", "int"},
    {"to", "int"},
    {"proof", "string[]", "hashes, hex, as RFC 6962 section 2.1.2 orders them"},
}};
constexpr Schema proof_schema{"AuditProof", "That one tree begins with another.", proof_fields};
constexpr std::array proof_query{
    Parameter{"from", "int", "the earlier size, at least 1"},
    Parameter{"to", "int", "the later size; default that of the newest checkpoint"},
};
constexpr std::array export_query{
    Parameter{"from", "int", "the first leaf; default 0"},
    Parameter{"limit", "int", "at most so many leaves; where there are more, the last line is {\"next\":leaf}"},
};

constexpr std::array table{
    Route{"GET",
          "/v1/audit/checkpoint",
          Permission::reports_read,
          get_checkpoint,
          {.summary = "The newest signed checkpoint of the audit", .gives = &checkpoint_schema}},
    Route{"GET",
          "/v1/audit/proof",
          Permission::reports_read,
          get_proof,
          {.summary = "That the audit begins with what it was", .query = proof_query, .gives = &proof_schema}},
    Route{"GET",
          "/v1/audit/export",
          Permission::reports_read,
          get_export,
          {.summary = "Every leaf of the audit with its entry; the last line has the newest signed checkpoint",
           .query = export_query,
           .gives_type = "application/x-ndjson"}},
};

}  // namespace

std::span<const Route> audit_export_routes() {
  return table;
}

}  // namespace reeve::server
