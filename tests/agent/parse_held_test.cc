// Records of several lines: when they are whole, what bounds them, and where the position stays meanwhile.
#include <catch2/catch.hpp>

#include "tests/agent/parse_lines.h"

namespace reeve::agent {

namespace {

LineRules joined(HoldLimits hold = {}) {
  LineRules rules;
  rules.multiline = MultilineRules{MultilineRules::By::start, "^\\["};
  rules.hold = hold;
  return rules;
}

using Bodies = std::vector<std::string>;

}  // namespace

TEST_CASE("a record is held until the next one begins, and the position stays before it") {
  LineRun run(joined());

  run.read("[1] a\n  b\n[2] c\n");

  CHECK(run.bodies() == Bodies{"[1] a\n  b"});
  CHECK(run.sealed_to() == 10);
}

TEST_CASE("a record is whole when no line has come for the time-out, and only then does the position move on") {
  LineRun run(joined());
  run.read("[1] a\n");
  run.pass(999ms);
  CHECK(run.bodies().empty());
  CHECK(run.batcher().next_seal() <= Instant{2'000'000'000});

  run.pass(1ms);

  CHECK(run.bodies() == Bodies{"[1] a"});
  CHECK(run.sealed_to() == 6);
}

TEST_CASE("each further line begins the time-out anew") {
  LineRun run(joined());
  run.read("[1] a\n");
  run.pass(900ms);
  run.read("  b\n");
  run.pass(900ms);
  CHECK(run.bodies().empty());

  run.pass(100ms);

  CHECK(run.bodies() == Bodies{"[1] a\n  b"});
}

TEST_CASE("in a backlog, and while blocks wait to be taken, silence is no end of a record") {
  LineRun run(joined());
  run.read("[1] a\n");
  run.pass(5s, false);
  CHECK(run.bodies().empty());
  run.pass(4999ms, false);
  CHECK(run.bodies().empty());

  run.pass(1ms, false);

  CHECK(run.bodies() == Bodies{"[1] a"});
}

TEST_CASE("while it is full nothing times out, and the wait begins anew when there is room") {
  Batcher batcher({.host = "h", .sealed_blocks_max = 1, .line_rules = {{}, joined()}});
  wire::SourcePosition position;
  position.id = 1;
  batcher.begin_turn(Instant{0}, arrival);
  const auto source = batcher.open_source(position, "app");
  batcher.use_line_rules(source, 1);
  batcher.line_at(source, "[1] a", 0);
  batcher.line_at(source, "[2] b", 6);
  position.offset = 12;
  batcher.advance(source, position);
  batcher.seal_all();
  CHECK(batcher.full());

  batcher.begin_turn(Instant{0} + 60s, arrival);
  batcher.end_turn(true);
  CHECK(batcher.counters().rows == 1);
  batcher.take_sealed();
  batcher.begin_turn(Instant{0} + 60s + 500ms, arrival);
  batcher.end_turn(true);
  CHECK(batcher.counters().rows == 1);
  batcher.begin_turn(Instant{0} + 61s, arrival);
  batcher.end_turn(true);

  CHECK(batcher.counters().rows == 2);
}

TEST_CASE("a record of more lines than allowed is cut there, and its rest is a record") {
  LineRun run(joined({.lines_max = 3}));

  run.read("[1]\na\nb\nc\nd\n[2]\n");

  CHECK(run.bodies() == Bodies{"[1]\na\nb", "c\nd"});
  CHECK(run.batcher().counters().records_cut == 1);
}

TEST_CASE("a record of more bytes than allowed is cut before the line that would be too much") {
  LineRun run(joined({.bytes_max = 10}));

  run.read("[1]\n123456\n7\n[2]\n");

  CHECK(run.bodies() == Bodies{"[1]\n123456", "7"});
  CHECK(run.batcher().counters().records_cut == 1);
}

TEST_CASE("a piece that never ends does not make the other stream wait for long") {
  LineRules rules = parsed_by({"cri"});
  rules.hold.lines_max = 4;
  LineRun run(rules);
  run.read("2026-11-21T11:59:00Z stdout P never\n");
  for (int i = 0; i < 8; ++i) run.read("2026-11-21T11:59:01Z stderr F x" + std::to_string(i) + "\n");

  const Bodies bodies = run.bodies();

  CHECK(bodies == Bodies{"never", "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7"});
  CHECK(run.batcher().counters().records_cut == 1);
}

TEST_CASE("pieces of a line that is longer than allowed become records of their own, none is lost") {
  LineRules rules = parsed_by({"cri"});
  rules.hold.bytes_max = 32;
  LineRun run(rules);
  std::string expected;
  for (int i = 0; i < 100; ++i) {
    const std::string text = "piece " + std::to_string(i) + ";";
    run.read("2026-11-21T11:59:00Z stdout P " + text + "\n");
    expected += text;
  }
  run.read("2026-11-21T11:59:00Z stdout F end\n");

  std::string all;
  for (const std::string& body : run.bodies()) {
    CHECK(body.size() <= 32);
    all += body;
  }

  CHECK(all == expected + "end");
  CHECK(run.batcher().counters().records_cut >= 30);
}

TEST_CASE("the end of a file ends its last record, and the position is finished with it") {
  LineRun run(joined());
  wire::SourcePosition position;
  position.id = 7;
  position.offset = 10;
  run.batcher().line_at(run.source(), "[1] a", 0);
  position.finished = true;
  run.batcher().advance(run.source(), position);

  CHECK(run.bodies() == Bodies{"[1] a"});
  CHECK(run.sealed_to() == 10);
}

TEST_CASE("at the end of everything what is held goes; at a mere stop it is read again after the next start") {
  LineRun stopped(joined());
  stopped.read("[1] a\n[2] b\n");
  CHECK(stopped.bodies() == Bodies{"[1] a"});
  CHECK(stopped.sealed_to() == 6);

  LineRun ended(joined());
  ended.read("[1] a\n[2] b\n");

  CHECK(ended.finish().size() == 2);
  CHECK(ended.sealed_to() == 12);
}

TEST_CASE("what was pushed and cannot be read again is not held over a stop") {
  LineRun run(joined());
  wire::SourcePosition position;
  position.id = 7;
  run.batcher().line(run.source(), "[1] pushed");
  position.offset = 1;
  run.batcher().advance(run.source(), position);

  CHECK(run.bodies() == Bodies{"[1] pushed"});
}

TEST_CASE("thousands of open records hold at most 16 MiB together") {
  Batcher batcher({.host = "h", .line_rules = {{}, joined()}});
  batcher.begin_turn(Instant{0}, arrival);
  const std::string text = "[1] " + std::string(60'000, 'x');
  for (uint64_t id = 1; id <= 400; ++id) {
    wire::SourcePosition position;
    position.id = id;
    const auto source = batcher.open_source(position, "app");
    batcher.use_line_rules(source, 1);
    batcher.line_at(source, text, 0);
    position.offset = text.size() + 1;
    batcher.advance(source, position);
  }

  // 279 of them fit; each further one goes at once.
  CHECK(batcher.counters().rows == 400 - 16_MiB / text.size());
}

}  // namespace reeve::agent
