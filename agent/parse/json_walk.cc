// See json_walk.h.
#include "agent/parse/json_walk.h"

#include <bitset>
#include <cstring>

#include "agent/parse/quoted.h"

namespace reeve::agent {

namespace {

bool is_digit(char c) {
  return static_cast<unsigned char>(c - '0') < 10;
}

}  // namespace

void JsonWalk::skip_blanks() {
  while (at_ < end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r')) ++at_;
}

bool JsonWalk::take(char c) {
  skip_blanks();
  if (at_ == end_ || *at_ != c) return false;
  ++at_;
  return true;
}

bool JsonWalk::at_end() {
  skip_blanks();
  return at_ == end_;
}

char JsonWalk::peek() {
  skip_blanks();
  return at_ == end_ ? '\0' : *at_;
}

bool JsonWalk::take_key(BytesView& key) {
  if (!take('"')) return false;
  const auto text = take_quoted(at_, end_, draft_);
  if (!text || !take(':')) return false;
  key = *text;
  return true;
}

bool JsonWalk::take_value(Value& value) {
  const char first = peek();
  const char* const begin = at_;
  switch (first) {
    case '"': {
      ++at_;
      const auto text = take_quoted(at_, end_, draft_);
      if (!text) return false;
      value = {Kind::text, *text};
      return true;
    }
    case '{':
    case '[':
      if (!skip_nested()) return false;
      value.kind = first == '{' ? Kind::object : Kind::array;
      break;
    case 't':
      if (!take_word("true")) return false;
      value.kind = Kind::word;
      break;
    case 'f':
      if (!take_word("false")) return false;
      value.kind = Kind::word;
      break;
    case 'n':
      if (!take_word("null")) return false;
      value.kind = Kind::word;
      break;
    default:
      if (!take_number()) return false;
      value.kind = Kind::number;
  }
  value.text = BytesView(begin, static_cast<size_t>(at_ - begin));
  return true;
}

bool JsonWalk::take_word(BytesView word) {
  if (!BytesView(at_, static_cast<size_t>(end_ - at_)).starts_with(word)) return false;
  at_ += word.size();
  return true;
}

bool JsonWalk::take_number() {
  const auto take_digits = [this] {
    const char* const begin = at_;
    while (at_ < end_ && is_digit(*at_)) ++at_;
    return at_ > begin;
  };
  if (at_ < end_ && *at_ == '-') ++at_;
  if (!take_digits()) return false;
  if (at_ < end_ && *at_ == '.') {
    ++at_;
    if (!take_digits()) return false;
  }
  if (at_ < end_ && (*at_ == 'e' || *at_ == 'E')) {
    ++at_;
    if (at_ < end_ && (*at_ == '+' || *at_ == '-')) ++at_;
    return take_digits();
  }
  return true;
}

// Over an object or array as a whole. A stack of bits instead of recursion; what stands between brackets and quotes is
// not looked at.
bool JsonWalk::skip_nested() {
  std::bitset<depth_max> is_object;
  size_t depth = 0;
  while (at_ < end_) {
    const char c = *at_++;
    if (c == '"') {
      const char* stop = find_quote_or_backslash(at_, end_);
      while (stop < end_ && *stop == '\\') {
        if (end_ - stop < 2) return false;
        stop = find_quote_or_backslash(stop + 2, end_);
      }
      if (stop >= end_) return false;
      at_ = stop + 1;
    } else if (c == '{' || c == '[') {
      if (depth == depth_max) return false;
      is_object[depth++] = c == '{';
    } else if (c == '}' || c == ']') {
      if (is_object[--depth] != (c == '}')) return false;
      if (depth == 0) return true;
    }
  }
  return false;
}

}  // namespace reeve::agent
