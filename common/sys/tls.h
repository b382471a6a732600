// What a listener or a client needs to speak TLS: 1.3 only, no session tickets, no early data, no compression.
//
// A client trusts exactly what it was given: the certificates of one CA, or, for enrolment, the CA whose SHA-256
// fingerprint came with the enrol command; the server presents that CA at the end of its chain. The name is verified in
// both cases. There is no trust on first use and no trust in the system's store.
#pragma once

#include <memory>
#include <string>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace reeve::sys {

struct TlsServerOptions {
  Bytes certificate_chain_pem{};  // the leaf first, then its CA
  Bytes key_pem{};
  Bytes client_ca_pem{};  // where given, a client must present a certificate that this CA signed for clientAuth
};

struct TlsClientOptions {
  Bytes ca_pem{};  // trust what this CA signed for serverAuth ...
  std::string
      ca_fingerprint{};  // ... or what the presented CA with this SHA-256 (64 hex digits) signed; one of the two
  Bytes certificate_chain_pem{};  // who we are; empty for nobody
  Bytes key_pem{};
};

// Loop thread. Shared by the connections made with it.
class TlsContext {
 public:
  // Code::invalid where a PEM cannot be read, or key and certificate do not belong together.
  static Result<std::shared_ptr<TlsContext>> make_server(const TlsServerOptions& options);
  static Result<std::shared_ptr<TlsContext>> make_client(const TlsClientOptions& options);
  ~TlsContext();

  // New connections use the new certificates and the new trust; established ones go on. After an error the old stay.
  Status reload(const TlsServerOptions& options);
  Status reload(const TlsClientOptions& options);

  bool is_server() const;

  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  explicit TlsContext(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace reeve::sys
