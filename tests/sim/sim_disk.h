// A disk in memory that crashes, tears, fills and rots as the seed says.
//
// It behaves as POSIX promises and no better: writes are seen at once and survive a power cut only when the file was
// synced; names survive only when their directory was. What a power cut leaves of the rest is drawn from the Random:
// each 512-byte sector may be old or new, each rename done or undone. An inode number is reused as soon as its file is
// gone. Open files that were renamed or removed go on working.
//
// A crash has two steps. First the disk stops: at once by stop(), or under way in the n-th change by stop_after(n);
// that change may or may not take effect, and it and every later call fail with Code::unavailable, whoever calls. When
// the process under test has been thrown away, restart() says what has happened: the process was killed (the page cache
// lives on) or the power was cut. Handles opened before a restart stay dead.
//
//     SeededRandom random(7);
//     SimDisk disk(random);
//     disk.stop_after(12);
//     ... run until disk.stopped(), destroy everything that uses it ...
//     disk.restart(SimDisk::Crash::power_cut);
//     ... open again, and look ...
//
// One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/random.h"
#include "common/base/time.h"
#include "common/sys/disk.h"
#include "tests/sim/sim_names.h"

namespace reeve::sim {

class SimDisk : public sys::Disk {
 public:
  enum class Crash { process_killed, power_cut };

  // Both outlive the disk; without a clock every file was modified at 1970.
  explicit SimDisk(Random& random, Clock* clock = nullptr);
  ~SimDisk() override;

  Result<std::unique_ptr<sys::File>> open(const std::string& path, sys::OpenMode mode) override;
  Result<sys::FileStat> stat(const std::string& path) override;
  Result<std::vector<sys::DirectoryEntry>> list(const std::string& directory) override;
  Status make_directories(const std::string& path) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status sync_directory(const std::string& path) override;
  Result<sys::DiskSpace> space(const std::string& path) override;

  // -- crashes --------------------------------------------------------------------------------------------------------

  // Changes are: write, truncate, sync, make (a file or directory), rename, remove, sync_directory.
  uint64_t changes() const;
  void stop();
  void stop_after(uint64_t changes);  // the n-th from now dies under way; n >= 1
  bool stopped() const;
  void restart(Crash crash);

  // -- trouble without a crash ----------------------------------------------------------------------------------------

  // All files together; a write beyond it leaves a random prefix and fails with Code::exhausted. Default 1 GiB.
  void set_bytes_max(uint64_t bytes);
  // The next `count` syncs of files fail, and lose some of the pages they should have saved.
  void fail_syncs(uint64_t count);
  // The next `count` syncs of directories fail, and make no name durable.
  void fail_directory_syncs(uint64_t count);
  // Syncs of files say ok and do nothing: the planted bug of hardware without a working flush.
  void lie_about_syncs(bool lie);
  // Flips one bit of the file, counted from its first byte's lowest.
  void flip_bit(const std::string& path, uint64_t bit);
  void damage_end(const std::string& path, uint64_t size);  // cuts the file short

  // -- looking behind the scenes, even while stopped
  // --------------------------------------------------------------------

  std::vector<std::string> files() const;  // full paths, sorted
  BytesView contents(const std::string& path) const;
  bool has(const std::string& path) const;

 private:
  friend class SimFile;
  struct State;

  SimNode& node(const std::string& path) const;  // must be a file

  std::shared_ptr<State> state_;
};

}  // namespace reeve::sim
