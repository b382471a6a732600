// One process to start: what local policy has made of a signed Exec. Everything in it is resolved: nothing is looked up
// again after the gate has opened.
//
// encode and decode_launch carry it to the process that waits at the gate. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace reeve::runner {

constexpr size_t launch_bytes_max = 128_KiB;

// A program that is executed as it is: no shell, no search path, nothing inherited.
struct Program {
  std::string path{};
  Bytes sha256{};  // of the file; empty: not asked for
  std::vector<std::string> arguments{};
  std::vector<std::pair<std::string, std::string>> environment{};
  std::string working_directory{};
};

// One of the actions in builtin.cc, performed by the process at the gate itself.
struct BuiltIn {
  std::string name{};                                            // "file.restore"
  std::vector<std::pair<std::string, std::string>> arguments{};  // by name: the step's, and what policy declared
  std::string argument(std::string_view name) const;             // "": absent
};

struct Launch {
  std::string id{};  // [a-z0-9-]{1,64}; names the unit and the status file; never used twice
  std::variant<Program, BuiltIn> what{};
  std::string user{};             // empty: who the runner is
  uint32_t timeout_ms = 0;        // then its whole tree is ended
  uint32_t grace_ms = 2000;       // between SIGTERM and SIGKILL
  uint32_t output_bytes_max = 0;  // of stdout and stderr together; more is counted and dropped
  bool network = false;
  std::vector<std::string> write_paths{};  // what it may write to, where the launcher can say so
  uint64_t memory_bytes_max = 512_MiB;
  uint32_t processes_max = 64;
};

Bytes encode(const Launch& launch);
Result<Launch> decode_launch(BytesView bytes);

}  // namespace reeve::runner
