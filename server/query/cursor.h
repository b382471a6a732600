// What a cursor says, and its text: opaque to clients, checked when it comes back.
//
// The bytes are a kind, a version and the position, closed by a CRC32C, in base64url. The checksum is no secret: a
// cursor grants nothing that a query could not ask for, it only must not be mistyped into another position.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/base/time.h"

namespace reeve::server {

enum class CursorKind : uint8_t { search = 1, tail = 2, log = 3 };  // values are part of the text

// In a search: rows below this in (time, commit_id, row) come next. In a tail: rows above (commit_id, row) do.
// Of a log: the row itself.
struct Cursor {
  WallTime time;
  uint64_t commit_id = 0;
  uint32_t row = 0;
  auto operator<=>(const Cursor&) const = default;
};

std::string format_cursor(CursorKind kind, const Cursor& cursor);

// Code::invalid for anything that format_cursor did not write.
Result<Cursor> parse_cursor(CursorKind kind, std::string_view text);

}  // namespace reeve::server
