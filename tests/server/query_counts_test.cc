// Counting logs by time and by template, and finding a log's neighbours; on the store in memory.
#include "common/mine/shape.h"
#include "server/query/histogram.h"
#include "server/query/log_block_cache.h"
#include "server/query/log_context.h"
#include "server/query/log_templates.h"
#include "tests/pch.h"
#include "tests/server/store_world.h"

namespace reeve::server::test {
namespace {

using Bodies = std::vector<std::string>;
constexpr auto error = static_cast<size_t>(wire::Level::error);
constexpr auto info = static_cast<size_t>(wire::Level::info);

struct World {
  std::unique_ptr<Store> store = make_memory_store();
  std::map<uint8_t, uint64_t> sequences;

  void add(uint8_t agent, const std::vector<Line>& lines, const std::string& host = "host-1") {
    const wire::BlockIdentity identity{make_id(agent), make_id(agent), wire::Lane::live, ++sequences[agent]};
    commit(*store, {{identity, noon + 1h, make_log_block(identity, lines, host)}});
  }

  Histogram count(const HistogramQuery& query) {
    Result<Histogram> answer = count_logs(*store, query);
    if (!answer.ok()) FAIL(answer.error().text());
    return std::move(answer).value();
  }
  TemplateList templates(const TemplatesQuery& query) {
    Result<TemplateList> answer = list_templates(*store, query);
    if (!answer.ok()) FAIL(answer.error().text());
    return std::move(answer).value();
  }
  std::vector<FoundLog> all() {
    Result<LogPage> page = query_logs(*store, {.limit = 1000});
    REQUIRE(page.ok());
    return std::move(page->rows);
  }
  std::string id_of(const std::string& body) {
    for (const FoundLog& log : all()) {
      if (log.row.body == body) return log_id(log);
    }
    FAIL("there is no log " << body);
    return "";
  }
};

HistogramQuery minute_in_tens() {
  HistogramQuery query;
  query.predicate.from = noon;
  query.predicate.to = noon + 100s;
  query.buckets = 10;
  return query;
}

std::vector<uint64_t> counts(const Histogram& histogram) {
  std::vector<uint64_t> all;
  for (const HistogramBucket& bucket : histogram.buckets) all.push_back(bucket.count);
  return all;
}

Bodies bodies(const std::vector<FoundLog>& logs) {
  Bodies all;
  for (const FoundLog& log : logs) all.push_back(log.row.body);
  return all;
}

}  // namespace

// -- Histogram -------------------------------------------------------------------------------------------------------

TEST_CASE("a histogram counts each log once, in the step that holds it, by level") {
  World world;
  world.add(1, {{noon + 1s, "a"}, {noon + 2s, "b", "web", wire::Level::error}});
  world.add(2, {{noon + 9s, "c"}, {noon + 11s, "d"}, {noon + 99s, "e", "db", wire::Level::error}});

  const Histogram histogram = world.count(minute_in_tens());

  CHECK(histogram.step == 10s);
  CHECK(counts(histogram) == std::vector<uint64_t>{3, 1, 0, 0, 0, 0, 0, 0, 0, 1});
  CHECK(histogram.buckets[0].levels[info] == 2);
  CHECK(histogram.buckets[0].levels[error] == 1);
  CHECK(histogram.total == 5);
  CHECK(histogram.exact);
  CHECK(histogram.counted_from == noon);
}

TEST_CASE("a block within one step is counted by its header, without a byte of it read") {
  World world;
  world.add(1, {{noon + 1s, "a"}, {noon + 2s, "b"}});
  world.add(1, {{noon + 8s, "c"}, {noon + 12s, "d"}});

  const Histogram histogram = world.count(minute_in_tens());

  CHECK(counts(histogram)[0] == 3);
  CHECK(histogram.scanned.rows == 2);  // those of the block that lies across two steps
  CHECK(histogram.scanned.bytes > 0);
  world.add(1, {{noon + 3s, "e"}});
  CHECK(world.count(minute_in_tens()).scanned.bytes == histogram.scanned.bytes);
}

TEST_CASE("a histogram counts what a search with the same filters finds") {
  World world;
  SeededRandom random(7);
  for (int n = 0; n < 40; ++n) {
    std::vector<Line> lines;
    for (int row = 0; row < 20; ++row) {
      lines.push_back({noon + Duration(static_cast<int64_t>(random.next() % 100) * 1'000'000'000),
                       "line " + std::string(random.next() % 3, 'x') + " end", random.next() % 2 ? "web" : "db",
                       static_cast<wire::Level>(1 + random.next() % 6)});
    }
    world.add(static_cast<uint8_t>(1 + n % 3), lines, n % 2 ? "one" : "two");
  }

  const auto agrees = [&](const std::function<void(wire::LogPredicate&)>& narrow) {
    HistogramQuery query = minute_in_tens();
    query.predicate.from = noon + 5s;
    query.predicate.to = noon + 93s;
    narrow(query.predicate);
    LogQuery search{.predicate = query.predicate, .limit = 1000};
    const Result<LogPage> page = query_logs(*world.store, search);
    REQUIRE(page.ok());
    CHECK(world.count(query).total == page->rows.size());
    return page->rows.size();
  };

  CHECK(agrees([](auto&) {}) > 500);
  CHECK(agrees([](auto& p) { p.service = "db"; }) > 100);
  CHECK(agrees([](auto& p) { p.level_min = wire::Level::error; }) > 100);
  CHECK(agrees([](auto& p) { p.host = "one"; }) > 100);
  CHECK(agrees([](auto& p) { p.source = "/var/log/test.log"; }) > 500);
  CHECK(agrees([](auto& p) { p.text.push_back(*wire::TextMatcher::literal("xx", false)); }) > 100);
  CHECK(agrees([&](auto& p) { p.shape = world.all().front().row.shape; }) > 100);
}

TEST_CASE("steps are round, and there are at most one more than asked for") {
  World world;
  const auto step = [&](Duration range, uint32_t buckets) {
    HistogramQuery query;
    query.predicate.from = noon + 7s;
    query.predicate.to = query.predicate.from + range;
    query.buckets = buckets;
    const Histogram histogram = world.count(query);
    CHECK(histogram.buckets.size() <= buckets + 1);
    CHECK(histogram.buckets.front().time.ns % histogram.step.count() == 0);
    return histogram.step;
  };

  CHECK(step(1h, 60) == 1min);
  CHECK(step(1h, 59) == 2min);
  CHECK(step(24h, 60) == 30min);
  CHECK(step(1s, 60) == 20ms);
  CHECK(step(24h * 365, 60) == 24h * 7);
}

TEST_CASE("where the bytes run out a histogram spreads what headers tell, and says so") {
  World world;
  for (int n = 0; n < 10; ++n) world.add(1, {{noon + 1s, "a"}, {noon + 19s, "b"}});
  HistogramQuery query = minute_in_tens();
  query.limits.bytes_max = 1;

  const Histogram histogram = world.count(query);

  CHECK_FALSE(histogram.exact);
  CHECK(histogram.total == 20);
  CHECK(counts(histogram)[0] + counts(histogram)[1] == 20);
}

TEST_CASE("a histogram that may read no more blocks says from when on it counted") {
  World world;
  for (int n = 0; n < 10; ++n) world.add(1, {{noon + Duration(n * 10s), "a"}});
  HistogramQuery query = minute_in_tens();
  query.limits.blocks_max = 4;

  const Histogram histogram = world.count(query);

  CHECK_FALSE(histogram.exact);
  CHECK(histogram.total == 4);
  CHECK(histogram.counted_from == noon + 50s);
}

TEST_CASE("a histogram's buckets and range are checked") {
  World world;
  HistogramQuery query = minute_in_tens();

  for (const uint32_t wrong : {0u, 9u, 501u}) {
    query.buckets = wrong;
    CHECK(count_logs(*world.store, query).error().code() == Code::invalid);
  }
  query.buckets = 500;
  CHECK(count_logs(*world.store, query).ok());
  query.predicate.to = query.predicate.from;
  CHECK(count_logs(*world.store, query).error().code() == Code::invalid);
  query.predicate.from = {INT64_MIN};
  query.predicate.to = {INT64_MAX};
  CHECK(count_logs(*world.store, query).error().code() == Code::invalid);
}

// -- Templates -------------------------------------------------------------------------------------------------------

TEST_CASE("templates come by count, with what is common to their lines") {
  World world;
  world.add(1, {{noon + 1s, "user 17 logged in"}, {noon + 21s, "user 18 logged in"}, {noon + 22s, "disk full"}}, "a");
  world.add(2, {{noon + 41s, "user 19 logged in", "auth", wire::Level::error}}, "b");
  TemplatesQuery query;
  query.predicate.from = noon;
  query.predicate.to = noon + 60s;

  const TemplateList list = world.templates(query);

  REQUIRE(list.templates.size() == 2);
  CHECK_FALSE(list.truncated);
  const TemplateEntry& first = list.templates[0];
  CHECK(first.text == mine::shape_text("user 17 logged in"));
  CHECK(first.example.starts_with("user 1"));
  CHECK(first.count == 3);
  CHECK(first.hosts == 2);
  CHECK(first.levels[info] == 2);
  CHECK(first.levels[error] == 1);
  CHECK(first.services == std::set<std::string>{"auth", "web"});
  CHECK(first.first >= noon);
  CHECK(first.first <= noon + 1s);
  CHECK(first.last >= noon + 41s);
  CHECK(first.parts[0] == 1);
  CHECK(first.parts[10] == 1);
  CHECK(first.parts[20] == 1);
  CHECK(list.templates[1].count == 1);
}

TEST_CASE("a filter looks at rows where a block holds others, too") {
  World world;
  world.add(1, {{noon, "user 1 in"}, {noon, "user 2 in", "db"}, {noon, "user 3 in", "db", wire::Level::error}});
  TemplatesQuery query;
  query.predicate.from = noon;
  query.predicate.to = noon + 60s;

  query.predicate.service = "db";
  CHECK(world.templates(query).templates.at(0).count == 2);
  query.predicate.level_min = wire::Level::warn;
  CHECK(world.templates(query).templates.at(0).count == 1);

  query.limits.bytes_max = 0;  // no room to look at rows: left out, and said
  CHECK(world.templates(query).templates.empty());
  CHECK(world.templates(query).truncated);
}

TEST_CASE("without room for rows counts still come from headers") {
  World world;
  world.add(1, {{noon, "user 1 in"}, {noon + 1s, "user 2 in", "db"}, {noon + 2s, "bye", "db", wire::Level::error}});
  TemplatesQuery query;
  query.predicate.from = noon;
  query.predicate.to = noon + 60s;
  query.limits.bytes_max = 0;

  const TemplateList list = world.templates(query);

  REQUIRE(list.templates.size() == 2);
  CHECK(list.templates[0].count == 2);
  CHECK(list.templates[0].text == mine::shape_text("user 1 in"));
}

TEST_CASE("a template whose text no header of the range tells has it from a line") {
  World world;
  const wire::BlockIdentity first{make_id(1), make_id(1), wire::Lane::live, 1};
  const wire::BlockIdentity second{make_id(1), make_id(1), wire::Lane::live, 2};
  wire::LogBlockBuilder builder("host-1");
  const auto seal = [&](const wire::BlockIdentity& identity, WallTime time) {
    const uint32_t source = builder.add_source({.id = 1, .kind = "file", .name = "/f"});
    builder.add({.time = time, .level = wire::Level::info, .source = source, .service = "web", .body = "job 5 done"});
    Bytes block = builder.seal({});
    wire::stamp_block(block, identity);
    return block;
  };
  commit(*world.store, {{first, noon, seal(first, noon - 1h)}});
  commit(*world.store, {{second, noon, seal(second, noon + 1s)}});
  TemplatesQuery query;
  query.predicate.from = noon;
  query.predicate.to = noon + 60s;

  const TemplateList list = world.templates(query);

  REQUIRE(list.templates.size() == 1);
  CHECK(list.templates[0].text == mine::shape_text("job 5 done"));
  CHECK(list.templates[0].example == "job 5 done");
}

TEST_CASE("a list of templates that is cut says so") {
  World world;
  world.add(1, {{noon, "alpha"}, {noon, "beta"}, {noon, "gamma"}});
  TemplatesQuery query;
  query.predicate.from = noon;
  query.predicate.to = noon + 60s;

  query.limit = 2;
  CHECK(world.templates(query).templates.size() == 2);
  CHECK(world.templates(query).truncated);
  for (const uint32_t wrong : {0u, 1001u}) {
    query.limit = wrong;
    CHECK(list_templates(*world.store, query).error().code() == Code::invalid);
  }
}

// -- Context ---------------------------------------------------------------------------------------------------------

TEST_CASE("a log's neighbours are what its source said around it, across blocks, whatever others said") {
  World world;
  world.add(1, {{noon + 1s, "1"}, {noon + 2s, "2"}});
  world.add(2, {{noon + 3s, "other"}});
  world.add(1, {{noon + 3s, "3"}, {noon + 4s, "4"}, {noon + 5s, "5"}});
  world.add(1, {{noon + 6s, "6"}, {noon + 7s, "7"}});

  const Result<LogContext> found = find_log_context(*world.store, {.id = world.id_of("4"), .before = 2, .after = 2});

  REQUIRE(found.ok());
  CHECK(bodies(found->before) == Bodies{"2", "3"});
  CHECK(found->log.row.body == "4");
  CHECK(bodies(found->after) == Bodies{"5", "6"});
  const Result<LogContext> all = find_log_context(*world.store, {.id = world.id_of("4")});
  REQUIRE(all.ok());
  CHECK(bodies(all->before) == Bodies{"1", "2", "3"});
  CHECK(bodies(all->after) == Bodies{"5", "6", "7"});
}

TEST_CASE("neighbours keep the order of their source, not that of their times") {
  World world;
  world.add(1, {{noon + 9s, "first"}, {noon + 1s, "second"}, {noon + 5s, "third"}});

  const Result<LogContext> found = find_log_context(*world.store, {.id = world.id_of("second")});

  REQUIRE(found.ok());
  CHECK(bodies(found->before) == Bodies{"first"});
  CHECK(bodies(found->after) == Bodies{"third"});
}

TEST_CASE("a context's size is bounded, and may be nothing on either side") {
  World world;
  world.add(1, {{noon, "1"}, {noon, "2"}, {noon, "3"}});
  const std::string id = world.id_of("2");

  const Result<LogContext> alone = find_log_context(*world.store, {.id = id, .before = 0, .after = 0});
  REQUIRE(alone.ok());
  CHECK(alone->before.empty());
  CHECK(alone->after.empty());
  CHECK(find_log_context(*world.store, {.id = id, .before = 200, .after = 200}).ok());
  CHECK(find_log_context(*world.store, {.id = id, .before = 201}).error().code() == Code::invalid);
  CHECK(find_log_context(*world.store, {.id = id, .after = 201}).error().code() == Code::invalid);
}

TEST_CASE("an id that is none is refused, and one whose log is gone is not found") {
  World world;
  world.add(1, {{noon, "1"}});
  const std::string id = world.id_of("1");

  CHECK(find_log_context(*world.store, {.id = "' OR 1=1 --"}).error().code() == Code::invalid);
  CHECK(find_log_context(*world.store, {.id = id.substr(1)}).error().code() == Code::invalid);
  const World empty;
  CHECK(find_log_context(*empty.store, {.id = id}).error().code() == Code::not_found);
}

// -- The cache -------------------------------------------------------------------------------------------------------

TEST_CASE("pages that follow each other find their block open") {
  World world;
  std::vector<Line> lines;
  for (int n = 0; n < 100; ++n) lines.push_back({noon + Duration(n * 1s), std::to_string(n)});
  world.add(1, lines);
  LogBlockCache cache;
  LogQuery query{.limit = 10, .cache = &cache};

  uint64_t bytes = 0;
  Bodies seen;
  for (int page = 0; page < 10; ++page) {
    const Result<LogPage> answer = query_logs(*world.store, query);
    REQUIRE(answer.ok());
    for (const std::string& body : bodies(answer->rows)) seen.push_back(body);
    bytes += answer->scanned.bytes;
    query.cursor = answer->next_cursor.value_or("");
  }

  CHECK(seen.size() == 100);
  CHECK(seen.front() == "99");
  CHECK(seen.back() == "0");
  BlockRef block = list_blocks(*world.store).at(0);
  CHECK(bytes == block.bytes);  // read once
}

TEST_CASE("a full cache lets go of what was asked for longest ago") {
  LogBlockCache cache({.bytes_max = 100, .block_bytes_max = 60});
  for (uint64_t id = 1; id <= 3; ++id) cache.keep(id, std::make_shared<OpenedLog>(), 50);

  CHECK(cache.find(1) == nullptr);
  CHECK(cache.find(2) != nullptr);
  cache.keep(4, std::make_shared<OpenedLog>(), 50);
  CHECK(cache.find(3) == nullptr);
  CHECK(cache.find(2) != nullptr);
  cache.keep(5, std::make_shared<OpenedLog>(), 61);  // too much for one
  CHECK(cache.find(5) == nullptr);
  CHECK(cache.bytes() == 100);
}

TEST_CASE("a page of long rows ends early and the next goes on exactly there") {
  World world;
  for (int n = 0; n < 20; ++n) world.add(1, {{noon + Duration(n * 1s), std::to_string(n) + std::string(1000, 'x')}});
  LogQuery query{.limit = 1000};
  query.limits.row_bytes_max = 4000;

  std::vector<size_t> sizes;
  Bodies seen;
  do {
    const Result<LogPage> answer = query_logs(*world.store, query);
    REQUIRE(answer.ok());
    sizes.push_back(answer->rows.size());
    for (const std::string& body : bodies(answer->rows)) seen.push_back(body.substr(0, body.find('x')));
    query.cursor = answer->next_cursor.value_or("");
  } while (!query.cursor.empty());

  REQUIRE(seen.size() == 20);
  for (size_t n = 0; n < 20; ++n) CHECK(seen[n] == std::to_string(19 - n));
  CHECK(*std::max_element(sizes.begin(), sizes.end()) <= 4);
}

}  // namespace reeve::server::test
