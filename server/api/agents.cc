// The fleet, and taking an agent out of it.
#include <algorithm>
#include <array>

#include "server/api/audit.h"
#include "server/api/params.h"
#include "server/api/tables.h"
#include "server/store/store.h"
#include "server/store_writer.h"

namespace reeve::server {
namespace {

constexpr uint64_t agents_page_max = 1000;
constexpr ptrdiff_t gaps_shown_max = 100;  // of one agent, the last ones

std::string_view lane_name(wire::Lane lane) {
  switch (lane) {
    case wire::Lane::live:
      return "live";
    case wire::Lane::recall:
      return "recall";
    case wire::Lane::control:
      return "control";
  }
  return "unknown";
}

Json render(const IncomingGap& gap) {
  Json out;
  out.set("epoch", to_string(gap.epoch));
  out.set("lane", lane_name(gap.lane));
  out.set("from", gap.from);
  out.set("to", gap.to);
  out.set("reason", gap.reason);
  return out;
}

Json render(const Agent& agent, bool is_online, const std::vector<GapRecord>& gaps) {
  Json out;
  out.set("id", to_string(agent.id));
  out.set("host", agent.host);
  out.set("version", agent.version);
  out.set("state", agent.revoked ? "revoked" : is_online ? "online" : "offline");
  out.set("enrolled", format_rfc3339(agent.enrolled));
  out.set("last_seen", agent.last_seen.ns > 0 ? Json(format_rfc3339(agent.last_seen)) : Json());
  out.set("certificate_not_after", format_rfc3339(agent.certificate_not_after));
  out.set("spool_bytes", agent.spool_bytes);
  out.set("dropped_total", agent.dropped_total);
  out.set("oldest_unsent_age_ms", agent.oldest_unsent_age_ms);
  out.set("audit_alarm", agent.audit_alarm.empty() ? Json() : Json(agent.audit_alarm));
  Json::Array listed;
  for (const GapRecord& each : gaps) listed.push_back(render(each.gap));
  out.set("gaps", std::move(listed));
  return out;
}

// By id, which is the order of enrolment; a cursor is the last id given.
Result<Answer> get_agents(ApiContext& context, const ApiRequest& request) {
  const QueryParams params = TRY(QueryParams::parse(request.query, {{"limit"}, {"cursor"}}));
  const uint64_t limit = TRY(params.number("limit", 1, agents_page_max)).value_or(agents_page_max);
  Uuid after;
  if (const std::optional<std::string> cursor = params.text("cursor")) {
    const std::optional<Uuid> id = parse_uuid(*cursor);
    if (!id) return bad_parameter("cursor", *cursor, "what \"next_cursor\" of the page before says");
    after = *id;
  }

  std::vector<Agent> agents = TRY(context.store.list_agents());
  std::sort(agents.begin(), agents.end(), [](const Agent& a, const Agent& b) { return a.id < b.id; });
  std::erase_if(agents, [&](const Agent& agent) { return agent.id <= after; });
  const bool is_last = agents.size() <= limit;
  if (!is_last) agents.resize(limit);

  Json::Array listed;
  for (const Agent& agent : agents) {
    std::vector<GapRecord> gaps = TRY(context.store.list_gaps(agent.id));
    if (gaps.size() > gaps_shown_max) gaps.erase(gaps.begin(), gaps.end() - gaps_shown_max);
    listed.push_back(render(agent, request.online && request.online->contains(agent.id), gaps));
  }
  Json body;
  body.set("agents", std::move(listed));
  body.set("next_cursor", is_last ? Json() : Json(to_string(agents.back().id)));
  return Answer(json_reply(body));
}

Result<Answer> post_revoke(ApiContext& context, const ApiRequest& request) {
  TRY(QueryParams::parse(request.query, {}));
  TRY(parse_body(request, {}));
  const std::string& text = request.path_values.front();
  const std::optional<Uuid> id = parse_uuid(text);
  if (!id) return Error(Code::invalid, "\"" + printable(text, 80) + "\" is not an agent's id; an id is a UUID");

  const AuditEntry entry = audit_entry(request, {.action = "agent.revoke", .target = to_string(*id)});
  TRY(context.writer.run([&](Store& store) { return store.accounts().revoke_agent(*id, entry); }));
  context.on_revoked(*id);
  return Answer(json_reply(Json(Json::Object{{"id", to_string(*id)}, {"state", "revoked"}})));
}

// -- The table -------------------------------------------------------------------------------------------------------

constexpr std::array<SchemaField, 5> gap_fields{{
    {"epoch", "uuid"},
    {"lane", "'live','recall','control'"},
    {"from", "int", "the first sequence that will never come"},
    {"to", "int", "the last one"},
    {"reason", "string"},
}};
constexpr Schema gap_schema{"Gap", "Blocks that will never come.", gap_fields};
constexpr std::array<SchemaField, 12> agent_fields{{
    {"id", "uuid"},
    {"host", "string"},
    {"version", "string"},
    {"state", "'online','offline','revoked'"},
    {"enrolled", "time"},
    {"last_seen", "time|null"},
    {"certificate_not_after", "time"},
    {"spool_bytes", "int", "waiting on its disk"},
    {"dropped_total", "int", "records it could not keep"},
    {"oldest_unsent_age_ms", "int", "how far it lags"},
    {"audit_alarm", "string|null", "what it says, as a witness, contradicts the audit's history"},
    {"gaps", "Gap[]", "the last 100", &gap_schema},
}};
constexpr Schema agent_schema{"Agent", "The program on one host that collects and ships.", agent_fields};
constexpr std::array<SchemaField, 2> agents_fields{{
    {"agents", "Agent[]", "in the order of their enrolment", &agent_schema},
    {"next_cursor", "string|null", "for the page behind this one; null on the last"},
}};
constexpr Schema agents_schema{"AgentPage", "The fleet, page by page.", agents_fields};
constexpr std::array<SchemaField, 2> revoked_fields{{{"id", "uuid"}, {"state", "'revoked'"}}};
constexpr Schema revoked_schema{"AgentRevoked", "An agent that is out of the fleet.", revoked_fields};

constexpr std::array agents_query{
    Parameter{"limit", "int", "1-1000, default 1000"},
    Parameter{"cursor", "string", "of the page before"},
};

constexpr std::array table{
    Route{"GET",
          "/v1/agents",
          Permission::signals_read,
          get_agents,
          {.summary = "The fleet", .query = agents_query, .gives = &agents_schema}},
    Route{"POST",
          "/v1/agents/{id}/revoke",
          Permission::agents_write,
          post_revoke,
          {.summary = "Take an agent out of the fleet; again is not an error", .gives = &revoked_schema}},
};

}  // namespace

std::span<const Route> agents_routes() {
  return table;
}

}  // namespace reeve::server
