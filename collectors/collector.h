// What a collector is: it reads one kind of source and hands on what it read; it parses nothing.
//
// A collector is polled by the worker it is pinned to and does a bounded piece of work each time. It hands rows to an
// Intake, together with the position reached. Its position is durable only when the block holding the rows is durable;
// until then on_durable() has not been called, and whatever is needed to read the rows again (an open descriptor of a
// rotated file) must be kept.
//
// Adding one: one file and one row in table.cc.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/random.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/wire/record.h"

namespace reeve::collect {

// A small handle for a source while the program runs.
using SourceHandle = uint32_t;

// A row whose time, level and service the source itself knows (the journal does; a file does not).
struct Structured {
  WallTime time;
  wire::Level level = wire::Level::unset;
  std::string_view service;
  std::span<const wire::Field> fields;
};

// Where rows go. One thread: the collector's worker.
class Intake {
 public:
  virtual ~Intake() = default;

  // A source that rows will come from; `service` is what its rows are called unless a line says better.
  virtual SourceHandle open_source(const wire::SourcePosition& position, std::string_view service) = 0;

  // How the parse stage treats the lines of that source: an index into the rules that the program has read from its
  // configuration and put into the collector's; 0 means nothing special. Said right after open_source, where not 0.
  virtual void use_line_rules(SourceHandle /*source*/, uint32_t /*rules*/) {}

  // A line as read, without its line end, any bytes. Time and level are found in it by the parse stage.
  virtual void line(SourceHandle source, BytesView body) = 0;
  // The same of a source that can be read again from `offset`, where the line begins. Where several lines become one
  // record, the stages behind hold lines back; the durable position then stays before the first one that is held.
  virtual void line_at(SourceHandle source, BytesView body, uint64_t /*offset*/) { line(source, body); }
  virtual void record(SourceHandle source, BytesView body, const Structured& structured) = 0;

  // The source was read on to here; every row handed on before belongs before it. Called after each run of rows.
  virtual void advance(SourceHandle source, const wire::SourcePosition& position) = 0;

  virtual void metric(const wire::MetricPoint& point) = 0;

  // True while the stages behind are full: hand on no more, keep your place, and come back at the next poll.
  virtual bool full() const = 0;

  // Bytes that will never be handed on, and why ("line_too_long", "file_gone"); they are counted in dropped_total.
  virtual void dropped(std::string_view reason, uint64_t bytes) = 0;
};

struct Poll {
  bool more = false;        // there is more to read right now: poll again at once
  bool at_end = false;      // everything that exists now is handed on (for --until-eof)
  Instant next{INT64_MAX};  // poll again by then even if nothing wakes us
};

// One thread: its worker.
class Collector {
 public:
  virtual ~Collector() = default;

  // Reads a bounded amount (about 1 MiB) and hands it on. Trouble with one source (unreadable, gone) is logged once,
  // counted, and does not stop the others.
  virtual Poll poll(Instant now, WallTime wall, Intake& intake) = 0;

  // These positions are safe on disk: rows before them are never needed again.
  virtual void on_durable(std::span<const wire::SourcePosition> positions) = 0;

  // No more is coming: hand on what was held back (a last line without its end). For --until-eof and shutdown.
  virtual void flush(Intake& intake) = 0;

  // The program ends: hand on what nobody could read again. Files are not concerned; what was pushed here is.
  virtual void on_stop(Intake& /*intake*/) {}

  // Directories whose changes should wake the worker before `Poll::next`.
  virtual std::vector<std::string> watched_directories() const { return {}; }
};

}  // namespace reeve::collect
