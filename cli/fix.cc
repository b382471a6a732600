// Tells the server what to do with a plan, and, where asked to, waits for how it ends.
#include "cli/fix.h"

#include "cli/api.h"
#include "cli/harmless.h"
#include "cli/human.h"
#include "cli/profile.h"
#include "cli/times.h"
#include "common/base/ids.h"

namespace reeve::cli {

namespace {

constexpr Duration poll_pause = 1s;
constexpr int preflight_polls_max = 120;
constexpr size_t pages_max = 1000;

Json plan_body(const std::string& plan) {
  Json body;
  body.set("plan", plan);
  return body;
}

// The command that the server began, once it is done. `polls_max` 0: however long it takes.
Result<Json> wait_for_command(World& world, Client& client, const std::string& id, int polls_max) {
  for (int polls = 0; polls_max == 0 || polls < polls_max; ++polls) {
    Json command = TRY(client.get("/v1/commands/" + id));
    if (command.string_or("state") == "done") return command;
    if (!world.patience.wait(poll_pause)) return Error(Code::cancelled, "interrupted");
  }
  return Error(Code::unavailable, "the hosts have not all answered within " +
                                      format_duration(poll_pause * preflight_polls_max) + "; command " + id);
}

Result<std::string> begin_command(Client& client, const std::string& path, const std::string& plan) {
  const Json answer = TRY(client.post(path, plan_body(plan)));
  const std::string id = answer.string_or("command");
  if (!parse_uuid(id)) return Error(Code::corrupt, "the server calls the command \"" + id + "\", which is no id");
  return id;
}

const Json::Array& rows_or_none(const Json& answer, const char* member) {
  static const Json::Array none;
  const Json* rows = answer.find(member);
  return rows != nullptr && rows->is_array() ? *rows->as_array() : none;
}

// "holds" alone is good: what nobody knows is not.
Status show_preflight(World& world, const Json& command) {
  std::string text;
  size_t hosts = 0;
  size_t unfit = 0;
  for (const Json& step : rows_or_none(command, "steps")) {
    const Json::Array& checks = rows_or_none(step, "checks");
    std::string wrong;
    for (const Json& check : checks) {
      if (check.string_or("verdict") == "holds") continue;
      wrong += "      " + harmless_line(check.string_or("name")) + " " + harmless_line(check.string_or("verdict")) +
               ": " + harmless_line(check.string_or("detail")) + "\n";
    }
    const bool is_fit = !checks.empty() && wrong.empty();
    hosts += 1;
    unfit += !is_fit;
    text += "  [" + std::to_string(step.int_or("index")) + "] " + harmless_line(step.string_or("host_name")) + "  " +
            (is_fit           ? "would run it: " + std::to_string(checks.size()) + " checks hold"
             : checks.empty() ? "has not answered (" + harmless_line(step.string_or("state")) + ")"
                              : "would refuse:") +
            "\n" + wrong;
  }
  TRY(world.screen.print(text));
  if (hosts == 0) return Error(Code::corrupt, "the server shows no step of the preflight");
  if (unfit > 0)
    return Error(Code::invalid, std::to_string(unfit) + " of " + std::to_string(hosts) + " steps would not run now");
  return {};
}

Status show_end(World& world, Client& client, const std::string& plan) {
  const Json answer = TRY(client.get("/v1/fix/plans/" + plan));
  std::string text;
  for (const Json& step : rows_or_none(answer, "steps")) {
    text += "  [" + std::to_string(step.int_or("index")) + "] " + harmless_line(step.string_or("host_name")) + "  " +
            harmless_line(step.string_or("state"));
    const std::string code = step.string_or("code");
    const std::string detail = step.string_or("detail");
    if (!code.empty()) text += " (" + harmless_line(code) + ")";
    if (!detail.empty()) text += ": " + harmless_line(detail);
    if (const std::string undone = step.string_or("rollback_state"); !undone.empty())
      text += "; rollback " + harmless_line(undone);
    text += "\n";
  }
  const std::string state = answer.string_or("state");
  TRY(world.screen.print(text + "the plan is " + harmless_line(state) + "; what the hosts signed: reeve receipts " +
                         plan + "\n"));
  if (state == "done") return {};
  return Error(Code::invalid, "plan " + plan + " ended as " + state);
}

}  // namespace

Status run_fix(World& world, const FixRunOptions& options) {
  const Profile profile = TRY(load_profile(world));
  Client client(world.http, profile);
  if (options.preflight) {
    const std::string id = TRY(begin_command(client, "/v1/fix/preflight", options.plan));
    const Json command = TRY(wait_for_command(world, client, id, preflight_polls_max));
    TRY(show_preflight(world, command));
    if (!options.wait) return {};
    world.screen.say("--wait does nothing beside --preflight, which always waits; to run it, leave --preflight out");
    return {};
  }
  const std::string id = TRY(begin_command(client, "/v1/fix/execute", options.plan));
  if (!options.wait)
    return world.screen.print("plan " + options.plan + " is running; one host first, then more\nwatch it: reeve run " +
                              options.plan + " --wait, or reeve receipts " + options.plan + "\nstop it:  reeve stop " +
                              options.plan + "\n");
  const Result<Json> ended = wait_for_command(world, client, id, 0);
  if (!ended && ended.error().code() == Code::cancelled)
    world.screen.say("no longer watched, but it goes on; stop it with: reeve stop " + options.plan);
  if (!ended) return ended.error();
  return show_end(world, client, options.plan);
}

Status run_fix_order(World& world, const FixOrderOptions& options) {
  const Profile profile = TRY(load_profile(world));
  Client client(world.http, profile);
  struct Words {
    const char* path;
    const char* said;
  };
  using Kind = FixOrderOptions::Kind;
  const Words words = options.kind == Kind::stop
                          ? Words{"/v1/fix/stop", "no further step starts, and those that run are told to stop"}
                      : options.kind == Kind::rollback
                          ? Words{"/v1/fix/rollback", "the hosts are told to undo it by the rollbacks that were signed"}
                          : Words{"/v1/fix/keep", "the hosts are told to keep it"};
  TRY(client.post(words.path, plan_body(options.plan)));
  return world.screen.print("plan " + options.plan + ": " + words.said + "\nwhat they answered: reeve receipts " +
                            options.plan + "\n");
}

Status run_fixes(World& world, const FixesOptions& options) {
  const Profile profile = TRY(load_profile(world));
  Client client(world.http, profile);
  std::vector<std::vector<std::string>> rows;
  std::string cursor;
  for (size_t pages = 0; pages < pages_max; ++pages) {
    Client::Query query;
    if (!cursor.empty()) query.emplace_back("cursor", cursor);
    const Json answer = TRY(client.get("/v1/fix/plans", std::move(query)));
    for (const Json& plan : rows_or_none(answer, "plans")) {
      if (options.json) {
        TRY(world.screen.print(harmless_json(plan.dump()) + "\n"));
        continue;
      }
      const std::optional<WallTime> created = parse_rfc3339(plan.string_or("created"));
      rows.push_back({harmless_line(plan.string_or("id")), harmless_line(plan.string_or("state")),
                      created ? format_age(*created, world.clock.wall()) : "-",
                      harmless_line(plan.string_or("requester")), harmless_line(plan.string_or("title"))});
    }
    cursor = answer.string_or("next_cursor");
    if (cursor.empty()) break;
  }
  if (options.json) return {};
  if (rows.empty()) {
    world.screen.say("there is no plan yet; make one with: reeve plan FILE");
    return {};
  }
  return world.screen.print(render_table({{"ID"}, {"STATE"}, {"MADE"}, {"ASKED BY"}, {"TITLE"}}, rows));
}

}  // namespace reeve::cli
