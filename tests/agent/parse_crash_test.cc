// Records of several lines, and an agent that is killed: every record is stored exactly once, whole.
//
// A real file collector and batcher over a disk in memory. The writer appends a few bytes at a time, so lines and
// records are seen in parts; between two records it rotates the file now and then. Blocks become durable some turns
// after they were sealed; whatever is not durable when the process is killed is gone, with its positions.
#include <algorithm>
#include <catch2/catch.hpp>
#include <deque>
#include <map>

#include "collectors/file.h"
#include "tests/agent/parse_lines.h"
#include "tests/sim/sim_clock.h"
#include "tests/sim/sim_disk.h"

namespace reeve::agent {

namespace {

constexpr const char* log_path = "/var/log/app.log";

struct CrashWorld {
  SeededRandom random;
  sim::SimClock clock;
  SeededRandom disk_random{1};
  sim::SimDisk disk{disk_random, &clock};
  LineRules rules;
  bool containers = false;

  // What the disk worker has made durable.
  std::vector<std::string> stored;
  std::map<uint64_t, wire::SourcePosition> positions;

  // The process.
  std::unique_ptr<collect::FileCollector> collector;
  std::unique_ptr<Batcher> batcher;
  std::deque<SealedBlock> unsynced;

  // The writer.
  std::vector<std::string> written;  // as records
  std::string unwritten;
  size_t first_of_file = 0;
  int rotations = 0;

  CrashWorld(uint64_t seed, bool in_containers) : random(seed), containers(in_containers) {
    check(disk.make_directories("/var/log").ok(), "a disk in memory makes directories");
    if (containers) rules.parse = {"cri"};
    rules.multiline = MultilineRules{MultilineRules::By::start, R"(^\d+ )"};
    start();
  }

  void start() {
    std::vector<wire::SourcePosition> restored;
    for (const auto& [id, position] : positions) restored.push_back(position);
    batcher = std::make_unique<Batcher>(Batcher::Options{.host = "h", .line_rules = {{}, rules}});
    collect::FileConfig config;
    config.include = {log_path};
    config.line_rules = 1;
    config.gone_wait = 2s;
    collector = std::make_unique<collect::FileCollector>(config, disk, random, restored);
  }
  void kill() {
    collector.reset();
    batcher.reset();
    unsynced.clear();
  }

  void append(std::string_view text) {
    auto file = disk.open(log_path, sys::OpenMode::create);
    check(file.ok() && (*file)->write_at((*file)->stat()->size, text).ok(), "a disk in memory takes what is written");
  }

  // A file that came and went before anything of it was durable cannot be known after a restart.
  bool may_rotate() const {
    return first_of_file < written.size() &&
           std::find(stored.begin(), stored.end(), written[first_of_file]) != stored.end();
  }

  // Lines of one record; in a container cut in pieces, and with whole records of the other stream between them.
  void make_record() {
    std::string body = std::to_string(written.size()) + " begins";
    for (uint64_t lines = random.below(5); lines > 0; --lines) body += "\n  goes on " + std::to_string(lines);
    written.push_back(body);
    const std::string stamp = "2026-11-21T11:59:00Z ";
    std::string other;
    for (size_t at = 0; at <= body.size();) {
      const size_t end = std::min(body.find('\n', at), body.size());
      const std::string line = body.substr(at, end - at);
      at = end + 1;
      if (!containers) {
        unwritten += line + "\n";
        continue;
      }
      const size_t cut = random.below(line.size());
      unwritten += stamp + "stdout P " + line.substr(0, cut) + "\n";
      if (random.one_in(2)) {
        other = std::to_string(written.size()) + " of the other stream";
        written.push_back(other);
        unwritten += stamp + "stderr F " + other + "\n";
      }
      unwritten += stamp + "stdout F " + line.substr(cut) + "\n";
    }
  }

  void write_some(size_t records_max) {
    if (unwritten.empty() && written.size() < records_max) {
      if (random.one_in(3) && may_rotate()) {
        check(disk.rename(log_path, std::string(log_path) + "." + std::to_string(++rotations)).ok(), "renamed");
        first_of_file = written.size();
      }
      make_record();
    }
    const std::string piece = unwritten.substr(0, random.below(60) + 1);
    unwritten.erase(0, piece.size());
    if (!piece.empty()) append(piece);
  }

  void turn() {
    clock.advance(50ms);
    batcher->begin_turn(clock.now(), arrival);
    const collect::Poll poll = collector->poll(clock.now(), arrival, *batcher);
    batcher->end_turn(!poll.more);
    while (auto block = batcher->take_sealed()) unsynced.push_back(std::move(*block));
    if (random.one_in(3)) sync();
  }

  void sync() {
    for (; !unsynced.empty(); unsynced.pop_front()) {
      const auto rows = wire::read_log_block(unsynced.front().bytes);
      check(rows.ok(), "a sealed block can be read");
      for (const wire::LogRow& row : *rows) stored.push_back(row.body);
      for (const auto& position : unsynced.front().positions) positions[position.id] = position;
      collector->on_durable(unsynced.front().positions);
    }
  }

  // Until everything that was written has been quiet for long.
  void settle() {
    for (int turns = 0; turns < 400; ++turns) turn();
    sync();
  }

  void check_stored() {
    std::map<std::string, int> times;
    for (const std::string& record : stored) ++times[record];
    for (const std::string& record : written) {
      INFO(record);
      CHECK(times[record] == 1);
    }
    for (const std::string& record : stored) {
      INFO(record);
      CHECK(std::find(written.begin(), written.end(), record) != written.end());
    }
  }
};

}  // namespace

TEST_CASE("killed at every point of a run, each record of several lines is stored once and whole") {
  for (const bool containers : {false, true}) {
    for (size_t kill_at = 0; kill_at < 120; kill_at += 2) {
      INFO("killed after turn " << kill_at);
      CrashWorld world(5, containers);
      for (size_t turn = 0; turn < 120; ++turn) {
        world.write_some(12);
        world.turn();
        if (turn != kill_at) continue;
        world.kill();
        world.start();
      }
      world.settle();
      world.check_stored();
    }
  }
}

TEST_CASE("killed again and again, each record of several lines is stored once and whole") {
  int rotations = 0;
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    INFO("seed " << seed);
    CrashWorld world(seed, seed % 2 == 0);
    size_t kills = 0;
    for (size_t turn = 0; turn < 400; ++turn) {
      world.write_some(40);
      world.turn();
      if (!world.random.one_in(20)) continue;
      ++kills;
      world.kill();
      world.start();
    }
    CHECK(kills > 5);
    rotations += world.rotations;
    world.settle();
    world.check_stored();
  }
  CHECK(rotations > 30);
}

}  // namespace reeve::agent
