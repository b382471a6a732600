// The Merkle tree against RFC 6962's own vectors, and every proof of every tree of up to 130 leaves.
#include "common/warrant/merkle.h"

#include <bit>
#include <catch2/catch.hpp>

#include "common/crypto/digest.h"

using namespace reeve;
using namespace reeve::warrant;

namespace {

constexpr uint64_t size_max = 130;

// The leaves that the RFC's reference implementation tests with.
std::vector<Bytes> rfc_leaves() {
  std::vector<Bytes> leaves;
  for (const char* hex :
       {"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"}) {
    leaves.push_back(*from_hex(hex));
  }
  return leaves;
}

Bytes numbered_leaf(uint64_t index) {
  return "leaf " + std::to_string(index);
}

std::vector<Hash> hashes_of(const std::vector<Bytes>& leaves) {
  std::vector<Hash> hashes;
  for (const Bytes& leaf : leaves) hashes.push_back(leaf_hash(leaf));
  return hashes;
}

std::vector<Hash> numbered_hashes(uint64_t size) {
  std::vector<Hash> hashes;
  for (uint64_t i = 0; i < size; ++i) hashes.push_back(leaf_hash(numbered_leaf(i)));
  return hashes;
}

// The definition of section 2.1, word by word.
Hash root_by_definition(std::span<const Hash> leaves) {
  if (leaves.empty()) return crypto::sha256({});
  if (leaves.size() == 1) return leaves[0];
  size_t split = 1;
  while (split * 2 < leaves.size()) split *= 2;
  return node_hash(root_by_definition(leaves.first(split)), root_by_definition(leaves.subspan(split)));
}

std::vector<std::string> hex_of(const std::vector<Hash>& hashes) {
  std::vector<std::string> hex;
  for (const Hash& hash : hashes) hex.push_back(to_hex(hash));
  return hex;
}

// Each proof that differs a little from a good one.
std::vector<std::vector<Hash>> spoilt(const std::vector<Hash>& proof) {
  std::vector<std::vector<Hash>> all;
  for (size_t i = 0; i < proof.size(); ++i) {
    std::vector<Hash> flipped = proof;
    flipped[i][i % 32] = static_cast<char>(flipped[i][i % 32] ^ (1 << (i % 8)));
    all.push_back(flipped);
    std::vector<Hash> without = proof;
    without.erase(without.begin() + static_cast<std::ptrdiff_t>(i));
    all.push_back(without);
    std::vector<Hash> cut = proof;
    cut[i].pop_back();
    all.push_back(cut);
    std::vector<Hash> longer = proof;
    longer[i].push_back('\0');
    all.push_back(longer);
    if (i == 0) continue;
    std::vector<Hash> swapped = proof;
    std::swap(swapped[i - 1], swapped[i]);
    all.push_back(swapped);
  }
  std::vector<Hash> more = proof;
  more.push_back(Hash(32, 'x'));
  all.push_back(more);
  more = proof;
  more.insert(more.begin(), Hash(32, 'x'));
  all.push_back(more);
  return all;
}

}  // namespace

TEST_CASE("a tree's roots are those of RFC 6962") {
  const std::vector<std::string> roots = {
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
      "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
      "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
      "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
      "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
      "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
  };
  const std::vector<Hash> hashes = hashes_of(rfc_leaves());
  MerkleFrontier tree;
  for (size_t size = 0; size <= hashes.size(); ++size) {
    CHECK(to_hex(tree.root()) == roots[size]);
    CHECK(to_hex(merkle_root(std::span(hashes).first(size))) == roots[size]);
    if (size < hashes.size()) tree.append(hashes[size]);
  }
}

TEST_CASE("inclusion proofs are those of RFC 6962's reference implementation") {
  const std::vector<Hash> hashes = hashes_of(rfc_leaves());
  CHECK(inclusion_proof(std::span(hashes).first(1), 0).empty());
  CHECK(hex_of(inclusion_proof(hashes, 0)) ==
        std::vector<std::string>{"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                                 "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                                 "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"});
  CHECK(hex_of(inclusion_proof(hashes, 5)) ==
        std::vector<std::string>{"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                                 "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                                 "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"});
  CHECK(hex_of(inclusion_proof(std::span(hashes).first(3), 2)) ==
        std::vector<std::string>{"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"});
}

