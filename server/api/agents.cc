// The fleet, and taking an agent out of it.
#include <array>

#include "server/api/audit.h"
#include "server/api/params.h"
#include "server/api/tables.h"
#include "server/store/store.h"
#include "server/store_writer.h"

namespace reeve::server {
namespace {

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
  Json::Array listed;
  for (const GapRecord& each : gaps) listed.push_back(render(each.gap));
  out.set("gaps", std::move(listed));
  return out;
}

Result<Answer> get_agents(ApiContext& context, const ApiRequest& request) {
  TRY(QueryParams::parse(request.query, {}));
  const std::vector<Agent> agents = TRY(context.store.list_agents());
  Json::Array listed;
  for (const Agent& agent : agents) {
    const std::vector<GapRecord> gaps = TRY(context.store.list_gaps(agent.id));
    listed.push_back(render(agent, request.online && request.online->contains(agent.id), gaps));
  }
  return Answer(json_reply(Json(Json::Object{{"agents", std::move(listed)}})));
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

constexpr std::array table{
    Route{"GET", "/v1/agents", Permission::signals_read, get_agents, {.summary = "The fleet"}},
    Route{"POST",
          "/v1/agents/{id}/revoke",
          Permission::agents_write,
          post_revoke,
          {.summary = "Take an agent out of the fleet; again is not an error"}},
};

}  // namespace

std::span<const Route> agents_routes() {
  return table;
}

}  // namespace reeve::server
