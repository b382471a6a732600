// OTLP's JSON form, read into the same messages as its Protobuf form: names in lowerCamelCase, 64-bit integers as
// strings or numbers, enums as integers, trace and span ids as hex, other bytes as base64. Unknown members are passed
// by.
//
// Any thread.
#pragma once

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace reeve::proto::otlp {
class LogsRequest;
class MetricsRequest;
}  // namespace reeve::proto::otlp

namespace reeve::server {

// Code::invalid where it is no JSON, or a known member is of another type; the text names the member.
Status parse_otlp_json(BytesView body, proto::otlp::LogsRequest& request);
Status parse_otlp_json(BytesView body, proto::otlp::MetricsRequest& request);

}  // namespace reeve::server
