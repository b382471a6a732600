// The one thread that writes an org's store.
//
// What arrives while a transaction runs is gathered into the next one, so that a hundred small blocks cost one sync.
// Work is done in the order in which it was handed over; whatever was asked behind a commit sees it. When the disk is
// full (or nearly so: `probe` keeps a reserve for queries) the writer pauses: commits fail at once, paused() says why,
// and it looks again by itself until there is room.
//
// The queue is bounded: a full one says no, and the sender closes the session or answers 503.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "common/base/mailbox.h"
#include "common/base/result.h"
#include "server/counters.h"
#include "server/store/store.h"

namespace reeve::server {

class StoreWriter {
 public:
  using OnCommitted = std::function<void(const Result<CommitOutcome>& outcome)>;  // called on the writer's thread

  struct Options {
    size_t tasks_max = 8192;
    size_t group_blocks_max = 512;  // of one transaction
    uint64_t group_bytes_max = 32_MiB;
    Duration probe_interval = 1s;    // between looks at the disk
    std::function<Status()> probe;   // whether there is room to write; none: only a failed commit tells
    std::function<void()> on_group;  // after each transaction that stored something; on the writer's thread
  };

  // `store` and `counters` outlive the writer.
  StoreWriter(Store& store, ServerCounters& counters, Options options);
  ~StoreWriter();  // as stop()

  // Any thread. False when the queue is full or the writer has stopped; nothing is called then.
  [[nodiscard]] bool try_commit(IncomingBlock block, OnCommitted on_committed);
  // All of them in one transaction of their own: stored together, or none.
  using OnAllCommitted = std::function<void(const Result<std::vector<CommitOutcome>>& outcomes)>;
  [[nodiscard]] bool try_commit_all(std::vector<IncomingBlock> blocks, OnAllCommitted on_committed);
  [[nodiscard]] bool try_commit(IncomingGap gap, OnCommitted on_committed);
  [[nodiscard]] bool try_run(std::function<void(Store& store)> work);

  // Runs `work` on the writer and waits for its answer. Any thread but the loop's. Code::unavailable when the queue is
  // full or the writer has stopped.
  Status run(std::function<Status(Store& store)> work);

  // Why commits are refused right now; nothing while they are taken. Any thread.
  std::optional<std::string> paused() const;

  size_t tasks_max() const { return options_.tasks_max; }
  size_t queued() const { return tasks_.size(); }
  uint64_t queued_bytes() const { return queued_bytes_; }

  // Finishes what was handed over, then ends the thread. Nothing is taken any more.
  void stop();

 private:
  struct BlockTask {
    IncomingBlock block;
    OnCommitted on_committed;
  };
  struct BatchTask {
    std::vector<IncomingBlock> blocks;
    OnAllCommitted on_committed;
  };
  struct GapTask {
    IncomingGap gap;
    OnCommitted on_committed;
  };
  struct WorkTask {
    std::function<void(Store& store)> work;
  };
  using Task = std::variant<BlockTask, BatchTask, GapTask, WorkTask>;

  void write_until_stopped();
  std::optional<Task> gather(BlockTask first, std::vector<BlockTask>& group);
  void commit(std::vector<BlockTask> group);
  void commit(const BatchTask& task);
  void commit(const GapTask& task);
  std::vector<Result<CommitOutcome>> store_group(std::span<const IncomingBlock> blocks);
  void note(const Status& outcome);
  void probe_when_due();
  void pause(const std::string& reason);

  Store& store_;
  ServerCounters& counters_;
  const Options options_;
  Mailbox<Task> tasks_;
  std::atomic<uint64_t> queued_bytes_{0};
  SystemClock clock_;
  Instant probed_;

  mutable std::mutex paused_mutex_;
  std::optional<std::string> paused_;
  std::thread thread_;
};

}  // namespace reeve::server
