#include "common/wire/search.h"

#include <catch2/catch.hpp>

#include "tests/wire/sample.h"

using namespace reeve;
using namespace reeve::wire;

namespace {

std::vector<uint32_t> found(const Bytes& block, const LogPredicate& predicate) {
  std::vector<uint32_t> rows;
  const std::vector<LogRow> found_rows = search_log_block(block, predicate).value();
  for (const LogRow& row : found_rows) rows.push_back(row.row);
  return rows;
}

using Numbers = std::vector<uint32_t>;

// Ten rows, a second apart; odd ones are errors of "db" in the second file.
Bytes ten_rows() {
  LogBlockBuilder builder("web-1");
  builder.add_source(sample_source(1));
  SourcePosition other = sample_source(2);
  other.name = "/var/log/db.log";
  builder.add_source(other);
  for (uint32_t i = 0; i < 10; ++i) {
    const std::string body = i % 2 ? "query " + std::to_string(i) + " failed" : "request " + std::to_string(i);
    LogRecord record = sample_record(body, sample_time_ns + int64_t{i} * 1'000'000'000);
    record.source = i % 2;
    if (i % 2) {
      record.level = Level::error;
      record.service = "db";
    }
    builder.add(record);
  }
  return builder.seal({});
}

}  // namespace

TEST_CASE("rows are found by time, from inclusive, to exclusive") {
  const Bytes block = ten_rows();
  LogPredicate predicate;
  predicate.from = {sample_time_ns + 3'000'000'000};
  predicate.to = {sample_time_ns + 5'000'000'000};

  CHECK(found(block, predicate) == Numbers{3, 4});
}

TEST_CASE("rows are found by service, source, level and shape") {
  const Bytes block = ten_rows();
  const Numbers odd{1, 3, 5, 7, 9};

  LogPredicate by_service;
  by_service.service = "db";
  CHECK(found(block, by_service) == odd);
  LogPredicate by_source;
  by_source.source = "/var/log/db.log";
  CHECK(found(block, by_source) == odd);
  LogPredicate by_level;
  by_level.level_min = Level::warn;
  CHECK(found(block, by_level) == odd);
  LogPredicate by_shape;
  by_shape.shape = read_log_block(block).value()[1].shape;
  CHECK(found(block, by_shape) == odd);
}

TEST_CASE("all conditions hold at once") {
  const Bytes block = ten_rows();
  LogPredicate predicate;
  predicate.host = "web-1";
  predicate.service = "db";
  predicate.level_min = Level::error;
  predicate.from = {sample_time_ns + 2'000'000'000};
  predicate.text.push_back(TextMatcher::literal("QUERY", true).value());
  predicate.text.push_back(TextMatcher::regex("[57] failed$").value());

  CHECK(found(block, predicate) == Numbers{5, 7});
}

TEST_CASE("a header proves what cannot match") {
  const BlockHeader header = parse_header(ten_rows()).value();
  const auto may = [&header](const std::function<void(LogPredicate&)>& set) {
    LogPredicate predicate;
    set(predicate);
    return may_match(header, predicate);
  };

  CHECK(may([](LogPredicate&) {}));
  CHECK(may([](LogPredicate& p) { p.from = {sample_time_ns + 9'000'000'000}; }));
  CHECK_FALSE(may([](LogPredicate& p) { p.from = {sample_time_ns + 9'000'000'001}; }));
  CHECK(may([](LogPredicate& p) { p.to = {sample_time_ns + 1}; }));
  CHECK_FALSE(may([](LogPredicate& p) { p.to = {sample_time_ns}; }));
  CHECK_FALSE(may([](LogPredicate& p) { p.host = "web-2"; }));
  CHECK_FALSE(may([](LogPredicate& p) { p.service = "cache"; }));
  CHECK_FALSE(may([](LogPredicate& p) { p.level_min = Level::fatal; }));
  CHECK_FALSE(may([](LogPredicate& p) { p.source = "/var/log/other.log"; }));
  CHECK_FALSE(may([](LogPredicate& p) { p.shape = ShapeKey{1, 2}; }));
  // There are errors, and there is "app", but "app" has no errors.
  CHECK_FALSE(may([](LogPredicate& p) {
    p.service = "app";
    p.level_min = Level::error;
  }));
}

TEST_CASE("a match lies inside of one row") {
  LogBlockBuilder builder("host");
  builder.add_source(sample_source());
  for (const char* body : {"xab", "cab", "c", "abc", "", "aab", "cc", "abab", "abcabc"})
    builder.add(sample_record(body));
  const Bytes block = builder.seal({});
  LogPredicate predicate;
  predicate.text.push_back(TextMatcher::literal("abc", GENERATE(false, true)).value());

  CHECK(found(block, predicate) == Numbers{3, 8});
}

TEST_CASE("a scan of the whole column finds what a look at each row finds") {
  SeededRandom random(GENERATE(range(1, 31)));
  LogBlockBuilder builder("host");
  builder.add_source(sample_source());
  std::vector<std::string> bodies;
  for (int i = 0; i < 200; ++i) {
    std::string body;
    for (uint64_t n = random.below(12); n > 0; --n) body.push_back("abAB"[random.below(4)]);
    builder.add(sample_record(body, sample_time_ns + i));
    bodies.push_back(body);
  }
  const Bytes block = builder.seal({});
  std::string wanted;
  for (uint64_t n = random.below(4); n > 0; --n) wanted.push_back("abAB"[random.below(4)]);
  const bool ignore_case = random.one_in(2);
  const TextMatcher matcher = TextMatcher::literal(wanted, ignore_case).value();

  LogPredicate predicate;
  predicate.text.push_back(matcher);
  // Sometimes only a few rows are left when the text is looked for.
  const int64_t first = random.one_in(2) ? 0 : static_cast<int64_t>(random.below(200));
  predicate.from = {sample_time_ns + first};
  Numbers expected;
  for (size_t i = static_cast<size_t>(first); i < bodies.size(); ++i)
    if (matcher.matches(bodies[i])) expected.push_back(static_cast<uint32_t>(i));

  CHECK(found(block, predicate) == expected);
}

TEST_CASE("metrics are found by name, labels and time") {
  const Bytes block = sample_metric_block();
  MetricPredicate predicate;
  predicate.name = "system.cpu.time";
  predicate.labels = {{"cpu", "1"}};
  predicate.from = {sample_time_ns + 10'000'000'000};
  predicate.to = {sample_time_ns + 30'000'000'000};

  const std::vector<SeriesPoints> series = read_metric_block(block, predicate).value();

  REQUIRE(series.size() == 1);
  CHECK(series[0].points.size() == 2);
  predicate.labels = {{"cpu", "2"}};
  CHECK_FALSE(may_match(parse_header(block).value(), predicate));
  CHECK(read_metric_block(block, predicate).value().empty());
}

TEST_CASE("a block of the other kind is refused as such") {
  CHECK(search_log_block(sample_metric_block(), {}).error().code() == Code::invalid);
  CHECK(read_log_block(sample_metric_block()).error().code() == Code::invalid);
  CHECK(read_metric_block(sample_log_block(), {}).error().code() == Code::invalid);
}

// -- Only what is wanted ---------------------------------------------------------------------------------------------

namespace {

Numbers chosen(LogBlock& block, const LogPredicate& predicate, const RowsWanted& wanted) {
  Numbers rows;
  const std::vector<LogRow> found_rows = block.search(predicate, wanted).value();
  for (const LogRow& row : found_rows) rows.push_back(row.row);
  return rows;
}

}  // namespace

TEST_CASE("of the matching rows the first, the last or the newest are given, in the block's order") {
  LogBlockBuilder builder("host");
  builder.add_source(sample_source());
  for (const int second : {5, 1, 9, 9, 3, 7}) builder.add(sample_record("x", int64_t{second} * 1'000'000'000));
  LogBlock block = LogBlock::open(builder.seal({})).value();
  using Choice = RowsWanted::Choice;

  CHECK(chosen(block, {}, {.choice = Choice::first, .rows_max = 2}) == Numbers{0, 1});
  CHECK(chosen(block, {}, {.choice = Choice::last, .rows_max = 2}) == Numbers{4, 5});
  CHECK(chosen(block, {}, {.choice = Choice::newest, .rows_max = 1}) == Numbers{3});
  CHECK(chosen(block, {}, {.choice = Choice::newest, .rows_max = 3}) == Numbers{2, 3, 5});
  CHECK(chosen(block, {}, {.rows_max = 0}).empty());
  CHECK(chosen(block, {}, {.from_row = 2, .to_row = 4}) == Numbers{2, 3});
  CHECK(chosen(block, {}, {.from_row = 9, .to_row = 4}).empty());
  CHECK(chosen(block, {}, {.below_time = {9'000'000'000}, .below_row = 3}) == Numbers{0, 1, 2, 4, 5});
  CHECK(chosen(block, {}, {.below_time = {9'000'000'000}, .below_row = 0}) == Numbers{0, 1, 4, 5});
}

TEST_CASE("a block that is asked again answers as if it were asked alone") {
  const Bytes bytes = ten_rows();
  LogBlock block = LogBlock::open(bytes).value();
  LogPredicate failed;
  failed.text.push_back(TextMatcher::literal("failed", false).value());
  LogPredicate late;
  late.from = {sample_time_ns + 7'000'000'000};

  for (int n = 0; n < 2; ++n) {
    CHECK(chosen(block, failed, {}) == found(bytes, failed));
    CHECK(chosen(block, late, {}) == Numbers{7, 8, 9});
    CHECK(block.search({}).value().size() == 10);
  }
}

TEST_CASE("a visit tells of each matching row without its texts") {
  LogBlock block = LogBlock::open(ten_rows()).value();
  LogPredicate errors;
  errors.level_min = Level::error;

  Numbers rows;
  REQUIRE(block
              .visit(errors,
                     [&](const RowFacts& facts) {
                       rows.push_back(facts.row);
                       CHECK(facts.level == Level::error);
                       CHECK(block.header().services[facts.service].name == "db");
                       CHECK(facts.template_place > 0);
                     })
              .ok());

  CHECK(rows == Numbers{1, 3, 5, 7, 9});
}

// Four million blank lines fit into a block of a few kilobytes; as rows they would take a gigabyte.
TEST_CASE("a block of millions of blank lines costs what is wanted of it") {
  LogBlockBuilder builder("host");
  builder.add_source(sample_source());
  const LogRecord blank = sample_record("");
  for (uint32_t i = 0; i < 1'000'000; ++i) builder.add(blank);
  LogBlock block = LogBlock::open(builder.seal({})).value();

  CHECK(chosen(block, {}, {.choice = RowsWanted::Choice::newest, .rows_max = 3}) == Numbers{999'997, 999'998, 999'999});
  CHECK(block.bytes_at_most() > 20'000'000);
}

TEST_CASE("a damaged column fails each question that needs it, and no other") {
  Bytes bytes = ten_rows();
  const BlockHeader header = parse_header(bytes).value();
  const uint64_t columns = bytes.size() - parse_preamble(bytes)->columns_bytes;
  for (const ColumnEntry& column : header.columns) {
    if (column.name == "body") bytes[columns + column.offset] = static_cast<char>(bytes[columns + column.offset] ^ 1);
  }
  LogBlock block = LogBlock::open(bytes).value();

  CHECK(check_log_columns(bytes).error().code() == Code::corrupt);
  CHECK(check_log_columns(ten_rows()).ok());
  for (int n = 0; n < 2; ++n) {
    CHECK(block.search({}).error().code() == Code::corrupt);
    CHECK(block.visit({}, [](const RowFacts&) {}).ok());
  }
}
