// Turns OTLP's messages, however they were encoded, into signals.
//
//     logs       service.name -> service, host.name -> host, severity -> level, body -> body (JSON where it is no
//                string), attributes of record and resource -> fields, trace_id and span_id as hex
//     metrics    gauge -> gauge; sum -> counter where it only grows, else gauge, deltas summed up by the intake;
//                histogram -> counters <name>.count, <name>.sum and <name>.bucket{le}; exponential histogram and
//                summary
//                -> counters <name>.count and <name>.sum, and a summary's quantiles as gauges <name>{quantile}
//
// Any thread.
#pragma once

#include <cstdint>
#include <string>

#include "server/doors/signals.h"

namespace reeve::proto::otlp {
class LogsRequest;
class MetricsRequest;
}  // namespace reeve::proto::otlp

namespace reeve::server {

struct OtlpSignals {
  SignalBatch batch;
  uint64_t invalid = 0;      // records or points that were not taken
  uint64_t unsupported = 0;  // points of a kind we do not keep
  uint64_t not_finite = 0;   // points without a number
  std::string reason = {};   // of the first that was not taken
  uint64_t fields_left_out = 0;
  bool all_have_times = true;  // so equal bytes mean the same request sent again

  uint64_t rejected() const { return invalid + unsupported + not_finite; }
};

OtlpSignals convert(const proto::otlp::LogsRequest& request);
OtlpSignals convert(const proto::otlp::MetricsRequest& request);

}  // namespace reeve::server
