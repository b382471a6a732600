// Searching and following logs; on the store in memory, for the store's own tests prove the two alike.
#include "server/query/logs.h"

#include "server/query/cursor.h"
#include "tests/pch.h"
#include "tests/server/store_world.h"

namespace reeve::server::test {
namespace {

std::vector<std::string> bodies(const std::vector<FoundLog>& logs) {
  std::vector<std::string> all;
  for (const FoundLog& log : logs) all.push_back(log.row.body);
  return all;
}

// A store with one block per call of add().
struct World {
  std::unique_ptr<Store> store = make_memory_store();
  std::map<uint8_t, uint64_t> sequences;

  void add(uint8_t agent, const std::vector<Line>& lines, const std::string& host = "host-1") {
    const wire::BlockIdentity identity{make_id(agent), make_id(agent), wire::Lane::live, ++sequences[agent]};
    const auto outcomes = commit(*store, {{identity, noon + 1h, make_log_block(identity, lines, host)}});
    REQUIRE(outcomes.at(0).result == CommitResult::stored);
  }

  void add_damaged(uint8_t agent, const std::vector<Line>& lines) {
    const wire::BlockIdentity identity{make_id(agent), make_id(agent), wire::Lane::live, ++sequences[agent]};
    Bytes bytes = make_log_block(identity, lines);
    const uint64_t columns = wire::parse_preamble(bytes)->columns_bytes;
    for (size_t at = bytes.size() - columns; at < bytes.size(); ++at) bytes[at] = static_cast<char>(bytes[at] ^ 1);
    commit(*store, {{identity, noon + 1h, bytes}});
  }

  LogPage page(const LogQuery& query, const ReportDamage& report = nullptr) {
    Result<LogPage> answer = query_logs(*store, query, report);
    if (!answer.ok()) FAIL(answer.error().text());
    return std::move(answer).value();
  }

