// The systemd journal, read forward and back by entry; an interface, so that a test can be a journal.
//
// Entries are read as views into the journal's own memory map, valid until the next call. Whether a journal can be read
// depends on the process's groups: without rights it looks like a host without a journal.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "common/base/time.h"

namespace reeve::sys {

// A cursor into the journals of one host: at an entry, or between two. One thread.
class JournalReader {
 public:
  using Field = std::pair<std::string_view, std::string_view>;

  virtual ~JournalReader() = default;

  virtual Status seek_head() = 0;  // before the oldest entry
  virtual Status seek_tail() = 0;  // after the newest
  // To the entry of an earlier cursor(): true, it is the current one. False: it is gone, and next() gives what
  // followed. Code::invalid when the text is no cursor.
  virtual Result<bool> seek(const std::string& cursor) = 0;

  // False at the end, where the place does not change; later calls find what was added since.
  virtual Result<bool> next() = 0;
  virtual Result<bool> previous() = 0;

  // The current entry.
  virtual Result<std::string> cursor() = 0;
  virtual Result<WallTime> time() = 0;
  // Its fields, appended in the order of the journal; a value is cut at 64 KiB.
  virtual Status fields(std::vector<Field>& out) = 0;

  // Those that hold journal files: a change in one may mean a new entry.
  virtual std::vector<std::string> directories() = 0;
};

// Code::not_found where the host has no journal, or none that this process may read.
Result<std::unique_ptr<JournalReader>> open_journal();

}  // namespace reeve::sys
