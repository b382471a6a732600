// Seals, keys and certificates.
//
// Certificates' keys are EC P-256, because every browser must accept the certificate of our API. A certificate
// authority (CA) per org signs two kinds of leaf: the server's (serverAuth, with its names) and the agents'
// (clientAuth, common name = the agent's id, organisation = the org's); neither can stand in for the other. The signer
// decides every field: from a signing request (CSR) only the public key is taken.
//
// Keys, certificates and requests travel as PEM. Wrong input is Code::invalid. Any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/time.h"

namespace reeve::sys {

// AES-256-GCM under a 32-byte key, with a nonce of its own in front: hides `plain` and ties it to `about`, which is not
// in the result. A key seals at most 2^32 times.
Bytes seal(BytesView key, BytesView plain, BytesView about);
Result<Bytes> unseal(BytesView key, BytesView sealed,
                     BytesView about);  // Code::corrupt where anything is not as sealed

struct KeyAndCertificate {
  Bytes key_pem{};
  Bytes certificate_pem{};
};

struct CertificateInfo {
  std::string common_name{};
  std::string organization{};
  std::vector<std::string> names{};  // DNS names and IP addresses it is valid for
  WallTime not_before{};
  WallTime not_after{};
  std::string serial{};       // hex, lower case
  std::string fingerprint{};  // SHA-256 of the DER, 64 hex digits, lower case
  bool is_authority = false;
};

struct AuthoritySpec {
  std::string organization{};
  WallTime now{};
  Duration validity{};
};

struct ServerCertificateSpec {
  std::vector<std::string> names{};  // DNS names and IP addresses; at least one
  WallTime now{};
  Duration validity{};
};

struct ClientCertificateSpec {
  std::string common_name{};
  std::string organization{};
  WallTime now{};
  Duration validity{};
};

// A new P-256 private key (PKCS#8).
Result<Bytes> make_key();

// A self-signed CA, allowed to sign leaves and nothing else.
Result<KeyAndCertificate> make_ca(const AuthoritySpec& spec);

// Key and certificate of a server, signed by `ca`. Present the chain: append_chain(certificate, ca).
Result<KeyAndCertificate> make_server_certificate(const KeyAndCertificate& ca, const ServerCertificateSpec& spec);

// The request of the holder of `key_pem`.
Result<Bytes> make_csr(BytesView key_pem, std::string_view common_name);

// The client certificate for the request's key. Refuses a request whose own signature is wrong, and keys that are not
// P-256.
Result<Bytes> sign_csr(const KeyAndCertificate& ca, BytesView csr_pem, const ClientCertificateSpec& spec);

// Of the first certificate in `pem`.
Result<CertificateInfo> certificate_info(BytesView pem);

// True where the private key belongs to the (first) certificate.
Result<bool> key_matches(BytesView key_pem, BytesView certificate_pem);

// `leaf_pem` followed by `issuer_pem`: what a server presents, so that clients can pin the CA by its fingerprint.
Bytes append_chain(BytesView leaf_pem, BytesView issuer_pem);

}  // namespace reeve::sys
