// See store_writer.h.
#include "server/store_writer.h"

#include <future>
#include <utility>

#include "common/base/log.h"

namespace reeve::server {
namespace {

// How long the writer sleeps when nothing comes; only the probe needs it to wake at all.
constexpr Duration idle_wait = 200ms;

uint64_t bytes_of(std::span<const IncomingBlock> blocks) {
  uint64_t bytes = 0;
  for (const IncomingBlock& block : blocks) bytes += block.bytes.size();
  return bytes;
}

}  // namespace

StoreWriter::StoreWriter(Store& store, ServerCounters& counters, Options options)
    : store_(store), counters_(counters), options_(std::move(options)), tasks_(options_.tasks_max) {
  thread_ = std::thread([this] { write_until_stopped(); });
}

StoreWriter::~StoreWriter() {
  stop();
}

void StoreWriter::stop() {
  tasks_.close();
  if (thread_.joinable()) thread_.join();
}

// -- Handing over
// ------------------------------------------------------------------------------------------------------

bool StoreWriter::try_commit(IncomingBlock block, OnCommitted on_committed) {
  const uint64_t bytes = block.bytes.size();
  queued_bytes_ += bytes;
  const bool taken = tasks_.try_send(BlockTask{std::move(block), std::move(on_committed)});
  if (!taken) queued_bytes_ -= bytes;
  return taken;
}

bool StoreWriter::try_commit_all(std::vector<IncomingBlock> blocks, OnAllCommitted on_committed) {
  const uint64_t bytes = bytes_of(blocks);
  queued_bytes_ += bytes;
  const bool taken = tasks_.try_send(BatchTask{std::move(blocks), std::move(on_committed)});
  if (!taken) queued_bytes_ -= bytes;
  return taken;
}

bool StoreWriter::try_commit(IncomingGap gap, OnCommitted on_committed) {
  return tasks_.try_send(GapTask{std::move(gap), std::move(on_committed)});
}

bool StoreWriter::try_run(std::function<void(Store& store)> work) {
  return tasks_.try_send(WorkTask{std::move(work)});
}

Status StoreWriter::run(std::function<Status(Store& store)> work) {
  // Shared, because a task that was never run must still find its promise when the queue is thrown away.
  auto done = std::make_shared<std::promise<Status>>();
  std::future<Status> outcome = done->get_future();
  const bool taken = try_run([done, work = std::move(work)](Store& store) { done->set_value(work(store)); });
  if (!taken) return Error(Code::unavailable, "the store's writer takes no more work right now");
  return outcome.get();
}

std::optional<std::string> StoreWriter::paused() const {
  std::lock_guard lock(paused_mutex_);
  return paused_;
}

// -- The writer's thread
// -----------------------------------------------------------------------------------------------

void StoreWriter::write_until_stopped() {
  std::optional<Task> task;
  while (true) {
    probe_when_due();
    if (!task) task = tasks_.receive(idle_wait);
    if (!task) {
      if (tasks_.closed() && tasks_.size() == 0) return;
      continue;
    }

    Task now = std::move(*task);
    task.reset();
    if (auto* block = std::get_if<BlockTask>(&now)) {
      std::vector<BlockTask> group;
      task = gather(std::move(*block), group);
      commit(std::move(group));
    } else if (auto* batch = std::get_if<BatchTask>(&now)) {
      commit(*batch);
    } else if (auto* gap = std::get_if<GapTask>(&now)) {
      commit(*gap);
    } else {
      std::get<WorkTask>(now).work(store_);
    }
  }
}

// Everything that lies ready and may share the transaction; gives the first task that may not.
std::optional<StoreWriter::Task> StoreWriter::gather(BlockTask first, std::vector<BlockTask>& group) {
  uint64_t bytes = first.block.bytes.size();
  group.push_back(std::move(first));
  while (group.size() < options_.group_blocks_max && bytes < options_.group_bytes_max) {
    std::optional<Task> next = tasks_.try_receive();
    if (!next) return std::nullopt;
    auto* block = std::get_if<BlockTask>(&*next);
    if (!block) return next;
    bytes += block->block.bytes.size();
    group.push_back(std::move(*block));
  }
  return std::nullopt;
}

void StoreWriter::commit(std::vector<BlockTask> group) {
  std::vector<IncomingBlock> blocks;
  blocks.reserve(group.size());
  uint64_t bytes = 0;
  for (BlockTask& task : group) {
    bytes += task.block.bytes.size();
    blocks.push_back(std::move(task.block));
  }

  const std::vector<Result<CommitOutcome>> outcomes = store_group(blocks);
  queued_bytes_ -= bytes;
  bool stored_any = false;
  for (size_t i = 0; i < group.size(); ++i) {
    if (outcomes[i].ok() && outcomes[i]->result == CommitResult::stored) {
      stored_any = true;
      ++counters_.blocks_stored;
      counters_.bytes_stored += blocks[i].bytes.size();
    }
    group[i].on_committed(outcomes[i]);
  }
  if (stored_any && options_.on_group) options_.on_group();
}

// One transaction for all. Where the store cannot take one of them, each gets its own: a block that is wrong in a way
// only the store sees must not hold up other agents.
std::vector<Result<CommitOutcome>> StoreWriter::store_group(std::span<const IncomingBlock> blocks) {
  if (const std::optional<std::string> reason = paused()) {
    return {blocks.size(), Result<CommitOutcome>(Error(Code::exhausted, *reason))};
  }
  const Result<std::vector<CommitOutcome>> together = store_.commit_blocks(blocks);
  note(together.ok() ? Status() : Status(together.error()));
  if (together.ok()) {
    check(together->size() == blocks.size(), "the store answers every block of a transaction");
    return {together->begin(), together->end()};
  }
  const Code code = together.error().code();
  const bool one_may_be_wrong = code == Code::invalid || code == Code::corrupt;
  if (blocks.size() == 1 || !one_may_be_wrong) return {blocks.size(), Result<CommitOutcome>(together.error())};

  std::vector<Result<CommitOutcome>> outcomes;
  for (const IncomingBlock& block : blocks) outcomes.push_back(store_group({&block, 1}).front());
  return outcomes;
}

void StoreWriter::commit(const BatchTask& task) {
  queued_bytes_ -= bytes_of(task.blocks);
  if (const std::optional<std::string> reason = paused()) {
    return task.on_committed(Error(Code::exhausted, *reason));
  }
  const Result<std::vector<CommitOutcome>> outcomes = store_.commit_blocks(task.blocks);
  note(outcomes.ok() ? Status() : Status(outcomes.error()));
  bool stored_any = false;
  for (size_t i = 0; outcomes.ok() && i < task.blocks.size(); ++i) {
    if ((*outcomes)[i].result != CommitResult::stored) continue;
    stored_any = true;
    ++counters_.blocks_stored;
    counters_.bytes_stored += task.blocks[i].bytes.size();
  }
  task.on_committed(outcomes);
  if (stored_any && options_.on_group) options_.on_group();
}

void StoreWriter::commit(const GapTask& task) {
  if (const std::optional<std::string> reason = paused()) {
    return task.on_committed(Error(Code::exhausted, *reason));
  }
  const Result<CommitOutcome> outcome = store_.commit_gap(task.gap);
  note(outcome.ok() ? Status() : Status(outcome.error()));
  if (outcome.ok() && outcome->result == CommitResult::stored) ++counters_.gaps_stored;
  task.on_committed(outcome);
}

void StoreWriter::note(const Status& outcome) {
  if (outcome.ok()) {
    ++counters_.commits;
    return;
  }
  ++counters_.commits_failed;
  log_error("commit failed", {{"error", outcome.error().text()}});
  if (outcome.error().code() == Code::exhausted) pause(outcome.error().text());
}

// -- Full, and no longer
// -----------------------------------------------------------------------------------------------

void StoreWriter::pause(const std::string& reason) {
  log_warn("ingest paused", {{"reason", reason}});
  std::lock_guard lock(paused_mutex_);
  paused_ = reason;
}

void StoreWriter::probe_when_due() {
  const Instant now = clock_.now();
  if (now - probed_ < options_.probe_interval) return;
  probed_ = now;

  const Status room = options_.probe ? options_.probe() : Status();
  const bool was_paused = paused().has_value();
  if (!room.ok() && !was_paused) pause(room.error().text());
  if (room.ok() && was_paused) {
    log_info("ingest goes on");
    std::lock_guard lock(paused_mutex_);
    paused_.reset();
  }
}

}  // namespace reeve::server
