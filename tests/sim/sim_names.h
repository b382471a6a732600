// The directory tree of a simulated disk, and which of its changes the platter has.
//
// Each made, renamed or removed name is pending until its directory is synced. A power cut keeps some of the pending
// changes: a rename happens wholly or not at all, and a change that builds on a lost one (the same name, the same file)
// is lost with it. Syncing a directory also makes its own name and its parents' durable, as journaling file systems do.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/power_cut.h"

namespace reeve::sim {

struct SimNode;  // a file, see sim_disk.cc

// "/a//b/" and "/a/b" are one name.
std::string normal_path(const std::string& path);
std::string directory_of(const std::string& normal);

class SimNames {
 public:
  struct Entry {
    std::shared_ptr<SimNode> node;  // null: a directory
    bool operator==(const Entry&) const = default;
  };

  SimNames();  // with "/" alone

  // Paths are normal.
  const Entry* find(const std::string& path) const;
  bool is_directory(const std::string& path) const;
  std::vector<std::pair<std::string, Entry>> children(const std::string& directory) const;  // sorted by name
  const std::map<std::string, Entry>& all() const { return now_; }

  // The caller has checked that the change is possible; `number` grows with every operation on the disk.
  void add(uint64_t number, const std::string& path, std::shared_ptr<SimNode> node);
  void rename(uint64_t number, const std::string& from, const std::string& to);
  void remove(uint64_t number, const std::string& path);

  void sync_directory(const std::string& directory);
  bool all_synced() const { return pending_.empty(); }
  uint64_t oldest_pending() const { return pending_.front().number; }  // not all_synced()
  void cut_power(PowerCut& cut);

 private:
  struct Change {
    uint64_t number = 0;
    std::string from;  // the name that goes; empty where none does
    std::string to;    // the name that comes; empty where none does
    Entry entry;
  };

  static bool builds_on(const Change& later, const Change& earlier);
  static void apply(const Change& change, std::map<std::string, Entry>& names);
  void change(Change change);

  std::map<std::string, Entry> now_;
  std::map<std::string, Entry> durable_;
  std::vector<Change> pending_;
};

}  // namespace reeve::sim
