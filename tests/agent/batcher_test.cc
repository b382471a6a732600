#include "agent/batcher.h"

#include <catch2/catch.hpp>

#include "common/wire/search.h"

namespace reeve::agent {

namespace {

const WallTime wall = parse_rfc3339("2026-11-21T12:00:00Z").value();

struct BatcherTest {
  Batcher batcher{{.host = "web-1"}};
  Instant now{1'000'000'000};
  wire::SourcePosition position;
  collect::SourceHandle source = 0;

  BatcherTest() {
    position.id = 7;
    position.kind = "file";
    position.name = "/var/log/app.log";
    batcher.begin_turn(now, wall);
    source = batcher.open_source(position, "app");
  }

  // One turn of the worker: time passes, lines are handed on, the position advances.
  void turn(Duration later, const std::vector<std::string>& lines, bool caught_up = true) {
    now = now + later;
    batcher.begin_turn(now, wall);
    for (const std::string& line : lines) {
      batcher.line(source, line);
      position.offset += line.size() + 1;
    }
    if (!lines.empty()) batcher.advance(source, position);
    batcher.end_turn(caught_up);
  }

  // Makes the shape known, and the open block empty.
  void learn(const std::string& line) {
    turn(0s, {line});
    turn(10s, {});
    while (batcher.take_sealed()) {
    }
  }

  std::vector<std::string> take_bodies() {
    const auto block = batcher.take_sealed();
    REQUIRE(block.has_value());
    const auto rows = wire::read_log_block(block->bytes);
    REQUIRE(rows.ok());
    std::vector<std::string> bodies;
    for (const wire::LogRow& row : *rows) bodies.push_back(row.body);
    return bodies;
  }
};

}  // namespace

TEST_CASE_METHOD(BatcherTest, "a block is sealed 5 s after its first row, with the position of all its rows") {
  learn("known line");
  turn(0s, {"known line"});
  turn(4999ms, {"known line"});
  CHECK_FALSE(batcher.take_sealed().has_value());

  turn(1ms, {"known line"});

  const auto block = batcher.take_sealed();
  REQUIRE(block.has_value());
  CHECK(block->lane == wire::Lane::live);
  REQUIRE(block->positions.size() == 1);
  CHECK(block->positions[0].id == 7);
  CHECK(block->positions[0].offset == position.offset);
  const auto header = wire::parse_header(block->bytes);
  CHECK(header->rows == 3);
  CHECK(header->sources.at(0).begin == 11);
  CHECK(header->sources.at(0).position.offset == position.offset);
}

TEST_CASE_METHOD(BatcherTest, "a new shape or an error shortens the wait to 500 ms once everything is read") {
  learn("known line");
  turn(0s, {"known line"});
  turn(500ms, {});
  CHECK_FALSE(batcher.take_sealed().has_value());

  turn(0s, {"ERROR known line"});
  turn(0s, {});

  CHECK(take_bodies().size() == 2);
}

TEST_CASE_METHOD(BatcherTest, "a backlog full of new shapes does not fall into tiny blocks") {
  for (int i = 0; i < 9; ++i) turn(500ms, {"shape " + std::string(static_cast<size_t>(i) + 1, 'x')}, false);
  CHECK_FALSE(batcher.take_sealed().has_value());

  turn(1s, {}, false);

  CHECK(take_bodies().size() == 9);
}

TEST_CASE_METHOD(BatcherTest, "while someone watches a block waits 200 ms") {
  learn("known line");
  batcher.serve_live(now + 10s);
  turn(0s, {"known line"});
  CHECK(batcher.next_seal() == now + 200ms);
  turn(199ms, {});
  CHECK_FALSE(batcher.take_sealed().has_value());

  turn(1ms, {});
  CHECK(take_bodies().size() == 1);

  turn(10s, {"known line"});
  turn(1s, {});
  CHECK_FALSE(batcher.take_sealed().has_value());
}

TEST_CASE_METHOD(BatcherTest, "a block is sealed at its size, between two runs of rows") {
  const std::string line(1023, 'x');
  for (int i = 0; i < 40; ++i) turn(0s, std::vector<std::string>(100, line), false);
  CHECK_FALSE(batcher.take_sealed().has_value());

  turn(0s, std::vector<std::string>(200, line), false);

  CHECK(take_bodies().size() == 4200);
}

TEST_CASE_METHOD(BatcherTest, "records that span more than ten minutes part, as soon as it is worth a block") {
  learn("2026-11-21T10:00:00Z line " + std::string(1024, 'x'));
  turn(0s, {"2026-11-21T10:00:00Z line", "2026-11-21T11:00:00Z line"}, false);
  CHECK_FALSE(batcher.take_sealed().has_value());

  turn(0s, std::vector<std::string>(64, "2026-11-21T11:00:00Z line " + std::string(1024, 'x')), false);

  CHECK(take_bodies().size() == 66);
}

TEST_CASE_METHOD(BatcherTest, "rows that no position covers yet are never sealed") {
  batcher.line(source, "half a run");
  now = now + 1h;
  batcher.begin_turn(now, wall);

  batcher.end_turn(true);

  CHECK_FALSE(batcher.take_sealed().has_value());
}

TEST_CASE_METHOD(BatcherTest, "a position without rows is sealed, too: a file that ended must not be forgotten") {
  learn("known line");
  position.finished = true;
  batcher.advance(source, position);
  turn(5s, {});

  const auto block = batcher.take_sealed();

  REQUIRE(block.has_value());
  CHECK(block->positions.at(0).finished);
  CHECK(wire::parse_header(block->bytes)->rows == 0);
}

TEST_CASE_METHOD(BatcherTest, "when enough blocks wait it is full, and not again before one is taken") {
  for (int i = 0; i < 3; ++i) turn(5s, {"line"}), turn(5s, {});
  CHECK_FALSE(batcher.full());
  turn(5s, {"line"});
  turn(5s, {});
  CHECK(batcher.full());

  CHECK(batcher.take_sealed().has_value());

  CHECK_FALSE(batcher.full());
}

TEST_CASE_METHOD(BatcherTest, "what the line says of time, level and service reaches the row; the source fills in") {
  const wire::Field fields[] = {{"unit", "ssh"}};
  batcher.line(source, "2026-11-21T11:59:00Z ERROR it broke");
  batcher.line(source, "Nov 21 11:59:00 web-1 sshd[4]: hello");
  batcher.line(source, "2030-01-01T00:00:00Z from the future");
  batcher.record(source, "from the journal", {wall - 1h, wire::Level::warn, "ssh", fields});
  batcher.record(source, "from the future", {wall + 25h, wire::Level::info, "", {}});
  position.offset = 100;
  batcher.advance(source, position);
  batcher.seal_all();

  const auto rows = wire::read_log_block(batcher.take_sealed()->bytes);

  REQUIRE(rows->size() == 5);
  CHECK(rows->at(0).time == wall - 60s);
  CHECK(rows->at(0).level == wire::Level::error);
  CHECK(rows->at(0).service == "app");
  CHECK(rows->at(1).service == "sshd");
  CHECK(rows->at(2).time == wall);
  CHECK(rows->at(2).time_suspect);
  CHECK(rows->at(3).time == wall - 1h);
  CHECK(rows->at(3).fields.at(0).second == "ssh");
  CHECK(rows->at(4).time_suspect);
  CHECK(batcher.counters().time_suspect == 2);
}

TEST_CASE_METHOD(BatcherTest,
                 "metrics are sealed a second after they came, in a block of their own without positions") {
  wire::MetricPoint point;
  point.name = "system.cpu.utilization";
  point.time = wall;
  point.value = .5;
  batcher.metric(point);
  turn(999ms, {});
  CHECK_FALSE(batcher.take_sealed().has_value());

  turn(1ms, {});

  const auto block = batcher.take_sealed();
  REQUIRE(block.has_value());
  CHECK(block->positions.empty());
  CHECK(wire::parse_preamble(block->bytes)->kind == wire::BlockKind::metrics);
}

TEST_CASE("the blackhole counts rows and keeps none, and their positions are safe at once") {
  Batcher batcher({.host = "web-1", .output = Output::blackhole});
  wire::SourcePosition position;
  position.id = 7;
  batcher.begin_turn(Instant{0}, wall);
  const auto source = batcher.open_source(position, "app");
  batcher.line(source, "ERROR one");
  position.offset = 10;
  batcher.advance(source, position);

  batcher.seal_all();

  CHECK_FALSE(batcher.take_sealed().has_value());
  CHECK(batcher.take_discarded().at(0).offset == 10);
  CHECK(batcher.counters().rows == 1);
  CHECK(batcher.counters().raw_bytes == 10);
}

TEST_CASE_METHOD(BatcherTest, "dropped bytes are counted by their reason, and reasons are bounded") {
  batcher.dropped("line_too_long", 5);
  batcher.dropped("line_too_long", 6);
  for (int i = 0; i < 100; ++i) batcher.dropped("reason " + std::to_string(i), 1);

  CHECK(batcher.counters().dropped_bytes.at("line_too_long") == 11);
  CHECK(batcher.counters().dropped_bytes.size() <= 65);
}

TEST_CASE_METHOD(BatcherTest, "a source that is opened again has its handle again, and a finished one gives it back") {
  CHECK(batcher.open_source(position, "app") == source);
  turn(0s, {"line"});
  position.finished = true;
  batcher.advance(source, position);
  batcher.seal_all();

  wire::SourcePosition other;
  other.id = 8;
  CHECK(batcher.open_source(other, "app") == source);
}

}  // namespace reeve::agent
