// One TLS connection without its socket: ciphertext in, plaintext out, and back. Inside common/sys only.
//
// OpenSSL reads from and writes to two buffers of ours through a BIO, so that bytes are copied only where they are
// encrypted. Ciphertext that arrives is borrowed while it is worked on; settle() keeps what was not.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/sys/openssl_impl.h"
#include "common/sys/tls.h"

namespace reeve::sys {

class TlsSession {
 public:
  // `server_name` is what a client verifies; a server ignores it. `protocols` are for ALPN, the favourite first.
  static Result<std::unique_ptr<TlsSession>> make(TlsContext& context, const std::string& server_name,
                                                  const std::vector<std::string>& protocols);
  ~TlsSession();

  void receive(BytesView ciphertext);  // borrowed until settle()
  void settle();

  // Goes on as far as what was received allows. A client begins with this.
  Status advance_handshake();
  bool established() const { return established_; }

  // Up to `capacity` bytes of plaintext; 0 when more ciphertext is needed or the peer has closed.
  Result<size_t> read(char* buffer, size_t capacity);
  bool peer_closed() const { return peer_closed_; }

  Status write(BytesView plaintext);
  void write_close();
  Bytes& outgoing() { return outgoing_; }  // ciphertext to send; whoever sends it empties it

  std::optional<CertificateInfo> peer_certificate() const;
  std::string protocol() const;  // by ALPN, or empty

 private:
  TlsSession() = default;

  static BIO_METHOD* wire_methods();
  static int wire_read(BIO* bio, char* buffer, int capacity);
  static int wire_write(BIO* bio, const char* bytes, int count);
  static int verify_pinned(X509_STORE_CTX* store, void*);
  static int choose_protocol(SSL* ssl, const unsigned char** chosen, unsigned char* chosen_bytes,
                             const unsigned char* offered, unsigned offered_bytes, void*);
  friend class TlsContext;

  Error failure(const char* doing, int result);

  std::shared_ptr<const std::string> pinned_fingerprint_;
  bool pin_missing_ = false;
  std::string server_name_;
  Bytes protocols_;  // each behind a byte with its length, as ALPN writes them
  SslPointer ssl_;
  Bytes carried_;  // received and not yet read by OpenSSL, from before the last settle()
  size_t carried_at_ = 0;
  BytesView borrowed_;
  Bytes outgoing_;
  std::optional<Error> broken_;
  bool established_ = false;
  bool peer_closed_ = false;
};

}  // namespace reeve::sys
