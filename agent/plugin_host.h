// Runs plugins: shared objects by others, beside the agent's own collectors. The ABI is plugins/plugin.h.
//
// Each has a thread of its own, on which it is loaded, opened, polled and closed; what it emits is checked, copied and
// held, bounded, until the worker takes it. So a plugin that is slow delays itself alone. One that does not come back
// is reported after poll_max, and at the end of the program it is left behind after stop_wait: nobody waits for it
// longer.
//
// A plugin that cannot be loaded or opened because something is wrong stays off until the next start; one whose far end
// is away is tried again, with pauses that grow up to a minute.
//
// A plugin's log records come from a source of the kind "plugin"; its position is a running count of bytes.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "agent/plugin_config.h"
#include "agent/plugin_file.h"
#include "collectors/collector.h"
#include "common/base/random.h"

namespace reeve::agent {

// What plugins stand on; outlives them.
struct PluginWorld {
  Random& random;                              // of the worker's thread
  std::vector<wire::SourcePosition> restored;  // every position that is durable
  std::function<void()> wake;                  // makes the worker poll soon; any thread, while the collectors live
  PluginOwner owner = PluginOwner::root;       // who may have written their files; tests load what they have built
};

// One thread: its worker.
class PluginCollector : public collect::Collector {
 public:
  static constexpr uint64_t held_bytes_max = 4_MiB;
  static constexpr Duration poll_max = 30s;
  static constexpr Duration stop_wait = 2s;
  static constexpr Duration pause_min = 1s;
  static constexpr Duration pause_max = 1min;

  PluginCollector(const PluginConfig& config, const PluginWorld& world);
  ~PluginCollector() override;  // as on_stop(), without handing on

  collect::Poll poll(Instant now, WallTime wall, collect::Intake& intake) override;
  void on_durable(std::span<const wire::SourcePosition>) override {}
  void flush(collect::Intake& intake) override;
  void on_stop(collect::Intake& intake) override;

  struct Shared;

 private:
  bool hand_on(collect::Intake& intake);
  void stop_thread();

  const std::shared_ptr<Shared> shared_;  // with the thread, which may outlive us
  wire::SourcePosition position_;
  bool source_open_ = false;
  collect::SourceHandle handle_ = 0;
  bool hang_reported_ = false;
  std::thread thread_;
};

}  // namespace reeve::agent
