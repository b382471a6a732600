// The runners that agents speak for, as they last told of themselves.
#include <array>

#include "server/api/params.h"
#include "server/api/tables.h"
#include "server/store/fixes.h"
#include "server/store/store.h"

namespace reeve::server {
namespace {

Json render(const Runner& runner, bool online) {
  Json out;
  out.set("agent", to_string(runner.agent));
  out.set("host", to_hex(runner.host));
  out.set("public_key", to_hex(runner.public_key));
  out.set("host_name", runner.host_name);
  out.set("epoch", runner.epoch);
  out.set("version", runner.version);
  out.set("policy_hash", to_hex(runner.policy_hash));
  out.set("trust_version", runner.trust_version);
  out.set("revocation_version", runner.revocation_version);
  out.set("sequence", runner.sequence);
  out.set("result_sequence", runner.result_sequence);
  out.set("execution", runner.execution);
  out.set("why_not", runner.why_not);
  out.set("online", online);
  out.set("last_seen", format_rfc3339(runner.last_seen));
  return out;
}

Result<Answer> get_runners(ApiContext& context, const ApiRequest& request) {
  TRY(QueryParams::parse(request.query, {}));
  Json::Array listed;
  for (const Runner& runner : TRY(context.store.fixes().list_runners())) {
    listed.push_back(render(runner, request.online && request.online->contains(runner.agent)));
  }
  return Answer(json_reply(Json(Json::Object{{"runners", std::move(listed)}})));
}

constexpr std::array<SchemaField, 15> runner_fields{{
    {"agent", "uuid", "that speaks for it"},
    {"host", "string", "SHA-256 of the public key, hex"},
    {"public_key", "string", "hex; its results are signed with it"},
    {"host_name", "string", "as the host itself knows it"},
    {"epoch", "int", "of its enrolment"},
    {"version", "string"},
    {"policy_hash", "string", "of its local policy, hex"},
    {"trust_version", "int", "that it has"},
    {"revocation_version", "int"},
    {"sequence", "int", "the highest of a dispatch that it has accepted"},
    {"result_sequence", "int", "of its newest result"},
    {"execution", "bool", "whether it runs anything"},
    {"why_not", "string", "where it does not"},
    {"online", "bool", "whether its agent has a link"},
    {"last_seen", "time", "exact to a minute"},
}};
constexpr Schema runner_schema{"Runner", "The program that runs approved steps on one host.", runner_fields};
constexpr std::array<SchemaField, 1> runners_fields{{{"runners", "Runner[]", "by agent", &runner_schema}}};
constexpr Schema runners_schema{"Runners", "Every runner that was ever seen.", runners_fields};

constexpr std::array table{
    Route{"GET",
          "/v1/runners",
          Permission::signals_read,
          get_runners,
          {.summary = "The runners", .gives = &runners_schema}},
};

}  // namespace

std::span<const Route> runners_routes() {
  return table;
}

}  // namespace reeve::server
