// One org's certificates, made once for all tests, and TLS contexts of every kind a test wants to see refused.
#pragma once

#include <memory>
#include <string>

#include "common/base/time.h"
#include "common/sys/crypto.h"
#include "common/sys/tls.h"

namespace reeve::sys {

template <typename T>
T must(Result<T> result) {
  INFO((result.ok() ? std::string() : result.error().text()));
  REQUIRE(result.ok());
  return std::move(result).value();
}

inline WallTime wall_now() {
  SystemClock clock;
  return clock.wall();
}

struct TestOrg {
  KeyAndCertificate ca = must(make_ca({.organization = "acme", .now = wall_now(), .validity = 24h}));
  KeyAndCertificate server =
      must(make_server_certificate(ca, {.names = {"localhost", "127.0.0.1"}, .now = wall_now(), .validity = 24h}));

  KeyAndCertificate agent(WallTime now, Duration validity) const {
    KeyAndCertificate made;
    made.key_pem = must(make_key());
    const Bytes csr = must(make_csr(made.key_pem, "whatever I like"));
    made.certificate_pem =
        must(sign_csr(ca, csr, {.common_name = "agent-1", .organization = "acme", .now = now, .validity = validity}));
    return made;
  }
  KeyAndCertificate agent() const { return agent(wall_now(), 24h); }

  Bytes server_chain() const { return append_chain(server.certificate_pem, ca.certificate_pem); }
  std::string fingerprint() const { return must(certificate_info(ca.certificate_pem)).fingerprint; }

  std::shared_ptr<TlsContext> server_context(bool client_certificates) const {
    return must(TlsContext::make_server({.certificate_chain_pem = server_chain(),
                                         .key_pem = server.key_pem,
                                         .client_ca_pem = client_certificates ? ca.certificate_pem : Bytes()}));
  }
  std::shared_ptr<TlsContext> client_context() const {
    return must(TlsContext::make_client({.ca_pem = ca.certificate_pem}));
  }
  std::shared_ptr<TlsContext> client_context(const KeyAndCertificate& identity) const {
    return must(TlsContext::make_client({.ca_pem = ca.certificate_pem,
                                         .certificate_chain_pem = identity.certificate_pem,
                                         .key_pem = identity.key_pem}));
  }
};

inline const TestOrg& acme() {
  static const TestOrg org;
  return org;
}

}  // namespace reeve::sys
