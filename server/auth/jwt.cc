// See jwt.h.
#include "server/auth/jwt.h"

#include <algorithm>

#include "common/base/json.h"
#include "common/crypto/signing.h"

namespace reeve::server {
namespace {

constexpr std::string_view header_text = R"({"alg":"EdDSA","typ":"JWT"})";
constexpr std::string_view issuer = "reeve";
constexpr int64_t ns_per_second = 1'000'000'000;
constexpr size_t session_hash_bytes = 32;

Error not_ours() {
  return Error(Code::denied, "this token is not one of ours");
}

// Only the one spelling that to_base64url gives: a signature covers the text, so there must not be two.
Result<Bytes> decode(std::string_view text) {
  const std::optional<Bytes> bytes = from_base64url(text);
  if (!bytes || to_base64url(*bytes) != text) return not_ours();
  return *bytes;
}

// A time in whole seconds that nanoseconds can hold.
Result<WallTime> read_seconds(const Json& claims, std::string_view name) {
  const Json* member = claims.find(name);
  const int64_t* seconds = member ? member->as_int() : nullptr;
  if (!seconds || *seconds < 0 || *seconds > INT64_MAX / ns_per_second) return not_ours();
  return WallTime{*seconds * ns_per_second};
}

}  // namespace

std::string sign_token(const crypto::SigningKey& key, const TokenClaims& claims) {
  Json payload;
  payload.set("iss", issuer);
  payload.set("org", claims.org);
  payload.set("sub", to_string(claims.user));
  payload.set("sid", to_base64url(claims.session));
  payload.set("iat", claims.issued.ns / ns_per_second);
  payload.set("exp", claims.expires.ns / ns_per_second);
  const std::string text = to_base64url(header_text) + "." + to_base64url(payload.dump());
  return text + "." + to_base64url(key.sign(text));
}

bool looks_like_token(std::string_view text) {
  return std::count(text.begin(), text.end(), '.') == 2;
}

Result<TokenClaims> verify_token(BytesView public_key, std::string_view token, WallTime now) {
  if (token.size() > token_bytes_max || !looks_like_token(token)) return not_ours();
  const size_t payload_at = token.find('.') + 1;
  const size_t signature_at = token.find('.', payload_at) + 1;
  if (token.substr(0, payload_at - 1) != to_base64url(header_text)) return not_ours();
  const Bytes signature = TRY(decode(token.substr(signature_at)));
  if (!crypto::verify_ed25519(public_key, token.substr(0, signature_at - 1), signature)) return not_ours();

  const Bytes text = TRY(decode(token.substr(payload_at, signature_at - 1 - payload_at)));
  const Result<Json> payload = parse_json(text);
  if (!payload.ok() || !payload->is_object() || payload->as_object()->size() != 6) return not_ours();
  const std::optional<Uuid> user = parse_uuid(payload->string_or("sub"));
  const std::optional<Bytes> session = from_base64url(payload->string_or("sid"));
  if (payload->string_or("iss") != issuer || !user || !session || session->size() != session_hash_bytes) {
    return not_ours();
  }
  TokenClaims claims{.org = payload->string_or("org"), .user = *user, .session = *session};
  claims.issued = TRY(read_seconds(*payload, "iat"));
  claims.expires = TRY(read_seconds(*payload, "exp"));
  if (claims.expires <= now) return Error(Code::denied, "this token has expired; refresh it");
  const bool too_early = claims.issued > now + clock_skew_max;
  const bool too_long = claims.expires <= claims.issued || claims.expires - claims.issued > token_validity;
  if (claims.org.empty() || too_early || too_long) return not_ours();
  return claims;
}

}  // namespace reeve::server
