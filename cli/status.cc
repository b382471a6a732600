// Sums up /readyz, /v1/me and /v1/agents.
#include "cli/status.h"

#include <algorithm>

#include "cli/api.h"
#include "cli/harmless.h"
#include "cli/human.h"
#include "cli/profile.h"

namespace reeve::cli {

namespace {

constexpr size_t gaps_shown_max = 10;

struct Fleet {
  size_t online = 0;
  size_t offline = 0;
  size_t revoked = 0;
  size_t gaps = 0;
  int64_t dropped = 0;
  int64_t spool_bytes = 0;
  const Agent* latest = nullptr;  // whose oldest unsent record is the oldest; revoked ones do not count
};

Fleet sum_up(const std::vector<Agent>& agents) {
  Fleet fleet;
  for (const Agent& agent : agents) {
    (agent.state == "online" ? fleet.online : agent.state == "revoked" ? fleet.revoked : fleet.offline) += 1;
    fleet.gaps += agent.gaps.size();
    fleet.dropped += agent.dropped;
    if (agent.state == "revoked") continue;
    fleet.spool_bytes += agent.spool_bytes;
    if (fleet.latest == nullptr || agent.oldest_unsent_age > fleet.latest->oldest_unsent_age) fleet.latest = &agent;
  }
  return fleet;
}

std::string describe_agents(const Fleet& fleet) {
  if (fleet.online + fleet.offline + fleet.revoked == 0) return "none yet; enrol one with: reeve agents token";
  std::string text = std::to_string(fleet.online) + " online, " + std::to_string(fleet.offline) + " offline";
  return fleet.revoked > 0 ? text + ", " + std::to_string(fleet.revoked) + " revoked" : text;
}

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

std::string describe_lag(const Fleet& fleet) {
  if (fleet.latest == nullptr || fleet.latest->oldest_unsent_age == Duration{})
    return "none: the agents have sent all they have";
  return human_seconds(seconds(fleet.latest->oldest_unsent_age)) + " on " + harmless_line(fleet.latest->host) + "; " +
         human_bytes(static_cast<double>(fleet.spool_bytes)) + " wait on the hosts";
}

std::string describe_gaps(const std::vector<Agent>& agents, const Fleet& fleet) {
  if (fleet.gaps == 0) return "none\n";
  std::string text = std::to_string(fleet.gaps) + "\n";
  size_t shown = 0;
  for (const Agent& agent : agents) {
    for (const LaneGap& gap : agent.gaps) {
      if (++shown > gaps_shown_max) return text + "           and more: reeve agents list --json\n";
      text += "           " + harmless_line(agent.host) + " " + harmless_line(gap.lane) + " " +
              std::to_string(gap.from) + ".." + std::to_string(gap.to) + ": " + harmless_line(gap.reason) + "\n";
    }
  }
  return text;
}

Json to_json(const Client& client, const Me& me, const std::optional<std::string>& trouble, const Fleet& fleet) {
  Json json;
  json.set("server", client.url());
  json.set("ready", !trouble.has_value());
  json.set("reason", trouble ? Json(*trouble) : Json());
  json.set("version", me.server_version);
  json.set("org", me.org);
  json.set("role", me.role);
  json.set("agents_online", uint64_t{fleet.online});
  json.set("agents_offline", uint64_t{fleet.offline});
  json.set("agents_revoked", uint64_t{fleet.revoked});
  json.set("lag_ms", fleet.latest != nullptr ? fleet.latest->oldest_unsent_age / 1ms : int64_t{0});
  json.set("spool_bytes", fleet.spool_bytes);
  json.set("dropped_total", fleet.dropped);
  json.set("gaps", uint64_t{fleet.gaps});
  return json;
}

}  // namespace

Status run_status(World& world, const StatusOptions& options) {
  const Profile profile = TRY(load_profile(world));
  Client client(world.http, profile);
  const std::optional<std::string> trouble = TRY(client.why_not_ready());
  const Me me = TRY(client.me());
  const std::vector<Agent> agents = TRY(client.agents());
  const Fleet fleet = sum_up(agents);

  if (options.json) {
    TRY(world.screen.print(harmless_json(to_json(client, me, trouble, fleet).dump()) + "\n"));
  } else {
    TRY(world.screen.print("server     " + client.url() + (trouble ? " does not take data" : " is ready") +
                           ", version " + harmless_line(me.server_version) + "\norg        " + harmless_line(me.org) +
                           ", you are " + harmless_line(me.role) + " (key " + harmless_line(me.key_prefix) +
                           "...)\nagents     " + describe_agents(fleet) + "\nlag        " + describe_lag(fleet) +
                           "\ndropped    " + human_number(static_cast<double>(fleet.dropped)) + "\ngaps       " +
                           describe_gaps(agents, fleet)));
  }
  if (trouble) return Error(Code::unavailable, *trouble);
  return {};
}

}  // namespace reeve::cli
