// Pairs of key and value, as Go programs like to write them.
//
//     time=2026-03-01T00:00:00Z level=info msg="opened \"shop\"" service=cart took=1.5ms retry
//     time, level, service; body `opened "shop"`; fields took=1.5ms, retry=(empty)
//
// A line is of this kind when it begins with a pair and all of it reads as words and pairs, with at least two pairs.
// The body is the message; where there is none, the line stays the body.
#include "agent/parse/common_keys.h"
#include "agent/parse/quoted.h"
#include "agent/parse/table.h"

namespace reeve::agent {

namespace {

bool is_key_byte(char c) {
  return static_cast<unsigned char>(c) > ' ' && c != '=' && c != '"' && c != '\x7f';
}

class LogfmtParser : public LineFormat {
 public:
  explicit LogfmtParser(const LocalOffset& local_offset) : times_(local_offset) {}

  ParseResult parse(Draft& draft, const Emit&) override {
    const BytesView line = draft.body();
    if (!begins_with_pair(line)) return ParseResult::unknown;
    draft.save();
    CommonKeys keys(draft, times_);
    if (!take_pairs(line, draft, keys)) {
      draft.restore();
      return ParseResult::unknown;
    }
    keys.finish();
    return ParseResult::parsed;
  }

 private:
  static bool begins_with_pair(BytesView line) {
    const size_t begin = std::min(line.find_first_not_of(' '), line.size());
    size_t at = begin;
    while (at < line.size() && is_key_byte(line[at])) ++at;
    return at > begin && at < line.size() && line[at] == '=';
  }

  static bool take_pairs(BytesView line, Draft& draft, CommonKeys& keys) {
    const char* at = line.data();
    const char* const end = at + line.size();
    size_t pairs = 0;
    while (true) {
      while (at < end && (*at == ' ' || *at == '\t')) ++at;
      if (at == end) return pairs >= 2;
      const char* const key_begin = at;
      while (at < end && is_key_byte(*at)) ++at;
      if (at == key_begin) return false;
      const BytesView key(key_begin, static_cast<size_t>(at - key_begin));
      if (at == end || *at != '=') {
        if (at < end && *at != ' ' && *at != '\t') return false;
        draft.set_field(key, {});
        continue;
      }
      ++at;
      ++pairs;
      BytesView value;
      if (!take_value(at, end, draft, value)) return false;
      if (!keys.take(key, value, false)) draft.set_field(key, value);
    }
  }

  static bool take_value(const char*& at, const char* end, Draft& draft, BytesView& value) {
    if (at < end && *at == '"') {
      ++at;
      const auto text = take_quoted(at, end, draft);
      if (!text || (at < end && *at != ' ' && *at != '\t')) return false;
      value = *text;
      return true;
    }
    const char* const begin = at;
    while (at < end && *at != ' ' && *at != '\t') ++at;
    value = BytesView(begin, static_cast<size_t>(at - begin));
    return true;
  }

  TimeScanner times_;
};

}  // namespace

std::unique_ptr<LineFormat> make_logfmt_parser(const LocalOffset& local_offset) {
  return std::make_unique<LogfmtParser>(local_offset);
}

}  // namespace reeve::agent
