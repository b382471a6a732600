// A walk over tags: varint, 8 bytes, length and bytes, 4 bytes. Groups belong to proto2; we refuse them.
#include "common/wire/proto_scan.h"

#include <array>

namespace reeve::wire {

namespace {

constexpr size_t bounds_max = 8;

Error corrupt(const std::string& what) {
  return Error(Code::corrupt, what);
}

// Takes the field's value off `rest`. `nested` gets the bytes of a length-delimited one.
Status take_value(BytesView& rest, uint64_t wire_type, BytesView& nested) {
  size_t skip = 0;
  switch (wire_type) {
    case 0:
      if (!take_varint(rest)) return corrupt("a varint is cut short");
      return {};
    case 1:
      skip = 8;
      break;
    case 5:
      skip = 4;
      break;
    case 2: {
      const std::optional<uint64_t> length = take_varint(rest);
      if (!length || *length > rest.size()) return corrupt("a field goes beyond its message");
      nested = rest.substr(0, *length);
      skip = *length;
      break;
    }
    default:
      return corrupt("wire type " + std::to_string(wire_type) + "; known are 0, 1, 2 and 5");
  }
  if (skip > rest.size()) return corrupt("a field goes beyond its message");
  rest.remove_prefix(skip);
  return {};
}

}  // namespace

Status check_repeated(BytesView message, std::span<const RepeatedBound> bounds, const OnNested& on_nested) {
  check(bounds.size() <= bounds_max, "a message has at most eight bounded fields");
  std::array<size_t, bounds_max> counts{};

  BytesView rest = message;
  while (!rest.empty()) {
    const std::optional<uint64_t> tag = take_varint(rest);
    if (!tag || *tag >> 3 == 0 || *tag >> 32 != 0) return corrupt("a field's tag is cut short or out of range");
    const auto field = static_cast<uint32_t>(*tag >> 3);

    for (size_t i = 0; i < bounds.size(); ++i)
      if (bounds[i].field == field && ++counts[i] > bounds[i].count_max)
        return corrupt("more than " + std::to_string(bounds[i].count_max) + " of field " + std::to_string(field));

    BytesView nested;
    TRY(take_value(rest, *tag & 7, nested));
    if (on_nested && nested.data() != nullptr) TRY(on_nested(field, nested));
  }
  return {};
}

}  // namespace reeve::wire
