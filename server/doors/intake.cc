// See intake.h.
#include "server/doors/intake.h"

#include <future>
#include <span>
#include <utility>

#include "common/base/log.h"
#include "common/sys/crypto.h"
#include "common/wire/block.h"
#include "server/store_writer.h"

namespace reeve::server {
namespace {

constexpr Duration idle_wait = 1s;
// An id counts for at least this long: the day's file it lies in and the one before are looked up.
constexpr Duration ids_known_for = 24h;

// How many of the batch's items are left out because they were here before.
size_t count_replayed(const SignalBatch& batch, const std::unordered_set<ItemId>& known) {
  if (batch.request_id && known.contains(*batch.request_id)) return batch.items();
  size_t count = 0;
  for (const ItemId& id : batch.ids) count += known.contains(id) ? 1 : 0;
  return count;
}

}  // namespace

Uuid door_agent_id(std::string_view org) {
  Uuid id = hash_item_id("the doors of an org", org);
  id.bytes[6] = static_cast<uint8_t>((id.bytes[6] & 0x0f) | 0x80);  // version 8: made by a rule of our own
  id.bytes[8] = static_cast<uint8_t>((id.bytes[8] & 0x3f) | 0x80);
  return id;
}

Intake::Intake(const Store& store, StoreWriter& writer, DoorCounters& counters, Options options)
    : store_(store),
      writer_(writer),
      counters_(counters),
      options_(std::move(options)),
      packer_(counters, options_.packing),
      agent_(door_agent_id(options_.org)),
      queue_(options_.requests_max) {
  begin_epoch();
  thread_ = std::thread([this] { run(); });
}

Intake::~Intake() {
  stop();
}

void Intake::stop() {
  queue_.close();
  if (thread_.joinable()) thread_.join();
}

void Intake::begin_epoch() {
  epoch_ = make_uuid_v4(random_);
  next_sequence_ = 1;
}

Status Intake::take(SignalBatch batch, OnStored on_stored) {
  if (const std::optional<std::string> reason = writer_.paused()) {
    return Error(Code::exhausted, "the store takes nothing right now: " + *reason);
  }
  const uint64_t bytes = batch.bytes();
  if (queued_bytes_.fetch_add(bytes) + bytes <= options_.bytes_max &&
      queue_.try_send(Task{std::move(batch), std::move(on_stored)})) {
    return {};
  }
  queued_bytes_ -= bytes;
  return Error(Code::unavailable, "too many signals wait for the disk; try again in a second");
}

// -- The intake's thread
// -----------------------------------------------------------------------------------------------

void Intake::run() {
  Instant begun;
  while (true) {
    std::optional<Task> first = queue_.receive(idle_wait);
    if (!first) {
      if (queue_.closed() && queue_.size() == 0) return;
      continue;
    }
    // Under load flushes begin in a steady beat; after a pause the first one begins at once.
    const Duration left = begun + options_.flush_interval - clock_.now();
    if (left > Duration(0)) std::this_thread::sleep_for(left);
    begun = clock_.now();
    flush(gather(std::move(*first)));
  }
}

std::vector<Intake::Task> Intake::gather(Task first) {
  std::vector<Task> tasks;
  uint64_t bytes = first.batch.bytes();
  tasks.push_back(std::move(first));
  while (bytes < options_.flush_bytes_max) {
    std::optional<Task> next = queue_.try_receive();
    if (!next) break;
    bytes += next->batch.bytes();
    tasks.push_back(std::move(*next));
  }
  queued_bytes_ -= bytes;
  return tasks;
}

void Intake::flush(const std::vector<Task>& tasks) {
  ++counters_.flushes;
  const WallTime now = clock_.wall();
  std::vector<const SignalBatch*> batches;
  batches.reserve(tasks.size());
  for (const Task& task : tasks) batches.push_back(&task.batch);

  Result<std::unordered_set<ItemId>> known = find_known(batches, now);
  Status stored;
  if (known.ok()) {
    stored = store(packer_.pack(batches, *known, now), now);
  } else {
    stored = known.error();
  }
  if (!stored.ok()) {
    ++counters_.flushes_failed;
    packer_.take_back();
  } else {
    packer_.keep();
  }
  for (const Task& task : tasks) {
    if (stored.ok()) {
      task.on_stored(count_replayed(task.batch, *known));
    } else {
      task.on_stored(stored.error());
    }
  }
}

Result<std::unordered_set<ItemId>> Intake::find_known(const std::vector<const SignalBatch*>& batches, WallTime now) {
  std::vector<ItemId> ids;
  for (const SignalBatch* batch : batches) {
    ids.insert(ids.end(), batch->ids.begin(), batch->ids.end());
    if (batch->request_id) ids.push_back(*batch->request_id);
  }
  if (ids.empty()) return std::unordered_set<ItemId>();
  const std::vector<ItemId> known = TRY(store_.find_items(ids, now - ids_known_for));
  return std::unordered_set<ItemId>(known.begin(), known.end());
}

Status Intake::store(std::vector<PackedBlock> blocks, WallTime now) {
  if (blocks.empty()) return {};
  std::vector<IncomingBlock> incoming;
  incoming.reserve(blocks.size());
  for (PackedBlock& block : blocks) {
    const wire::BlockIdentity identity{
        .agent = agent_, .epoch = epoch_, .lane = wire::Lane::live, .sequence = next_sequence_ + incoming.size()};
    wire::stamp_block(block.bytes, identity);
    incoming.push_back(
        {.identity = identity, .arrival = now, .bytes = std::move(block.bytes), .item_ids = std::move(block.ids)});
  }
  const size_t count = incoming.size();
  TRY(commit(std::move(incoming)));
  next_sequence_ += count;
  return {};
}

// Stored, all of them, when ok; waits for the writer.
Status Intake::commit(std::vector<IncomingBlock> blocks) {
  auto done = std::make_shared<std::promise<Status>>();
  std::future<Status> outcome = done->get_future();
  const auto on_committed = [done](const Result<std::vector<CommitOutcome>>& outcomes) {
    if (!outcomes.ok()) return done->set_value(outcomes.error());
    for (const CommitOutcome& each : *outcomes) {
      if (each.result != CommitResult::stored) {
        return done->set_value(Error(Code::cancelled, "the store has other blocks of this stream"));
      }
    }
    done->set_value({});
  };
  if (!writer_.try_commit_all(std::move(blocks), on_committed)) {
    return Error(Code::unavailable, "the store's writer takes no more work right now");
  }
  Status stored = outcome.get();
  // An earlier commit was reported as failed and happened after all: a new stream has no such past.
  if (!stored.ok() && stored.error().code() == Code::cancelled) {
    log_error("the doors' stream begins anew", {{"org", options_.org}, {"reason", stored.error().text()}});
    begin_epoch();
  }
  return stored;
}

}  // namespace reeve::server
