// What a parser is: it looks at one line and says what it knows of it.
//
// A source names its parsers in order ("parse: [cri, json]"); each sees what the one before left. A parser that does
// not know a line says so and leaves the draft as it was; the next one is asked, and in the end the line travels on
// with what LineParser finds in every line. No parser can lose a line but by saying so, and that is counted.
//
// Adding a built-in one: one file and one row in table.cc. Parsers written in Lua are made by agent/lua.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/wire/record.h"

namespace reeve::agent {

// A record in the making, used again for every line. Views point into `line` or into texts kept by keep(); they live
// until the draft is used again.
class Draft {
 public:
  static constexpr size_t fields_max = 128;

  void begin(BytesView line, WallTime arrival);

  // As read (several lines joined by \n where multiline joined them), without what a container runtime wrapped around.
  BytesView line() const { return line_; }
  WallTime arrival() const { return arrival_; }

  BytesView body() const { return body_; }  // what will be kept; at first the line
  std::optional<WallTime> time;             // none: LineParser looks for it in the body
  wire::Level level = wire::Level::unset;
  BytesView service;  // empty: LineParser's, else the source's
  const std::vector<wire::Field>& fields() const { return fields_; }

  void set_body(BytesView body) { body_ = body; }
  // What was wrapped around the line is off: the line is what the body is now.
  void unwrap() { line_ = body_; }
  // A second one of the same key replaces the first. False once fields_max stand there; the draft counts it.
  bool set_field(BytesView key, BytesView value);
  std::optional<BytesView> field(BytesView key) const;
  size_t fields_left_out() const { return fields_left_out_; }

  // A copy that lives as long as the draft's views.
  BytesView keep(BytesView text);
  // Room for so many bytes, which live as long.
  char* make_room(size_t bytes);

  // For parsers that find out late that a line is none of theirs: back to what the draft was when it was saved.
  void save();
  void restore();

 private:
  struct State {
    BytesView body;
    std::optional<WallTime> time;
    wire::Level level = wire::Level::unset;
    BytesView service;
    std::vector<wire::Field> fields;
    size_t fields_left_out = 0;
  };

  static constexpr size_t chunk_bytes = 32 * 1024;
  static constexpr size_t chunks_kept_max = 8;

  BytesView line_;
  BytesView body_;
  WallTime arrival_;
  std::vector<wire::Field> fields_;
  size_t fields_left_out_ = 0;
  State saved_;

  std::vector<std::unique_ptr<char[]>> chunks_;  // the last one in use has `chunk_used_` bytes taken
  size_t chunks_used_ = 0;
  size_t chunk_used_ = 0;
  std::vector<std::unique_ptr<char[]>> large_;  // texts that would fill most of a chunk; until begin()
};

enum class ParseResult : uint8_t {
  parsed,   // the draft says what was found
  unknown,  // not a line of mine; the draft is as it was
  partial,  // the line is a piece of a longer one (CRI's P, Docker's 16 KiB): hold it and give the next
  dropped,  // this line is not wanted: counted as "parser_dropped"
  failed,   // a breach or an error of a script: the draft is as it was, the record gets the field parse_error
};

// One thread: the worker of its sources.
class LineFormat {
 public:
  virtual ~LineFormat() = default;

  // May emit further records besides the draft (each of its own, given for the call).
  using Emit = std::function<void(Draft& further)>;
  virtual ParseResult parse(Draft& draft, const Emit& emit) = 0;
  // Why the last one failed.
  virtual std::string_view failure() const { return {}; }
};

// Makes a parser that is not built in, of a name as it stands in the configuration ("nginx", "lua:nginx"). Called on
// the worker's thread, once for each input that names it.
using MakeParser = std::function<Result<std::unique_ptr<LineFormat>>(std::string_view name)>;

}  // namespace reeve::agent
