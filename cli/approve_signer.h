// Where an approver's private key may be: in a sealed file, or in a token that never lets it out.
#pragma once

#include <memory>

#include "cli/approve.h"
#include "common/base/bytes.h"
#include "common/base/result.h"

namespace reeve::cli {

class ApprovalSigner {
 public:
  virtual ~ApprovalSigner() = default;
  virtual Bytes public_key() const = 0;  // 32 bytes
  // An Ed25519 signature, 64 bytes. Not yet verified: a token may be broken.
  virtual Result<Bytes> sign(BytesView message) = 0;
};

// Opens the key that was named: asks for its pass phrase or PIN.
Result<std::unique_ptr<ApprovalSigner>> open_signer(World& world, const ApproveOptions& options);

}  // namespace reeve::cli
