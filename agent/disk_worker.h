// The one thread that owns the spool, and the only one that may wait for the disk to be written.
//
// Blocks come from the collect worker, everything else from the link. Each round drains what lies there, appends all
// blocks, and syncs once (group commit); then the link hears how far the spool is durable, and the collectors which
// positions are. When spool or disk is full, blocks wait here and files wait behind them; acknowledgements make room,
// and it tries again by itself.
//
// Bounds: blocks_max blocks wait in the mailbox and as many again here; tasks_max tasks of the link.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "agent/batcher.h"
#include "agent/link.h"
#include "agent/spool.h"
#include "common/base/mailbox.h"
#include "common/base/time.h"

namespace reeve::agent {

// What the loop thread learns after each round that changed something.
struct SpoolReport {
  SpoolView view;
  uint64_t bytes_held = 0;
  uint64_t quarantined = 0;
  Duration oldest_unsent_age{};
  std::string full_reason;  // empty where there is room
};

class DiskWorker {
 public:
  struct Handlers {
    std::function<void(SpoolReport report)> on_report;                              // on the disk worker's thread
    std::function<bool(std::vector<wire::SourcePosition>&& positions)> on_durable;  // false: later, again
  };

  DiskWorker(std::unique_ptr<Spool> spool, Clock& clock, Handlers handlers);
  ~DiskWorker();  // as stop()

  // Collect worker. False: full, keep the block (it is untouched) and try again when woken.
  [[nodiscard]] bool try_append(SealedBlock&& block) { return blocks_.try_send(std::move(block)); }
  // Waits for room; false once the worker stops.
  [[nodiscard]] bool append(SealedBlock block) { return blocks_.send(std::move(block)); }

  // Loop thread. `task` runs on the disk worker, in order; false: full, nothing was taken.
  using Task = std::function<void(Spool& spool)>;
  [[nodiscard]] bool try_run(Task task) { return tasks_.try_send(std::move(task)); }
  // Runs when every block handed over so far is durable.
  [[nodiscard]] bool try_when_durable(std::function<void()> task);

  // From now on a block that finds no room is given up: its lines are still in their files. Any thread.
  void stop_waiting_for_room();
  // Makes durable what was handed over, then ends the thread.
  void stop();

 private:
  static constexpr size_t blocks_max = 4;
  static constexpr size_t tasks_max = 1024;
  static constexpr size_t ages_max = 4096;

  void work();
  void take_blocks();
  void append_waiting();
  void sync();
  void note_full(const Error& error);
  void report();

  std::unique_ptr<Spool> spool_;
  Clock& clock_;
  const Handlers handlers_;
  Mailbox<Task> tasks_;
  Mailbox<SealedBlock> blocks_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> give_up_when_full_{false};

  // The worker's own.
  std::deque<SealedBlock> waiting_;
  std::vector<std::function<void()>> when_durable_;
  std::map<uint64_t, wire::SourcePosition> unsynced_;  // of blocks appended and not yet synced, by source
  std::map<uint64_t, wire::SourcePosition> durable_;   // not yet told
  std::deque<std::pair<uint64_t, Instant>> ages_;      // of live blocks; thinned out beyond ages_max
  bool unsynced_blocks_ = false;
  std::string full_reason_;

  std::thread thread_;
};

}  // namespace reeve::agent
