// Counts the repeated fields of Protobuf bytes without building objects from them.
//
// Protobuf itself has no bound on how many messages a message may hold. This walk over the tags costs no memory and
// refuses what would: too many of a field, or bytes whose fields do not add up.
#pragma once

#include <functional>
#include <span>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace reeve::wire {

struct RepeatedBound {
  uint32_t field = 0;
  size_t count_max = 0;
};

// Called with each length-delimited field's number and bytes; may be null.
using OnNested = std::function<Status(uint32_t field, BytesView bytes)>;

// At most eight bounds. Code::corrupt, saying which field and how many were allowed.
Status check_repeated(BytesView message, std::span<const RepeatedBound> bounds, const OnNested& on_nested);

}  // namespace reeve::wire
