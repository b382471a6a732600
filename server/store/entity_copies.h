// Two plain copies of what org.db holds and nothing else can give back: agents, tokens, keys, users, gaps, positions.
// Sessions (people sign in again), the audit (too long; its numbers go on) and remembered answers are not copied.
//
// Each copy is a file of frames (mark, length, CRC32C, a JSON object); a change is appended to both, and the newest
// frame of a thing counts. A damaged frame is passed by: the search goes on at the next mark. So a thing is lost only
// when its frames are damaged in both files and its page in org.db as well. org.db is the truth as long as it can be
// read; the copies are written after it, and made anew from it at every start.
//
// Belongs to the store's writer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/sys/disk.h"
#include "server/store/accounts.h"
#include "server/store/entities.h"
#include "server/store/store.h"

namespace reeve::server {

struct AgentStream {
  Uuid agent;
  StreamPosition position;
};

struct Entities {
  std::vector<Agent> agents = {};
  std::vector<StoredToken> tokens = {};
  std::vector<ApiKey> keys = {};
  std::vector<User> users = {};
  std::vector<IncomingGap> gaps = {};
  std::vector<AgentStream> streams = {};
  std::optional<uint64_t> damaged_blocks = std::nullopt;
  std::optional<uint64_t> audit_through = std::nullopt;  // no entry has a higher id
};

class EntityCopies {
 public:
  EntityCopies(sys::Disk& disk, const std::string& directory);

  // What the files know, the newest of each thing; empty where there are none.
  Result<Entities> load();
  // Replaces both files, each whole or not at all.
  Status rewrite(const Entities& all);
  // Durable in both when ok.
  Status append(const Entities& changed);

  // So much was appended that a rewrite would pay.
  bool wants_rewrite() const { return appended_bytes_ > rewritten_bytes_ + append_bytes_max; }

 private:
  static constexpr uint64_t append_bytes_max = 1_MiB;

  Bytes encode(const Entities& entities);

  sys::Disk& disk_;
  const std::string paths_[2];
  uint64_t next_serial_ = 1;
  uint64_t rewritten_bytes_ = 0;
  uint64_t appended_bytes_ = 0;
};

}  // namespace reeve::server
