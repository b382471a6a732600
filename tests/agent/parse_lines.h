// Lines through a real batcher, and the rows that come out of its blocks: for the tests of everything between them.
#pragma once

#include <string>
#include <vector>

#include "agent/batcher.h"
#include "collectors/line_splitter.h"
#include "common/base/check.h"
#include "common/base/json.h"
#include "common/wire/search.h"

namespace reeve::agent {

const WallTime arrival = parse_rfc3339("2026-11-21T12:00:00Z").value();

// One source of one input, read as a file is: in chunks, each followed by its position.
class LineRun {
 public:
  explicit LineRun(LineRules rules, secrets::RedactConfig redact = {}, MakeParser make_parser = {})
      : batcher_({.host = "web-1",
                  .line_rules = {{}, std::move(rules)},
                  .make_parser = std::move(make_parser),
                  .redact = std::move(redact)}) {
    position_.id = 7;
    position_.kind = "file";
    position_.name = "/var/log/app.log";
    batcher_.begin_turn(now_, arrival);
    source_ = batcher_.open_source(position_, "app");
    batcher_.use_line_rules(source_, 1);
  }

  Batcher& batcher() { return batcher_; }
  collect::SourceHandle source() const { return source_; }

  // What the file has grown by; reads up to the last line end.
  void read(BytesView bytes) {
    pending_ += bytes;
    const collect::Split split = collect::split_lines(pending_, line_bytes_max, false, [&](BytesView row) {
      batcher_.line_at(source_, row, position_.offset + static_cast<uint64_t>(row.data() - pending_.data()));
    });
    if (split.consumed == 0) return;
    pending_.erase(0, split.consumed);
    position_.offset += split.consumed;
    batcher_.advance(source_, position_);
  }

  void pass(Duration time, bool caught_up = true) {
    now_ = now_ + time;
    batcher_.begin_turn(now_, arrival);
    batcher_.end_turn(caught_up);
  }

  // The rows of all that was handed on until now, without what is held.
  std::vector<wire::LogRow> take_rows() {
    batcher_.seal_all();
    std::vector<wire::LogRow> rows;
    while (auto block = batcher_.take_sealed()) {
      for (const wire::SourcePosition& position : block->positions) sealed_to_ = position.offset;
      last_block_ = block->bytes;
      const auto read = wire::read_log_block(block->bytes);
      check(read.ok(), "a sealed block can be read");
      rows.insert(rows.end(), read->begin(), read->end());
    }
    return rows;
  }
  std::vector<wire::LogRow> finish() {
    batcher_.finish_held();
    return take_rows();
  }
  std::vector<std::string> bodies() {
    std::vector<std::string> bodies;
    for (const wire::LogRow& row : take_rows()) bodies.push_back(row.body);
    return bodies;
  }

  uint64_t sealed_to() const { return sealed_to_; }  // the position of the last block taken
  const Bytes& last_block() const { return last_block_; }

 private:
  static constexpr size_t line_bytes_max = 16 * 1024 * 1024;

  Batcher batcher_;
  Instant now_{1'000'000'000};
  wire::SourcePosition position_;
  collect::SourceHandle source_ = 0;
  Bytes pending_;
  uint64_t sealed_to_ = 0;
  Bytes last_block_;
};

inline Json row_to_json(const wire::LogRow& row) {
  Json json;
  json.set("time", format_rfc3339(row.time));
  if (row.time_suspect) json.set("time_suspect", true);
  json.set("level", to_string(row.level));
  json.set("service", row.service);
  json.set("body", row.body);
  Json fields;
  for (const auto& [key, value] : row.fields) fields.set(key, value);
  if (!row.fields.empty()) json.set("fields", std::move(fields));
  return json;
}

inline std::string field_of(const wire::LogRow& row, std::string_view key) {
  for (const auto& [name, value] : row.fields) {
    if (name == key) return value;
  }
  return "(none)";
}

inline LineRules parsed_by(std::vector<std::string> names) {
  LineRules rules;
  rules.parse = std::move(names);
  return rules;
}

}  // namespace reeve::agent
