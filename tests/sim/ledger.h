// What was written on the hosts, and whether what the server stored agrees with it.
//
// Every line that a simulated program writes is a pure function of its place (host, log, number), so a stored line
// proves by itself where it belongs. The ledger refuses a line that nobody wrote, one that comes a second time, and one
// that overtakes another of the same file. What is still missing is counted, for the liveness check at the end.
//
// One thread.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace reeve::sim {

// One program's log on one host, through all its rotations.
struct LogName {
  uint32_t host = 0;
  uint32_t log = 0;
  auto operator<=>(const LogName&) const = default;
};

// Line `number` of that log, without its line end. Lengths vary, and one in twenty is an error-level line.
std::string line_text(LogName log, uint64_t number);

class Ledger {
 public:
  // -- the hosts' side ------------------------------------------------------------------------------------------------

  void begin_file(LogName log);    // what is written from now on lies in another file than what was
  void note_written(LogName log);  // its next line, wholly, with its end
  uint64_t written(LogName log) const;
  uint64_t written_total() const { return written_total_; }

  // -- the server's side ----------------------------------------------------------------------------------------------

  // Code::corrupt where the promise is broken; the text says how.
  Status note_stored(BytesView body);
  // The server came back: everything it has is shown again from its first block.
  void forget_stored();
  uint64_t stored_total() const { return stored_total_; }
  bool all_stored() const { return stored_total_ == written_total_; }
  bool is_stored(LogName log, uint64_t number) const;
  bool all_stored_before(LogName log, uint64_t number) const;
  std::string describe_missing() const;

 private:
  struct Log {
    uint64_t written = 0;
    std::vector<uint64_t> file_starts{0};  // the first number of each file
    std::vector<bool> stored;
    std::map<uint64_t, uint64_t> newest_of_file;  // file's first number -> newest stored number
  };

  std::map<LogName, Log> logs_;
  uint64_t written_total_ = 0;
  uint64_t stored_total_ = 0;
};

}  // namespace reeve::sim
