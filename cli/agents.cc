// Lists, invites and revokes agents.
#include "cli/agents.h"

#include <algorithm>

#include "cli/api.h"
#include "cli/harmless.h"
#include "cli/keys_store.h"
#include "cli/profile.h"
#include "cli/render.h"
#include "common/base/ids.h"

namespace reeve::cli {

namespace {

Result<Agent> find_agent(Client& client, const std::string& wanted) {
  std::vector<Agent> agents = TRY(client.agents());
  std::vector<Agent> found;
  std::optional<Agent> revoked;
  for (Agent& agent : agents) {
    const bool is_live = agent.state != "revoked";
    if (agent.id == wanted || (agent.host == wanted && is_live)) {
      found.push_back(std::move(agent));
    } else if (agent.host == wanted) {
      revoked = std::move(agent);
    }
  }
  // Revoking what is revoked is no error; a host's former agents are in nobody's way otherwise.
  if (found.empty() && revoked) return std::move(*revoked);
  if (found.size() == 1) return std::move(found.front());
  if (found.empty())
    return Error(Code::not_found,
                 "there is no agent \"" + wanted + "\", neither by id nor by host; `reeve agents list` shows all");

  std::string ids;
  for (const Agent& agent : found) ids += (ids.empty() ? "" : ", ") + agent.id;
  return Error(Code::invalid, "\"" + wanted + "\" is the host of " + std::to_string(found.size()) +
                                  " agents; say which by its id: " + ids);
}

// The command that makes the host's runner believe the org's root keys, by what is believed on this machine. Where that
// is nothing, nothing: the server's word would not do.
Result<std::string> runner_command(World& world, Client& client) {
  const std::vector<std::string> orgs = TRY(pinned_orgs(world));
  if (orgs.empty()) return std::string();
  const Me me = TRY(client.me());
  if (std::find(orgs.begin(), orgs.end(), me.org) == orgs.end()) return std::string();
  const LocalTrust local = TRY(load_trust(world, me.org));
  if (!local.state.trust()) return std::string();
  return "reeve-runner enroll --org " + me.org + " --root " +
         warrant::to_string(warrant::root_fingerprint(*local.state.trust()));
}

}  // namespace

Status run_agents_list(World& world, const AgentsListOptions& options) {
  const Profile profile = TRY(load_profile(world));
  Client client(world.http, profile);
  const std::vector<Agent> agents = TRY(client.agents());

  if (options.json) {
    std::string text;
    for (const Agent& agent : agents) text += harmless_json(agent.json.dump()) + "\n";
    return world.screen.print(text);
  }
  if (agents.empty()) {
    world.screen.say("no agent is enrolled yet; `reeve agents token` makes the command that enrols one");
    return {};
  }
  return world.screen.print(render_agents(agents, world.clock.wall()));
}

Status run_agents_token(World& world, const AgentsTokenOptions& options) {
  const Profile profile = TRY(load_profile(world));
  Client client(world.http, profile);
  const Token token = TRY(client.make_token(options.valid_for));

  const std::string runner = TRY(runner_command(world, client));
  if (options.json) {
    Json shown = token.json;
    if (!runner.empty()) shown.set("runner_command", runner);
    return world.screen.print(harmless_json(shown.dump()) + "\n");
  }
  world.screen.say("run this on the new host" +
                   (token.expires ? " before " + format_when(*token.expires, Zone::utc) : std::string()) +
                   "; it works once");
  if (runner.empty())
    world.screen.say(
        "it enrols the agent alone: this machine does not know the org's root keys, so the host could not tell whose "
        "fixes to run; begin with `reeve keys init`, or `reeve keys pin` and `reeve keys fetch`");
  return world.screen.print(harmless_line(token.command) + (runner.empty() ? "" : " && " + runner) + "\n");
}

Status run_agents_revoke(World& world, const AgentsRevokeOptions& options) {
  const Profile profile = TRY(load_profile(world));
  Client client(world.http, profile);
  const Agent agent = TRY(find_agent(client, options.agent));
  if (!parse_uuid(agent.id))
    return Error(Code::corrupt, "the server names an agent \"" + agent.id + "\", which is no id");

  TRY(client.revoke(agent.id));
  return world.screen.print("revoked " + agent.id + " on " + harmless_line(agent.host) +
                            "; it is cut off within 5 seconds, its data stays\nto let the host back in, enrol it anew: "
                            "reeve agents token\n");
}

}  // namespace reeve::cli
