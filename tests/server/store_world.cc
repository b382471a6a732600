// Small real blocks, and folders that clean up after themselves.
#include "tests/server/store_world.h"

#include <unistd.h>

#include <catch2/catch.hpp>

#include "common/wire/search.h"

namespace reeve::server::test {

Bytes make_log_block(const wire::BlockIdentity& identity, const std::vector<Line>& lines, const std::string& host) {
  wire::LogBlockBuilder builder(host);
  wire::SourcePosition position;
  position.id = 1;
  position.kind = "file";
  position.name = "/var/log/test.log";
  const uint32_t source = builder.add_source(position);
  for (const Line& line : lines) {
    builder.add({.time = line.time,
                 .level = line.level,
                 .source = source,
                 .service = line.service,
                 .body = line.body,
                 .fields = {}});
  }
  Bytes block = builder.seal({});
  wire::stamp_block(block, identity);
  return block;
}

Bytes make_metric_block(const wire::BlockIdentity& identity, const std::vector<Sample>& samples,
                        const std::string& host) {
  wire::MetricBlockBuilder builder(host);
  for (const Sample& sample : samples) {
    std::vector<wire::Field> labels;
    for (const auto& [key, value] : sample.labels) labels.push_back({key, value});
    builder.add({.name = sample.name,
                 .unit = "1",
                 .kind = sample.kind,
                 .labels = labels,
                 .time = sample.time,
                 .value = sample.value});
  }
  Bytes block = builder.seal({});
  wire::stamp_block(block, identity);
  return block;
}

IncomingBlock make_block(uint8_t agent, uint64_t sequence, uint32_t rows, Duration arrival_later) {
  const wire::BlockIdentity identity{make_id(agent), make_id(static_cast<uint8_t>(agent + 100)), wire::Lane::live,
                                     sequence};
  std::vector<Line> lines;
  for (uint32_t row = 0; row < rows; ++row) {
    lines.push_back({.time = noon + Duration(static_cast<int64_t>(sequence) * 60'000'000'000) + Duration(row * 1s),
                     .body = "agent " + std::to_string(agent) + " block " + std::to_string(sequence) + " row " +
                             std::to_string(row)});
  }
  return {identity, lines.back().time + arrival_later, make_log_block(identity, lines)};
}

std::vector<CommitOutcome> commit(Store& store, const std::vector<IncomingBlock>& blocks) {
  const Result<std::vector<CommitOutcome>> outcomes = store.commit_blocks(blocks);
  if (!outcomes.ok()) FAIL(outcomes.error().text());
  return *outcomes;
}

std::vector<BlockRef> list_blocks(const Store& store, const BlockQuery& query) {
  std::vector<BlockRef> blocks;
  const Status visited = store.visit_blocks_newest_first(query, [&](const BlockRef& block) {
    blocks.push_back(block);
    return true;
  });
  if (!visited.ok()) FAIL(visited.error().text());
  return blocks;
}

TemporaryFolder::TemporaryFolder() {
  // In memory where there is such a place: these tests sync thousands of times, and none asks what a disk makes of it.
  const std::filesystem::path memory = "/dev/shm";
  const bool usable = access(memory.c_str(), W_OK) == 0;
  std::string pattern = ((usable ? memory : std::filesystem::temp_directory_path()) / "reeve-test-XXXXXX").string();
  REQUIRE(mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::filesystem::remove_all(path_);
}

std::unique_ptr<Store> OnDisk::open() {
  Result<std::unique_ptr<Store>> opened =
      open_sqlite_store({.directory = folder.path() + "/store", .disk = sys::real_disk()});
  if (!opened.ok()) FAIL(opened.error().text());
  return std::move(opened).value();
}

}  // namespace reeve::server::test
