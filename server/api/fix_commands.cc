// What is done with a plan: looked at beforehand, approved, run, stopped, rolled back, kept.
#include <algorithm>
#include <array>
#include <map>

#include "common/warrant/envelope.h"
#include "common/warrant/step.h"
#include "server/api/audit.h"
#include "server/api/fix_json.h"
#include "server/api/params.h"
#include "server/api/problem.h"
#include "server/api/tables.h"
#include "server/store/store.h"

namespace reeve::server {
namespace {

constexpr Duration preflight_life = 2min;  // one that is older and has no end never will

constexpr std::array<SchemaField, 1> of_plan_fields{{{"plan", "uuid"}}};
constexpr Schema of_plan_schema{"OfFixPlan", "The plan that is meant.", of_plan_fields};
constexpr std::array<SchemaField, 2> approve_fields{{{"plan", "uuid"}, {"envelope", "bytes", "a signed Approval"}}};
constexpr Schema approve_schema{"FixApprove", "What an approver signed.", approve_fields};

using Ask = FixReply (FixEngine::*)(const LoadedPlan& loaded, const AuditEntry& entry, FixTime time,
                                    FixActions& actions);

Result<Json> read_body(const ApiRequest& request, const Schema& schema) {
  TRY(QueryParams::parse(request.query, {}));
  Json body = TRY_DURING(parse_json(request.body), "the body is not JSON");
  TRY(check_against(body, schema));
  return body;
}

Result<Json> render_command(const FixReply& reply) {
  return Json(Json::Object{
      {"command", to_string(reply.command)}, {"plan", to_string(reply.plan)}, {"state", to_string(reply.state)}});
}
Result<Json> render_state(const FixReply& reply) {
  return Json(Json::Object{{"plan", to_string(reply.plan)}, {"state", to_string(reply.state)}});
}

Result<Answer> ask_about_plan(ApiContext& context, const ApiRequest& request, const char* action, Ask ask,
                              Result<Json> (*render)(const FixReply&)) {
  const Json body = TRY(read_body(request, of_plan_schema));
  auto loaded = std::make_shared<const LoadedPlan>(TRY(find_plan(context, body.string_or("plan"))));
  const AuditEntry entry = audit_entry(request, {.action = action, .target = to_string(loaded->plan.id)});
  return ask_desk(
      context, request,
      [loaded, entry, ask](FixEngine& engine, FixTime time, FixActions& actions) {
        return (engine.*ask)(*loaded, entry, time, actions);
      },
      render);
}

Result<Answer> post_preflight(ApiContext& context, const ApiRequest& request) {
  return ask_about_plan(context, request, "fix.preflight", &FixEngine::preflight, render_command);
}
Result<Answer> post_execute(ApiContext& context, const ApiRequest& request) {
  return ask_about_plan(context, request, "fix.execute", &FixEngine::execute, render_command);
}
Result<Answer> post_stop(ApiContext& context, const ApiRequest& request) {
  return ask_about_plan(context, request, "fix.stop", &FixEngine::stop, render_state);
}
Result<Answer> post_rollback(ApiContext& context, const ApiRequest& request) {
  return ask_about_plan(context, request, "fix.rollback", &FixEngine::roll_back, render_command);
}
Result<Answer> post_keep(ApiContext& context, const ApiRequest& request) {
  return ask_about_plan(context, request, "fix.keep", &FixEngine::keep, render_state);
}

Result<Answer> post_approve(ApiContext& context, const ApiRequest& request) {
  const Json body = TRY(read_body(request, approve_schema));
  auto loaded = std::make_shared<const LoadedPlan>(TRY(find_plan(context, body.string_or("plan"))));
  const std::optional<Bytes> envelope = from_base64url(body.string_or("envelope"));
  if (!envelope) return Error(Code::invalid, "member \"envelope\" is not base64url without padding");
  const AuditEntry entry = audit_entry(request, {.action = "fix.approve", .target = to_string(loaded->plan.id)});
  return ask_desk(
      context, request,
      [loaded, entry, envelope](FixEngine& engine, FixTime time, FixActions& actions) {
        return engine.approve(*loaded, *envelope, entry, time, actions);
      },
      [](const FixReply& reply) -> Result<Json> {
        return Json(
            Json::Object{{"counted", reply.counted}, {"needed", reply.needed}, {"state", to_string(reply.state)}});
      });
}

// -- Commands --------------------------------------------------------------------------------------------------------

Json render_checks(const StepCheck& check) {
  Json::Array listed;
  const Result<warrant::Envelope> envelope = warrant::decode_envelope(check.envelope);
  if (!envelope.ok()) return listed;
  const Result<warrant::PreflightReport> report = warrant::decode_preflight(envelope->payload);
  if (!report.ok()) return listed;
  for (const warrant::CheckResult& each : report->checks) {
    listed.push_back(Json::Object{
        {"name", each.name}, {"verdict", warrant::to_string(each.verdict)}, {"detail", to_utf8(each.detail)}});
  }
  return listed;
}

Result<Json::Array> render_preflight(const ApiContext& context, const FixCommand& command, const LoadedPlan& plan,
                                     bool done) {
  Json::Array steps;
  for (const StepCheck& check : TRY(context.store.fixes().list_checks(command.id))) {
    if (check.index >= plan.steps.size()) continue;
    Json each;
    each.set("index", check.index);
    each.set("host_name", plan.steps[check.index].host_name);
    each.set("state", done && check.state == "waiting" ? "no_answer" : check.state);
    each.set("detail", check.detail);
    each.set("checks", render_checks(check));
    each.set("result", Json());
    steps.push_back(std::move(each));
  }
  return steps;
}

// Each step with the newest receipt of its phase.
Result<Json::Array> render_run(const ApiContext& context, const LoadedPlan& plan, bool rollback) {
  std::map<uint32_t, Json> newest;
  for (const Receipt& receipt : TRY(context.store.fixes().list_receipts(plan.plan.id))) {
    if (receipt.index >= plan.steps.size()) continue;
    const std::optional<Json> shown = render_receipt(receipt, plan.steps[receipt.index].host_name);
    if (shown && (shown->string_or("phase") == "rollback") == rollback) newest[receipt.index] = *shown;
  }
  Json::Array steps;
  for (const FixStep& step : plan.steps) {
    const StepProgress& progress = step.progress;
    if (rollback && !progress.rollback) continue;
    Json each;
    each.set("index", progress.index);
    each.set("host_name", step.host_name);
    each.set("state", to_string(rollback ? *progress.rollback : progress.state));
    each.set("detail", rollback ? "" : progress.detail);
    each.set("checks", Json(Json::Array{}));
    each.set("result", newest.contains(progress.index) ? newest[progress.index] : Json());
    steps.push_back(std::move(each));
  }
  return steps;
}

bool is_over(const FixCommand& command, const LoadedPlan& plan, WallTime now) {
  if (command.kind == "preflight") return command.done || now - command.created > preflight_life;
  if (command.kind == "rollback") return plan.plan.state != PlanState::rolling_back;
  const bool under_way = std::any_of(plan.steps.begin(), plan.steps.end(), [](const FixStep& step) {
    return step.progress.state == FixStepState::dispatched;
  });
  return plan.plan.state != PlanState::running && !under_way;
}

Result<Answer> get_command(ApiContext& context, const ApiRequest& request) {
  TRY(QueryParams::parse(request.query, {}));
  const std::string& text = request.path_values.front();
  const std::optional<Uuid> id = parse_uuid(text);
  if (!id) return Error(Code::invalid, "\"" + printable(text, 80) + "\" is not a command's id; an id is a UUID");
  const FixCommand command = TRY(context.store.fixes().find_command(*id));
  const LoadedPlan plan = TRY(load_plan(context.store, command.plan));
  const bool done = is_over(command, plan, request.now);
  Json::Array steps;
  if (command.kind == "preflight") {
    steps = TRY(render_preflight(context, command, plan, done));
  } else {
    steps = TRY(render_run(context, plan, command.kind == "rollback"));
  }
  Json body;
  body.set("id", to_string(command.id));
  body.set("kind", command.kind);
  body.set("plan", to_string(command.plan));
  body.set("state", done ? "done" : "running");
  body.set("steps", std::move(steps));
  return Answer(json_reply(body));
}

// -- The table -------------------------------------------------------------------------------------------------------

constexpr std::string_view plan_state_type =
    "'waiting','approved','running','stopped','done','failed','vetoed','expired','rolling_back','rolled_back'";
constexpr std::array<SchemaField, 3> begun_fields{{{"command", "uuid"}, {"plan", "uuid"}, {"state", plan_state_type}}};
constexpr Schema begun_schema{"FixCommandBegun", "To be looked at under /v1/commands.", begun_fields};
constexpr std::array<SchemaField, 2> state_fields{{{"plan", "uuid"}, {"state", plan_state_type}}};
constexpr Schema state_schema{"FixPlanState", "What the plan is now.", state_fields};
constexpr std::array<SchemaField, 3> counted_fields{{
    {"counted", "int", "distinct persons whose approval counts"},
    {"needed", "int"},
    {"state", plan_state_type},
}};
constexpr Schema counted_schema{"FixApprovalCounted", "How far the approval of a plan is.", counted_fields};
constexpr std::array<SchemaField, 3> check_fields{{
    {"name", "string"},
    {"verdict", "'holds','fails','unknown'", "unknown never passes"},
    {"detail", "string"},
}};
constexpr Schema check_schema{"FixCheck", "Something that a runner looked at.", check_fields};
constexpr std::array<SchemaField, 6> command_step_fields{{
    {"index", "int"},
    {"host_name", "string"},
    {"state", "string", "of the step; of a preflight: waiting, done, offline, refused, no_answer"},
    {"detail", "string"},
    {"checks", "FixCheck[]", "of a preflight", &check_schema},
    {"result", "FixReceipt|null", "the newest, of a run or a rollback", &fix_receipt_schema},
}};
constexpr Schema command_step_schema{"FixCommandStep", "How far a command is with one step.", command_step_fields};
constexpr std::array<SchemaField, 5> command_fields{{
    {"id", "uuid"},
    {"kind", "'preflight','execute','rollback'"},
    {"plan", "uuid"},
    {"state", "'running','done'"},
    {"steps", "FixCommandStep[]", "by index", &command_step_schema},
}};
constexpr Schema command_schema{"FixCommand", "Something that takes its time.", command_fields};

constexpr std::array table{
    Route{"POST",
          "/v1/fix/preflight",
          Permission::fixes_plan,
          post_preflight,
          {.summary = "Ask the runners what they would say; nothing runs",
           .takes = &of_plan_schema,
           .gives = &begun_schema,
           .status = 202}},
    Route{"POST",
          "/v1/fix/approve",
          Permission::approvals_submit,
          post_approve,
          {.summary = "A signed approval or veto of a plan", .takes = &approve_schema, .gives = &counted_schema}},
    Route{"POST",
          "/v1/fix/execute",
          Permission::fixes_plan,
          post_execute,
          {.summary = "Run an approved plan, in waves; again is the same command",
           .takes = &of_plan_schema,
           .gives = &begun_schema,
           .status = 202}},
    Route{"POST",
          "/v1/fix/stop",
          Permission::fixes_stop,
          post_stop,
          {.summary = "Begin nothing more of a plan, and stop what runs",
           .takes = &of_plan_schema,
           .gives = &state_schema}},
    Route{"POST",
          "/v1/fix/rollback",
          Permission::fixes_plan,
          post_rollback,
          {.summary = "Roll back what has ended, last first",
           .takes = &of_plan_schema,
           .gives = &begun_schema,
           .status = 202}},
    Route{"POST",
          "/v1/fix/keep",
          Permission::fixes_plan,
          post_keep,
          {.summary = "Keep what would be rolled back by itself", .takes = &of_plan_schema, .gives = &state_schema}},
    Route{"GET",
          "/v1/commands/{id}",
          Permission::signals_read,
          get_command,
          {.summary = "How far a command is", .gives = &command_schema}},
};

}  // namespace

std::span<const Route> fix_commands_routes() {
  return table;
}

}  // namespace reeve::server
