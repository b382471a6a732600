// Every change goes through State::begin_change, which numbers it and decides whether the disk dies in it.
#include "tests/sim/sim_disk.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "common/base/check.h"
#include "tests/sim/sim_file_content.h"

namespace reeve::sim {

constexpr uint64_t directory_inode = 2;  // of all of them: nobody tells directories apart by it

// Inode numbers, lowest free first, so that a new file gets the number of the one that has just gone.
class InodeNumbers {
 public:
  uint64_t take() {
    if (free_.empty()) return next_++;
    const uint64_t number = *free_.begin();
    free_.erase(free_.begin());
    return number;
  }
  void give_back(uint64_t number) { free_.insert(number); }

 private:
  std::set<uint64_t> free_;
  uint64_t next_ = 11;
};

struct SimNode {
  explicit SimNode(std::shared_ptr<InodeNumbers> numbers) : numbers_(std::move(numbers)), inode(numbers_->take()) {}
  ~SimNode() { numbers_->give_back(inode); }
  SimNode(const SimNode&) = delete;
  SimNode& operator=(const SimNode&) = delete;

 private:
  std::shared_ptr<InodeNumbers> numbers_;

 public:
  const uint64_t inode;
  SimFileContent content;
  WallTime modified;
};

struct SimDisk::State {
  enum class Fate { lives, dies_undone, dies_done };

  State(Random& random_in, Clock* clock_in) : random(random_in), clock(clock_in) {}

  Random& random;
  Clock* clock;
  SimNames names;
  std::map<std::string, WallTime> directories_modified;  // by a change of the names in them
  std::shared_ptr<InodeNumbers> numbers = std::make_shared<InodeNumbers>();
  std::vector<std::weak_ptr<SimNode>> nodes;  // each that still has content, named or open

  uint64_t changes = 0;
  uint64_t stop_at = std::numeric_limits<uint64_t>::max();
  bool stopped = false;
  uint64_t generation = 0;  // grows with each restart; older handles are dead

  uint64_t bytes_max = 1_GiB;
  uint64_t syncs_to_fail = 0;
  uint64_t directory_syncs_to_fail = 0;
  bool lies_about_syncs = false;

  static Error dead(const std::string& path) { return Error(Code::unavailable, path + ": the disk has stopped"); }

  // The disk must be alive.
  Fate begin_change() {
    if (++changes < stop_at) return Fate::lives;
    stopped = true;
    return random.one_in(2) ? Fate::dies_done : Fate::dies_undone;
  }

  Status finish(Fate fate, const std::string& path) {
    if (fate == Fate::lives) return {};
    return dead(path);
  }

  WallTime wall() const { return clock == nullptr ? WallTime{} : clock->wall(); }
  void touch_directory_of(const std::string& path) { directories_modified[directory_of(path)] = wall(); }

  uint64_t bytes_used() {
    uint64_t used = 0;
    std::erase_if(nodes, [&](const std::weak_ptr<SimNode>& weak) {
      const auto node = weak.lock();
      if (node != nullptr) used += node->content.size();
      return node == nullptr;
    });
    return used;
  }

  std::shared_ptr<SimNode> make_node() {
    auto node = std::make_shared<SimNode>(numbers);
    node->modified = wall();
    nodes.push_back(node);
    return node;
  }

  sys::FileStat stat_of(const SimNode& node) const {
    return {.identity = {.device = 1, .inode = node.inode},
            .size = node.content.size(),
            .modified = node.modified,
            .is_directory = false,
            .is_regular = true};
  }
};

class SimFile : public sys::File {
 public:
  SimFile(std::shared_ptr<SimDisk::State> disk, std::shared_ptr<SimNode> node, std::string path, bool writable)
      : disk_(std::move(disk)),
        node_(std::move(node)),
        path_(std::move(path)),
        writable_(writable),
        generation_(disk_->generation) {}

  Result<size_t> read_at(uint64_t offset, size_t count, Bytes& out) override {
    TRY(alive());
    const BytesView bytes = node_->content.bytes();
    if (offset >= bytes.size()) return size_t{0};
    const BytesView part = bytes.substr(offset, count);
    out.append(part);
    return part.size();
  }

  Status write_at(uint64_t offset, BytesView bytes) override {
    TRY(alive_to_write());
    const auto fate = disk_->begin_change();
    if (fate == SimDisk::State::Fate::dies_undone) {
      // A killed process may leave the first part of a write behind.
      bytes = bytes.substr(0, disk_->random.below(bytes.size() + 1));
    }
    TRY(write_within_space(offset, bytes));
    return disk_->finish(fate, path_);
  }

  Status truncate(uint64_t size) override {
    TRY(alive_to_write());
    const auto fate = disk_->begin_change();
    if (fate != SimDisk::State::Fate::dies_undone) {
      node_->content.truncate(disk_->changes, size);
      touch();
    }
    return disk_->finish(fate, path_);
  }

