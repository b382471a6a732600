#include "collectors/syslog_framer.h"

#include "collectors/line_splitter.h"

namespace reeve::collect {
namespace {

constexpr size_t count_digits_max = 7;  // a message of 10 MB is none

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

BytesView without_end(BytesView row) {
  while (!row.empty() && (row.back() == '\n' || row.back() == '\r' || row.back() == '\0')) row.remove_suffix(1);
  return row;
}

}  // namespace

void split_message(BytesView message, size_t line_bytes_max, const SyslogFramer::OnRow& on_row) {
  message = without_end(message);
  while (message.size() > line_bytes_max) {
    const size_t cut = cut_of_long_line(message, line_bytes_max);
    on_row(message.substr(0, cut));
    message.remove_prefix(cut);
  }
  if (!message.empty()) on_row(message);
}

void SyslogFramer::feed(BytesView bytes, const OnRow& on_row) {
  const bool held = !held_.empty();
  if (held) held_.append(bytes);
  BytesView left = held ? BytesView(held_) : bytes;
  for (bool more = true; more && !left.empty();) {
    if (counted_ == 0 && !in_line_) {
      size_t head_bytes = 0;
      uint64_t count = 0;
      const Begin begin = find_begin(left, head_bytes, count);
      if (begin == Begin::undecided) break;
      if (begin == Begin::counted) {
        left.remove_prefix(head_bytes);
        counted_ = count;
        continue;
      }
    }
    more = counted_ > 0 ? take_counted(left, on_row) : take_line(left, on_row);
  }
  if (held) {
    held_.erase(0, held_.size() - left.size());
  } else {
    held_.assign(left);
  }
}

void SyslogFramer::finish(const OnRow& on_row) {
  split_message(held_, line_bytes_max_, on_row);
  held_.clear();
  counted_ = 0;
  in_line_ = false;
}

SyslogFramer::Begin SyslogFramer::find_begin(BytesView bytes, size_t& head_bytes, uint64_t& count) const {
  if (bytes.front() == '0') return Begin::line;
  size_t at = 0;
  for (; at < bytes.size() && is_digit(bytes[at]); ++at) {
    if (at == count_digits_max) return Begin::line;
    count = count * 10 + static_cast<uint64_t>(bytes[at] - '0');
  }
  if (at == 0) return Begin::line;
  if (at == bytes.size()) return Begin::undecided;
  if (bytes[at] != ' ') return Begin::line;
  if (at + 1 == bytes.size()) return Begin::undecided;
  head_bytes = at + 1;
  return bytes[at + 1] == '<' ? Begin::counted : Begin::line;
}

// Whether it took something: a whole message, or a row of one that is too long.
bool SyslogFramer::take_counted(BytesView& bytes, const OnRow& on_row) {
  if (bytes.size() >= counted_ && counted_ <= line_bytes_max_) {
    split_message(bytes.substr(0, counted_), line_bytes_max_, on_row);
    bytes.remove_prefix(counted_);
    counted_ = 0;
    return true;
  }
  if (bytes.size() <= line_bytes_max_) return false;
  const size_t cut = cut_of_long_line(bytes, line_bytes_max_);
  on_row(bytes.substr(0, cut));
  bytes.remove_prefix(cut);
  counted_ -= cut;
  return true;
}

bool SyslogFramer::take_line(BytesView& bytes, const OnRow& on_row) {
  const size_t end = bytes.find('\n');
  const size_t length = end == BytesView::npos ? bytes.size() : end;
  if (length > line_bytes_max_) {
    const size_t cut = cut_of_long_line(bytes, line_bytes_max_);
    on_row(bytes.substr(0, cut));
    bytes.remove_prefix(cut);
    in_line_ = true;
    return true;
  }
  if (end == BytesView::npos) return false;
  if (const BytesView row = without_end(bytes.substr(0, end)); !row.empty()) on_row(row);
  bytes.remove_prefix(end + 1);
  in_line_ = false;
  return true;
}

}  // namespace reeve::collect