TEST_CASE("consistency proofs are those of RFC 6962's reference implementation") {
  const std::vector<Hash> hashes = hashes_of(rfc_leaves());
  CHECK(consistency_proof(std::span(hashes).first(1), 1).empty());
  CHECK(hex_of(consistency_proof(hashes, 1)) ==
        std::vector<std::string>{"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                                 "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                                 "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"});
  CHECK(hex_of(consistency_proof(hashes, 6)) ==
        std::vector<std::string>{"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                                 "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                                 "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"});
  CHECK(hex_of(consistency_proof(std::span(hashes).first(5), 2)) ==
        std::vector<std::string>{"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                                 "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"});
}

TEST_CASE("every leaf of every tree is proven, and no other leaf, place, size or root is") {
  const std::vector<Hash> hashes = numbered_hashes(size_max);
  MerkleFrontier tree;
  for (uint64_t size = 0; size <= size_max; ++size) {
    const auto leaves = std::span(hashes).first(size);
    const Hash root = tree.root();
    REQUIRE(root == root_by_definition(leaves));
    REQUIRE(tree.size() == size);
    for (uint64_t index = 0; index < size; ++index) {
      const std::vector<Hash> proof = inclusion_proof(leaves, index);
      const Bytes leaf = numbered_leaf(index);
      REQUIRE(verify_inclusion(leaf, index, size, proof, root));
      REQUIRE_FALSE(verify_inclusion(leaf + "x", index, size, proof, root));
      REQUIRE_FALSE(verify_inclusion(leaf, index + 1, size, proof, root));
      REQUIRE_FALSE(verify_inclusion(leaf, size, size, proof, root));
      REQUIRE_FALSE(verify_inclusion(leaf, index, size, proof, Hash(32, '\0')));
      REQUIRE_FALSE(verify_inclusion(leaf, index, size, proof, BytesView(root).substr(1)));
      for (const std::vector<Hash>& other : spoilt(proof)) {
        REQUIRE_FALSE(verify_inclusion(leaf, index, size, other, root));
      }
    }
    if (size < size_max) tree.append(hashes[size]);
  }
}

TEST_CASE("every tree is proven to begin with each shorter one, and with no other") {
  const std::vector<Hash> hashes = numbered_hashes(size_max);
  std::vector<Hash> roots;
  for (uint64_t size = 0; size <= size_max; ++size) roots.push_back(merkle_root(std::span(hashes).first(size)));
  for (uint64_t size = 1; size <= size_max; ++size) {
    const auto leaves = std::span(hashes).first(size);
    for (uint64_t old_size = 1; old_size <= size; ++old_size) {
      const std::vector<Hash> proof = consistency_proof(leaves, old_size);
      const Hash& old_root = roots[old_size];
      const Hash& root = roots[size];
      REQUIRE(verify_consistency(old_size, old_root, size, root, proof));
      Hash other = old_root;
      other[31] = static_cast<char>(other[31] ^ 1);
      REQUIRE_FALSE(verify_consistency(old_size, other, size, root, proof));
      REQUIRE_FALSE(verify_consistency(old_size, BytesView(old_root).substr(1), size, root, proof));
      if (old_size < size) {
        REQUIRE_FALSE(verify_consistency(old_size, old_root, size, other, proof));
        REQUIRE_FALSE(verify_consistency(size, root, old_size, old_root, proof));
        REQUIRE_FALSE(verify_consistency(old_size, old_root, size, root, {}));
        REQUIRE_FALSE(verify_consistency(old_size - 1, roots[old_size - 1], size, root, proof));
      }
      for (const std::vector<Hash>& changed : spoilt(proof)) {
        REQUIRE_FALSE(verify_consistency(old_size, old_root, size, root, changed));
      }
    }
  }
}

TEST_CASE("a rewritten leaf in what was pinned makes every later proof fail") {
  const std::vector<Hash> honest = numbered_hashes(40);
  std::vector<Hash> rewritten = honest;
  rewritten[7] = leaf_hash("something else");
  for (uint64_t pinned = 8; pinned <= 40; ++pinned) {
    const Hash pinned_root = merkle_root(std::span(honest).first(pinned));
    CHECK_FALSE(
        verify_consistency(pinned, pinned_root, 40, merkle_root(rewritten), consistency_proof(rewritten, pinned)));
  }
  const Hash before = merkle_root(std::span(honest).first(7));
  CHECK(verify_consistency(7, before, 40, merkle_root(rewritten), consistency_proof(rewritten, 7)));
}

TEST_CASE("nothing is a beginning of everything, and needs no proof") {
  const std::vector<Hash> hashes = numbered_hashes(3);
  const Hash root = merkle_root(hashes);
  CHECK(verify_consistency(0, {}, 3, root, {}));
  CHECK(verify_consistency(0, merkle_root({}), 0, merkle_root({}), {}));
  CHECK_FALSE(verify_consistency(0, root, 0, merkle_root({}), {}));
  CHECK_FALSE(verify_consistency(0, {}, 3, root, hashes));
  CHECK_FALSE(verify_consistency(3, root, 3, root, hashes));
  CHECK_FALSE(verify_inclusion("", 0, 0, {}, merkle_root({})));
}

TEST_CASE("a proof of more hashes than a tree can be high is refused") {
  const Bytes leaf = "leaf";
  const std::vector<Hash> path(proof_hashes_max, Hash(32, 'a'));
  Hash root = leaf_hash(leaf);
  for (const Hash& hash : path) root = node_hash(root, hash);
  CHECK(verify_inclusion(leaf, 0, UINT64_MAX, path, root));  // 2^64 - 1 leaves: 64 levels
  std::vector<Hash> longer = path;
  longer.push_back(Hash(32, 'a'));
  CHECK_FALSE(verify_inclusion(leaf, 0, UINT64_MAX, longer, node_hash(root, longer.back())));
  CHECK_FALSE(verify_consistency(1, leaf_hash(leaf), UINT64_MAX, node_hash(root, longer.back()), longer));
}

TEST_CASE("a frontier goes on where it was kept, and is kept only whole") {
  const std::vector<Hash> hashes = numbered_hashes(size_max);
  for (uint64_t size = 0; size < size_max; ++size) {
    MerkleFrontier tree;
    for (uint64_t i = 0; i < size; ++i) tree.append(hashes[i]);
    MerkleFrontier later;
    REQUIRE(later.restore(tree.size(), tree.subtrees()));
    REQUIRE(later.root() == tree.root());
    later.append(hashes[size]);
    REQUIRE(later.root() == merkle_root(std::span(hashes).first(size + 1)));
    REQUIRE(tree.subtrees().size() == static_cast<size_t>(std::popcount(size)));

    std::vector<Hash> more = tree.subtrees();
    more.push_back(hashes[0]);
    REQUIRE_FALSE(later.restore(size, more));
    if (size == 0) continue;
    std::vector<Hash> cut = tree.subtrees();
    cut[0].pop_back();
    REQUIRE_FALSE(later.restore(size, cut));
    REQUIRE(later.size() == size + 1);  // a refused one changes nothing
  }
}
