// Our tokens: JSON Web Tokens (RFC 7519) signed with Ed25519 (RFC 8037), and nothing else that goes by that name.
//
// The header is one constant text, compared byte for byte, so there is no algorithm to choose and none to be talked
// into. A token says who (user, session, org) and for how long, never what they may do: that is asked of the store with
// each request, so a changed role, a disabled user and an ended session count at once.
#pragma once

#include <string>
#include <string_view>

#include "common/base/ids.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/crypto/signing.h"

namespace reeve::server {

constexpr Duration token_validity = 10min;
constexpr Duration clock_skew_max = 30s;  // how far ahead of us another server of ours may have signed
constexpr size_t token_bytes_max = 1024;

struct TokenClaims {
  std::string org = {};
  Uuid user = {};
  Bytes session = {};  // its hash, as the store knows it
  WallTime issued = {};
  WallTime expires = {};  // both in whole seconds
};

std::string sign_token(const crypto::SigningKey& key, const TokenClaims& claims);

// Code::denied where anything is not exactly as sign_token makes it, or its time is over or has not begun.
Result<TokenClaims> verify_token(BytesView public_key, std::string_view token, WallTime now);

// Three parts with dots between them; nothing of what our API keys look like.
bool looks_like_token(std::string_view text);

}  // namespace reeve::server
