// Reads the systemd journal: one row an entry, from the place where it stopped.
//
// MESSAGE is the row's body, PRIORITY its level (0-2 fatal, 3 error, 4 warn, 5-6 info, 7 debug), the journal's receive
// time its time. The service is the unit without ".service", or for what is not a service SYSLOG_IDENTIFIER or _COMM.
// The fields that say where an entry is from keep the names that the journal gives them (`kept_fields`); the others are
// left behind.
//
// The position is the journal's cursor. At the first start it begins with the current boot, but at most
// `first_bytes_max` of messages back, found by stepping back a bounded number of entries a poll. When the cursor's
// entry has been vacuumed away since the last run, it goes on with what followed and counts a gap.
//
// A host without a journal is said once; it is looked for again now and then, and so is one that fails.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/collector.h"
#include "common/sys/journal.h"

namespace reeve::collect {

struct JournalConfig {
  enum class Start { boot, end };
  Start start = Start::boot;            // at the first start
  uint64_t first_bytes_max = 64_MiB;    // of messages; 0: no limit
  uint32_t line_bytes_max = 64 * 1024;  // what is longer is cut, and the rest counted as dropped
  std::string service;                  // empty: after the entry
};

// In the order in which they become a row's fields.
constexpr std::array<std::string_view, 14> kept_fields{
    "_SYSTEMD_UNIT", "_SYSTEMD_USER_UNIT", "SYSLOG_IDENTIFIER", "_PID",       "_UID", "_COMM",          "_EXE",
    "_HOSTNAME",     "_BOOT_ID",           "_TRANSPORT",        "MESSAGE_ID", "UNIT", "CONTAINER_NAME", "ERRNO"};

struct JournalCounters {
  uint64_t entries = 0;
  uint64_t gaps = 0;      // the cursor's entry was gone
  uint64_t failures = 0;  // of the journal; it was opened again
};

// One thread: its worker.
class JournalCollector : public Collector {
 public:
  using Open = std::function<Result<std::unique_ptr<sys::JournalReader>>()>;

  // `restored`: as for files; the newest of the kind "journal" is gone on from.
  JournalCollector(JournalConfig config, Open open, Random& random, const std::vector<wire::SourcePosition>& restored);

  Poll poll(Instant now, WallTime wall, Intake& intake) override;
  void on_durable(std::span<const wire::SourcePosition>) override {}
  void flush(Intake&) override {}
  std::vector<std::string> watched_directories() const override { return directories_; }

  JournalCounters counters() const { return counters_; }

 private:
  enum class Phase { closed, stepping_back, reading };

  bool try_open(Instant now);
  Status find_place();
  Status step_back();
  Result<bool> read_some(Intake& intake);  // whether the end was reached
  Status hand_on(Intake& intake);
  void give_up_reader(const Error& error, Instant now);

  const JournalConfig config_;
  const Open open_;
  // The newest entry's. Not the kernel's word for it: in a container, or behind a mount of /proc, that is another boot.
  std::string boot_;
  wire::SourcePosition position_;
  bool source_open_ = false;
  SourceHandle handle_ = 0;

  std::unique_ptr<sys::JournalReader> reader_;
  Phase phase_ = Phase::closed;
  uint64_t stepped_back_bytes_ = 0;
  bool said_absent_ = false;
  uint32_t failures_in_row_ = 0;
  Instant retry_at_;
  JournalCounters counters_;

  std::vector<std::string> directories_;
  std::vector<sys::JournalReader::Field> raw_;  // of the current entry, as the next
  std::vector<wire::Field> kept_;
};

}  // namespace reeve::collect
