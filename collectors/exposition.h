// Reads the pages that programs show their metrics on: Prometheus text 0.0.4 and OpenMetrics 1.0.
//
// Strict, as whoever scrapes must be: one wrong line makes the whole page wrong, because a page that is half understood
// shows half of the truth without saying so. The error names the line. A sample with more or longer labels than a block
// holds is left out and counted; the rest of the page stands. Exemplars are checked and skipped. A value that is not a
// number ("NaN", a quantile of nothing) is no sample for us: it is left out and counted.
//
// A series is a counter where its TYPE says so (in OpenMetrics its _total; _count, _sum and _bucket of histograms and
// summaries, too), or, without a type, where its name ends in _total. Everything else is a gauge.
//
// Pure: bytes in, samples out. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/wire/record.h"

namespace reeve::collect {

enum class Exposition : uint8_t { text, openmetrics };

// What a Content-Type says the page is; nothing where it is neither. An absent one counts as text.
std::optional<Exposition> find_exposition(std::string_view content_type);

// A page that was understood. Samples borrow from it.
class MetricPage {
 public:
  struct Limits {
    size_t samples_max = 50'000;  // more: Code::exhausted
    size_t labels_max = 56;       // of one sample; those of the target come on top
    size_t name_bytes_max = 256;  // of a metric and of a label
    size_t label_value_bytes_max = 1024;
    size_t families_max = 50'000;
  };

  struct Sample {
    std::string_view name;
    std::string_view unit;
    wire::MetricKind kind = wire::MetricKind::gauge;
    uint32_t labels_begin = 0;  // in labels(); sorted by key
    uint32_t labels_count = 0;
    std::optional<WallTime> time;  // only where the page says one
    double value = 0;
  };

  // Code::invalid with the line where the page breaks its format; Code::exhausted beyond samples_max.
  static Result<std::unique_ptr<MetricPage>> parse(Bytes page, Exposition exposition, const Limits& limits);

  const std::vector<Sample>& samples() const { return samples_; }
  std::span<const wire::Field> labels(const Sample& sample) const {
    return std::span(labels_).subspan(sample.labels_begin, sample.labels_count);
  }

  // Left out, and why; the bytes of their lines.
  size_t oversized() const { return oversized_; }
  uint64_t oversized_bytes() const { return oversized_bytes_; }
  size_t not_numbers() const { return not_numbers_; }

 private:
  friend class ExpositionParser;
  explicit MetricPage(Bytes text) : text_(std::move(text)) {}

  const Bytes text_;
  std::deque<std::string> unescaped_;  // label values that stand escaped on the page
  std::vector<Sample> samples_;
  std::vector<wire::Field> labels_;
  size_t oversized_ = 0;
  uint64_t oversized_bytes_ = 0;
  size_t not_numbers_ = 0;
};

}  // namespace reeve::collect
