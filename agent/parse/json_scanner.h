// Finds a few top-level members of a JSON line without building anything.
//
// Walks the line's top level: key, value, key, value; strings and nested values are passed over. It stops as soon as it
// has what it came for, or where the line is no JSON. It validates nothing: the line is kept as it is in any case.
#pragma once

#include <string_view>

#include "common/base/bytes.h"

namespace reeve::agent {

// Values as they stand, without quotes; escapes are not resolved. Empty where absent.
struct JsonMembers {
  BytesView time;
  bool time_is_number = false;
  BytesView level;
  bool level_is_number = false;
  BytesView service;
};

JsonMembers scan_json(BytesView line);

}  // namespace reeve::agent
