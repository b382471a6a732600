// The store's visible state is compared as one text, so that nothing can differ unnoticed.
#include "tests/sim/store_campaign.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "server/store/sqlite_store.h"
#include "server/store/store.h"
#include "tests/sim/numbered_block.h"
#include "tests/sim/sim_clock.h"
#include "tests/sim/sqlite_vfs.h"

namespace reeve::sim {
namespace {

using server::Store;
using wire::Lane;

constexpr const char* directory = "/data/org";
constexpr WallTime day_one = SimClock::wall_at_start;
constexpr Duration day = 24h;

struct Verb {
  std::string name;
  std::function<Status(Store&)> run;
  bool may_repeat = true;  // run again after a crash it has survived, as a caller who heard nothing would
};

Uuid agent_id(uint8_t n) {
  return Uuid{{n, 1, 1}};
}
const Uuid epoch{{9, 9, 9}};

server::IncomingBlock make_block(uint8_t agent, Lane lane, uint64_t sequence, WallTime arrival) {
  server::IncomingBlock block;
  block.identity = {agent_id(agent), epoch, lane, sequence};
  block.arrival = arrival;
  block.bytes = make_numbered_block(sequence * 10, sequence * 10 + 1 + sequence % 4);
  wire::stamp_block(block.bytes, block.identity);
  return block;
}

Verb commit(const std::string& name, std::vector<server::IncomingBlock> blocks) {
  const auto run = [blocks = std::move(blocks)](Store& store) -> Status {
    const auto outcomes = TRY(store.commit_blocks(blocks));
    for (const server::CommitOutcome& outcome : outcomes) {
      if (outcome.result == server::CommitResult::out_of_order) return Error(Code::corrupt, "a block out of order");
    }
    return {};
  };
  return {"commit " + name, run};
}

std::vector<Verb> make_verbs() {
  std::vector<Verb> verbs;
  for (uint8_t n = 1; n <= 2; ++n) {
    verbs.push_back({"add a token",
                     [n](Store& store) -> Status {
                       return store.add_enrol_token(
                           {.hash = Bytes(32, static_cast<char>(n)), .expires = day_one + day});
                     },
                     false});
    verbs.push_back({"enrol",
                     [n](Store& store) -> Status {
                       server::Agent agent;
                       agent.id = agent_id(n);
                       agent.host = "h" + std::to_string(n);
                       agent.enrolled = day_one;
                       return store.enrol_agent(Bytes(32, static_cast<char>(n)), day_one, agent);
                     },
                     false});
  }
  uint64_t first = 1;
  uint64_t second = 1;
  for (int round = 0; round < 6; ++round) {
    const WallTime at = day_one + (round < 3 ? Duration(0) : day);
    const std::string name = "round " + std::to_string(round);
    verbs.push_back(commit(name + ", one", {make_block(1, Lane::live, first, at)}));
    verbs.push_back(commit(name + ", three of two agents",
                           {make_block(1, Lane::live, first + 1, at), make_block(2, Lane::live, second, at),
                            make_block(1, Lane::live, first + 2, at)}));
    verbs.push_back({"gap " + name, [at, sequence = second + 1](Store& store) -> Status {
                       const server::IncomingGap gap{agent_id(2), epoch, Lane::live, sequence, sequence, "test", at};
                       TRY(store.commit_gap(gap));
                       return {};
                     }});
    verbs.push_back({"seen " + name, [at](Store& store) -> Status {
                       const server::AgentSeen seen{.agent = agent_id(1), .at = at, .host = "h1", .version = "1"};
                       return store.record_seen({&seen, 1});
                     }});
    first += 3;
    second += 2;
  }
  verbs.push_back({"revoke", [](Store& store) { return store.revoke_agent(agent_id(2)); }});
  verbs.push_back({"drop the first day", [](Store& store) -> Status {
                     TRY(store.drop_days_before(format_day(day_one + day)));
                     return {};
                   }});
  verbs.push_back(commit("after the drop", {make_block(1, Lane::live, first, day_one + day)}));
  return verbs;
}

// Everything that can be read, as text. Commit ids are left out but for their order.
Result<std::string> describe(const Store& store) {
  std::string text;
  std::vector<server::BlockRef> blocks;
  TRY(store.visit_blocks_by_commit({}, [&](const server::BlockRef& block) {
    blocks.push_back(block);
    return true;
  }));
  for (const server::BlockRef& block : blocks) {
    const Bytes bytes = TRY(store.read_block(block));
    TRY(wire::verify_block(bytes));
    const auto preamble = TRY(wire::parse_preamble(bytes));
    if (preamble.identity != block.identity) return Error(Code::corrupt, "the index points to another block");
    text += "block " + block.day + " agent " + to_string(block.identity.agent) + " " +
            std::to_string(block.identity.sequence) + ":";
    const auto numbers = TRY(read_numbers(bytes));
    for (const uint64_t number : numbers) text += " " + std::to_string(number);
    text += "\n";
  }

  size_t newest_first = 0;
  TRY(store.visit_blocks_newest_first({}, [&](const server::BlockRef&) {
    ++newest_first;
    return true;
  }));
  text += "newest first " + std::to_string(newest_first) + "\n";
  for (uint8_t n = 1; n <= 2; ++n) {
    const auto streams = TRY(store.stream_positions(agent_id(n)));
    for (const server::StreamPosition& stream : streams) text += "through " + std::to_string(stream.through) + "\n";
    const auto gaps = TRY(store.list_gaps(agent_id(n)));
    for (const server::GapRecord& gap : gaps) text += "gap from " + std::to_string(gap.gap.from) + "\n";
  }
  const auto agents = TRY(store.list_agents());
  for (const server::Agent& agent : agents) {
    text += "agent " + agent.host + (agent.revoked ? " revoked " : " ") + agent.version + " " +
            std::to_string(agent.last_seen.ns) + "\n";
  }
  const server::StoreCounters counters = TRY(store.counters());
  text += "counts " + std::to_string(counters.blocks) + " " + std::to_string(counters.rows) + " " +
          std::to_string(counters.damaged_blocks) + "\n";
  return text;
}

class Run {
 public:
  explicit Run(const StoreCampaign& campaign)
      : campaign_(campaign),
        random_(campaign.seed * 1'000'003 + campaign.crash_in_change),
        disk_(random_, &clock_),
        vfs_(disk_, random_, clock_) {
    disk_.lie_about_syncs(campaign.lie_about_syncs);
  }

