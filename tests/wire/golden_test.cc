// One block of each kind, written once and kept for ever: what an agent of version 1 wrote, every later version reads.
//
// To write them again (only ever for a new format version, under a new name):
//
//     build/dev/bin/test_wire "[.write-golden]"
#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>

#include "tests/wire/sample.h"

using namespace reeve;
using namespace reeve::wire;

namespace {

const std::string golden = std::string(REEVE_SOURCE_DIR) + "/tests/wire/golden/";

BlockIdentity golden_identity() {
  BlockIdentity identity;
  for (uint8_t i = 0; i < 16; ++i) {
    identity.agent.bytes[i] = i;
    identity.epoch.bytes[i] = static_cast<uint8_t>(0xf0 + i);
  }
  identity.sequence = 42;
  return identity;
}

Bytes read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file.good());
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::string& path, Bytes block) {
  stamp_block(block, golden_identity());
  std::ofstream(path, std::ios::binary) << block;
}

}  // namespace

TEST_CASE("write the golden blocks", "[.write-golden]") {
  write_file(golden + "block_v1_logs.rvb", sample_log_block());
  write_file(golden + "block_v1_metrics.rvb", sample_metric_block());
}

TEST_CASE("a log block of format version 1 is read as it was written") {
  const Bytes block = read_file(golden + "block_v1_logs.rvb");

  REQUIRE(verify_block(block).ok());
  CHECK(parse_preamble(block).value().format_version == 1);
  CHECK(parse_preamble(block).value().identity == golden_identity());
  const BlockHeader header = parse_header(block).value();
  CHECK(header.miner_version == 1);
  CHECK(to_string(header.templates[0].shape) == "3a529f0a4ea0ce1a4305466021c9c21c");
  CHECK(header.templates[1].text == "cannot reach <*>: timed out");
  CHECK(header.sources[1].position.cursor == "s=abc;i=1");

  const std::vector<LogRow> rows = read_log_block(block).value();
  REQUIRE(rows.size() == 5);
  CHECK(rows[0].body == "request 1 took 12 ms");
  CHECK(rows[1].body == "request 2 took 9 ms");
  CHECK(rows[1].time == WallTime{1'800'000'015'123'456'789});
  CHECK(rows[2].body == "cannot reach 10.0.0.7:5432: timed out");
  CHECK(rows[2].level == Level::error);
  CHECK(rows[2].time_suspect);
  CHECK(rows[2].service == "db");
  CHECK(rows[2].source == "journal");
  CHECK(rows[2].fields ==
        std::vector<std::pair<std::string, std::string>>{{"peer", "10.0.0.7:5432"}, {"attempt", "3"}});
  CHECK(rows[3].body == std::string("any\nbytes\0\xff\xfe at all", 19));
  CHECK(rows[4].body.empty());
}

TEST_CASE("a metric block of format version 1 is read as it was written") {
  const Bytes block = read_file(golden + "block_v1_metrics.rvb");

  REQUIRE(verify_block(block).ok());
  const std::vector<SeriesPoints> series = read_metric_block(block, {}).value();
  REQUIRE(series.size() == 3);
  CHECK(series[0].name == "system.cpu.time");
  CHECK(series[0].unit == "s");
  CHECK(series[0].kind == MetricKind::counter);
  CHECK(series[0].labels == std::vector<std::pair<std::string, std::string>>{{"cpu", "0"}, {"state", "user"}});
  REQUIRE(series[1].points.size() == 4);
  CHECK(series[1].points[0] == std::pair(WallTime{1'800'000'000'123'456'789}, 200.25));
  CHECK(series[1].points[3] == std::pair(WallTime{1'800'000'030'123'456'789}, 206.25));
  CHECK(series[2].kind == MetricKind::gauge);
  CHECK(series[2].points[3].second == 1 << 30);
}

TEST_CASE("today's builder writes format version 1 with the same header as ever") {
  const BlockHeader then = parse_header(read_file(golden + "block_v1_logs.rvb")).value();
  const BlockHeader now = parse_header(sample_log_block()).value();

  REQUIRE(now.columns.size() == then.columns.size());
  for (size_t i = 0; i < now.columns.size(); ++i) {
    CHECK(now.columns[i].type == then.columns[i].type);
    CHECK(now.columns[i].raw_bytes == then.columns[i].raw_bytes);
  }
  for (size_t i = 0; i < now.templates.size(); ++i) CHECK(now.templates[i].shape == then.templates[i].shape);
}
