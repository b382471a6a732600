// Cuts a syslog connection's bytes into messages (RFC 6587).
//
// Both framings, even mixed on one connection: "83 <34>1 2003-..." counts octets; everything else ends at a line feed.
// Digits that no "<" follows are a line like any other. A message beyond the bound becomes several rows, cut where
// LineSplitter would; nothing is lost. Empty lines are nothing. Line ends and NULs that end a message go.
//
// Holds one row's bytes at most, and no more. One thread.
#pragma once

#include <functional>

#include "common/base/bytes.h"

namespace reeve::collect {

class SyslogFramer {
 public:
  using OnRow = std::function<void(BytesView row)>;

  explicit SyslogFramer(size_t line_bytes_max) : line_bytes_max_(line_bytes_max) {}

  void feed(BytesView bytes, const OnRow& on_row);
  // The connection ended: what has no end is a row, too.
  void finish(const OnRow& on_row);

  size_t held_bytes() const { return held_.size(); }

 private:
  enum class Begin { line, counted, undecided };
  Begin find_begin(BytesView bytes, size_t& head_bytes, uint64_t& count) const;
  bool take_counted(BytesView& bytes, const OnRow& on_row);
  bool take_line(BytesView& bytes, const OnRow& on_row);

  const size_t line_bytes_max_;
  Bytes held_;            // what came without its end
  uint64_t counted_ = 0;  // octets left of a counted message
  bool in_line_ = false;  // the rest of a line that was cut
};

// A datagram, or a counted message, as rows of at most `line_bytes_max`.
void split_message(BytesView message, size_t line_bytes_max, const SyslogFramer::OnRow& on_row);

}  // namespace reeve::collect
