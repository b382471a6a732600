// See common_keys.h.
#include "agent/parse/common_keys.h"

#include "agent/parse/level_word.h"
#include "agent/parse/line_parser.h"

namespace reeve::agent {

namespace {

constexpr BytesView trace_id_key = "trace_id";
constexpr BytesView span_id_key = "span_id";

constexpr bool is_any(std::string_view key, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    if (key == name) return true;
  }
  return false;
}

// 10 (trace) to 60 (fatal) of pino and bunyan, 0 (emergency) to 7 (debug) of GELF.
wire::Level level_of_number(BytesView digits) {
  using wire::Level;
  constexpr Level levels[] = {Level::trace, Level::debug, Level::info, Level::warn, Level::error, Level::fatal};
  if (digits.size() == 2 && digits[1] == '0' && digits[0] >= '1' && digits[0] <= '6') return levels[digits[0] - '1'];
  if (digits.size() == 1 && digits[0] >= '0' && digits[0] <= '7') {
    return level_of_severity(static_cast<unsigned>(digits[0] - '0'));
  }
  return Level::unset;
}

wire::Level level_of_value(BytesView value, bool is_number) {
  if (is_number || (value.size() <= 2 && !value.empty() && value[0] >= '0' && value[0] <= '9'))
    return level_of_number(value);
  const wire::Level level = level_of_word(value);
  return level != wire::Level::unset ? level : wire::parse_level(value).value_or(wire::Level::unset);
}

// How particular a name of a service is.
int service_rank(BytesView key) {
  if (is_any(key, {"service", "service.name", "service_name", "serviceName"})) return 3;
  return key == "logger" ? 1 : 2;
}

}  // namespace

KeyRole role_of_key(std::string_view key) {
  if (key.empty() || key.size() > 18) return KeyRole::none;
  switch (key[0]) {
    case 't':
      if (is_any(key, {"ts", "time", "timestamp", "t", "t.$date"})) return KeyRole::time;
      return is_any(key, {"trace_id", "traceId", "trace.id", "traceid", "traceID"}) ? KeyRole::trace_id : KeyRole::none;
    case '@':
      if (is_any(key, {"@timestamp", "@t"})) return KeyRole::time;
      if (key == "@l") return KeyRole::level;
      return is_any(key, {"@m", "@message"}) ? KeyRole::message : KeyRole::none;
    case 'd':
      return is_any(key, {"datetime", "date"}) ? KeyRole::time : KeyRole::none;
    case 'l':
      if (is_any(key, {"level", "lvl", "log.level", "loglevel", "levelname"})) return KeyRole::level;
      return key == "logger" ? KeyRole::service : KeyRole::none;
    case 'm':
      return is_any(key, {"msg", "message"}) ? KeyRole::message : KeyRole::none;
    case 's':
      if (is_any(key, {"severity", "severity_text", "severityText"})) return KeyRole::level;
      if (is_any(key, {"service", "service.name", "service_name", "serviceName"})) return KeyRole::service;
      if (is_any(key, {"span_id", "spanId", "span.id", "spanid", "spanID"})) return KeyRole::span_id;
      return key == "short_message" ? KeyRole::message : KeyRole::none;
    case 'a':
      return is_any(key, {"app", "application"}) ? KeyRole::service : KeyRole::none;
    default:
      return KeyRole::none;
  }
}

bool CommonKeys::take(BytesView key, BytesView value, bool is_number) {
  switch (role_of_key(key)) {
    case KeyRole::none:
      return false;
    case KeyRole::time: {
      if (time_taken_) return false;
      const auto found = times_.scan(value, 0, draft_.arrival());
      if (!found) return false;
      draft_.time = found->time;
      time_taken_ = true;
      return found->end == value.size();  // what stands behind it would be lost
    }
    case KeyRole::level: {
      const wire::Level level = level_taken_ ? wire::Level::unset : level_of_value(value, is_number);
      if (level == wire::Level::unset) return false;
      draft_.level = level;
      return level_taken_ = true;
    }
    case KeyRole::message:
      if (message_ || is_number) return false;
      message_ = value;
      return true;
    case KeyRole::service:
      return !is_number && take_service(key, value);
    case KeyRole::trace_id:
      draft_.set_field(trace_id_key, value);
      return true;
    case KeyRole::span_id:
      draft_.set_field(span_id_key, value);
      return true;
  }
  return false;
}

bool CommonKeys::take_service(BytesView key, BytesView value) {
  if (value.empty() || value.size() > LineParser::service_bytes_max) return false;
  const int rank = service_rank(key);
  if (rank <= service_rank_) return false;
  // What had been taken for it is a field after all.
  if (service_rank_ > 0) draft_.set_field(service_key_, service_);
  service_key_ = key;
  service_ = value;
  service_rank_ = rank;
  return true;
}

void CommonKeys::finish() {
  if (message_) draft_.set_body(*message_);
  if (service_rank_ > 0) draft_.service = service_;
}

}  // namespace reeve::agent
