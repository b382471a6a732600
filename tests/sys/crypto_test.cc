// Hashes against published vectors, and what our CA signs and refuses to sign.
#include "common/sys/crypto.h"

#include "common/crypto/digest.h"
#include "tests/sys/certificates.h"

using namespace reeve;
using namespace reeve::sys;

TEST_CASE("sha256 and hmac give the digests of their definitions") {
  CHECK(to_hex(crypto::sha256("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  // RFC 4231, test case 2
  CHECK(to_hex(crypto::hmac_sha256("Jefe", "what do ya want for nothing?")) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(to_hex(crypto::hmac_sha256("", "")) == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST_CASE("secrets have the asked length and differ") {
  CHECK(crypto::random_secret(32).size() == 32);
  CHECK(crypto::random_secret(32) != crypto::random_secret(32));
  CHECK(crypto::random_secret(0).empty());
}

TEST_CASE("a CA says who it is and for how long") {
  const WallTime now = *parse_rfc3339("2026-11-21T02:54:00Z");

  const KeyAndCertificate ca = must(make_ca({.organization = "acme", .now = now, .validity = 240h}));
  const CertificateInfo info = must(certificate_info(ca.certificate_pem));

  CHECK(info.is_authority);
  CHECK(info.organization == "acme");
  CHECK(info.not_before == now - 5min);
  CHECK(info.not_after == now + 240h);
  CHECK(info.serial.size() == 32);
  CHECK(info.fingerprint.size() == 64);
  CHECK(must(key_matches(ca.key_pem, ca.certificate_pem)));
}

TEST_CASE("a server's certificate holds its names and addresses") {
  const KeyAndCertificate made = must(make_server_certificate(
      acme().ca, {.names = {"reeve.example", "192.0.2.7", "2001:db8::7"}, .now = wall_now(), .validity = 1h}));

  const CertificateInfo info = must(certificate_info(made.certificate_pem));

  CHECK(info.names == std::vector<std::string>{"reeve.example", "192.0.2.7", "2001:db8::7"});
  CHECK(!info.is_authority);
}

TEST_CASE("a server's certificate needs names, and names that are names") {
  const auto make = [](std::vector<std::string> names) {
    return make_server_certificate(acme().ca, {.names = std::move(names), .now = wall_now(), .validity = 1h});
  };

  CHECK(make({}).error().code() == Code::invalid);
  CHECK(make({""}).error().code() == Code::invalid);
  CHECK(make({"a,IP:6.6.6.6"}).error().code() == Code::invalid);
  CHECK(make({std::string(254, 'a')}).error().code() == Code::invalid);
}

TEST_CASE("the signer decides the subject, not the request") {
  const KeyAndCertificate agent = acme().agent();

  const CertificateInfo info = must(certificate_info(agent.certificate_pem));

  CHECK(info.common_name == "agent-1");
  CHECK(info.organization == "acme");
  CHECK(must(key_matches(agent.key_pem, agent.certificate_pem)));
  CHECK(!must(key_matches(must(make_key()), agent.certificate_pem)));
}

TEST_CASE("a damaged request is not signed") {
  Bytes csr = must(make_csr(must(make_key()), "agent"));
  const ClientCertificateSpec spec{.common_name = "a", .organization = "acme", .now = wall_now(), .validity = 1h};
  REQUIRE(sign_csr(acme().ca, csr, spec).ok());

  // The last line before the end marker is part of the signature.
  const size_t at = csr.rfind("\n-----END") - 8;
  csr[at] = csr[at] == 'A' ? 'B' : 'A';

  CHECK(sign_csr(acme().ca, csr, spec).error().code() == Code::invalid);
  CHECK(sign_csr(acme().ca, "", spec).error().code() == Code::invalid);
  CHECK(sign_csr(acme().ca, "-----BEGIN CERTIFICATE REQUEST-----\n", spec).error().code() == Code::invalid);
}

TEST_CASE("only P-256 keys are signed") {
  // openssl req -new -newkey ed25519 -nodes -subj /CN=x
  const char* ed25519_csr =
      "-----BEGIN CERTIFICATE REQUEST-----\n"
      "MIGLMD8CAQAwDDEKMAgGA1UEAwwBeDAqMAUGAytlcAMhAAktojr1o8nUtBd51Elu\n"
      "pgs9JHeDKwNvXjAtf83CEiDYoAAwBQYDK2VwA0EAMDQjkPXzw8rMq9jnQhZ6M+da\n"
      "H8evt4YT58TENv6kkc6NRWxOtJvGeTEZjT5cVHtZnGkdDmt6KoQhb3KL4b5WBw==\n"
      "-----END CERTIFICATE REQUEST-----\n";
  const ClientCertificateSpec spec{.common_name = "a", .organization = "acme", .now = wall_now(), .validity = 1h};

  const auto signed_csr = sign_csr(acme().ca, ed25519_csr, spec);

  REQUIRE(!signed_csr.ok());
  CHECK(signed_csr.error().text().find("P-256") != std::string::npos);
}

TEST_CASE("a leaf cannot sign, nor can a CA without its key") {
  const Bytes csr = must(make_csr(must(make_key()), "agent"));
  const ClientCertificateSpec spec{.common_name = "a", .organization = "acme", .now = wall_now(), .validity = 1h};

  CHECK(sign_csr(acme().agent(), csr, spec).error().code() == Code::invalid);
  CHECK(
      sign_csr({.key_pem = must(make_key()), .certificate_pem = acme().ca.certificate_pem}, csr, spec).error().code() ==
      Code::invalid);
}

TEST_CASE("a certificate's validity and names have bounds") {
  const Bytes csr = must(make_csr(must(make_key()), "agent"));

  CHECK(!sign_csr(acme().ca, csr, {.common_name = "a", .organization = "b", .now = wall_now(), .validity = 0h}));
  CHECK(!sign_csr(acme().ca, csr, {.common_name = "", .organization = "b", .now = wall_now(), .validity = 1h}));
  CHECK(!sign_csr(acme().ca, csr,
                  {.common_name = std::string(65, 'a'), .organization = "b", .now = wall_now(), .validity = 1h}));
  CHECK(!make_ca({.organization = "", .now = wall_now(), .validity = 1h}));
  CHECK(!make_csr("no key", "a"));
}

TEST_CASE("what is no PEM is refused with a reason") {
  CHECK(certificate_info("").error().code() == Code::invalid);
  CHECK(certificate_info("hello").error().code() == Code::invalid);
  CHECK(certificate_info(acme().ca.key_pem).error().code() == Code::invalid);
  CHECK(certificate_info(std::string(2_MiB, 'x')).error().code() == Code::invalid);
  CHECK(certificate_info(acme().ca.certificate_pem + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
            .error()
            .code() == Code::invalid);
}
