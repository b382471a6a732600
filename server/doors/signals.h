// What a door makes of one request: log rows and metric points that own their text, ready for the intake.
//
// A door decodes on a thread of the API's pool and fills one batch; the intake reads it on its own thread. Nothing in
// here knows JSON, Protobuf or HTTP.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/ids.h"
#include "common/base/time.h"
#include "common/wire/record.h"
#include "server/store/store.h"

namespace reeve::server {

// Bounds of one item, for every door.
constexpr size_t signal_name_bytes_max = 256;       // of a name, unit, service, host, or key of a field or label
constexpr size_t signal_text_bytes_max = 256_KiB;   // of a log's body
constexpr size_t signal_value_bytes_max = 32_KiB;   // of a field's value
constexpr size_t signal_label_bytes_max = 1024;     // of a label's value
constexpr size_t signal_fields_max = 200;           // of a log; the block would take 256
constexpr size_t signal_labels_max = 60;            // of a point; the block would take 64
constexpr size_t signal_time_ahead_max_hours = 24;  // a later time becomes the arrival's

// Of an id as sent, or of the bytes of a whole request; `kind` keeps these apart.
ItemId hash_item_id(std::string_view kind, BytesView text);

// Where a row says it came from; the name is what `source` shows.
enum class SignalSource : uint8_t { ingest, event, span, webhook, otlp };
constexpr std::string_view to_string(SignalSource source) {
  constexpr std::string_view names[] = {"ingest", "event", "span", "webhook", "otlp"};
  return names[static_cast<size_t>(source)];
}
constexpr size_t signal_sources = 5;

constexpr uint32_t no_item_id = UINT32_MAX;

struct Span32 {
  uint32_t begin = 0;
  uint32_t count = 0;
};

struct LogSignal {
  std::optional<WallTime> time{};  // none: the arrival's
  wire::Level level = wire::Level::unset;
  SignalSource source = SignalSource::ingest;
  std::string_view service{};
  std::string_view host{};
  std::string_view body{};
  Span32 fields{};           // in SignalBatch::fields
  uint32_t id = no_item_id;  // in SignalBatch::ids
};

struct PointSignal {
  std::optional<WallTime> time{};
  std::string_view host{};
  std::string_view name{};
  std::string_view unit{};
  wire::MetricKind kind = wire::MetricKind::gauge;
  bool is_delta = false;  // the value is what was added since the last point: the intake keeps the sum
  Span32 labels{};        // in SignalBatch::fields; sorted by key
  double value = 0;
  uint32_t id = no_item_id;
};

// Text that stays where it is until the batch goes. Moved and never copied: a copy's rows would show the first one's
// text, which may be gone.
class TextArena {
 public:
  TextArena() = default;
  TextArena(TextArena&&) noexcept = default;
  TextArena& operator=(TextArena&&) noexcept = default;

  std::string_view keep(std::string_view text);
  uint64_t bytes() const { return bytes_; }  // that it takes

 private:
  static constexpr size_t chunk_bytes_first = 4_KiB;  // most requests are small, and many may wait
  static constexpr size_t chunk_bytes = 64_KiB;
  std::vector<std::string> chunks_;  // each reserved once and never grown: moving one leaves its bytes where they are
  uint64_t bytes_ = 0;
};

struct SignalBatch {
  TextArena text{};
  std::vector<wire::Field> fields{};
  std::vector<LogSignal> logs{};
  std::vector<PointSignal> points{};
  std::vector<ItemId> ids{};
  std::optional<ItemId> request_id{};  // the whole request goes by one id: all of it is new, or none

  uint32_t add_id(const ItemId& id);
  // Sorts what was added to `fields` since `begin` by key and drops repeated keys, the first counts.
  Span32 finish_labels(size_t begin);
  Span32 finish_fields(size_t begin) const;

  bool empty() const { return logs.empty() && points.empty(); }
  size_t items() const { return logs.size() + points.size(); }
  uint64_t bytes() const;  // roughly what it takes in memory
};

}  // namespace reeve::server