  Status sync() override {
    TRY(alive());
    const auto fate = disk_->begin_change();
    if (fate == SimDisk::State::Fate::dies_undone) return disk_->finish(fate, path_);
    if (disk_->syncs_to_fail > 0) {
      --disk_->syncs_to_fail;
      node_->content.fail_sync(disk_->random);
      return Error(Code::unavailable, "sync " + path_ + ": Input/output error");
    }
    if (!disk_->lies_about_syncs) node_->content.sync();
    return disk_->finish(fate, path_);
  }

  Result<sys::FileStat> stat() override {
    TRY(alive());
    return disk_->stat_of(*node_);
  }

 private:
  Status alive() const {
    if (disk_->stopped || generation_ != disk_->generation) return SimDisk::State::dead(path_);
    return {};
  }

  Status alive_to_write() const {
    TRY(alive());
    if (!writable_) return Error(Code::invalid, "write " + path_ + ": Bad file descriptor");
    return {};
  }

  Status write_within_space(uint64_t offset, BytesView bytes) {
    const uint64_t size = node_->content.size();
    const uint64_t grows = offset + bytes.size() > size ? offset + bytes.size() - size : 0;
    const uint64_t used = disk_->bytes_used();
    const bool fits = used + grows <= disk_->bytes_max;
    if (!fits) bytes = bytes.substr(0, disk_->random.below(bytes.size() - std::min<uint64_t>(grows, bytes.size()) + 1));
    node_->content.write(disk_->changes, offset, bytes);
    touch();
    if (!fits) return Error(Code::exhausted, "write " + path_ + ": No space left on device");
    return {};
  }

  void touch() { node_->modified = disk_->wall(); }

