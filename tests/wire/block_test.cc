#include "common/wire/block.h"

#include <catch2/catch.hpp>

#include "tests/wire/sample.h"

using namespace reeve;
using namespace reeve::wire;

TEST_CASE("a sealed block gives back every row as it was") {
  const Bytes block = sample_log_block();

  REQUIRE(verify_block(block).ok());
  const std::vector<LogRow> rows = read_log_block(block).value();
  REQUIRE(rows.size() == 5);
  CHECK(rows[0].row == 0);
  CHECK(rows[0].time == WallTime{sample_time_ns});
  CHECK(rows[0].level == Level::info);
  CHECK(rows[0].service == "app");
  CHECK(rows[0].source == "/var/log/app.log");
  CHECK(rows[0].body == "request 1 took 12 ms");
  CHECK(rows[0].fields.empty());
  CHECK_FALSE(rows[0].time_suspect);
  CHECK(rows[0].shape == rows[1].shape);
  CHECK(rows[1].time == WallTime{sample_time_ns + 15'000'000'000});

  CHECK(rows[2].time == WallTime{sample_time_ns - 1'000'000'000});
  CHECK(rows[2].time_suspect);
  CHECK(rows[2].level == Level::error);
  CHECK(rows[2].service == "db");
  CHECK(rows[2].source == "journal");
  CHECK(rows[2].fields ==
        std::vector<std::pair<std::string, std::string>>{{"peer", "10.0.0.7:5432"}, {"attempt", "3"}});
  CHECK(rows[3].body == std::string("any\nbytes\0\xff\xfe at all", 19));
  CHECK(rows[4].body.empty());
}

TEST_CASE("the header tells what the block holds without decompressing it") {
  const Bytes block = sample_log_block();
  const BlockHeader header = parse_header(block).value();

  CHECK(header.host == "web-1");
  CHECK(header.rows == 5);
  CHECK(header.raw_bytes == 20 + 19 + 37 + 19 + 0 + 5);
  CHECK(header.time_min == WallTime{sample_time_ns - 1'000'000'000});
  CHECK(header.time_max == WallTime{sample_time_ns + 15'000'000'000});
  CHECK(header.time_suspect_rows == 1);
  REQUIRE(header.sources.size() == 2);
  CHECK(header.sources[0].begin == 4096);
  CHECK(header.sources[0].position.offset == 5000);
  CHECK(header.sources[0].position.fingerprint == 0xfeedfacecafebeef);
  CHECK(header.sources[1].position.cursor == "s=abc;i=1");
  REQUIRE(header.services.size() == 2);
  CHECK(header.services[0].levels[static_cast<size_t>(Level::info)] == 4);
  CHECK(header.services[1].levels[static_cast<size_t>(Level::error)] == 1);
  REQUIRE(header.templates.size() == 4);
  CHECK(header.templates[0].text == "request <*> took <*> ms");
  CHECK(header.templates[0].example == "request 1 took 12 ms");
  REQUIRE(header.templates[0].buckets.size() == 2);
  CHECK(header.templates[0].buckets[0].start == WallTime{1'800'000'000'000'000'000});
  CHECK(header.templates[0].buckets[0].count == 1);
  CHECK(header.templates_left_out == 0);
}

TEST_CASE("a block is stamped with its identity and stays whole") {
  Bytes block = sample_log_block();
  SeededRandom random(1);
  const BlockIdentity identity{make_uuid_v4(random), make_uuid_v4(random), Lane::recall, 42};

  stamp_block(block, identity);

  CHECK(verify_block(block).ok());
  CHECK(parse_preamble(block).value().identity == identity);
}

TEST_CASE("a metric block gives back its series and points") {
  const Bytes block = sample_metric_block();

  REQUIRE(verify_block(block).ok());
  const std::vector<SeriesPoints> series = read_metric_block(block, {}).value();
  REQUIRE(series.size() == 3);
  CHECK(series[0].name == "system.cpu.time");
  CHECK(series[0].unit == "s");
  CHECK(series[0].kind == MetricKind::counter);
  CHECK(series[1].labels == std::vector<std::pair<std::string, std::string>>{{"cpu", "1"}, {"state", "user"}});
  REQUIRE(series[1].points.size() == 4);
  CHECK(series[1].points[3] == std::pair(WallTime{sample_time_ns + 30'000'000'000}, 206.25));

  const BlockHeader header = parse_header(block).value();
  CHECK(header.series[0].count == 4);
  CHECK(header.series[0].min == 100.5);
  CHECK(header.series[0].max == 103.5);
  CHECK(header.series[0].last == 103.5);
  CHECK(header.series[0].sum == 408);
}
