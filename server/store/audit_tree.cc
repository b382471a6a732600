// See audit_tree.h.
#include "server/store/audit_tree.h"

#include <bit>

#include "common/base/check.h"

namespace reeve::server {
namespace {

using warrant::Hash;

// Leaves [begin, end), where begin is a multiple of the largest power of two that is not beyond their count.
struct Range {
  uint64_t begin = 0;
  uint64_t end = 0;
  uint64_t size() const { return end - begin; }
  uint64_t middle() const { return begin + std::bit_floor(size() - 1); }
};

Result<Hash> root_of(Range range, const AuditNodeAt& node_at) {
  if (std::has_single_bit(range.size())) {
    const auto level = static_cast<uint32_t>(std::countr_zero(range.size()));
    return node_at(level, range.begin >> level);
  }
  const Hash left = TRY(root_of({range.begin, range.middle()}, node_at));
  const Hash right = TRY(root_of({range.middle(), range.end}, node_at));
  return warrant::node_hash(left, right);
}

// SUBPROOF of RFC 6962 section 2.1.2: `old_end` lies in the range; `known`: the verifier has this subtree's root.
Status prove(uint64_t old_end, Range range, bool known, const AuditNodeAt& node_at, std::vector<Hash>& out) {
  if (old_end == range.end) {
    if (!known) out.push_back(TRY(root_of(range, node_at)));
    return {};
  }
  const uint64_t middle = range.middle();
  if (old_end <= middle) {
    TRY(prove(old_end, {range.begin, middle}, known, node_at, out));
    out.push_back(TRY(root_of({middle, range.end}, node_at)));
  } else {
    TRY(prove(old_end, {middle, range.end}, false, node_at, out));
    out.push_back(TRY(root_of({range.begin, middle}, node_at)));
  }
  return {};
}

}  // namespace

Result<std::vector<AuditNode>> nodes_above(uint64_t size, const Hash& leaf, const AuditNodeAt& node_at) {
  std::vector<AuditNode> nodes;
  Hash hash = leaf;
  // Each one bit at the end of the size is a perfect subtree that waits for a right half.
  for (uint32_t level = 0; ((size >> level) & 1) != 0; ++level) {
    const Hash left = TRY(node_at(level, (size >> level) - 1));
    hash = warrant::node_hash(left, hash);
    nodes.push_back({.level = level + 1, .position = size >> (level + 1), .hash = hash});
  }
  return nodes;
}

Result<std::vector<Hash>> perfect_subtrees(uint64_t size, const AuditNodeAt& node_at) {
  std::vector<Hash> subtrees;
  uint64_t begin = 0;
  while (begin < size) {
    const uint64_t count = std::bit_floor(size - begin);
    subtrees.push_back(TRY(root_of({begin, begin + count}, node_at)));
    begin += count;
  }
  return subtrees;
}

Result<std::vector<Hash>> prove_from_nodes(uint64_t old_size, uint64_t size, const AuditNodeAt& node_at) {
  check(old_size >= 1 && old_size <= size, "a tree is proven to begin with one no longer than itself");
  std::vector<Hash> proof;
  TRY(prove(old_size, {0, size}, true, node_at, proof));
  return proof;
}

}  // namespace reeve::server
