// The parts that sign-in is made of: tokens, windows, passwords, seals.
#include "common/base/json.h"
#include "common/crypto/digest.h"
#include "common/crypto/signing.h"
#include "common/sys/crypto.h"
#include "common/sys/password.h"
#include "server/api/idempotency.h"
#include "server/auth/auth.h"
#include "server/auth/jwt.h"
#include "server/auth/sliding_window.h"
#include "tests/pch.h"

namespace reeve::server {
namespace {

constexpr WallTime noon{1'795'262'400'000'000'000};  // 2026-11-21T12:00:00Z
constexpr Instant start{5'000'000'000'000};
constexpr sys::PasswordCost cheap{.memory_kib = 64, .passes = 1};

TokenClaims some_claims() {
  Uuid user;
  user.bytes.fill(7);
  return {.org = "default", .user = user, .session = Bytes(32, 's'), .issued = noon, .expires = noon + token_validity};
}

// Signed rightly, whatever it says.
std::string sign_anything(const crypto::SigningKey& key, const std::string& header, const std::string& payload) {
  const std::string text = to_base64url(header) + "." + to_base64url(payload);
  return text + "." + to_base64url(key.sign(text));
}

constexpr const char* right_header = R"({"alg":"EdDSA","typ":"JWT"})";

std::string payload_with(const char* member, const Json& value) {
  const TokenClaims claims = some_claims();
  Json payload;
  payload.set("iss", "reeve");
  payload.set("org", claims.org);
  payload.set("sub", to_string(claims.user));
  payload.set("sid", to_base64url(claims.session));
  payload.set("iat", claims.issued.ns / 1'000'000'000);
  payload.set("exp", claims.expires.ns / 1'000'000'000);
  payload.set(member, value);
  return payload.dump();
}

}  // namespace

// -- tokens ----------------------------------------------------------------------------------------------------------

TEST_CASE("a token says who, which session and which org, until its time is over") {
  const crypto::SigningKey key = crypto::SigningKey::make();
  const std::string token = sign_token(key, some_claims());

  const auto claims = verify_token(key.public_key(), token, noon + token_validity - 1s);

  REQUIRE(claims.ok());
  CHECK(claims->org == "default");
  CHECK(claims->user == some_claims().user);
  CHECK(claims->session == Bytes(32, 's'));
  CHECK(claims->issued == noon);
  CHECK(looks_like_token(token));
  const auto late = verify_token(key.public_key(), token, noon + token_validity);
  REQUIRE(!late.ok());
  CHECK(late.error().code() == Code::denied);
  CHECK_THAT(late.error().text(), Catch::Contains("expired"));
}

TEST_CASE("a token of another key, or with any letter changed, is not one of ours") {
  const crypto::SigningKey key = crypto::SigningKey::make();
  const std::string token = sign_token(key, some_claims());
  CHECK_FALSE(verify_token(crypto::SigningKey::make().public_key(), token, noon).ok());

  for (size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    if (changed == token) continue;
    INFO(i);
    CHECK_FALSE(verify_token(key.public_key(), changed, noon).ok());
  }
  CHECK_FALSE(verify_token(key.public_key(), token + "A", noon).ok());
  CHECK_FALSE(verify_token(key.public_key(), token + "=", noon).ok());
  CHECK_FALSE(verify_token(key.public_key(), token + ".", noon).ok());
  CHECK_FALSE(verify_token(key.public_key(), token.substr(0, token.rfind('.') + 1), noon).ok());
  CHECK_FALSE(verify_token(key.public_key(), "", noon).ok());
  CHECK_FALSE(verify_token(key.public_key(), "..", noon).ok());
  CHECK_FALSE(verify_token(key.public_key(), std::string(token_bytes_max, 'a') + "..", noon).ok());
}

TEST_CASE("a token's algorithm is not for the token to choose") {
  const crypto::SigningKey key = crypto::SigningKey::make();
  const std::string good = payload_with("org", "default");
  REQUIRE(verify_token(key.public_key(), sign_anything(key, right_header, good), noon).ok());

  const std::string none = to_base64url(R"({"alg":"none","typ":"JWT"})") + "." + to_base64url(good) + ".";
  CHECK_FALSE(verify_token(key.public_key(), none, noon).ok());
  for (const char* header : {R"({"alg":"none","typ":"JWT"})", R"({"alg":"HS256","typ":"JWT"})", R"({"alg":"EdDSA"})",
                             R"({"typ":"JWT","alg":"EdDSA"})", R"({"alg":"EdDSA","typ":"JWT","jwk":{}})", "{}", ""}) {
    INFO(header);
    CHECK_FALSE(verify_token(key.public_key(), sign_anything(key, header, good), noon).ok());
  }
  // A public key taken for a shared secret.
  const std::string text = to_base64url(R"({"alg":"HS256","typ":"JWT"})") + "." + to_base64url(good);
  const std::string confused = text + "." + to_base64url(crypto::hmac_sha256(key.public_key(), text));
  CHECK_FALSE(verify_token(key.public_key(), confused, noon).ok());
}

TEST_CASE("a payload under another token's signature is refused") {
  const crypto::SigningKey key = crypto::SigningKey::make();
  TokenClaims other = some_claims();
  other.user.bytes.fill(8);
  const std::string a = sign_token(key, some_claims());
  const std::string b = sign_token(key, other);

  CHECK_FALSE(verify_token(key.public_key(), a.substr(0, a.rfind('.')) + b.substr(b.rfind('.')), noon).ok());
}

TEST_CASE("even rightly signed, a token must claim what ours claim") {
  const crypto::SigningKey key = crypto::SigningKey::make();
  const auto counts = [&](const char* member, const Json& value, WallTime now = noon) {
    return verify_token(key.public_key(), sign_anything(key, right_header, payload_with(member, value)), now).ok();
  };
  const int64_t issued = noon.ns / 1'000'000'000;
  CHECK(counts("iat", issued));
  CHECK(counts("exp", issued + 600));
  CHECK_FALSE(counts("exp", issued + 601));  // longer than any of ours
  CHECK_FALSE(counts("exp", issued));
  CHECK_FALSE(counts("exp", "tomorrow"));
  CHECK_FALSE(counts("exp", Json()));
  CHECK_FALSE(counts("exp", INT64_MAX));
  CHECK_FALSE(counts("exp", -1));
  CHECK_FALSE(counts("iat", issued + 31));
  CHECK(counts("iat", issued + 30));
  CHECK_FALSE(counts("iss", "somebody"));
  CHECK_FALSE(counts("org", ""));
  CHECK_FALSE(counts("org", 5));
  CHECK_FALSE(counts("sub", "me"));
  CHECK_FALSE(counts("sid", "c2hvcnQ"));
  CHECK_FALSE(counts("admin", true));
  CHECK_FALSE(verify_token(key.public_key(), sign_anything(key, right_header, "[]"), noon).ok());
  CHECK_FALSE(verify_token(key.public_key(), sign_anything(key, right_header, "{}"), noon).ok());
}

// -- windows ---------------------------------------------------------------------------------------------------------

TEST_CASE("a window lets its limit through, and one more for each that slides out") {
  SlidingWindow window(10);
  for (int i = 0; i < 3; ++i) CHECK(window.try_count("a", 3, start + Duration(i * 10s)).allowed);

  const SlidingWindow::Verdict refused = window.try_count("a", 3, start + 25s);
  CHECK_FALSE(refused.allowed);
  CHECK(refused.count == 3);
  CHECK(refused.retry == 35s);
  CHECK_FALSE(window.try_count("a", 3, start + 59s).allowed);
  CHECK(window.try_count("a", 3, start + 60s).allowed);
  CHECK_FALSE(window.try_count("a", 3, start + 60s).allowed);
  CHECK(window.try_count("a", 3, start + 70s).allowed);
  CHECK(window.try_count("b", 3, start + 25s).allowed);
}

TEST_CASE("a window that was quiet for long begins anew") {
  SlidingWindow window(10);
  for (int i = 0; i < 5; ++i) CHECK(window.try_count("a", 5, start).allowed);

  CHECK(window.try_count("a", 5, start + 3600s).count == 1);
}

TEST_CASE("what is taken back does not count") {
  SlidingWindow window(10);
  CHECK(window.try_count("a", 1, start).allowed);
  window.take_back("a", start + 5s);
  window.take_back("unknown", start);

  CHECK(window.try_count("a", 1, start + 5s).allowed);
  CHECK_FALSE(window.try_count("a", 1, start + 6s).allowed);
}

TEST_CASE("a clock that has just begun counts too") {
  SlidingWindow window(10);
  CHECK(window.try_count("a", 1, Instant{0}).allowed);
  CHECK(window.try_count("a", 1, Instant{1}).retry == 60s);
}

TEST_CASE("a full table forgets the quiet first, then the quietest") {
  SlidingWindow window(2);
  CHECK(window.try_count("busy", 9, start).allowed);
  CHECK(window.try_count("busy", 9, start).allowed);
  CHECK(window.try_count("calm", 9, start).allowed);

  CHECK(window.try_count("new", 9, start).allowed);
  CHECK(window.things() == 2);
  CHECK(window.try_count("busy", 9, start).count == 3);
  CHECK(window.try_count("other", 9, start + 120s).allowed);
  CHECK(window.things() == 1);
}

TEST_CASE("failures are counted for the address in its org and for the peer, a v6 one with its network") {
  Auth auth(crypto::SigningKey::make());
  const auto allowed = [&](const char* email, const char* peer) {
    return auth.try_attempt({.org = "default", .email = email, .peer = peer}, start).allowed;
  };
  for (uint64_t i = 0; i < Auth::failures_per_address_max; ++i) CHECK(allowed("ada@example.net", "10.0.0.1"));
  CHECK_FALSE(allowed("ada@example.net", "10.0.0.2"));
  CHECK(auth.try_attempt({.org = "other", .email = "ada@example.net", .peer = "10.0.0.2"}, start).allowed);
  CHECK(allowed("bob@example.net", "10.0.0.1"));

  for (uint64_t i = 0; i < Auth::failures_per_peer_max; ++i) {
    CHECK(allowed(("u" + std::to_string(i)).c_str(), i % 2 == 0 ? "2001:db8:1:2::1" : "2001:db8:1:2:3:4:5:6"));
  }
  CHECK_FALSE(allowed("v", "2001:db8:1:2::99"));
  CHECK(allowed("v", "2001:db8:1:3::1"));
}

TEST_CASE("who signs in rightly has not failed") {
  Auth auth(crypto::SigningKey::make());
  const Auth::Attempt attempt{.org = "default", .email = "ada@example.net", .peer = "10.0.0.1"};
  for (int i = 0; i < 100; ++i) {
    CHECK(auth.try_attempt(attempt, start).allowed);
    auth.succeeded(attempt, start);
  }
}

// -- passwords, keys and seals ---------------------------------------------------------------------------------------

TEST_CASE("a password matches its own hash, which says its cost and has a salt of its own") {
  const std::string hash = sys::hash_password("correct horse", cheap).value();

  CHECK(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"));
  CHECK(sys::password_matches(hash, "correct horse"));
  CHECK_FALSE(sys::password_matches(hash, "correct horsf"));
  CHECK_FALSE(sys::password_matches(hash, ""));
  CHECK(sys::hash_password("correct horse", cheap).value() != hash);
  CHECK(sys::hash_password("correct horse").value().starts_with("$argon2id$v=19$m=65536,t=3,p=1$"));
}

TEST_CASE("a hash that is none, or asks for too much, matches nothing") {
  const std::string hash = sys::hash_password("x", cheap).value();
  CHECK_FALSE(sys::password_matches("", "x"));
  CHECK_FALSE(sys::password_matches("x", "x"));
  CHECK_FALSE(sys::password_matches("$argon2i$" + hash.substr(10), "x"));
  CHECK_FALSE(sys::password_matches(hash.substr(0, hash.size() - 4), "x"));
  CHECK_FALSE(sys::password_matches("$argon2id$v=19$m=4000000,t=3,p=1$c2FsdHNhbHQ$aGFzaGhhc2g", "x"));
  CHECK_FALSE(sys::password_matches("$argon2id$v=19$m=64,t=4000000,p=1$c2FsdHNhbHQ$aGFzaGhhc2g", "x"));
}

TEST_CASE("a signing key is the same after it was written and read") {
  const crypto::SigningKey key = crypto::SigningKey::make();
  const crypto::SigningKey again = crypto::SigningKey::from_pem(key.pem()).value();

  CHECK(again.public_key() == key.public_key());
  CHECK(again.derive("a") == key.derive("a"));
  CHECK(again.derive("a") != key.derive("b"));
  CHECK(crypto::verify_ed25519(key.public_key(), "text", again.sign("text")));
  CHECK_FALSE(crypto::verify_ed25519(key.public_key(), "texT", again.sign("text")));
  CHECK_FALSE(crypto::verify_ed25519(key.public_key(), "text", ""));
  CHECK_FALSE(crypto::verify_ed25519("short", "text", again.sign("text")));
  CHECK(crypto::SigningKey::from_pem(sys::make_key().value()).error().code() == Code::invalid);
  CHECK(crypto::SigningKey::from_pem("no key").error().code() == Code::invalid);
}

TEST_CASE("what is sealed opens with its key and its subject alone") {
  const Bytes key(32, 'k');
  const Bytes sealed = sys::seal(key, "secret", "about");

  CHECK(sys::unseal(key, sealed, "about").value() == "secret");
  CHECK(sealed.find("secret") == Bytes::npos);
  CHECK(sys::unseal(Bytes(32, 'l'), sealed, "about").error().code() == Code::corrupt);
  CHECK_FALSE(sys::unseal(key, sealed, "other").ok());
  CHECK_FALSE(sys::unseal(key, "", "about").ok());
  CHECK(sys::unseal(key, sys::seal(key, "", ""), "").value().empty());
  for (size_t i = 0; i < sealed.size(); ++i) {
    Bytes changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    CHECK_FALSE(sys::unseal(key, changed, "about").ok());
  }
}

TEST_CASE("a trace is taken with a parent of our own, and made where there is none") {
  SeededRandom random(1);
  const std::string sent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

  const std::string taken = next_traceparent(sent, random);
  CHECK(taken.substr(0, 36) == sent.substr(0, 36));
  CHECK(taken.substr(36, 16) != sent.substr(36, 16));
  CHECK(taken.ends_with("-01"));
  for (const std::string& wrong :
       {std::string(), std::string("nonsense"), "01" + sent.substr(2), sent + "0", sent.substr(0, 54) + "G",
        "00-" + std::string(32, '0') + sent.substr(35), sent.substr(0, 36) + std::string(16, '0') + "-01"}) {
    INFO(wrong);
    const std::string made = next_traceparent(wrong, random);
    CHECK(made.size() == 55);
    CHECK(made.substr(3, 32) != sent.substr(3, 32));
    CHECK(next_traceparent(made, random).substr(3, 32) == made.substr(3, 32));
  }
}

}  // namespace reeve::server
