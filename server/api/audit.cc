// Who did what: each line was written in the transaction of the change that it tells of.
#include "server/api/audit.h"

#include <array>
#include <charconv>

#include "server/api/params.h"
#include "server/api/tables.h"

namespace reeve::server {
namespace {

constexpr uint64_t limit_max = 1000;
constexpr uint64_t limit_usual = 100;
constexpr size_t action_bytes_max = 64;
constexpr std::string_view cursor_mark = "a1:";

// Opaque to clients; for us the id below which the next page begins.
std::string format_cursor(uint64_t before_id) {
  return to_base64url(std::string(cursor_mark) + std::to_string(before_id));
}

Result<uint64_t> parse_cursor(const std::string& text) {
  const Bytes decoded = from_base64url(text).value_or("");
  uint64_t id = 0;
  if (decoded.starts_with(cursor_mark)) {
    const char* end = decoded.data() + decoded.size();
    const auto [stopped, failure] = std::from_chars(decoded.data() + cursor_mark.size(), end, id);
    if (failure == std::errc() && stopped == end && id > 0 && id <= INT64_MAX) return id;
  }
  return bad_parameter("cursor", text, "what a page of this listing gave as next_cursor");
}

Json render(const AuditEntry& entry) {
  Json actor;
  actor.set("kind", entry.actor_kind);
  actor.set("id", entry.actor_id);
  actor.set("name", entry.actor_name);
  Json out;
  out.set("id", entry.id);
  out.set("time", format_rfc3339(entry.time));
  out.set("actor", std::move(actor));
  out.set("action", entry.action);
  out.set("target", entry.target);
  Result<Json> detail = parse_json(entry.detail);
  out.set("detail", detail.ok() ? std::move(*detail) : Json(Json::Object{}));
  out.set("request_id", entry.request_id);
  out.set("peer", entry.peer);
  return out;
}

Result<Answer> get_audit(ApiContext& context, const ApiRequest& request) {
  const QueryParams params =
      TRY(QueryParams::parse(request.query, {{"from"}, {"to"}, {"action"}, {"limit"}, {"cursor"}}));
  AuditQuery query;
  const std::optional<WallTime> from = TRY(params.time("from", request.now));
  const std::optional<WallTime> to = TRY(params.time("to", request.now));
  query.from = from.value_or(query.from);
  query.to = to.value_or(query.to);
  query.action = params.text("action").value_or("");
  if (query.action.size() > action_bytes_max) {
    return bad_parameter("action", query.action, "an action like user.create");
  }
  const std::optional<uint64_t> limit = TRY(params.number("limit", 1, limit_max));
  const uint64_t wanted = limit.value_or(limit_usual);
  if (const std::optional<std::string> cursor = params.text("cursor")) query.before_id = TRY(parse_cursor(*cursor));

  query.limit = wanted + 1;  // one more tells whether there is a next page
  std::vector<AuditEntry> entries = TRY(context.store.accounts().list_audit(query));
  const bool more = entries.size() > wanted;
  if (more) entries.resize(wanted);
  Json::Array listed;
  for (const AuditEntry& entry : entries) listed.push_back(render(entry));
  Json body;
  body.set("entries", std::move(listed));
  body.set("next_cursor", more ? Json(format_cursor(entries.back().id)) : Json());
  return Answer(json_reply(body));
}

constexpr std::array<SchemaField, 3> actor_fields{{
    {"kind", "'key','user','system','none'", "none: nobody had proved to be anybody"},
    {"id", "string"},
    {"name", "string", "the person's e-mail or the key's label"},
}};
constexpr Schema actor_schema{"AuditActor", "Who did it.", actor_fields};
constexpr std::array<SchemaField, 8> entry_fields{{
    {"id", "int", "grows with each entry"},
    {"time", "time"},
    {"actor", "AuditActor", "", &actor_schema},
    {"action", "string", "what was done, like user.create"},
    {"target", "string", "the id of what was changed"},
    {"detail", "any", "an object; never a secret"},
    {"request_id", "string"},
    {"peer", "string", "the address that was connected"},
}};
constexpr Schema entry_schema{"AuditEntry", "One thing that was done, or refused.", entry_fields};
constexpr std::array<SchemaField, 2> page_fields{{
    {"entries", "AuditEntry[]", "newest first", &entry_schema},
    {"next_cursor", "string|null"},
}};
constexpr Schema page_schema{"AuditPage", "A page of the audit.", page_fields};
constexpr std::array<Parameter, 5> page_query{{
    {"from", "time", "[from, to); relative ones like -7d too"},
    {"to", "time"},
    {"action", "string", "this action alone"},
    {"limit", "int", "1 to 1000, usually 100"},
    {"cursor", "string", "of the page before"},
}};

constexpr std::array table{
    Route{"GET",
          "/v1/audit",
          Permission::reports_read,
          get_audit,
          {.summary = "Who did what, newest first", .query = page_query, .gives = &page_schema}},
};

}  // namespace

AuditEntry audit_entry(const ApiRequest& request, Deed deed) {
  const Credential& who = request.credential;
  AuditEntry entry;
  entry.time = request.now;
  entry.actor_kind = who.kind == Credential::Kind::none ? "none" : who.kind == Credential::Kind::key ? "key" : "user";
  entry.actor_id = who.subject.is_nil() ? "" : to_string(who.subject);
  entry.actor_name = who.name;
  entry.action = std::move(deed.action);
  entry.target = std::move(deed.target);
  entry.detail = deed.detail.dump();
  entry.request_id = request.request_id;
  entry.peer = request.peer;
  return entry;
}

std::span<const Route> audit_routes() {
  return table;
}

}  // namespace reeve::server
