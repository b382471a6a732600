// The Merkle tree of an audit that lies in a store: of all its nodes, those that will never change are kept, each by
// its level and its place in the level. Level 0 has the leaves; a node of level n stands for 2^n of them.
//
// Pure functions over whatever looks a node up; a node that should be there and is not is Code::corrupt, and it is the
// looker's to say so.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "common/base/result.h"
#include "common/warrant/merkle.h"

namespace reeve::server {

struct AuditNode {
  uint32_t level = 0;
  uint64_t position = 0;
  warrant::Hash hash = {};
};
using AuditNodeAt = std::function<Result<warrant::Hash>(uint32_t level, uint64_t position)>;

// The nodes above the leaf that come into being with it, where `size` leaves were there before.
Result<std::vector<AuditNode>> nodes_above(uint64_t size, const warrant::Hash& leaf, const AuditNodeAt& node_at);

// The perfect subtrees of the first `size` leaves, largest first: what a MerkleFrontier is restored from.
Result<std::vector<warrant::Hash>> perfect_subtrees(uint64_t size, const AuditNodeAt& node_at);

// As warrant::consistency_proof, for 1 <= old_size <= size.
Result<std::vector<warrant::Hash>> prove_from_nodes(uint64_t old_size, uint64_t size, const AuditNodeAt& node_at);

}  // namespace reeve::server
