// What a plugin's thread and the worker share. It lives as long as either of them, so that a plugin that hangs while
// the program ends still has a host to come back to.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>

#include "agent/plugin_host.h"

namespace reeve::agent {

// A copy of what was emitted.
struct PluginItem {
  int32_t kind = 0;
  WallTime time;
  std::string text;
  std::vector<std::pair<std::string, std::string>> fields;  // sorted by key
  int32_t level = 0;
  std::string service;  // of logs; never empty
  std::string unit;
  double value = 0;

  size_t bytes() const;
};

// Any thread.
struct PluginCollector::Shared {
  Shared(PluginConfig the_config, std::function<void()> wake, PluginOwner the_owner);
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;

  const PluginConfig config;
  const PluginOwner owner;
  std::atomic<int64_t> called_ns{0};    // since when the plugin is being called; 0: it is not
  std::atomic<bool> went_round{false};  // it was polled, or cannot be

  // The plugin's side.
  const reeve_host* host() const { return &host_; }
  void set_name(std::string name);
  int32_t emit(const reeve_item* item);
  void log(int32_t level, std::string_view text);
  bool wait(Duration duration);  // false: the program ends
  bool stopping();
  void finish();  // the thread's last word

  // The worker's side.
  std::optional<PluginItem> take();
  uint64_t take_refused();
  bool stop(Duration patience);  // whether the thread has finished

 private:
  const std::function<void()> wake_;  // called under the lock, so that none comes after stop()
  reeve_host host_{};
  SystemClock clock_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::string name_ = "plugin";
  std::deque<PluginItem> items_;
  size_t bytes_ = 0;
  uint64_t refused_bytes_ = 0;
  bool closed_ = false;
  bool finished_ = false;
  Instant log_window_{INT64_MIN};
  uint32_t logged_ = 0;
  uint64_t log_left_out_ = 0;
};

// The plugin's thread: from loading to closing. The thread itself holds `shared`, for as long as the plugin may come
// back.
void run_plugin(const std::shared_ptr<PluginCollector::Shared>& shared);

}  // namespace reeve::agent