  // All rows, page by page.
  std::vector<std::string> walk(LogQuery query, size_t* pages = nullptr) {
    std::vector<std::string> all;
    for (size_t n = 1; n < 10'000; ++n) {
      const LogPage answer = page(query);
      for (const std::string& body : bodies(answer.rows)) all.push_back(body);
      if (pages != nullptr) *pages = n;
      if (!answer.next_cursor) return all;
      query.cursor = *answer.next_cursor;
    }
    FAIL("the walk does not end");
    return all;
  }
};

using Bodies = std::vector<std::string>;

}  // namespace

TEST_CASE("rows of all blocks come newest first, whatever order they were stored in") {
  World world;
  world.add(1, {{noon + 3s, "c"}, {noon + 1s, "a"}});
  world.add(2, {{noon + 2s, "b"}, {noon + 5s, "e"}});
  world.add(1, {{noon + 4s, "d"}});

  const LogPage page = world.page({});

  CHECK(bodies(page.rows) == Bodies{"e", "d", "c", "b", "a"});
  CHECK(!page.next_cursor);
  CHECK(page.scanned.blocks == 3);
  CHECK(page.scanned.rows == 5);
}

TEST_CASE("a row tells its host, agent, service and level") {
  World world;
  world.add(3, {{noon, "it broke", "payments", wire::Level::error}}, "db-7");

  const LogPage page = world.page({});

  REQUIRE(page.rows.size() == 1);
  CHECK(page.rows[0].host == "db-7");
  CHECK(page.rows[0].agent == make_id(3));
  CHECK(page.rows[0].row.service == "payments");
  CHECK(page.rows[0].row.level == wire::Level::error);
  CHECK(page.rows[0].row.source == "/var/log/test.log");
}

TEST_CASE("rows of the same instant keep one order, the later stored first") {
  World world;
  world.add(1, {{noon, "1"}, {noon, "2"}});
  world.add(2, {{noon, "3"}, {noon, "4"}});

  CHECK(bodies(world.page({}).rows) == Bodies{"4", "3", "2", "1"});
  CHECK(world.walk({.limit = 1}) == Bodies{"4", "3", "2", "1"});
}

TEST_CASE("pages follow each other without a row twice or missing, whatever is stored in between") {
  World world;
  Bodies expected;
  for (int n = 0; n < 50; ++n) {
    world.add(static_cast<uint8_t>(n % 3 + 1),
              {{noon + Duration(n * 1s), std::to_string(n)}, {noon + Duration((n + 7) * 1s), std::to_string(n) + "+"}});
  }
  expected = world.walk({.limit = 1000});
  REQUIRE(expected.size() == 100);

  for (const uint32_t limit : {1u, 2u, 7u, 99u, 100u, 101u}) CHECK(world.walk({.limit = limit}) == expected);

  const LogPage first = world.page({.limit = 10});
  world.add(1, {{noon + 1h, "newer"}});
  const LogPage second = world.page({.limit = 10, .cursor = *first.next_cursor});
  CHECK(bodies(second.rows) == Bodies(expected.begin() + 10, expected.begin() + 20));
}

TEST_CASE("a page of the newest rows does not open the blocks behind them") {
  World world;
  for (int n = 0; n < 20; ++n) world.add(1, {{noon + Duration(n * 1s), std::to_string(n)}});

  const LogPage page = world.page({.limit = 2});

  CHECK(bodies(page.rows) == Bodies{"19", "18"});
  CHECK(page.scanned.blocks <= 4);
  CHECK(page.next_cursor);
}

TEST_CASE("blocks whose header rules them out are counted and not searched") {
  World world;
  world.add(1, {{noon, "a", "web"}});
  world.add(1, {{noon + 1s, "b", "db"}});

  LogQuery query;
  query.predicate.service = "db";
  const LogPage page = world.page(query);

  CHECK(bodies(page.rows) == Bodies{"b"});
  CHECK(page.scanned.blocks == 1);
  CHECK(page.scanned.blocks_pruned == 1);
}

TEST_CASE("the range holds its begin and not its end") {
  World world;
  world.add(1, {{noon, "a"}, {noon + 1s, "b"}, {noon + 2s, "c"}});

  LogQuery query;
  query.predicate.from = noon + 1s;
  query.predicate.to = noon + 2s;

  CHECK(bodies(world.page(query).rows) == Bodies{"b"});
}

TEST_CASE("a text condition and a level choose the rows that have both") {
  World world;
  world.add(1, {{noon, "disk failed", "web", wire::Level::error},
                {noon + 1s, "disk fine", "web", wire::Level::info},
                {noon + 2s, "fan failed", "web", wire::Level::warn}});

  LogQuery query;
  query.predicate.level_min = wire::Level::warn;
  query.predicate.text.push_back(wire::TextMatcher::literal("disk", false).value());

  CHECK(bodies(world.page(query).rows) == Bodies{"disk failed"});
}

TEST_CASE("a page that meets its bound on blocks ends early and can be continued") {
  World world;
  for (int n = 0; n < 30; ++n) world.add(1, {{noon + Duration(n * 1s), n % 10 == 0 ? "wanted" : "other"}});
  LogQuery query;
  query.limits.blocks_max = 4;
  query.predicate.text.push_back(wire::TextMatcher::literal("wanted", false).value());

  size_t pages = 0;
  const Bodies found = world.walk(query, &pages);

  CHECK(found == Bodies(3, "wanted"));
  CHECK(pages > 3);
  CHECK(world.page(query).scanned.blocks <= 5);
}

TEST_CASE("a bound on blocks never stops the walk, even where all blocks overlap") {
  World world;
  for (int n = 0; n < 12; ++n) {
    world.add(1, {{noon, "begin " + std::to_string(n)}, {noon + 1min, "end " + std::to_string(n)}});
  }
  LogQuery query;
  query.limit = 5;
  query.limits.blocks_max = 2;

  CHECK(world.walk(query).size() == 24);
}

TEST_CASE("a limit outside of its range is refused") {
  World world;
  CHECK(query_logs(*world.store, {.limit = 0}).error().code() == Code::invalid);
  CHECK(query_logs(*world.store, {.limit = log_page_rows_max + 1}).error().code() == Code::invalid);
  CHECK(query_logs(*world.store, {.limit = log_page_rows_max}).ok());
  CHECK(tail_logs(*world.store, {.limit = 0}).error().code() == Code::invalid);
}

TEST_CASE("a cursor that this route did not give is refused") {
  World world;
  const std::string search = format_cursor(CursorKind::search, {noon, 7, 3});
  const std::string tail = format_cursor(CursorKind::tail, {noon, 7, 3});
  CHECK(parse_cursor(CursorKind::search, search).value() == Cursor{noon, 7, 3});

  for (size_t at = 0; at < search.size(); ++at) {
    std::string wrong = search;
    wrong[at] = wrong[at] == 'A' ? 'B' : 'A';
    CHECK(query_logs(*world.store, {.cursor = wrong}).error().code() == Code::invalid);
  }
  for (const std::string& wrong : {tail, std::string("x"), search + "A", std::string(10'000, 'A'), search.substr(1)}) {
    CHECK(query_logs(*world.store, {.cursor = wrong}).error().code() == Code::invalid);
  }
  CHECK(tail_logs(*world.store, {.cursor = search}).error().code() == Code::invalid);
  CHECK(tail_logs(*world.store, {.cursor = tail}).error().text().find("ahead") != std::string::npos);
}

TEST_CASE("a damaged block is passed by, counted and reported, and the rest is found") {
  World world;
  world.add(1, {{noon, "a"}});
  world.add_damaged(1, {{noon + 1s, "b"}});
  world.add(1, {{noon + 2s, "c"}});

  std::vector<DamagedBlock> damaged;
  const LogPage page = world.page({}, [&](const DamagedBlock& block) { damaged.push_back(block); });

  CHECK(bodies(page.rows) == Bodies{"c", "a"});
  CHECK(page.scanned.damaged_blocks == 1);
  REQUIRE(damaged.size() == 1);
  CHECK(damaged[0].block.commit_id == 2);
  REQUIRE(world.store->set_aside(damaged[0].block, damaged[0].reason).ok());
  CHECK(world.page({}).scanned.damaged_blocks == 0);
}

// -- tail ------------------------------------------------------------------------------------------------------------

TEST_CASE("a tail begins now and gives what is stored later, in order of storage") {
  World world;
  world.add(1, {{noon, "before"}});
  LogTail tail = tail_logs(*world.store, {}).value();
  CHECK(tail.rows.empty());

  world.add(1, {{noon + 9s, "later"}, {noon + 8s, "in its block's order"}});
  world.add(2, {{noon - 1h, "an old line, stored now"}});
  tail = tail_logs(*world.store, {.cursor = tail.cursor}).value();

  CHECK(bodies(tail.rows) == Bodies{"later", "in its block's order", "an old line, stored now"});
  CHECK(!tail.more);
  CHECK(tail_logs(*world.store, {.cursor = tail.cursor}).value().rows.empty());
}

TEST_CASE("a tail from before the first block gives that block whole") {
  World world;
  const LogTail start = tail_logs(*world.store, {}).value();
  world.add(1, {{noon, "a"}, {noon, "b"}});

  CHECK(bodies(tail_logs(*world.store, {.cursor = start.cursor}).value().rows) == Bodies{"a", "b"});
}

TEST_CASE("a tail goes on inside of a block where its limit cut it") {
  World world;
  std::string cursor = tail_logs(*world.store, {}).value().cursor;
  world.add(1, {{noon, "a"}, {noon, "b"}, {noon, "c"}});
  world.add(1, {{noon, "d"}});

  Bodies all;
  for (int calls = 0; calls < 10; ++calls) {
    const LogTail tail = tail_logs(*world.store, {.limit = 2, .cursor = cursor}).value();
    for (const std::string& body : bodies(tail.rows)) all.push_back(body);
    CHECK(tail.rows.size() <= 2);
    cursor = tail.cursor;
    if (!tail.more) break;
  }

  CHECK(all == Bodies{"a", "b", "c", "d"});
}

TEST_CASE("a tail filters, and its cursor passes what it left out") {
  World world;
  LogTailQuery query{.cursor = tail_logs(*world.store, {}).value().cursor};
  query.predicate.service = "db";
  world.add(1, {{noon, "a", "web"}});
  world.add(1, {{noon, "b", "db"}});
  world.add(1, {{noon, "c", "web"}});

  const LogTail tail = tail_logs(*world.store, query).value();

  CHECK(bodies(tail.rows) == Bodies{"b"});
  query.cursor = tail.cursor;
  CHECK(tail_logs(*world.store, query).value().scanned.blocks == 0);
}

TEST_CASE("a tail passes a damaged block by") {
  World world;
  const std::string cursor = tail_logs(*world.store, {}).value().cursor;
  world.add_damaged(1, {{noon, "a"}});
  world.add(1, {{noon, "b"}});

  size_t reported = 0;
  const LogTail tail = tail_logs(*world.store, {.cursor = cursor}, [&](const DamagedBlock&) { ++reported; }).value();

  CHECK(bodies(tail.rows) == Bodies{"b"});
  CHECK(reported == 1);
}

}  // namespace reeve::server::test