  Status open() {
    store_ = TRY_DURING(
        server::open_sqlite_store({.directory = directory, .disk = disk_, .vfs = vfs_.name(), .exclusive = true}),
        "open the store");
    return {};
  }

  // What the store shows before the first verb and after each.
  Result<std::vector<std::string>> write_down(const std::vector<Verb>& verbs) {
    TRY(open());
    std::vector<std::string> states;
    states.push_back(TRY(describe(*store_)));
    for (const Verb& verb : verbs) {
      TRY_DURING(verb.run(*store_), verb.name);
      states.push_back(TRY_DURING(describe(*store_), verb.name));
    }
    return states;
  }

  Result<bool> crash_and_compare(const std::vector<Verb>& verbs, const std::vector<std::string>& states) {
    disk_.stop_after(campaign_.crash_in_change);
    size_t done = 0;
    if (open().ok()) {
      while (done < verbs.size() && verbs[done].run(*store_).ok()) ++done;
    }
    if (!disk_.stopped() && done < verbs.size()) return broken("a verb failed on a healthy disk: " + verbs[done].name);
    if (!disk_.stopped()) return false;
    TRY(reopen());

    const auto found = describe(*store_);
    if (!found.ok()) return broken("after the crash: " + found.error().text());
    if (!shown_.empty() && *found != shown_) {
      return broken("in '" + verbs[std::min(done, verbs.size() - 1)].name + "'; the first restart showed\n" + shown_ +
                    "and the second\n" + *found);
    }
    size_t next = done;
    if (*found != states[done]) {
      if (done == verbs.size() || *found != states[done + 1]) {
        return broken("in '" + (done < verbs.size() ? verbs[done].name : "the end") + "'; expected\n" + states[done] +
                      (done < verbs.size() ? "or\n" + states[done + 1] : "") + "found\n" + *found);
      }
      next = verbs[done].may_repeat ? done : done + 1;
    }

    for (; next < verbs.size(); ++next) {
      const Status status = verbs[next].run(*store_);
      if (!status.ok()) return broken("afterwards, " + verbs[next].name + ": " + status.error().text());
    }
    const auto end = describe(*store_);
    if (!end.ok()) return broken("at the end: " + end.error().text());
    if (*end != states.back()) return broken("at the end expected\n" + states.back() + "found\n" + *end);
    return true;
  }

 private:
  Error broken(const std::string& what) const {
    return Error(Code::corrupt, "store, seed " + std::to_string(campaign_.seed) + ", crash in change " +
                                    std::to_string(campaign_.crash_in_change) +
                                    (campaign_.crash == SimDisk::Crash::power_cut ? " (power cut): " : " (kill): ") +
                                    what);
  }

  Status reopen() {
    store_.reset();
    disk_.restart(campaign_.crash);
    if (campaign_.power_cut_after > 0) {
      disk_.stop_after(campaign_.power_cut_after);
      const Status opened = open();
      if (!opened.ok() && !disk_.stopped()) return broken("open after the crash: " + opened.error().text());
      // What was shown once, an agent may have been told.
      if (opened.ok() && !disk_.stopped()) shown_ = TRY(describe(*store_));
      disk_.stop();  // first, so that no clean ending tidies up
      store_.reset();
      disk_.restart(SimDisk::Crash::power_cut);
    }
    const Status opened = open();
    if (!opened.ok()) return broken("open after the crash: " + opened.error().text());
    return {};
  }

  const StoreCampaign campaign_;
  SeededRandom random_;
  SimClock clock_;
  SimDisk disk_;
  SqliteVfs vfs_;
  std::unique_ptr<Store> store_;
  std::string shown_;  // after the first restart, where it came to that
};

}  // namespace

Result<bool> run_store_campaign(const StoreCampaign& campaign) {
  // The same for every crash, so worked out once.
  static const std::vector<Verb> verbs = make_verbs();
  static const Result<std::vector<std::string>> states = Run({}).write_down(verbs);
  if (!states.ok()) return states.error().during("the store's verbs, without a crash");
  Run run(campaign);
  return run.crash_and_compare(verbs, *states);
}

}  // namespace reeve::sim
