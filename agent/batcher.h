// Turns what collectors hand on into sealed blocks with the source positions that belong to them.
//
// Rows gather in one open block for logs and one for metrics. A block is sealed only between runs of rows, where every
// row is covered by a position; a sealed block therefore says exactly how far its sources were read. It is sealed
//
//     at 4 MiB of raw lines;
//     5 s after its first row;
//     500 ms after it, where it holds a shape new to this agent or a line of level error and above, and everything that
//       there is to read has been read: a backlog meets new shapes all the time and must not fall into tiny blocks;
//     200 ms after it while somebody watches live (the same condition);
//     when its records span more than 10 min, as soon as it is worth a block (64 KiB raw).
//
// A line without rules goes through LineParser alone. One of an input that names parsers or joins lines goes through
// that input's chain first; while a record waits for its further lines, the position of its source stays before it, so
// that a block's positions cover exactly its rows and what is held is read again after a crash. Secrets are replaced
// last, just before a row is added: neither columns nor templates ever see them.
//
// At most sealed_blocks_max wait to be taken; then full() is true, and files wait.
//
// No threads and no clock: the worker tells the time. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/outputs.h"
#include "agent/parse/held_lines.h"
#include "agent/parse/line_chain.h"
#include "agent/parse/line_parser.h"
#include "agent/parse/line_rules.h"
#include "collectors/collector.h"
#include "common/secrets/redact.h"
#include "common/wire/block.h"

namespace reeve::agent {

struct SealedBlock {
  wire::Lane lane = wire::Lane::live;
  Bytes bytes;
  std::vector<wire::SourcePosition> positions;
};

// Since the start.
struct BatcherCounters {
  uint64_t rows = 0;
  uint64_t raw_bytes = 0;
  uint64_t points = 0;
  uint64_t blocks = 0;
  uint64_t time_suspect = 0;
  uint64_t records_cut = 0;             // joined ones that reached a limit, so that their rest is a record of its own
  uint64_t fields_left_out = 0;         // beyond Draft::fields_max
  std::vector<ParserCounters> parsers;  // those that inputs name
  std::vector<secrets::RedactCounters> redacted;  // each rule that is on
  std::map<std::string, uint64_t> dropped_bytes;  // by reason; collectors use few
};

class Batcher : public collect::Intake {
 public:
  struct Options {
    std::string host;
    Output output = Output::server;
    LocalOffset local_offset{};  // none: times without a zone are UTC
    uint64_t raw_bytes_seal = 4_MiB;
    Duration age_max = 5s;
    Duration age_max_urgent = 500ms;
    Duration age_max_live = 200ms;
    Duration age_max_metrics = 1s;
    Duration span_max = 10min;
    uint64_t span_raw_bytes_min = 64_KiB;
    size_t sealed_blocks_max = 4;
    std::vector<LineRules> line_rules{};  // by the index that collectors hand on; the first means nothing special
    MakeParser make_parser{};             // of parsers that are not built in
    secrets::RedactConfig redact{};
  };

  explicit Batcher(Options options);
  Batcher(const Batcher&) = delete;
  Batcher& operator=(const Batcher&) = delete;

  // The time of everything handed on until the next call.
  void begin_turn(Instant now, WallTime wall);
  // All collectors have been polled; `caught_up`: they had nothing more to read.
  void end_turn(bool caught_up);
  // Call end_turn again by then.
  Instant next_seal() const;
  // Someone watches until then.
  void serve_live(Instant until) { live_until_ = until; }
  // Everything into blocks, whatever its age; full() does not hold here. Records that wait for further lines are read
  // again after the next start; those of sources that cannot be read again go as they are.
  void seal_all();
  // No further line will come: what waits for one goes as it is.
  void finish_held();

  std::optional<SealedBlock> take_sealed();
  // Positions that need no block to be durable: the blackhole's.
  std::vector<wire::SourcePosition> take_discarded();
  const BatcherCounters& counters() const { return counters_; }

  collect::SourceHandle open_source(const wire::SourcePosition& position, std::string_view service) override;
  void use_line_rules(collect::SourceHandle source, uint32_t rules) override;
  void line(collect::SourceHandle source, BytesView body) override;
  void line_at(collect::SourceHandle source, BytesView body, uint64_t offset) override;
  void record(collect::SourceHandle source, BytesView body, const collect::Structured& structured) override;
  void advance(collect::SourceHandle source, const wire::SourcePosition& position) override;
  void metric(const wire::MetricPoint& point) override;
  bool full() const override { return sealed_.size() >= options_.sealed_blocks_max; }
  void dropped(std::string_view reason, uint64_t bytes) override;

 private:
  struct Source {
    wire::SourcePosition position;
    std::string service;
    uint64_t block = 0;  // the open block it has rows in; its index there
    uint32_t index = 0;

    secrets::Redactor::KeyLines key_lines;

    // Where its input has rules for lines; the chain is the input's.
    LineChain* chain = nullptr;
    std::unique_ptr<HeldLines> held;
    bool holding = false;          // is in holding_
    wire::SourcePosition read_to;  // the collector's last word; `position` stays before what is held
  };

  // batcher_lines.cc: from lines to records.
  void take_line(Source& source, BytesView line, std::optional<uint64_t> offset);
  void add_draft(Source& source);
  void add_parsed(Source& source, Draft& draft);
  void hold(Source& source, bool partial, std::optional<uint64_t> offset);
  void hand_on_whole(Source& source);
  void release_expired();
  void finish_held_of(Source& source);
  void finish_held_of_pushed();
  void move_up_to_held(Source& source);
  void forget_held(collect::SourceHandle handle);

  // `line` is what the record was made of.
  void add(Source& source, wire::LogRecord& record, BytesView line);
  void move_position(Source& source, const wire::SourcePosition& position);
  uint32_t index_in_block(Source& source);
  bool log_is_due(bool caught_up) const;
  void seal_logs();
  void seal_metrics();

  const Options options_;
  BatcherCounters counters_;
  LineParser parser_;
  secrets::Redactor redactor_;
  wire::LogBlockBuilder logs_;
  wire::MetricBlockBuilder metrics_;
  std::vector<Source> sources_;  // by handle; as many as the collectors have open at once, which they bound
  std::unordered_map<uint64_t, collect::SourceHandle> handles_;  // by source id
  std::vector<collect::SourceHandle> free_handles_;              // of sources that are finished
  std::deque<SealedBlock> sealed_;
  std::vector<wire::SourcePosition> discarded_;

  Instant now_;
  WallTime wall_;
  Instant live_until_{INT64_MIN};
  uint64_t block_ = 1;                // counts open blocks of logs
  std::optional<Instant> logs_from_;  // when the open block got its first row
  std::optional<Instant> metrics_from_;
  bool urgent_ = false;       // a new shape or an error is in it
  bool between_runs_ = true;  // every row handed on is covered by a position
  bool caught_up_ = false;

  std::vector<std::unique_ptr<LineChain>> chains_;  // by rules; made when the first source asks for them
  std::vector<collect::SourceHandle> holding_;      // sources that may hold lines
  Draft draft_;
  Source* emitting_ = nullptr;  // whose line a parser looks at
  LineFormat::Emit emit_;
  uint64_t held_bytes_ = 0;
  Instant had_no_room_at_{INT64_MIN};

  uint64_t shapes_seen_ = 0;  // keeps the blackhole's shape keys from being computed for nothing
};

}  // namespace reeve::agent
