// Starts the processes of steps: as transient units of systemd, as confined children elsewhere, or not at all in the
// simulator. All three pass the same journal tests.
//
// A launch is prepared first: then a process exists that waits at the gate, and nothing of the step has run. Only
// open_gate lets it go on; if we die before, it ends by itself. The process at the gate stays as the step's keeper: it
// enforces the time-out, ends the whole tree, caps the output, and leaves behind how the step ended, so that a runner
// that was killed meanwhile can still learn it.
//
// One thread: the runner's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "agent/runner/launch.h"
#include "common/base/bytes.h"
#include "common/base/result.h"

namespace reeve::runner {

struct Exit {
  bool executed = false;  // the program itself was reached; false: `detail` says what stood in the way
  int32_t exit_status = 0;
  uint32_t signal = 0;
  bool timed_out = false;
  bool stopped = false;
  bool lost = false;  // its keeper died: nobody knows how it ended
  std::string detail{};
  int64_t started_ms = 0;
  int64_t ended_ms = 0;
  Bytes output{};             // as it came, at most Launch::output_bytes_max
  uint64_t output_bytes = 0;  // all that came
};

class Running {
 public:
  virtual ~Running() = default;  // before open_gate: the process ends and has done nothing; after it: it goes on

  virtual Status open_gate() = 0;
  virtual void stop() = 0;                      // ends the whole tree; the Exit comes as ever, with `stopped`
  virtual int descriptor() const = 0;           // readable when there is news; -1: ask at once
  virtual std::optional<Exit> take_news() = 0;  // does not wait; the Exit comes once, when nothing of the tree lives
};

// What a launch of an earlier life of ours came to.
struct Remains {
  enum class State { running, ended, unknown };
  State state = State::unknown;
  Exit exit{};  // of one that ended; its output may be lost
};

class Launcher {
 public:
  virtual ~Launcher() = default;
  virtual Result<std::unique_ptr<Running>> prepare(const Launch& launch) = 0;
  virtual Result<Remains> find(const std::string& launch_id) = 0;
  virtual void stop_remains(const std::string& launch_id) = 0;  // one that is still running
  virtual void forget(const std::string& launch_id) = 0;        // its result is in the journal
};

}  // namespace reeve::runner
