// What came through each door and what became of it, for /metrics: plain sums, written where they happen and read by
// any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

namespace reeve::server {

enum class Door : uint8_t { ingest, events, spans, webhook, metrics, otlp_logs, otlp_metrics, remote_write };
inline constexpr std::array<std::string_view, 8> door_names{"ingest",  "events",    "spans",        "webhook",
                                                            "metrics", "otlp_logs", "otlp_metrics", "remote_write"};

// Of items. The first two are answered as accepted.
enum class DoorOutcome : uint8_t {
  stored,
  replayed,     // was here before, by its id
  invalid,      // wrong by itself
  unsupported,  // a kind we do not keep
  not_finite,   // NaN or infinity where a number is needed
  stale,        // remote_write's mark that a series ended
  busy,         // the queue was full, or the store took nothing: sent again by whoever wants it kept
};
inline constexpr std::array<std::string_view, 7> door_outcome_names{"stored",     "replayed", "invalid", "unsupported",
                                                                    "not_finite", "stale",    "busy"};

struct DoorCounters {
  std::array<std::array<std::atomic<uint64_t>, door_outcome_names.size()>, door_names.size()> items{};
  std::atomic<uint64_t> times_suspect{0};       // rows and points whose time became the arrival's
  std::atomic<uint64_t> fields_left_out{0};     // beyond the bound of one item
  std::atomic<uint64_t> redacted{0};            // secrets replaced
  std::atomic<uint64_t> delta_series_begun{0};  // sums of deltas that began at zero
  std::atomic<uint64_t> flushes{0};             // commits of gathered requests
  std::atomic<uint64_t> flushes_failed{0};

  void add(Door door, DoorOutcome outcome, uint64_t count) {
    if (count > 0) items[static_cast<size_t>(door)][static_cast<size_t>(outcome)] += count;
  }
  uint64_t of(Door door, DoorOutcome outcome) const {
    return items[static_cast<size_t>(door)][static_cast<size_t>(outcome)];
  }
};

}  // namespace reeve::server
