// See merkle.h.
#include "common/warrant/merkle.h"

#include <bit>

#include "common/base/check.h"
#include "common/crypto/digest.h"

namespace reeve::warrant {
namespace {

// The leaves of the left subtree: the largest power of two below `size`, which is at least 2.
uint64_t split_of(uint64_t size) {
  return std::bit_floor(size - 1);
}

void append_path(std::span<const Hash> leaves, uint64_t index, std::vector<Hash>& out) {
  if (leaves.size() <= 1) return;
  const uint64_t split = split_of(leaves.size());
  if (index < split) {
    append_path(leaves.first(split), index, out);
    out.push_back(merkle_root(leaves.subspan(split)));
  } else {
    append_path(leaves.subspan(split), index - split, out);
    out.push_back(merkle_root(leaves.first(split)));
  }
}

// SUBPROOF of RFC 6962; `known`: whoever verifies has the root of these leaves.
void append_subproof(std::span<const Hash> leaves, uint64_t old_size, bool known, std::vector<Hash>& out) {
  if (old_size == leaves.size()) {
    if (!known) {
      out.push_back(merkle_root(leaves));
    }
    return;
  }
  const uint64_t split = split_of(leaves.size());
  if (old_size <= split) {
    append_subproof(leaves.first(split), old_size, known, out);
    out.push_back(merkle_root(leaves.subspan(split)));
  } else {
    append_subproof(leaves.subspan(split), old_size - split, false, out);
    out.push_back(merkle_root(leaves.first(split)));
  }
}

bool all_hashes(std::span<const Hash> proof) {
  for (const Hash& hash : proof) {
    if (hash.size() != crypto::digest_bytes) return false;
  }
  return proof.size() <= proof_hashes_max;
}

}  // namespace

Hash leaf_hash(BytesView leaf) {
  Bytes bytes(1, '\x00');
  bytes += leaf;
  return crypto::sha256(bytes);
}

Hash node_hash(BytesView left, BytesView right) {
  Bytes bytes(1, '\x01');
  bytes += left;
  bytes += right;
  return crypto::sha256(bytes);
}

void MerkleFrontier::append(Hash leaf) {
  check(leaf.size() == crypto::digest_bytes, "a leaf's hash is 32 bytes");
  // Each one bit at the end of the size is a perfect subtree that the new leaf completes to a larger one.
  for (uint64_t rest = size_; (rest & 1) != 0; rest >>= 1) {
    leaf = node_hash(subtrees_.back(), leaf);
    subtrees_.pop_back();
  }
  subtrees_.push_back(std::move(leaf));
  ++size_;
}

Hash MerkleFrontier::root() const {
  if (subtrees_.empty()) return crypto::sha256({});
  Hash root = subtrees_.back();
  for (size_t i = subtrees_.size() - 1; i-- > 0;) {
    root = node_hash(subtrees_[i], root);
  }
  return root;
}

bool MerkleFrontier::restore(uint64_t size, std::vector<Hash> subtrees) {
  if (subtrees.size() != static_cast<size_t>(std::popcount(size)) || !all_hashes(subtrees)) return false;
  size_ = size;
  subtrees_ = std::move(subtrees);
  return true;
}

Hash merkle_root(std::span<const Hash> leaves) {
  MerkleFrontier tree;
  for (const Hash& leaf : leaves) {
    tree.append(leaf);
  }
  return tree.root();
}

std::vector<Hash> inclusion_proof(std::span<const Hash> leaves, uint64_t index) {
  check(index < leaves.size(), "the leaf that is proven is in the tree");
  std::vector<Hash> proof;
  append_path(leaves, index, proof);
  return proof;
}

bool verify_inclusion(BytesView leaf, uint64_t index, uint64_t size, std::span<const Hash> proof, BytesView root) {
  if (index >= size || !all_hashes(proof)) return false;
  uint64_t at = index;
  uint64_t last = size - 1;
  Hash hash = leaf_hash(leaf);
  for (const Hash& sibling : proof) {
    if (last == 0) return false;
    if ((at & 1) != 0 || at == last) {
      hash = node_hash(sibling, hash);
      // The right edge rises past the levels where it has no sibling.
      while ((at & 1) == 0 && at != 0) {
        at >>= 1;
        last >>= 1;
      }
    } else {
      hash = node_hash(hash, sibling);
    }
    at >>= 1;
    last >>= 1;
  }
  return last == 0 && hash == root;
}

std::vector<Hash> consistency_proof(std::span<const Hash> leaves, uint64_t old_size) {
  check(old_size >= 1 && old_size <= leaves.size(), "a tree is proven to begin with one no longer than itself");
  std::vector<Hash> proof;
  append_subproof(leaves, old_size, true, proof);
  return proof;
}

bool verify_consistency(uint64_t old_size, BytesView old_root, uint64_t new_size, BytesView new_root,
                        std::span<const Hash> proof) {
  if (old_size == 0 || old_size == new_size) return proof.empty() && (old_size != new_size || old_root == new_root);
  if (old_size > new_size || proof.empty() || !all_hashes(proof)) return false;
  // Where the old tree is perfect its root is the path's first hash, and the proof leaves it out.
  uint64_t at = old_size - 1;
  uint64_t last = new_size - 1;
  while ((at & 1) != 0) {
    at >>= 1;
    last >>= 1;
  }
  const bool perfect = std::has_single_bit(old_size);
  Hash from_old(perfect ? old_root : BytesView(proof[0]));
  Hash from_new = from_old;
  for (const Hash& hash : proof.subspan(perfect ? 0 : 1)) {
    if (last == 0) return false;
    if ((at & 1) != 0 || at == last) {
      from_old = node_hash(hash, from_old);
      from_new = node_hash(hash, from_new);
      while ((at & 1) == 0 && at != 0) {
        at >>= 1;
        last >>= 1;
      }
    } else {
      from_new = node_hash(from_new, hash);
    }
    at >>= 1;
    last >>= 1;
  }
  return last == 0 && from_old == old_root && from_new == new_root;
}

}  // namespace reeve::warrant