  std::shared_ptr<SimDisk::State> disk_;
  std::shared_ptr<SimNode> node_;
  std::string path_;
  bool writable_;
  uint64_t generation_;
};

SimDisk::SimDisk(Random& random, Clock* clock) : state_(std::make_shared<State>(random, clock)) {}
SimDisk::~SimDisk() {
  state_->stopped = true;
}

Result<std::unique_ptr<sys::File>> SimDisk::open(const std::string& given, sys::OpenMode mode) {
  const std::string path = normal_path(given);
  if (state_->stopped) return State::dead(path);

  const bool writable = mode != sys::OpenMode::read;
  const bool may_make = mode == sys::OpenMode::create || mode == sys::OpenMode::create_new;
  if (const SimNames::Entry* entry = state_->names.find(path)) {
    if (entry->node == nullptr) return Error(Code::invalid, "open " + path + ": Is a directory");
    if (mode == sys::OpenMode::create_new) return Error(Code::invalid, "open " + path + ": File exists");
    return std::unique_ptr<sys::File>(std::make_unique<SimFile>(state_, entry->node, path, writable));
  }
  if (!may_make || !state_->names.is_directory(directory_of(path))) {
    return Error(Code::not_found, "open " + path + ": No such file or directory");
  }

  const auto fate = state_->begin_change();
  if (fate == State::Fate::dies_undone) return State::dead(path);
  auto node = state_->make_node();
  state_->names.add(state_->changes, path, node);
  state_->touch_directory_of(path);
  if (fate == State::Fate::dies_done) return State::dead(path);
  return std::unique_ptr<sys::File>(std::make_unique<SimFile>(state_, std::move(node), path, writable));
}

Result<sys::FileStat> SimDisk::stat(const std::string& given) {
  const std::string path = normal_path(given);
  if (state_->stopped) return State::dead(path);
  const SimNames::Entry* entry = state_->names.find(path);
  if (entry == nullptr) return Error(Code::not_found, "stat " + path + ": No such file or directory");
  if (entry->node != nullptr) return state_->stat_of(*entry->node);
  const auto modified = state_->directories_modified.find(path);
  return sys::FileStat{.identity = {.device = 1, .inode = directory_inode},
                       .modified = modified == state_->directories_modified.end() ? WallTime{} : modified->second,
                       .is_directory = true};
}

Result<std::vector<sys::DirectoryEntry>> SimDisk::list(const std::string& given) {
  const std::string path = normal_path(given);
  if (state_->stopped) return State::dead(path);
  if (!state_->names.is_directory(path)) return Error(Code::not_found, "list " + path + ": No such directory");
  std::vector<sys::DirectoryEntry> entries;
  for (auto& [name, entry] : state_->names.children(path)) {
    entries.push_back({.name = name, .is_directory = entry.node == nullptr});
  }
  return entries;
}

Status SimDisk::make_directories(const std::string& given) {
  const std::string path = normal_path(given);
  for (size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    if (state_->stopped) return State::dead(path);
    const std::string part = path.substr(0, slash);
    if (const SimNames::Entry* entry = state_->names.find(part)) {
      if (entry->node != nullptr) return Error(Code::invalid, "mkdir " + part + ": Not a directory");
    } else {
      const auto fate = state_->begin_change();
      if (fate != State::Fate::dies_undone) {
        state_->names.add(state_->changes, part, nullptr);
        state_->touch_directory_of(part);
      }
      TRY(state_->finish(fate, part));
    }
    if (slash == std::string::npos) return {};
  }
}

Status SimDisk::rename(const std::string& given_from, const std::string& given_to) {
  const std::string from = normal_path(given_from);
  const std::string to = normal_path(given_to);
  if (state_->stopped) return State::dead(from);
  const SimNames::Entry* entry = state_->names.find(from);
  if (entry == nullptr || !state_->names.is_directory(directory_of(to))) {
    return Error(Code::not_found, "rename " + from + " to " + to + ": No such file or directory");
  }
  if (entry->node == nullptr || state_->names.is_directory(to)) {
    return Error(Code::invalid, "rename " + from + " to " + to + ": the simulated disk renames files alone");
  }
  if (from == to) return {};
  const auto fate = state_->begin_change();
  if (fate != State::Fate::dies_undone) {
    state_->names.rename(state_->changes, from, to);
    state_->touch_directory_of(from);
    state_->touch_directory_of(to);
  }
  return state_->finish(fate, from);
}

Status SimDisk::remove(const std::string& given) {
  const std::string path = normal_path(given);
  if (state_->stopped) return State::dead(path);
  if (state_->names.find(path) == nullptr) return Error(Code::not_found, "remove " + path + ": No such file");
  if (state_->names.is_directory(path) && !state_->names.children(path).empty()) {
    return Error(Code::invalid, "remove " + path + ": Directory not empty");
  }
  const auto fate = state_->begin_change();
  if (fate != State::Fate::dies_undone) {
    state_->names.remove(state_->changes, path);
    state_->touch_directory_of(path);
  }
  return state_->finish(fate, path);
}

Status SimDisk::sync_directory(const std::string& given) {
  const std::string path = normal_path(given);
  if (state_->stopped) return State::dead(path);
  if (!state_->names.is_directory(path)) return Error(Code::not_found, "sync " + path + ": No such directory");
  const auto fate = state_->begin_change();
  if (fate == State::Fate::lives && state_->directory_syncs_to_fail > 0) {
    --state_->directory_syncs_to_fail;
    return Error(Code::unavailable, "sync " + path + ": Input/output error");
  }
  if (fate != State::Fate::dies_undone) state_->names.sync_directory(path);
  return state_->finish(fate, path);
}

Result<sys::DiskSpace> SimDisk::space(const std::string& given) {
  if (state_->stopped) return State::dead(given);
  const uint64_t used = state_->bytes_used();
  const uint64_t free = used < state_->bytes_max ? state_->bytes_max - used : 0;
  return sys::DiskSpace{.total_bytes = state_->bytes_max, .free_bytes = free, .available_bytes = free};
}

uint64_t SimDisk::changes() const {
  return state_->changes;
}
void SimDisk::stop() {
  state_->stopped = true;
}
bool SimDisk::stopped() const {
  return state_->stopped;
}

void SimDisk::stop_after(uint64_t changes) {
  check(changes >= 1, "the first change is number one");
  state_->stop_at = state_->changes + changes;
}

void SimDisk::restart(Crash crash) {
  State& state = *state_;
  ++state.generation;
  state.stopped = false;
  state.stop_at = std::numeric_limits<uint64_t>::max();
  if (crash == Crash::process_killed) return;

  uint64_t first = state.changes;
  if (!state.names.all_synced()) first = std::min(first, state.names.oldest_pending());
  std::vector<std::shared_ptr<SimNode>> nodes;
  for (const auto& weak : state.nodes) {
    auto node = weak.lock();
    if (node == nullptr) continue;
    if (!node->content.all_synced()) first = std::min(first, node->content.oldest_pending());
    nodes.push_back(std::move(node));
  }

  PowerCut cut(state.random, first, state.changes);
  for (const auto& node : nodes) node->content.cut_power(cut);
  state.names.cut_power(cut);
}

void SimDisk::set_bytes_max(uint64_t bytes) {
  state_->bytes_max = bytes;
}
void SimDisk::fail_syncs(uint64_t count) {
  state_->syncs_to_fail = count;
}
void SimDisk::fail_directory_syncs(uint64_t count) {
  state_->directory_syncs_to_fail = count;
}
void SimDisk::lie_about_syncs(bool lie) {
  state_->lies_about_syncs = lie;
}

SimNode& SimDisk::node(const std::string& path) const {
  const SimNames::Entry* entry = state_->names.find(normal_path(path));
  check(entry != nullptr && entry->node != nullptr, "the named file exists");
  return *entry->node;
}

void SimDisk::flip_bit(const std::string& path, uint64_t bit) {
  node(path).content.flip_bit(bit);
}
void SimDisk::damage_end(const std::string& path, uint64_t size) {
  node(path).content.damage_end(size);
}
BytesView SimDisk::contents(const std::string& path) const {
  return node(path).content.bytes();
}

bool SimDisk::has(const std::string& path) const {
  return state_->names.find(normal_path(path)) != nullptr;
}

std::vector<std::string> SimDisk::files() const {
  std::vector<std::string> paths;
  for (const auto& [path, entry] : state_->names.all()) {
    if (entry.node != nullptr) paths.push_back(path);
  }
  return paths;
}

}  // namespace reeve::sim
