// Whatever goes into a builder comes out of its block.
#include <catch2/catch.hpp>
#include <deque>

#include "common/mine/shape.h"
#include "common/wire/block_limits.h"
#include "tests/wire/sample.h"

using namespace reeve;
using namespace reeve::wire;

namespace {

Bytes some_bytes(Random& random, uint64_t count_max) {
  Bytes bytes = random.bytes(random.below(count_max + 1));
  // Half of them look like text, so that templates repeat.
  if (random.one_in(2))
    for (char& c : bytes) c = "abc 0123,\n"[static_cast<uint8_t>(c) % 10];
  return bytes;
}

}  // namespace

TEST_CASE("any rows come back as they were, in their order") {
  SeededRandom random(GENERATE(range(1, 21)));
  LogBlockBuilder builder("host");
  for (int blocks = 0; blocks < 3; ++blocks) {
    std::vector<SourcePosition> sources;
    for (uint64_t i = 0; i <= random.below(4); ++i) {
      sources.push_back(sample_source(random.next()));
      sources.back().name = some_bytes(random, 40);
      CHECK(builder.add_source(sources.back()) == i);
    }
    std::vector<LogRow> kept;
    const uint64_t rows = random.below(300);
    for (uint32_t i = 0; i < rows; ++i) {
      LogRow row;
      row.row = i;
      row.time = {random.one_in(10) ? static_cast<int64_t>(random.next())
                                    : sample_time_ns + static_cast<int64_t>(random.below(1000)) * 1'000'000};
      row.time_suspect = random.one_in(5);
      row.level = static_cast<Level>(random.below(level_count));
      row.service = some_bytes(random, 3);
      row.body = some_bytes(random, random.one_in(20) ? 5'000 : 60);
      const auto source = static_cast<uint32_t>(random.below(sources.size()));
      row.source = sources[source].name;
      if (random.one_in(3))
        for (uint64_t f = 0; f <= random.below(5); ++f)
          row.fields.emplace_back(some_bytes(random, 2), some_bytes(random, 20));

      std::vector<Field> fields;
      for (const auto& [key, value] : row.fields) fields.push_back({key, value});
      builder.add({row.time, row.time_suspect, row.level, source, row.service, row.body, fields});
      const mine::ShapeHash hash = mine::shape_hash(row.body);
      row.shape = {hash.high, hash.low};
      kept.push_back(std::move(row));
    }

    const Bytes block = builder.seal({});
    REQUIRE(verify_block(block).ok());
    const BlockHeader header = parse_header(block).value();
    const std::vector<LogRow> read = read_log_block(block).value();
    REQUIRE(header.rows == rows);
    REQUIRE(read.size() == kept.size());
    uint64_t counted = header.templates_left_out;
    for (const TemplateCount& shape : header.templates)
      for (const BucketCount& bucket : shape.buckets) counted += bucket.count;
    CHECK(counted == rows);
    for (size_t i = 0; i < read.size(); ++i) {
      INFO(i);
      CHECK(read[i].row == kept[i].row);
      CHECK(read[i].time == kept[i].time);
      CHECK(read[i].time_suspect == kept[i].time_suspect);
      CHECK(read[i].level == kept[i].level);
      CHECK(read[i].shape == kept[i].shape);
      CHECK(read[i].service == kept[i].service);
      CHECK(read[i].source == kept[i].source);
      CHECK(read[i].body == kept[i].body);
      CHECK(read[i].fields == kept[i].fields);
    }
  }
}

TEST_CASE("any points come back as they were") {
  SeededRandom random(GENERATE(range(1, 11)));
  MetricBlockBuilder builder("host");
  std::vector<std::pair<std::string, std::pair<WallTime, double>>> kept;
  for (uint64_t i = 0; i < random.below(500); ++i) {
    const std::string name = "m" + std::to_string(random.below(5));
    const WallTime time{static_cast<int64_t>(random.next())};
    const double value = random.one_in(3) ? static_cast<double>(random.below(100)) : 1.0 / static_cast<double>(i + 1);
    builder.add({name, "1", MetricKind::gauge, {}, time, value});
    kept.push_back({name, {time, value}});
  }

  const Bytes block = builder.seal({});

  REQUIRE(verify_block(block).ok());
  size_t points = 0;
  MetricPredicate all;
  all.to = {INT64_MAX};
  const std::vector<SeriesPoints> read = read_metric_block(block, all).value();
  for (const SeriesPoints& series : read) {
    size_t at = 0;
    for (const auto& [name, point] : kept)
      if (name == series.name) CHECK(series.points.at(at++) == point);
    CHECK(at == series.points.size());
    points += at;
  }
  CHECK(points == kept.size());
}

TEST_CASE("a block of positions alone has no rows and keeps them") {
  LogBlockBuilder builder("host");
  CHECK(builder.empty());
  const uint32_t source = builder.add_source(sample_source());
  CHECK(builder.empty());
  SourcePosition further = sample_source();
  further.offset = 9000;
  further.finished = true;
  builder.advance_source(source, further);
  CHECK_FALSE(builder.empty());

  const Bytes block = builder.seal({});

  REQUIRE(verify_block(block).ok());
  CHECK(builder.empty());
  CHECK(read_log_block(block).value().empty());
  const BlockHeader header = parse_header(block).value();
  CHECK(header.sources.at(0).position.offset == 9000);
  CHECK(header.sources.at(0).position.finished);
}

TEST_CASE("a shape is new once, also over blocks, and brings its text and an example then") {
  LogBlockBuilder builder("host");
  builder.add_source(sample_source());
  CHECK(builder.add(sample_record("user 1 in")));
  CHECK_FALSE(builder.add(sample_record("user 2 in")));
  const BlockHeader first = parse_header(builder.seal({})).value();
  builder.add_source(sample_source());
  CHECK_FALSE(builder.add(sample_record("user 3 in")));
  CHECK(builder.add(sample_record("user 3 out")));
  const BlockHeader second = parse_header(builder.seal({})).value();

  CHECK(first.templates.at(0).example == "user 1 in");
  CHECK(first.templates.at(0).text == "user <*> in");
  CHECK(second.templates.at(0).example.empty());
  CHECK(second.templates.at(0).text.empty());
  CHECK(second.templates.at(1).example == "user 3 out");
  CHECK(second.templates.at(1).text == "user <*> out");
}

TEST_CASE("a discarded block leaves nothing behind") {
  LogBlockBuilder builder("host");
  builder.add_source(sample_source());
  builder.add(sample_record("lost on purpose"));
  builder.discard();
  CHECK(builder.empty());
  CHECK(builder.rows() == 0);

  builder.add_source(sample_source());
  builder.add(sample_record("kept"));
  CHECK(read_log_block(builder.seal({})).value().at(0).body == "kept");
}

TEST_CASE("rows beyond the template dictionary are left out of it, counted, and still found by shape") {
  LogBlockBuilder builder("host");
  builder.add_source(sample_source());
  std::deque<std::string> bodies;
  for (size_t i = 0; i < templates_max + 10; ++i) {
    std::string body = "shape ";
    for (size_t n = i; n > 0; n /= 26) body.push_back(static_cast<char>('a' + n % 26));
    builder.add(sample_record(bodies.emplace_back(body)));
  }

  const Bytes block = builder.seal({});

  const BlockHeader header = parse_header(block).value();
  CHECK(header.templates.size() == templates_max);
  CHECK(header.templates_left_out == 10);
  LogPredicate by_shape;
  const mine::ShapeHash last = mine::shape_hash(bodies.back());
  by_shape.shape = ShapeKey{last.high, last.low};
  REQUIRE(may_match(header, by_shape));
  const std::vector<LogRow> found = search_log_block(block, by_shape).value();
  REQUIRE(found.size() == 1);
  CHECK(found[0].body == bodies.back());
}

TEST_CASE("more than the dictionary's bytes of templates leave rows out, never lines") {
  LogBlockBuilder builder("host");
  builder.add_source(sample_source());
  for (int i = 0; i < 400; ++i)
    builder.add(sample_record(std::string(2'000, static_cast<char>('a' + i % 26)) + std::string(i, 'x')));

  const Bytes block = builder.seal({});

  const BlockHeader header = parse_header(block).value();
  size_t text_bytes = 0;
  for (const TemplateCount& counted : header.templates) text_bytes += counted.text.size() + counted.example.size();
  CHECK(text_bytes <= templates_text_bytes_max);
  CHECK(header.templates_left_out > 0);
  CHECK(read_log_block(block).value().size() == 400);
}

TEST_CASE("services beyond their bound count as others") {
  LogBlockBuilder builder("host");
  builder.add_source(sample_source());
  std::deque<std::string> names;
  for (size_t i = 0; i < services_max + 5; ++i) {
    LogRecord record = sample_record("x");
    record.service = names.emplace_back("service-" + std::to_string(i));
    builder.add(record);
  }

  const Bytes block = builder.seal({});

  const BlockHeader header = parse_header(block).value();
  REQUIRE(header.services.size() == services_max);
  CHECK(header.services.back().name == "(other)");
  CHECK(header.services.back().levels[static_cast<size_t>(Level::info)] == 6);
  const std::vector<LogRow> rows = read_log_block(block).value();
  CHECK(rows[services_max - 2].service == "service-1022");
  CHECK(rows.back().service == "(other)");
}

TEST_CASE("field keys beyond the dictionary stand beside their values, and fields beyond a row's bound are left out") {
  LogBlockBuilder builder("host");
  builder.add_source(sample_source());
  std::deque<std::string> keys;
  for (size_t i = 0; i < field_keys_max + 3; ++i) {
    const Field field{keys.emplace_back("key" + std::to_string(i)), "value"};
    LogRecord record = sample_record("x");
    record.fields = {&field, 1};
    builder.add(record);
  }
  const std::vector<Field> many(fields_per_row_max + 1, Field{"k", "v"});
  LogRecord record = sample_record("x");
  record.fields = many;
  builder.add(record);

  const std::vector<LogRow> rows = read_log_block(builder.seal({})).value();

  CHECK(rows[field_keys_max + 2].fields.at(0).first == keys.back());
  CHECK(rows.back().fields.size() == fields_per_row_max);
}

TEST_CASE("points of series beyond the bound are left out") {
  MetricBlockBuilder builder("host");
  for (size_t i = 0; i < series_max + 2; ++i) builder.add({"m" + std::to_string(i), "", MetricKind::gauge, {}, {}, 1});

  const Bytes block = builder.seal({});

  CHECK(builder.rows() == 0);
  CHECK(parse_header(block).value().rows == series_max);
}

TEST_CASE("a million blank lines fit one block") {
  LogBlockBuilder builder("host");
  builder.add_source(sample_source());
  uint32_t rows = 0;
  for (; builder.raw_bytes() < 4_MiB; ++rows) builder.add(sample_record(""));

  const Bytes block = builder.seal({});

  CHECK(rows > 1'000'000);
  CHECK(verify_block(block).ok());
  CHECK(parse_header(block).value().rows == rows);
}
