// Cuts bytes into lines, without copying any.
//
// A line ends at '\n' and is handed on without it, otherwise byte for byte: a '\r' before it stays, NUL is a byte like
// any other, and an empty line is a line. A line longer than the cap is not lost but becomes several rows: it is cut
// after the cap, or up to three bytes earlier where that would tear a UTF-8 character apart. Where it is cut depends on
// the line alone, never on how its bytes happened to be read, so a restart in the middle of one cuts at the same
// places.
#pragma once

#include <cstring>

#include "common/base/bytes.h"

namespace reeve::collect {

// Where to cut the first line_bytes_max + 1 bytes of a longer line.
inline size_t cut_of_long_line(BytesView line, size_t line_bytes_max) {
  const auto continues = [](char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; };
  for (size_t cut = line_bytes_max; cut > 0 && line_bytes_max - cut <= 3; --cut) {
    if (!continues(line[cut])) return cut;
  }
  return line_bytes_max;  // not UTF-8: any place is as good
}

struct Split {
  size_t consumed = 0;  // what follows is the beginning of a line whose end is not here yet
  size_t rows = 0;
  size_t cuts = 0;  // rows that end at a cut
};

// Calls on_row(BytesView) for each row in `bytes`, which begin at the start of a row. With `last`, what has no line end
// is a row too.
template <typename OnRow>
Split split_lines(BytesView bytes, size_t line_bytes_max, bool last, OnRow&& on_row) {
  Split split;
  const char* at = bytes.data();
  const char* const end = at + bytes.size();
  while (at != end) {
    const size_t left = static_cast<size_t>(end - at);
    const auto* line_end = static_cast<const char*>(std::memchr(at, '\n', left));
    const size_t length = line_end ? static_cast<size_t>(line_end - at) : left;
    if (length > line_bytes_max) [[unlikely]] {
      const size_t cut = cut_of_long_line({at, length}, line_bytes_max);
      on_row(BytesView(at, cut));
      at += cut;
      ++split.cuts;
    } else if (line_end) {
      on_row(BytesView(at, length));
      at = line_end + 1;
    } else if (last) {
      on_row(BytesView(at, length));
      at = end;
    } else {
      break;
    }
    ++split.rows;
  }
  split.consumed = static_cast<size_t>(at - bytes.data());
  return split;
}

}  // namespace reeve::collect
