#include "agent/plugin_host.h"

#include <algorithm>

#include "agent/plugin_shared.h"
#include "common/base/check.h"
#include "common/base/log.h"

namespace reeve::agent {
namespace {

constexpr size_t items_per_poll_max = 10'000;

wire::SourcePosition find_position(const PluginConfig& config, const PluginWorld& world) {
  wire::SourcePosition position;
  for (const wire::SourcePosition& known : world.restored) {
    if (known.kind == "plugin" && known.name == config.path && known.offset >= position.offset) position = known;
  }
  position.kind = "plugin";
  position.name = config.path;
  while (position.id == 0) position.id = world.random.next();
  return position;
}

}  // namespace

PluginCollector::PluginCollector(const PluginConfig& config, const PluginWorld& world)
    : shared_(std::make_shared<Shared>(config, world.wake, world.owner)),
      position_(find_position(config, world)),
      thread_([shared = shared_] { run_plugin(shared); }) {}

PluginCollector::~PluginCollector() {
  stop_thread();
}

collect::Poll PluginCollector::poll(Instant now, WallTime, collect::Intake& intake) {
  collect::Poll poll;
  poll.more = hand_on(intake);
  poll.at_end = shared_->went_round.load() && !poll.more;

  const int64_t called_ns = shared_->called_ns.load();
  const bool hangs = called_ns != 0 && now - Instant{called_ns} > poll_max;
  if (hangs && !hang_reported_) {
    log_warn("plugin does not come back", {{"plugin", shared_->config.path}, {"after", format_duration(poll_max)}});
  } else if (!hangs && hang_reported_) {
    log_info("plugin has come back", {{"plugin", shared_->config.path}});
  }
  hang_reported_ = hangs;
  poll.next = now + poll_max / 6;
  return poll;
}

// Whether there is more that could be handed on at once.
bool PluginCollector::hand_on(collect::Intake& intake) {
  std::vector<wire::Field> fields;
  bool rows = false;
  bool more = true;
  for (size_t left = items_per_poll_max; left > 0 && more; --left) {
    if (intake.full()) {
      more = false;  // whoever makes room wakes the worker
      break;
    }
    const auto item = shared_->take();
    if (!item) {
      more = false;
      break;
    }
    fields.clear();
    for (const auto& [key, value] : item->fields) fields.push_back({key, value});
    if (item->kind == REEVE_LOG) {
      if (!source_open_) {
        source_open_ = true;
        handle_ = intake.open_source(position_, item->service);
      }
      intake.record(handle_, item->text,
                    {.time = item->time,
                     .level = static_cast<wire::Level>(item->level),
                     .service = item->service,
                     .fields = fields});
      position_.offset += item->text.size() + 1;
      rows = true;
    } else {
      intake.metric({.name = item->text,
                     .unit = item->unit,
                     .kind = item->kind == REEVE_COUNTER ? wire::MetricKind::counter : wire::MetricKind::gauge,
                     .labels = fields,
                     .time = item->time,
                     .value = item->value});
    }
  }
  if (rows) intake.advance(handle_, position_);
  if (const uint64_t bytes = shared_->take_refused(); bytes > 0) intake.dropped("plugin_invalid", bytes);
  return more;
}

void PluginCollector::flush(collect::Intake& intake) {
  while (hand_on(intake)) {
  }
}

void PluginCollector::on_stop(collect::Intake& intake) {
  stop_thread();
  flush(intake);
}

void PluginCollector::stop_thread() {
  if (!thread_.joinable()) return;
  if (shared_->stop(stop_wait)) {
    thread_.join();
    return;
  }
  log_warn("plugin does not come back, the agent ends without it", {{"plugin", shared_->config.path}});
  thread_.detach();
}

}  // namespace reeve::agent
