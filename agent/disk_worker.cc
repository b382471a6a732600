// See disk_worker.h.
#include "agent/disk_worker.h"

#include <algorithm>
#include <utility>

#include "common/base/log.h"

namespace reeve::agent {

namespace {

constexpr Duration round_max = 1s;          // looks again at the latest after
constexpr Duration retry_interval = 500ms;  // while spool or disk is full

std::vector<wire::SourcePosition> values_of(std::map<uint64_t, wire::SourcePosition>& positions) {
  std::vector<wire::SourcePosition> values;
  for (auto& [id, position] : positions) values.push_back(position);
  return values;
}

}  // namespace

DiskWorker::DiskWorker(std::unique_ptr<Spool> spool, Clock& clock, Handlers handlers)
    : spool_(std::move(spool)),
      clock_(clock),
      handlers_(std::move(handlers)),
      tasks_(tasks_max),
      // A full task box means the worker is awake already.
      blocks_(blocks_max, [this] { (void)tasks_.try_send([](Spool&) {}); }),
      thread_([this] { work(); }) {}

DiskWorker::~DiskWorker() {
  stop();
}

void DiskWorker::stop() {
  if (!thread_.joinable()) return;
  give_up_when_full_ = true;
  stopping_ = true;
  tasks_.close();
  blocks_.close();
  thread_.join();
}

void DiskWorker::stop_waiting_for_room() {
  give_up_when_full_ = true;
  (void)tasks_.try_send([](Spool&) {});  // a full box means the worker is awake already
}

bool DiskWorker::try_when_durable(std::function<void()> task) {
  return tasks_.try_send([this, task = std::move(task)](Spool&) { when_durable_.push_back(task); });
}

void DiskWorker::work() {
  report();
  while (true) {
    auto task = tasks_.receive(waiting_.empty() ? round_max : retry_interval);
    const bool last = stopping_.load();
    const bool had_task = task.has_value();
    for (size_t count = 0; task && count < tasks_max; ++count) {
      (*task)(*spool_);
      task = tasks_.try_receive();
    }
    if (task) (*task)(*spool_);

    take_blocks();
    append_waiting();
    sync();
    if (!durable_.empty() && handlers_.on_durable(values_of(durable_))) durable_.clear();
    if (had_task || !waiting_.empty()) report();
    // Behind the report: who asks "is all of it shipped?" must know how much there is.
    if (waiting_.empty() && !unsynced_blocks_ && blocks_.size() == 0) {
      for (const auto& then : std::exchange(when_durable_, {})) then();
    }
    if (last && tasks_.size() == 0 && blocks_.size() == 0 && waiting_.empty()) return;
  }
}

void DiskWorker::take_blocks() {
  while (waiting_.size() < blocks_max) {
    auto block = blocks_.try_receive();
    if (!block) return;
    waiting_.push_back(std::move(*block));
  }
}

void DiskWorker::append_waiting() {
  while (!waiting_.empty()) {
    SealedBlock& block = waiting_.front();
    const uint64_t sequence = spool_->lane(block.lane).next_durable;
    const Status appended = spool_->append(block.lane, block.bytes, block.positions);
    if (!appended.ok()) {
      note_full(appended.error());
      if (give_up_when_full_) waiting_.clear();
      return;
    }
    if (!full_reason_.empty()) log_info("the spool has room again");
    full_reason_.clear();
    unsynced_blocks_ = true;
    for (wire::SourcePosition& position : block.positions) unsynced_[position.id] = std::move(position);
    if (ages_.size() < ages_max && block.lane == wire::Lane::live) ages_.emplace_back(sequence, clock_.now());
    waiting_.pop_front();
    take_blocks();
  }
}

void DiskWorker::note_full(const Error& error) {
  if (full_reason_ == error.text()) return;
  if (full_reason_.empty()) log_warn("the spool is full and files wait", {{"reason", error.text()}});
  full_reason_ = error.text();
}

void DiskWorker::sync() {
  if (!unsynced_blocks_) return;
  const Status synced = spool_->sync();
  if (!synced.ok()) {
    log_warn("the spool cannot be synced", {{"error", synced.error().text()}});
    return;
  }
  unsynced_blocks_ = false;
  for (auto& [id, position] : unsynced_) durable_[id] = std::move(position);
  unsynced_.clear();
}

void DiskWorker::report() {
  SpoolReport report;
  report.view.epoch = spool_->epoch();
  for (size_t i = 0; i < wire::lane_count; ++i) report.view.lanes[i] = spool_->lane(static_cast<wire::Lane>(i));
  report.view.gaps = spool_->gaps();
  report.bytes_held = spool_->bytes_held();
  report.quarantined = spool_->quarantined_total();
  report.full_reason = full_reason_;

  const uint64_t first_held = report.view.lanes[static_cast<size_t>(wire::Lane::live)].first_held;
  while (!ages_.empty() && ages_.front().first < first_held) ages_.pop_front();
  if (!ages_.empty()) report.oldest_unsent_age = clock_.now() - ages_.front().second;
  handlers_.on_report(std::move(report));
}

}  // namespace reeve::agent
