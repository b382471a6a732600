// Walks over a JSON document without building it: for the parsers whose lines are JSON objects.
//
// Strict where it decides whether a line is JSON at all (brackets, quotes, commas, literals), lenient where nothing
// hangs on it (control bytes and wrong UTF-8 in texts stay as they are). Linear time; nesting is bounded.
#pragma once

#include "agent/parse/parser.h"
#include "common/base/bytes.h"

namespace reeve::agent {

class JsonWalk {
 public:
  static constexpr size_t depth_max = 128;  // deeper, it is no line that anybody wrote on purpose

  enum class Kind : uint8_t { text, number, word, object, array };  // word: true, false, null

  struct Value {
    Kind kind = Kind::word;
    BytesView text;  // escapes of a text are resolved; others as written, nested ones as a whole
  };

  JsonWalk(BytesView line, Draft& draft) : at_(line.data()), end_(line.data() + line.size()), draft_(draft) {}

  // Each skips blanks first.
  bool take(char c);
  bool at_end();
  char peek();  // 0 at the end
  bool take_key(BytesView& key);
  bool take_value(Value& value);

 private:
  void skip_blanks();
  bool take_number();
  bool take_word(BytesView word);
  bool skip_nested();

  const char* at_;
  const char* const end_;
  Draft& draft_;
};

}  // namespace reeve::agent
