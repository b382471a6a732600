// A spool on a simulated disk, small blocks with a text to look for, and ways to hurt what lies there.
#pragma once

#include <catch2/catch.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/spool.h"
#include "agent/spool_segment.h"
#include "common/wire/block.h"
#include "common/wire/search.h"
#include "tests/sim/sim_disk.h"

namespace reeve::agent {

using sim::SimDisk;
using wire::Lane;

inline const Uuid agent_id = parse_uuid("0198c2f0-7c1e-7abc-8def-0123456789ab").value();
constexpr const char* directory = "/spool";

// A block of one row: the text, and bytes that do not compress behind it until the block has about that size.
inline Bytes block_of(std::string_view text, size_t size = 0) {
  wire::LogBlockBuilder builder("web-1");
  SeededRandom noise(size);
  const Bytes body = Bytes(text) + " " + noise.bytes(size);
  wire::LogRecord record;
  record.source = builder.add_source({});
  record.body = body;
  builder.add(record);
  return builder.seal({});
}

inline std::string text_of(const Result<Bytes>& block, size_t count) {
  if (!block.ok()) return block.error().text();
  const auto rows = wire::read_log_block(*block);
  return rows.ok() ? rows->at(0).body.substr(0, count) : rows.error().text();
}

inline wire::SourcePosition position_at(uint64_t id, uint64_t offset, bool finished = false) {
  wire::SourcePosition position;
  position.id = id;
  position.kind = "file";
  position.name = "/var/log/" + std::to_string(id);
  position.offset = offset;
  position.finished = finished;
  return position;
}

struct SpoolTest {
  SeededRandom random{7};
  SimDisk disk{random};
  Spool::Options options{.directory = directory, .bytes_max = 1_MiB, .segment_bytes_max = 4_KiB};
  std::unique_ptr<Spool> spool;

  SpoolTest() { open(); }

  void open() {
    spool.reset();
    auto opened = Spool::open(disk, random, agent_id, options);
    if (!opened.ok()) FAIL(opened.error().text());
    spool = std::move(opened).value();
  }

  void crash(SimDisk::Crash how) {
    disk.stop();
    spool.reset();
    disk.restart(how);
    open();
  }

  void append(std::string_view text, std::vector<wire::SourcePosition> positions = {}, size_t size = 0) {
    const Status appended = spool->append(Lane::live, block_of(text, size), positions);
    if (!appended.ok()) FAIL(appended.error().text());
  }

  void append_synced(std::string_view text, std::vector<wire::SourcePosition> positions = {}, size_t size = 0) {
    append(text, std::move(positions), size);
    REQUIRE(spool->sync().ok());
  }

  uint64_t next() const { return spool->lane(Lane::live).next_durable; }
  uint64_t first() const { return spool->lane(Lane::live).first_held; }

  std::vector<std::string> segments() const {
    std::vector<std::string> result;
    for (const std::string& path : disk.files()) {
      if (path.ends_with(".segment")) result.push_back(path);
    }
    return result;
  }

  // Where `text` lies: the file, and the offset in it.
  std::pair<std::string, uint64_t> find(std::string_view text) const {
    for (const std::string& path : segments()) {
      const size_t at = disk.contents(path).find(text);
      if (at != BytesView::npos) return {path, at};
    }
    FAIL("no segment holds " << text);
    return {};
  }

  void damage(std::string_view text) {
    const auto [path, at] = find(text);
    disk.flip_bit(path, at * 8);
  }
};

inline uint64_t offset_of(const Spool& spool, uint64_t id) {
  for (const wire::SourcePosition& position : spool.positions()) {
    if (position.id == id) return position.offset;
  }
  return UINT64_MAX;
}
}  // namespace reeve::agent
