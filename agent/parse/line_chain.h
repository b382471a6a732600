// The parsers of one input, in order, and the rule by which its lines belong together.
//
// First what a container runtime wrapped around a line is taken off (the framing parsers, wherever they stand in the
// configured order); then lines are joined; then the other parsers see the whole record. So a pattern for stack traces
// means the program's own lines, and JSON that was cut in pieces is JSON again.
//
// A parser that cannot be made (a script that is not there) is left out and logged; its lines travel on without it.
//
// One thread: the worker of its sources.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/parse/line_rules.h"
#include "agent/parse/parser.h"
#include "agent/parse/pattern.h"
#include "agent/parse/time_scanner.h"

namespace reeve::agent {

// Of one parser, since the start.
struct ParserCounters {
  std::string name;
  uint64_t parsed = 0;   // it said what the line is
  uint64_t unknown = 0;  // no line of its kind
  uint64_t dropped = 0;  // by its own decision
  uint64_t failed = 0;   // a script, at this line
};

class LineChain {
 public:
  // `counters` outlives the chain; each parser has a row in it, shared by all inputs that name it.
  LineChain(const LineRules& rules, const LocalOffset& local_offset, const MakeParser& make_parser,
            std::vector<ParserCounters>& counters);

  // The draft has begun with the line. Its body is the program's own line then. True where it is a piece of a longer
  // one.
  bool frame(Draft& draft);
  // Whether lines are joined by a pattern, and if so, whether this one begins a record.
  bool joins() const { return pattern_.has_value(); }
  bool begins_record(BytesView line) const { return pattern_->matches(line) == (by_ == MultilineRules::By::start); }

  // The draft's line is a whole record. False where a parser does not want it.
  bool parse(Draft& draft, const LineFormat::Emit& emit);

  const HoldLimits& hold() const { return hold_; }
  bool keeps_original() const { return keep_original_; }

 private:
  struct Step {
    std::unique_ptr<LineFormat> parser;
    size_t counters = 0;
  };

  void add(const std::string& name, const LocalOffset& local_offset, const MakeParser& make_parser);
  size_t counters_of(const std::string& name);

  std::vector<Step> framing_;
  std::vector<Step> parsers_;
  std::optional<Pattern> pattern_;
  MultilineRules::By by_ = MultilineRules::By::start;
  HoldLimits hold_;
  bool keep_original_ = false;
  std::vector<ParserCounters>& counters_;
};

}  // namespace reeve::agent
