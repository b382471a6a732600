// The server in a simulation: real ingest sessions and a real store, around them a shell that owns nothing but queues.
//
// The store's writer is a queue that is worked off at random speed, several blocks a commit as the real one does; its
// answers reach the sessions a step later, so that a kill falls between commit and acknowledgement as often as
// anywhere. A kill forgets everything but the store. After every commit the new blocks are shown to the ledger; after a
// restart all of them are.
//
// One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "common/base/ids.h"
#include "common/base/random.h"
#include "common/base/result.h"
#include "server/ingest.h"
#include "server/store/store.h"
#include "tests/sim/ledger.h"
#include "tests/sim/sim_clock.h"
#include "tests/sim/sim_net.h"

namespace reeve::sim {

class SimServer {
 public:
  // Where the store comes from at each start; the memory store is handed back by the same hands that keep it.
  using OpenStore = std::function<Result<std::shared_ptr<server::Store>>()>;

  // All references outlive the server.
  SimServer(OpenStore open_store, SimClock& clock, Random& random, Ledger& ledger);
  ~SimServer();

  // Code::corrupt: a promise is broken. What the store says while its disk is dead is no reason to complain.
  Status start();
  void kill();        // connections close, as the kernel does for a dead process
  void lose_power();  // connections stay open at the other end, and nobody answers
  bool running() const { return store_ != nullptr; }

  // Nothing is taken while the server is down.
  [[nodiscard]] bool accept(const Uuid& agent, std::shared_ptr<SimConnection> connection);

  Status step();
  void stop_faults() { faults_ = false; }

  // Acknowledges what it never stored: the planted bug that the simulator must find.
  void acknowledge_before_commit(bool canary) { canary_ = canary; }

  uint64_t commits() const { return commits_; }
  uint64_t sequences_missing() const { return counters_.sequences_missing; }
  const std::string& last_close() const { return last_close_; }

 private:
  struct Session {
    Session(const Uuid& of, std::shared_ptr<SimConnection> over, server::IngestSession::Options options, Instant now)
        : agent(of), connection(std::move(over)), core(of, options, now) {}

    Uuid agent;
    std::shared_ptr<SimConnection> connection;
    server::IngestSession core;
    std::deque<Bytes> outgoing;  // what the wire did not take yet
    bool closed = false;
  };
  using SessionPtr = std::shared_ptr<Session>;

  struct Task {
    std::weak_ptr<Session> session;
    Uuid agent;
    std::variant<server::CommitBlock, server::CommitGap, server::ReadStreamState> work;
  };
  struct Answer {
    std::weak_ptr<Session> session;
    std::variant<Result<server::CommitOutcome>, Result<std::vector<server::StreamPosition>>> content;
  };

  void perform(const SessionPtr& session, std::vector<server::IngestAction> actions);
  void close(const SessionPtr& session);
  void hear(const SessionPtr& session);
  void deliver_answers();
  Status work_off_tasks();
  Status commit_group();
  Status show_new_blocks();
  void forget_process();

  const OpenStore open_store_;
  SimClock& clock_;
  Random& random_;
  Ledger& ledger_;
  bool faults_ = true;
  bool canary_ = false;

  std::shared_ptr<server::Store> store_;
  std::map<Uuid, SessionPtr> sessions_;
  std::deque<Task> tasks_;
  std::deque<Answer> answers_;
  uint64_t shown_commit_id_ = 0;
  uint64_t commits_ = 0;
  std::string last_close_;
  server::IngestCounters counters_;
};

}  // namespace reeve::sim
