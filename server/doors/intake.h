// Where the doors' requests meet: it gathers what came within a few milliseconds, packs it into blocks, has them
// stored, and tells every request what became of it.
//
// It behaves like an agent of the server itself: a stream of its own (an agent id made from the org's name, a fresh
// epoch for each process, the live lane, sequences without holes), so its blocks are stored by the rules of all others.
// It is never enrolled, so no list of agents shows it, and no certificate can name it.
//
// One flush is under way at a time: its blocks go into one transaction, everything that comes meanwhile waits for the
// next. A flush that fails fails for all its requests, and its sequences are used again. A request is answered after
// the commit. Full (requests_max or bytes_max wait, or the store is paused) is a refusal to be tried again.
//
// A thread of its own; try_take from any.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "common/base/mailbox.h"
#include "common/base/random.h"
#include "common/base/result.h"
#include "server/doors/door_counters.h"
#include "server/doors/packer.h"
#include "server/doors/signals.h"
#include "server/store/store.h"

namespace reeve::server {

class StoreWriter;

// The agent id of an org's doors.
Uuid door_agent_id(std::string_view org);

class Intake {
 public:
  struct Options {
    std::string org;
    size_t requests_max = 4096;
    uint64_t bytes_max = 128_MiB;       // of decoded requests
    uint64_t flush_bytes_max = 16_MiB;  // no more is gathered into one flush
    Duration flush_interval = 5ms;      // between the begins of two
    Packer::Options packing{};
  };

  // What became of the request: stored (how many items were here before, by their ids), or why not.
  using OnStored = std::function<void(const Result<size_t>& replayed)>;

  // Everything here outlives the intake. Stop it before the writer.
  Intake(const Store& store, StoreWriter& writer, DoorCounters& counters, Options options);
  ~Intake();  // as stop()

  // `on_stored` is called once, on the intake's thread, unless this refuses: Code::unavailable where the queue is full,
  // Code::exhausted where the store takes nothing.
  Status take(SignalBatch batch, OnStored on_stored);

  DoorCounters& counters() { return counters_; }
  size_t queued() const { return queue_.size(); }

  // Finishes what waits, then ends the thread. Nothing is taken any more.
  void stop();

 private:
  struct Task {
    SignalBatch batch;
    OnStored on_stored;
  };

  void run();
  std::vector<Task> gather(Task first);
  void flush(const std::vector<Task>& tasks);
  Result<std::unordered_set<ItemId>> find_known(const std::vector<const SignalBatch*>& batches, WallTime now);
  Status store(std::vector<PackedBlock> blocks, WallTime now);
  Status commit(std::vector<IncomingBlock> blocks);
  void begin_epoch();

  const Store& store_;
  StoreWriter& writer_;
  DoorCounters& counters_;
  const Options options_;
  SystemClock clock_;
  SystemRandom random_;
  Packer packer_;
  const Uuid agent_;
  Uuid epoch_;
  uint64_t next_sequence_ = 1;

  Mailbox<Task> queue_;
  std::atomic<uint64_t> queued_bytes_{0};
  std::thread thread_;
};

}  // namespace reeve::server
