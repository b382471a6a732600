// See runner_message.h.
#include "common/wire/runner_message.h"

#include <algorithm>

#include "common/base/check.h"

namespace reeve::wire {

std::vector<RunnerMessage> cut_runner_message(uint64_t id, BytesView message) {
  check(!message.empty() && message.size() <= runner_message_bytes_max, "a runner's message fits its bound");
  std::vector<RunnerMessage> chunks;
  for (size_t at = 0; at < message.size(); at += runner_chunk_bytes_max) {
    chunks.push_back(
        {.id = id, .offset = at, .total = message.size(), .bytes = Bytes(message.substr(at, runner_chunk_bytes_max))});
  }
  return chunks;
}

Result<std::optional<Bytes>> RunnerAssembly::add(const RunnerMessage& chunk) {
  if (!id_) {
    id_ = chunk.id;
    total_ = chunk.total;
    bytes_.clear();
  }
  if (chunk.id != *id_ || chunk.total != total_ || chunk.offset != bytes_.size()) {
    return Error(Code::corrupt, "frame: of a runner's message " + std::to_string(*id_) + " of " +
                                    std::to_string(total_) + " bytes " + std::to_string(bytes_.size()) +
                                    " were here, and then came " + std::to_string(chunk.offset) + " of message " +
                                    std::to_string(chunk.id));
  }
  bytes_ += chunk.bytes;
  if (bytes_.size() < total_) return std::optional<Bytes>();
  id_.reset();
  return std::optional(std::exchange(bytes_, {}));
}

}  // namespace reeve::wire
