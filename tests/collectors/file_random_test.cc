// Exactly once, against a script of everything that befalls log files, drawn from a seed.
//
// A writer appends, renames, copies and empties, deletes, in any order; the agent is polled now and then, its rows
// become durable now and then, and it is killed and started again from the last durable positions. At a start the rows
// that were not durable are thrown away, as the spool would. In the end every line must be there, and none twice. What
// the collector cannot promise the script does not do: delete what is not durable yet, empty what was not copied,
// rename or copy a file of which no position has ever been durable.
#include <catch2/catch.hpp>
#include <cstdlib>

#include "common/base/log.h"
#include "tests/collectors/file_fixture.h"

using namespace reeve;
using namespace reeve::collect;

namespace {

class Script {
 public:
  explicit Script(uint64_t seed) : draw_(seed) {
    f_.config.include = draw_.one_in(2) ? std::vector{f_.directory / "*.log"} : std::vector{f_.directory / "*.log*"};
    f_.config.open_files_max = draw_.one_in(3) ? 2 : 512;
    f_.config.line_bytes_max = 4096;
    f_.random = SeededRandom(seed);
    f_.start();
  }

  void run() {
    // Of a file that was renamed before its first position was durable nobody knows.
    for (const char* name : {"app0.log", "app1.log", "app2.log"}) append(name);
    settle_durably();

    for (int step = 0; step < 120; ++step) {
      one_step();
      if (!draw_.one_in(4)) continue;
      f_.pass(Duration(draw_.below(40) * 1'000'000'000));
      poll();  // an agent that runs looks at its files much more often than it lets go of one
    }
    while (!partial_.empty()) finish_line(partial_.begin()->first);
    settle();
    f_.pass(f_.config.gone_wait * 2);
    settle();
    restart();
    settle();
  }

  std::map<Bytes, int> seen() const {
    std::map<Bytes, int> seen;
    for (const Bytes& row : durable_rows_) ++seen[row];
    for (const Bytes& body : f_.intake.bodies()) ++seen[body];
    return seen;
  }
  const std::vector<Bytes>& written() const { return written_; }
  const std::string& story() const { return story_; }

 private:
  void one_step() {
    const std::string name = "app" + std::to_string(draw_.below(3)) + ".log";
    switch (draw_.below(12)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return append(name);
      case 4:
        return append_part(name);
      case 5:
      case 6:
        return poll();
      case 7:
        return make_durable(draw_.below(f_.intake.advances.size() + 1));
      case 8:
        return rotate(name);
      case 9:
        return copy_and_empty(name);
      case 10:
        return draw_.one_in(2) ? recreate(name) : rotate(name);
      default:
        return draw_.one_in(2) ? restart() : poll();
    }
  }

  void append(const std::string& name) {
    finish_line(name);
    std::string text;
    const uint64_t first = lines_ + 1;
    for (uint64_t lines = 1 + draw_.below(20); lines > 0; --lines) {
      written_.push_back(next_line());
      text += written_.back() + "\n";
    }
    write(name, text);
    tell("append " + std::to_string(first) + "-" + std::to_string(lines_) + " to " + name);
  }

  void write(const std::string& name, const std::string& text) {
    f_.append(name, text);
    touch(name);
  }

  // Files carry the script's time: in the host's, all of this would happen within one tick.
  void touch(const std::string& name) {
    f_.pass(10ms);
    const std::filesystem::file_time_type time(std::chrono::duration_cast<std::filesystem::file_time_type::duration>(
        std::chrono::nanoseconds(f_.wall.ns) - file_clock_offset_));
    std::filesystem::last_write_time(f_.directory / name, time);
  }

  void append_part(const std::string& name) {
    finish_line(name);
    partial_[name] = next_line();
    write(name, partial_[name]);
    tell("append part " + name);
  }

  void finish_line(std::string name) {
    const auto part = partial_.find(name);
    if (part == partial_.end()) return;
    write(name, "!\n");
    written_.push_back(part->second + "!");
    partial_.erase(part);
    tell("finish line " + name);
  }

  // Each name's generations count upwards, as logrotate's do: .1 is the youngest.
  void rotate(const std::string& name) {
    if (!exists(name)) return;
    finish_line(name);
    for (int n = 8; n >= 1; --n) {
      const std::string generation = name + "." + std::to_string(n);
      if (exists(generation)) f_.rename(generation, name + "." + std::to_string(n + 1));
    }
    f_.rename(name, name + ".1");
    tell("rotate " + name);
    if (draw_.one_in(3)) poll();
    append(name);
    if (exists(name + ".9")) {
      settle_durably();
      f_.remove(name + ".9");
      tell("remove " + name + ".9");
    }
  }

  void copy_and_empty(const std::string& name) {
    if (!exists(name)) return;
    append(name);
    settle_durably();  // a copy is recognised by what was read of its original
    if (draw_.one_in(2)) append(name);
    const std::string copy = name + "-2026" + std::to_string(1000 + copies_++);
    f_.copy(name, copy);
    touch(copy);
    if (draw_.one_in(2)) poll();
    f_.truncate(name);
    touch(name);
    tell("copy and empty " + name + " as " + copy);
    if (draw_.one_in(2)) append(name);
  }

  void recreate(const std::string& name) {
    if (!exists(name)) return;
    finish_line(name);
    settle_durably();
    f_.remove(name);
    tell("recreate " + name);
    append(name);
    settle_durably();
  }

  void poll() {
    f_.pass(10ms);
    f_.collector->poll(f_.now, f_.wall, f_.intake);
    tell("poll");
  }

  void settle() {
    f_.pass(f_.config.scan_interval);
    f_.settle();
    tell("settle");
  }

  void settle_durably() {
    settle();
    make_durable(f_.intake.advances.size());
  }

  // The first `count` advances, and the rows before them, are on disk.
  void make_durable(size_t count) {
    if (count == 0) return;
    const size_t rows = f_.intake.advances[count - 1].rows;
    std::map<uint64_t, wire::SourcePosition> latest;
    for (const auto& position : f_.saved) latest[position.id] = position;
    for (size_t i = 0; i < count; ++i) latest[f_.intake.advances[i].position.id] = f_.intake.advances[i].position;
    for (size_t i = 0; i < rows; ++i) durable_rows_.push_back(f_.intake.rows[i].body);

    f_.intake.rows.erase(f_.intake.rows.begin(), f_.intake.rows.begin() + static_cast<ptrdiff_t>(rows));
    f_.intake.advances.erase(f_.intake.advances.begin(), f_.intake.advances.begin() + static_cast<ptrdiff_t>(count));
    for (auto& advance : f_.intake.advances) advance.rows -= rows;
    f_.saved.clear();
    std::vector<wire::SourcePosition> all;
    for (const auto& [id, position] : latest) {
      all.push_back(position);
      if (!position.finished) f_.saved.push_back(position);
    }
    f_.collector->on_durable(all);
    tell("durable " + std::to_string(count));
  }

  void restart() {
    f_.collector.reset();
    f_.intake = MemoryIntake();
    f_.start();
    tell("restart");
  }

  bool exists(const std::string& name) const { return std::filesystem::exists(f_.directory / name); }
  std::string next_line() {
    ++lines_;
    const std::string padding(draw_.below(200), static_cast<char>('a' + lines_ % 26));
    return "line " + std::to_string(lines_) + " " + padding;
  }
  void tell(const std::string& what) { story_ += what + "; "; }

  SeededRandom draw_;
  FileFixture f_;
  std::map<std::string, std::string> partial_;
  std::vector<Bytes> written_;
  std::vector<Bytes> durable_rows_;
  uint64_t lines_ = 0;
  uint64_t copies_ = 0;
  // libstdc++ counts file times from another epoch.
  const std::chrono::nanoseconds file_clock_offset_ =
      std::chrono::file_clock::to_sys(std::filesystem::file_time_type{}).time_since_epoch();
  std::string story_;
};

}  // namespace

TEST_CASE("whatever befalls the files, every line is handed on exactly once") {
  const char* one_seed = std::getenv("REEVE_SEED");  // one alone, and with what the collector says of it
  set_log_descriptor(one_seed ? 2 : -1);
  const uint64_t seed = one_seed ? std::strtoull(one_seed, nullptr, 10) : GENERATE(range(1, 301));
  Script script(seed);
  script.run();

  std::map<Bytes, int> expected;
  for (const Bytes& line : script.written()) expected[line] = 1;
  const std::map<Bytes, int> seen = script.seen();
  std::string difference;
  for (const auto& [line, count] : expected) {
    const auto found = seen.find(line);
    const int times = found == seen.end() ? 0 : found->second;
    if (times != 1) difference += line.substr(0, line.find(' ', 5)) + " is there " + std::to_string(times) + " times; ";
  }
  for (const auto& [line, count] : seen) {
    if (!expected.contains(line)) difference += "never written: " + line + "; ";
  }
  INFO("REEVE_SEED=" << seed << "\n" << script.story());
  CHECK(difference == "");
  set_log_descriptor(2);
}
