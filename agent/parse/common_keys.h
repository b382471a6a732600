// Which keys of structured lines (JSON, logfmt) say time, level, message, service and trace, whoever wrote them.
#pragma once

#include <optional>

#include "agent/parse/parser.h"
#include "agent/parse/time_scanner.h"

namespace reeve::agent {

enum class KeyRole : uint8_t { none, time, level, message, service, trace_id, span_id };

// Of a whole dotted key. Decided by size and first letter, then compared.
KeyRole role_of_key(std::string_view key);

// Takes values one by one and gives the draft what they say. The first time and level that can be read count, and more
// than what a parser before has found; what is taken is no field as well. Of several names of a service the most
// particular counts, and the others stay fields.
class CommonKeys {
 public:
  CommonKeys(Draft& draft, TimeScanner& times) : draft_(draft), times_(times) {}

  // `value` lives as long as the draft's line. True where it was taken; otherwise it is a field for the caller to set.
  bool take(BytesView key, BytesView value, bool is_number);

  // After the last value: time, level, body and service into the draft.
  void finish();

 private:
  bool take_service(BytesView key, BytesView value);

  Draft& draft_;
  TimeScanner& times_;
  bool time_taken_ = false;
  bool level_taken_ = false;
  std::optional<BytesView> message_;
  BytesView service_key_;
  BytesView service_;
  int service_rank_ = 0;
};

}  // namespace reeve::agent
