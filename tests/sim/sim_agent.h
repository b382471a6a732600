// An agent in a simulation: the real file collector, batcher, spool and link session; around them a shell of queues.
//
// The disk worker is a queue that is worked off at random speed and in order, as the real one's; what it answers
// reaches the core in a later step. Everything but the spool's directory is forgotten when the process dies.
//
// One thread.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "agent/batcher.h"
#include "agent/link.h"
#include "agent/spool.h"
#include "collectors/file.h"
#include "common/base/ids.h"
#include "common/base/random.h"
#include "common/base/result.h"
#include "tests/sim/sim_clock.h"
#include "tests/sim/sim_disk.h"
#include "tests/sim/sim_net.h"

namespace reeve::sim {

class SimAgent {
 public:
  // A new connection to the server, or nothing while it cannot be reached.
  using Connect = std::function<std::shared_ptr<SimConnection>()>;

  struct Options {
    Uuid id;
    std::string host;
    std::string logs;  // a glob
    std::string spool_directory = "/var/lib/reeve/spool";
    uint64_t spool_bytes_max = 1_MiB;
    uint64_t segment_bytes_max = 8_KiB;
    bool acknowledge_early = false;  // the planted bug: the spool is told before the server has said anything
  };

  // All outlive the agent.
  struct World {
    SimDisk& logs;
    SimDisk& spool;
    SimClock& clock;
    Random& random;
  };

  SimAgent(Options options, World world, Connect connect);
  ~SimAgent();

  // What the spool says while its disk is dead is no reason to complain; anything else is Code::corrupt.
  Status start();
  void kill();
  bool running() const { return spool_ != nullptr; }

  void step();
  void stop_faults() { faults_ = false; }

  // Sequences that the spool has declared gone; none are expected unless damage was done on purpose.
  size_t gaps() const;
  std::string describe() const;

 private:
  // One connection and its session.
  struct Link {
    Link(std::shared_ptr<SimConnection> over, agent::LinkSession::Options session_options, agent::SpoolView spool,
         Instant now)
        : connection(std::move(over)), session(std::move(session_options), std::move(spool), now) {}

    std::shared_ptr<SimConnection> connection;
    agent::LinkSession session;
    std::deque<Bytes> outgoing;
    bool closed = false;
  };

  struct FetchTask {
    std::weak_ptr<Link> link;
    agent::FetchBlock wanted;
  };
  struct FetchAnswer {
    std::weak_ptr<Link> link;
    agent::FetchBlock wanted;
    Result<Bytes> block;
  };
  using SpoolTask =
      std::variant<agent::SealedBlock, FetchTask, agent::AcknowledgeSpool, agent::SetAside, agent::BeginNewEpoch>;

  void collect();
  void work_off_spool_tasks();
  bool append(const agent::SealedBlock& sealed);  // false: the spool is full, try later
  void sync_spool();
  agent::SpoolView spool_view() const;

  void keep_link();
  void exchange_frames();
  void deliver_answers();
  void perform(std::vector<agent::LinkAction> actions);
  void perform(agent::LinkAction& action);

  const Options options_;
  const World world_;
  const Connect connect_;
  bool faults_ = true;

  std::unique_ptr<agent::Spool> spool_;
  std::unique_ptr<collect::FileCollector> collector_;
  std::unique_ptr<agent::Batcher> batcher_;
  std::shared_ptr<Link> link_;
  Instant next_connect_;
  std::deque<SpoolTask> tasks_;
  std::deque<FetchAnswer> answers_;
  std::vector<wire::SourcePosition> unsynced_;  // of blocks appended and not yet synced
  bool appended_ = false;
  std::string last_close_;
};

}  // namespace reeve::sim
