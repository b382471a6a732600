// Lines on their way into records: through their input's chain, and through what is held of joined ones. See batcher.h.
#include <algorithm>
#include <utility>

#include "agent/batcher.h"
#include "common/base/check.h"

namespace reeve::agent {

namespace {

constexpr BytesView original_key = "log.record.original";
// Of all sources; a host may have thousands of files, and each one an open record.
constexpr uint64_t held_bytes_max = 16_MiB;
// While there is a backlog, silence means that others were read.
constexpr int backlog_patience = 10;

}  // namespace

void Batcher::use_line_rules(collect::SourceHandle handle, uint32_t rules) {
  check(handle < sources_.size(), "rules are for a source that was opened");
  check(rules < options_.line_rules.size(), "an input's rules were read from the configuration");
  Source& source = sources_[handle];
  if (options_.line_rules[rules].plain() || source.chain != nullptr) return;
  std::unique_ptr<LineChain>& chain = chains_[rules];
  if (!chain) {
    chain = std::make_unique<LineChain>(options_.line_rules[rules], options_.local_offset, options_.make_parser,
                                        counters_.parsers);
  }
  source.chain = chain.get();
  source.held = std::make_unique<HeldLines>();
}

void Batcher::take_line(Source& source, BytesView line, std::optional<uint64_t> offset) {
  if (source.chain == nullptr) {
    const ParsedLine parsed = parser_.parse(line, wall_);
    wire::LogRecord record;
    record.time = parsed.time;
    record.time_suspect = parsed.time_suspect;
    record.level = parsed.level;
    record.service = parsed.service.empty() ? BytesView(source.service) : parsed.service;
    record.body = line;
    return add(source, record, line);
  }
  draft_.begin(line, wall_);
  const bool partial = source.chain->frame(draft_);
  if (!partial && !source.chain->joins() && source.held->empty()) return add_draft(source);
  hold(source, partial, offset);
}

// A record is there as a whole: the draft's line.
void Batcher::add_draft(Source& source) {
  emitting_ = &source;
  const size_t line_bytes = draft_.line().size();
  if (!source.chain->parse(draft_, emit_)) {
    dropped("parser_dropped", line_bytes + 1);
    return;
  }
  if (source.chain->keeps_original() && draft_.body() != draft_.line()) draft_.set_field(original_key, draft_.line());
  add_parsed(source, draft_);
}

// What no parser has said, LineParser looks for in the body.
void Batcher::add_parsed(Source& source, Draft& draft) {
  wire::LogRecord record;
  record.level = draft.level;
  record.service = draft.service;
  record.body = draft.body();
  record.fields = draft.fields();
  const WallTime arrival = draft.arrival();
  ParsedLine found;
  found.time = arrival;
  if (!draft.time || draft.level == wire::Level::unset || draft.service.empty())
    found = parser_.parse(draft.body(), arrival);
  record.time = draft.time.value_or(found.time);
  record.time_suspect = draft.time ? !LineParser::is_believable(*draft.time, arrival) : found.time_suspect;
  if (record.time_suspect) record.time = arrival;
  if (record.level == wire::Level::unset) record.level = found.level;
  if (record.service.empty()) record.service = found.service.empty() ? BytesView(source.service) : found.service;
  counters_.fields_left_out += draft.fields_left_out();
  add(source, record, draft.line());
}

// -- Held lines ------------------------------------------------------------------------------------------------------

void Batcher::hold(Source& source, bool partial, std::optional<uint64_t> offset) {
  if (!source.holding) holding_.push_back(static_cast<collect::SourceHandle>(&source - sources_.data()));
  source.holding = true;
  held_bytes_ -= source.held->bytes();
  source.held->take(draft_, partial, offset, *source.chain, now_);
  held_bytes_ += source.held->bytes();
  if (held_bytes_ > held_bytes_max) {
    source.held->finish_all();
    ++counters_.records_cut;
  }
  hand_on_whole(source);
}

void Batcher::hand_on_whole(Source& source) {
  counters_.records_cut += source.held->take_cuts();
  while (auto record = source.held->pop_whole()) {
    held_bytes_ -= record->text.size();
    draft_.begin(record->text, record->arrival);
    draft_.time = record->time;
    for (const auto& [key, value] : record->fields) draft_.set_field(key, value);
    add_draft(source);
  }
}

void Batcher::finish_held_of(Source& source) {
  source.held->finish_all();
  hand_on_whole(source);
}

void Batcher::finish_held() {
  check(between_runs_, "collectors cover their last rows by a position");
  for (const collect::SourceHandle handle : std::exchange(holding_, {})) {
    sources_[handle].holding = false;
    finish_held_of(sources_[handle]);
    move_up_to_held(sources_[handle]);
  }
}

void Batcher::finish_held_of_pushed() {
  for (const collect::SourceHandle handle : holding_) {
    Source& source = sources_[handle];
    if (source.held->empty() || source.held->begin().has_value()) continue;
    finish_held_of(source);
    move_up_to_held(source);
  }
}

// Nothing times out while no collector is asked for more.
void Batcher::release_expired() {
  if (full()) had_no_room_at_ = now_;
  std::erase_if(holding_, [this](collect::SourceHandle handle) {
    Source& source = sources_[handle];
    const Duration timeout = source.chain->hold().timeout;
    const Instant latest = now_ - (caught_up_ ? timeout : backlog_patience * timeout);
    const auto oldest = source.held->oldest_last_line();
    if (oldest && *oldest <= latest && had_no_room_at_ <= latest) {
      source.held->expire(latest);
      hand_on_whole(source);
      move_up_to_held(source);
    }
    source.holding = !source.held->empty();
    return !source.holding;
  });
}

// The position that covers exactly what has been handed on. The first one of a source goes into a block even where it
// covers nothing yet: a file that is renamed while its first record is held must be known after a restart.
void Batcher::move_up_to_held(Source& source) {
  wire::SourcePosition position = source.read_to;
  if (const auto begin = source.held->begin()) position.offset = std::min(position.offset, *begin);
  const bool moved = source.block == 0 || position.offset != source.position.offset ||
                     position.inode != source.position.inode || position.device != source.position.device ||
                     position.cursor != source.position.cursor || position.finished != source.position.finished;
  between_runs_ = true;
  if (moved || source.block == block_) move_position(source, position);
}

void Batcher::forget_held(collect::SourceHandle handle) {
  std::erase(holding_, handle);
  if (sources_[handle].held) held_bytes_ -= sources_[handle].held->bytes();
}

}  // namespace reeve::agent
