// Verifies an audit export on its own: hashes every entry anew, builds the Merkle tree, and holds its root against the
// signed checkpoint at the end. Public keys are all it needs; docs/audit.md says what that proves and what not.
//
// Streams: its memory is the tree's frontier, and 40 bytes a leaf where an earlier export is compared. One thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/warrant/merkle.h"

namespace reeve::cli {

// The leaves of an export, to hold a later one against.
struct AuditLeaves {
  Bytes hashes{};  // 32 bytes each
  std::vector<uint64_t> ids{};
};

struct AuditVerdict {
  std::string org{};
  uint64_t leaves = 0;
  uint64_t entries = 0;  // that are kept
  uint64_t findings = 0;
  std::string first{};     // the first entry that does not fit: "entry 4711 was changed"
  bool is_signed = false;  // the checkpoint is signed by one of the keys, and is of this org
  std::string unsigned_why{};
  bool root_fits = false;  // the entries give the root that was signed
  uint64_t signed_size = 0;
  Bytes signed_root{};
  WallTime signed_at{};
  Bytes signer{};                 // public key
  std::vector<Bytes> own_keys{};  // that the export itself names

  bool ok() const { return findings == 0 && is_signed && root_fits; }
};

class AuditVerifier {
 public:
  // `keys` empty: those that the export names. `earlier` null: nothing to compare with; it outlives the verifier.
  AuditVerifier(std::vector<Bytes> keys, const AuditLeaves* earlier, bool keep_leaves)
      : keys_(std::move(keys)), earlier_(earlier), keep_leaves_(keep_leaves) {}

  // One line, without its end. Code::invalid: it is no export.
  Status take(std::string_view line);
  // After the last line. Code::invalid: it is cut off.
  Result<AuditVerdict> finish();

  AuditLeaves& leaves() { return leaves_; }

 private:
  void find(std::string what);
  Status take_head(std::string_view line);
  Status take_leaf(std::string_view line);
  Status take_checkpoint(std::string_view line);
  void compare(uint64_t leaf, uint64_t id, BytesView hash);

  const std::vector<Bytes> keys_;
  const AuditLeaves* const earlier_;
  const bool keep_leaves_;
  AuditVerdict verdict_;
  AuditLeaves leaves_;
  warrant::MerkleFrontier tree_;
  uint64_t lines_ = 0;
  uint64_t last_id_ = 0;
  bool parted_ = false;  // from the earlier export: what follows is shifted, and tells nothing more
  bool ended_ = false;
};

}  // namespace reeve::cli
