// Plans: made from what people write, shown with their steps, approvals and receipts.
#include <algorithm>
#include <array>

#include "common/warrant/envelope.h"
#include "common/warrant/step.h"
#include "server/api/audit.h"
#include "server/api/fix_json.h"
#include "server/api/params.h"
#include "server/api/problem.h"
#include "server/api/tables.h"
#include "server/fix/org_trust.h"
#include "server/store/store.h"

namespace reeve::server {
namespace {

constexpr uint64_t plans_page_max = 500;
constexpr uint64_t plans_page_usual = 100;
constexpr uint64_t plan_body_bytes_max = 8_MiB;

// -- What a plan is made of ------------------------------------------------------------------------------------------

constexpr std::array<SchemaField, 6> argv_fields{{
    {"path", "string", "absolute"},
    {"sha256?", "string", "of the program, 64 hex digits; absent: as the host's policy has it"},
    {"arguments?", "string[]"},
    {"environment?", "map<string>", "all of it"},
    {"working_directory?", "string"},
    {"user", "string", "a name"},
}};
constexpr Schema argv_schema{"FixArgv", "A program with its arguments; never a shell string.", argv_fields};
constexpr std::array<SchemaField, 5> exec_fields{{
    {"argv?", "FixArgv", "this or action", &argv_schema},
    {"action?", "string", "one of the runner's built-in actions, like unit.restart"},
    {"arguments?", "any", "of the action: an object of texts and whole numbers"},
    {"timeout", "string", "1ms to 1h"},
    {"output_bytes?", "int", "kept of its output, at most 32768; usually 8192"},
}};
constexpr Schema exec_schema{"FixExec", "Something to run.", exec_fields};
constexpr std::array<SchemaField, 2> precondition_fields{{{"action", "string"}, {"arguments?", "any"}}};
constexpr Schema precondition_schema{"FixPrecondition", "A built-in probe that must hold.", precondition_fields};
constexpr std::array<SchemaField, 10> new_step_fields{{
    {"host", "string", "a runner's host name, or its 64-hex id"},
    {"exec", "FixExec", "", &exec_schema},
    {"probe?", "FixExec", "read-only; exits 0 where the step's effect is there, 1 where it is not", &exec_schema},
    {"rollback?", "FixExec", "", &exec_schema},
    {"rollback_on_failure?", "bool"},
    {"keep_within?", "string", "rolled back unless a keep comes so soon after its end"},
    {"effect", "'read_only','idempotent','once'"},
    {"risk", "int", "0 to 4"},
    {"approvals?", "int", "persons, at least 1; trust and the host may ask for more"},
    {"preconditions?", "FixPrecondition[]", "", &precondition_schema},
}};
constexpr Schema new_step_schema{"NewFixStep", "One thing to do on one host.", new_step_fields};
constexpr std::array<SchemaField, 4> new_plan_fields{{
    {"title", "string", "1 to 200 bytes"},
    {"valid_for", "string", "1s to 24h"},
    {"requester?", "string", "a person, who cannot approve it; absent: who asks"},
    {"steps", "NewFixStep[]", "1 to 10000", &new_step_schema},
}};
constexpr Schema new_plan_schema{"NewFixPlan", "A plan to be.", new_plan_fields};

Result<Answer> post_plan(ApiContext& context, const ApiRequest& request) {
  TRY(QueryParams::parse(request.query, {}));
  const Json body = TRY_DURING(parse_json(request.body), "the body is not JSON");
  TRY(check_against(body, new_plan_schema));
  const std::vector<Runner> runners = TRY(context.store.fixes().list_runners());
  const std::vector<Agent> agents = TRY(context.store.list_agents());
  SystemRandom random;
  Result<LoadedPlan> made =
      make_plan({.body = body,
                 .org = context.org,
                 .caller = request.credential.name.empty() ? request.credential.key_prefix : request.credential.name,
                 .id = make_uuid_v7(request.now, random),
                 .now = request.now,
                 .runners = runners,
                 .agents = agents});
  if (!made.ok()) {
    return Answer(problem_reply({.status = 422, .detail = made.error().text()}, request.request_id));
  }
  auto loaded = std::make_shared<const LoadedPlan>(std::move(*made));
  const FixPlan& plan = loaded->plan;
  const AuditEntry entry = audit_entry(request, {.action = "fix.plan",
                                                 .target = to_string(plan.id),
                                                 .detail = Json::Object{{"title", plan.title},
                                                                        {"requester", plan.requester},
                                                                        {"count", plan.count},
                                                                        {"hosts", plan.hosts},
                                                                        {"risk_max", plan.risk_max},
                                                                        {"root", to_hex(plan.root)}}});
  return ask_desk(
      context, request,
      [loaded, entry](FixEngine& engine, FixTime time, FixActions& actions) {
        return engine.add_plan(*loaded, entry, time, actions);
      },
      [loaded](const FixReply& reply) -> Result<Json> { return render_plan(*loaded, reply); });
}

// -- Plans and receipts ----------------------------------------------------------------------------------------------

Json render_head(const FixPlan& plan) {
  Json out;
  out.set("id", to_string(plan.id));
  out.set("title", plan.title);
  out.set("requester", plan.requester);
  out.set("state", to_string(plan.state));
  out.set("created", format_rfc3339(plan.created));
  out.set("not_after", format_rfc3339(plan.not_after));
  out.set("count", plan.count);
  out.set("hosts", plan.hosts);
  out.set("risk_max", plan.risk_max);
  return out;
}

Result<Answer> get_plans(ApiContext& context, const ApiRequest& request) {
  const QueryParams params = TRY(QueryParams::parse(request.query, {{"limit"}, {"cursor"}}));
  const uint64_t limit = TRY(params.number("limit", 1, plans_page_max)).value_or(plans_page_usual);
  PlanQuery query{.limit = limit + 1};  // one more tells whether there is a next page
  if (const std::optional<std::string> cursor = params.text("cursor")) {
    const std::optional<Uuid> id = parse_uuid(*cursor);
    if (!id || id->is_nil()) return bad_parameter("cursor", *cursor, "what \"next_cursor\" of the page before says");
    query.before = *id;
  }
  std::vector<FixPlan> plans = TRY(context.store.fixes().list_plans(query));
  const bool more = plans.size() > limit;
  if (more) plans.resize(limit);
  Json::Array listed;
  for (const FixPlan& plan : plans) listed.push_back(render_head(plan));
  Json body;
  body.set("plans", std::move(listed));
  body.set("next_cursor", more ? Json(to_string(plans.back().id)) : Json());
  return Answer(json_reply(body));
}

Result<Answer> get_plan(ApiContext& context, const ApiRequest& request) {
  TRY(QueryParams::parse(request.query, {}));
  auto loaded = std::make_shared<const LoadedPlan>(TRY(find_plan(context, request.path_values.front())));
  return ask_desk(
      context, request,
      [loaded](FixEngine& engine, FixTime time, FixActions&) { return engine.standing(*loaded, time); },
      [loaded](const FixReply& reply) -> Result<Json> { return render_plan(*loaded, reply); });
}

Result<Answer> get_receipts(ApiContext& context, const ApiRequest& request) {
  TRY(QueryParams::parse(request.query, {}));
  const LoadedPlan loaded = TRY(find_plan(context, request.path_values.front()));
  Json::Array listed;
  for (const Receipt& receipt : TRY(context.store.fixes().list_receipts(loaded.plan.id))) {
    if (receipt.index >= loaded.steps.size()) continue;
    const std::optional<Json> shown = render_receipt(receipt, loaded.steps[receipt.index].host_name);
    if (shown) listed.push_back(*shown);
  }
  Json body;
  body.set("plan", to_string(loaded.plan.id));
  body.set("receipts", std::move(listed));
  return Answer(json_reply(body));
}

// -- The table -------------------------------------------------------------------------------------------------------

constexpr std::string_view plan_state_type =
    "'waiting','approved','running','stopped','done','failed','vetoed','expired','rolling_back','rolled_back'";
constexpr std::string_view step_state_type =
    "'waiting','dispatched','not_started','done','failed','unknown','refused','expired'";
constexpr std::array<SchemaField, 9> head_fields{{
    {"id", "uuid"},
    {"title", "string"},
    {"requester", "string"},
    {"state", plan_state_type},
    {"created", "time"},
    {"not_after", "time"},
    {"count", "int", "of its steps"},
    {"hosts", "int"},
    {"risk_max", "int"},
}};
constexpr Schema head_schema{"FixPlanHead", "A plan in a list.", head_fields};
constexpr std::array<SchemaField, 2> plans_fields{{
    {"plans", "FixPlanHead[]", "newest first", &head_schema},
    {"next_cursor", "string|null"},
}};
constexpr Schema plans_schema{"FixPlans", "A page of the plans.", plans_fields};
constexpr std::array plans_query{
    Parameter{"limit", "int", "1-500, default 100"},
    Parameter{"cursor", "string", "of the page before"},
};
constexpr std::array<SchemaField, 9> step_fields{{
    {"index", "int"},
    {"id", "string", "SHA-256 of the bytes, hex"},
    {"bytes", "bytes", "what is approved and run (docs/warrant.md)"},
    {"host", "string", "64 hex digits"},
    {"host_name", "string"},
    {"state", step_state_type},
    {"code", "string", "of a refusal, or of how it ended"},
    {"detail", "string"},
    {"rollback_state", "'waiting','dispatched','not_started','done','failed','unknown','refused','expired'|null"},
}};
constexpr Schema step_schema{"FixStep", "One thing to do on one host, and how far it is.", step_fields};
constexpr std::array<SchemaField, 4> approval_fields{{
    {"person", "string"},
    {"decision", "'approve','veto'"},
    {"at", "time", "as its signer says"},
    {"envelope", "bytes"},
}};
constexpr Schema approval_schema{"FixApproval", "What somebody signed about a plan.", approval_fields};
constexpr std::array<SchemaField, 13> plan_fields{{
    {"id", "uuid"},
    {"title", "string"},
    {"requester", "string"},
    {"state", plan_state_type},
    {"created", "time"},
    {"not_after", "time"},
    {"count", "int", "of its steps"},
    {"hosts", "int"},
    {"risk_max", "int"},
    {"root", "string", "of the Merkle tree over the steps' bytes, hex"},
    {"approvals_needed", "int", "persons; 0: the trust file forbids it"},
    {"steps", "FixStep[]", "by index", &step_schema},
    {"approvals", "FixApproval[]", "oldest first", &approval_schema},
}};
constexpr std::array<SchemaField, 16> receipt_fields{{
    {"index", "int", "of the step"},
    {"step", "string", "its id, hex"},
    {"host", "string"},
    {"host_name", "string"},
    {"phase", "'exec','rollback'"},
    {"state", "'not_started','done','failed','unknown','refused'"},
    {"code", "string"},
    {"detail", "string"},
    {"exit_status", "int"},
    {"signal", "int", "0: none"},
    {"started", "time|null"},
    {"ended", "time|null"},
    {"output", "string", "redacted by the runner, cut to what the step allows"},
    {"output_bytes", "int", "all that came"},
    {"sequence", "int", "in the runner's chain of results; 0: a refusal, which is in none"},
    {"envelope", "bytes", "signed by the runner: the truth of all above"},
}};

}  // namespace

constexpr Schema fix_plan_schema{"FixPlan", "Steps that are approved together.", plan_fields};
constexpr Schema fix_receipt_schema{"FixReceipt", "What a runner signed about a step.", receipt_fields};

namespace {

constexpr std::array<SchemaField, 2> receipts_fields{{
    {"plan", "uuid"},
    {"receipts", "FixReceipt[]", "in the order of arrival", &fix_receipt_schema},
}};
constexpr Schema receipts_schema{"FixReceipts", "All that runners signed about a plan.", receipts_fields};

constexpr std::array table{
    Route{"POST",
          "/v1/fix/plan",
          Permission::fixes_plan,
          post_plan,
          {.summary = "Make a plan of steps; nothing runs by it",
           .takes = &new_plan_schema,
           .gives = &fix_plan_schema,
           .status = 201}}
        .taking(plan_body_bytes_max)
        .idempotent(),
    Route{"GET",
          "/v1/fix/plans",
          Permission::signals_read,
          get_plans,
          {.summary = "The plans, newest first", .query = plans_query, .gives = &plans_schema}},
    Route{"GET",
          "/v1/fix/plans/{id}",
          Permission::signals_read,
          get_plan,
          {.summary = "A plan with its steps and approvals", .gives = &fix_plan_schema}},
    Route{"GET",
          "/v1/fix/plans/{id}/receipts",
          Permission::signals_read,
          get_receipts,
          {.summary = "What the runners signed about a plan", .gives = &receipts_schema}},
};

}  // namespace

Json render_plan(const LoadedPlan& loaded, const FixReply& standing) {
  Json out = render_head(loaded.plan);
  out.set("root", to_hex(loaded.plan.root));
  out.set("approvals_needed", standing.needed);
  Json::Array steps;
  for (const FixStep& step : loaded.steps) {
    Json each;
    each.set("index", step.progress.index);
    each.set("id", to_hex(step.id));
    each.set("bytes", to_base64url(step.bytes));
    each.set("host", to_hex(step.host));
    each.set("host_name", step.host_name);
    each.set("state", to_string(step.progress.state));
    each.set("code", step.progress.code);
    each.set("detail", step.progress.detail);
    each.set("rollback_state", step.progress.rollback ? Json(to_string(*step.progress.rollback)) : Json());
    steps.push_back(std::move(each));
  }
  out.set("steps", std::move(steps));
  Json::Array approvals;
  for (const FixApproval& approval : loaded.approvals) {
    Json each;
    each.set("person", approval.person);
    each.set("decision", approval.veto ? "veto" : "approve");
    each.set("at", format_rfc3339(approval.at));
    each.set("envelope", to_base64url(approval.envelope));
    approvals.push_back(std::move(each));
  }
  out.set("approvals", std::move(approvals));
  return out;
}

std::optional<Json> render_receipt(const Receipt& receipt, const std::string& host_name) {
  const Result<warrant::Envelope> envelope = warrant::decode_envelope(receipt.envelope);
  if (!envelope.ok()) return std::nullopt;
  const Result<warrant::StepResult> result = warrant::decode_result(envelope->payload);
  if (!result.ok()) return std::nullopt;
  const auto time = [](int64_t ms) { return ms > 0 ? Json(format_rfc3339(from_ms(ms))) : Json(); };
  Json out;
  out.set("index", receipt.index);
  out.set("step", to_hex(receipt.step));
  out.set("host", to_hex(receipt.host));
  out.set("host_name", host_name);
  out.set("phase", warrant::to_string(result->phase));
  out.set("state", warrant::to_string(result->state));
  out.set("code", result->code);
  out.set("detail", result->detail);
  out.set("exit_status", int64_t{result->exit_status});
  out.set("signal", result->signal);
  out.set("started", time(result->started_ms));
  out.set("ended", time(result->ended_ms));
  out.set("output", to_utf8(result->output));
  out.set("output_bytes", result->output_bytes);
  out.set("sequence", result->sequence);
  out.set("envelope", to_base64url(receipt.envelope));
  return out;
}

Result<LoadedPlan> find_plan(const ApiContext& context, std::string_view text) {
  const std::optional<Uuid> id = parse_uuid(text);
  if (!id) return Error(Code::invalid, "\"" + printable(text, 80) + "\" is not a plan's id; an id is a UUID");
  return load_plan(context.store, *id);
}

Answer ask_desk(ApiContext& context, const ApiRequest& request, FixDesk::Work work,
                std::function<Result<Json>(const FixReply& reply)> render) {
  FixDesk* desk = context.fixes;
  return Later{
      [desk, id = request.request_id, work = std::move(work), render = std::move(render)](const Later::Finish& finish) {
        if (desk == nullptr) return finish(Error(Code::unavailable, "this server does not work on fixes"));
        desk->ask(work, [id, render, finish](const Result<FixReply>& reply) {
          if (!reply.ok()) return finish(reply.error());
          if (reply->status >= 400) {
            const char* code = reply->status == 503 ? "unavailable" : "invalid";
            return finish(problem_reply({.status = reply->status, .code = code, .detail = reply->detail}, id));
          }
          const Result<Json> body = render(*reply);
          if (!body.ok()) return finish(body.error());
          finish(json_reply(*body, reply->status));
        });
      }};
}

std::span<const Route> fix_routes() {
  return table;
}

}  // namespace reeve::server
