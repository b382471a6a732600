// See line_chain.h.
#include "agent/parse/line_chain.h"

#include <algorithm>

#include "agent/parse/table.h"
#include "common/base/log.h"

namespace reeve::agent {

namespace {

constexpr BytesView error_key = "parse_error";
constexpr size_t failure_bytes_max = 256;

}  // namespace

LineChain::LineChain(const LineRules& rules, const LocalOffset& local_offset, const MakeParser& make_parser,
                     std::vector<ParserCounters>& counters)
    : hold_(rules.hold), keep_original_(rules.keep_original), counters_(counters) {
  for (const std::string& name : rules.parse) add(name, local_offset, make_parser);
  if (rules.multiline) {
    pattern_.emplace(rules.multiline->pattern);
    by_ = rules.multiline->by;
  }
}

void LineChain::add(const std::string& name, const LocalOffset& local_offset, const MakeParser& make_parser) {
  if (const ParserKind* kind = find_parser_kind(name)) {
    (kind->framing ? framing_ : parsers_).push_back({kind->make(local_offset), counters_of(name)});
    return;
  }
  auto made = make_parser
                  ? make_parser(name)
                  : Result<std::unique_ptr<LineFormat>>(Error(Code::not_found, "there is no parser of that name"));
  if (!made.ok()) {
    log_error("a parser cannot be made, lines go on without it", {{"parser", name}, {"error", made.error().text()}});
    return;
  }
  parsers_.push_back({std::move(made).value(), counters_of(name)});
}

size_t LineChain::counters_of(const std::string& name) {
  const auto known = std::find_if(counters_.begin(), counters_.end(),
                                  [&name](const ParserCounters& counters) { return counters.name == name; });
  if (known != counters_.end()) return static_cast<size_t>(known - counters_.begin());
  counters_.push_back({.name = name});
  return counters_.size() - 1;
}

bool LineChain::frame(Draft& draft) {
  for (const Step& step : framing_) {
    const ParseResult result = step.parser->parse(draft, {});
    ParserCounters& counters = counters_[step.counters];
    if (result == ParseResult::unknown) {
      ++counters.unknown;
      continue;
    }
    ++counters.parsed;
    draft.unwrap();
    return result == ParseResult::partial;
  }
  return false;
}

bool LineChain::parse(Draft& draft, const LineFormat::Emit& emit) {
  for (const Step& step : parsers_) {
    ParserCounters& counters = counters_[step.counters];
    switch (step.parser->parse(draft, emit)) {
      case ParseResult::parsed:
      case ParseResult::partial:  // only framing parsers have pieces
        ++counters.parsed;
        break;
      case ParseResult::unknown:
        ++counters.unknown;
        break;
      case ParseResult::dropped:
        ++counters.dropped;
        return false;
      case ParseResult::failed:
        ++counters.failed;
        draft.set_field(error_key, draft.keep(step.parser->failure().substr(0, failure_bytes_max)));
        break;
    }
  }
  return true;
}

}  // namespace reeve::agent
