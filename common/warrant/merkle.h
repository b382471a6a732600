// Merkle trees as in RFC 6962 section 2.1: one hash for a list of byte strings, short proofs that one of them is in it,
// and that a longer list begins with a shorter one.
//
// A leaf's hash is SHA-256(0x00 || bytes), a node's SHA-256(0x01 || left || right); the root of nothing is the SHA-256
// of nothing. Hashes are 32 bytes. Indexes count from 0. Any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "common/base/bytes.h"

namespace reeve::warrant {

using Hash = Bytes;  // 32 bytes

constexpr size_t proof_hashes_max = 64;

Hash leaf_hash(BytesView leaf);
Hash node_hash(BytesView left, BytesView right);

// The tree of growing lists: keeps one hash for each perfect subtree, at most 64.
class MerkleFrontier {
 public:
  void append(Hash leaf);  // a leaf_hash
  uint64_t size() const { return size_; }
  Hash root() const;

  const std::vector<Hash>& subtrees() const { return subtrees_; }  // largest first
  // As size() and subtrees() gave them; false where they do not belong together.
  bool restore(uint64_t size, std::vector<Hash> subtrees);

 private:
  uint64_t size_ = 0;
  std::vector<Hash> subtrees_;
};

Hash merkle_root(std::span<const Hash> leaves);

// The audit path of leaf `index` < leaves.size(), from the leaf up (RFC 6962 section 2.1.1).
std::vector<Hash> inclusion_proof(std::span<const Hash> leaves, uint64_t index);
// RFC 9162 section 2.1.3.2.
bool verify_inclusion(BytesView leaf, uint64_t index, uint64_t size, std::span<const Hash> proof, BytesView root);

// That the tree of all leaves begins with that of the first `old_size` (1 to leaves.size()): RFC 6962 section 2.1.2.
std::vector<Hash> consistency_proof(std::span<const Hash> leaves, uint64_t old_size);
// RFC 9162 section 2.1.4.2. Sizes of 0 are consistent with everything; equal sizes need equal roots and no proof.
bool verify_consistency(uint64_t old_size, BytesView old_root, uint64_t new_size, BytesView new_root,
                        std::span<const Hash> proof);

}  // namespace reeve::warrant
