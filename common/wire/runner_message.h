// Messages between server and runner on the link: cut into chunks that fit a frame, and put together again.
//
// Both ends use both halves. What does not follow (a chunk out of place, another size midway) is Code::corrupt: the
// connection is of no use any more. At most one message is in the making, of at most runner_message_bytes_max.
#pragma once

#include <optional>
#include <vector>

#include "common/wire/frames.h"

namespace reeve::wire {

// In order. `message` has 1 to runner_message_bytes_max bytes; `id` is one more for each message of a connection.
std::vector<RunnerMessage> cut_runner_message(uint64_t id, BytesView message);

// One thread.
class RunnerAssembly {
 public:
  // The whole message, where this chunk was its last. `chunk` is as parse_*_frame gave it.
  Result<std::optional<Bytes>> add(const RunnerMessage& chunk);

 private:
  std::optional<uint64_t> id_;
  uint64_t total_ = 0;
  Bytes bytes_;
};

}  // namespace reeve::wire
