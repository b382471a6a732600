// Approver keys in tokens: smart cards, USB keys, HSMs, by way of the PKCS#11 module that their vendor ships.
//
// The module runs inside of this process and is the person's own choice. The private key never leaves the token: it
// gets the bytes to sign and gives a signature. Needs CKK_EC_EDWARDS keys and CKM_EDDSA (PKCS#11 3.0).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "cli/approve_signer.h"

namespace reeve::cli {

struct TokenKey {
  std::string module;     // a shared library's path
  std::string token;      // the token's label
  std::string key_label;  // the label of key and public key
};

// Logs in and finds the key; logs out when destroyed. Code::denied: the PIN is wrong, or locked. Code::not_found: no
// such module, token or key. Code::invalid: the key is not Ed25519. A label that two tokens or keys share is refused.
Result<std::unique_ptr<ApprovalSigner>> open_token(const TokenKey& key, std::string_view pin);

// The 32 bytes of CKA_EC_POINT, a DER OCTET STRING; some tokens leave its two bytes of header out.
Result<Bytes> parse_ec_point(BytesView point);

}  // namespace reeve::cli
