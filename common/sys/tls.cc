// How a connection is accepted is decided here, once, for both sides: protocol, ciphers, trust, names.
//
// OpenSSL verifies chain, validity, purpose and name. For a pinned CA we only replace the set of trusted roots: the
// presented certificate with the right fingerprint, and nothing else, then let OpenSSL verify as ever.
#include "common/sys/tls.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <limits>

#include "common/base/check.h"
#include "common/sys/openssl_impl.h"
#include "common/sys/tls_session.h"

namespace reeve::sys {

struct TlsContext::Impl {
  bool server = false;
  SslCtxPointer context;
  std::shared_ptr<const std::string> pinned_fingerprint;  // null where a CA was given
};

namespace {

constexpr size_t outgoing_kept_bytes_max = 64_KiB;  // of capacity, between writes

// AES-128 first: it costs a third less than AES-256 and is no weaker here.
constexpr const char* cipher_suites = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

Result<SslCtxPointer> make_context(const SSL_METHOD* method) {
  SslCtxPointer context(SSL_CTX_new(method));
  if (context == nullptr) return openssl_error(Code::unavailable, "make a TLS context");
  SSL_CTX* raw = context.get();
  check(SSL_CTX_set_min_proto_version(raw, TLS1_3_VERSION) == 1, "OpenSSL speaks TLS 1.3");
  check(SSL_CTX_set_ciphersuites(raw, cipher_suites) == 1, "OpenSSL has the suites of TLS 1.3");
  SSL_CTX_set_options(raw, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_num_tickets(raw, 0);
  SSL_CTX_set_max_early_data(raw, 0);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  // An idle connection gives back its 34 KiB of record buffers.
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_verify_depth(raw, 2);
  return context;
}

Status use_identity(SSL_CTX* context, BytesView chain_pem, BytesView key_pem) {
  std::vector<X509Pointer> chain = TRY_DURING(parse_certificates(chain_pem), "read our certificate");
  PkeyPointer key = TRY_DURING(parse_key(key_pem), "read our private key");
  if (X509_check_private_key(chain.front().get(), key.get()) != 1) {
    ERR_clear_error();
    return Error(Code::invalid, "our private key and certificate do not belong together");
  }
  if (SSL_CTX_use_certificate(context, chain.front().get()) != 1 || SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    return openssl_error(Code::invalid, "use our certificate");
  }
  for (size_t i = 1; i < chain.size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context, chain[i].get()) != 1) {
      return openssl_error(Code::invalid, "use our certificate's chain");
    }
  }
  return {};
}

Status trust_only(SSL_CTX* context, BytesView ca_pem) {
  std::vector<X509Pointer> authorities = TRY_DURING(parse_certificates(ca_pem), "read the CA to trust");
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  for (const X509Pointer& authority : authorities) {
    if (X509_check_ca(authority.get()) == 0) return Error(Code::invalid, "a certificate given as CA to trust is no CA");
    if (X509_STORE_add_cert(store, authority.get()) != 1) return openssl_error(Code::invalid, "trust the CA");
  }
  return {};
}

bool is_fingerprint(std::string_view text) {
  const auto bytes = from_hex(text);
  return bytes.has_value() && bytes->size() == 32;
}

// The peer told us that it does not accept who we are; trying again with the same certificate is of no use.
bool is_denial(int reason) {
  switch (reason) {
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return true;
    default:
      return false;
  }
}

}  // namespace

// -- Contexts --------------------------------------------------------------------------------------------------------

TlsContext::TlsContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsContext::~TlsContext() = default;

Result<std::shared_ptr<TlsContext>> TlsContext::make_server(const TlsServerOptions& options) {
  auto impl = std::make_unique<Impl>();
  impl->server = true;
  std::shared_ptr<TlsContext> made(new TlsContext(std::move(impl)));
  TRY(made->reload(options));
  return made;
}

Result<std::shared_ptr<TlsContext>> TlsContext::make_client(const TlsClientOptions& options) {
  std::shared_ptr<TlsContext> made(new TlsContext(std::make_unique<Impl>()));
  TRY(made->reload(options));
  return made;
}

Status TlsContext::reload(const TlsServerOptions& options) {
  check(impl_->server, "a server's context is reloaded with a server's options");
  SslCtxPointer context = TRY(make_context(TLS_server_method()));
  SSL_CTX_set_alpn_select_cb(context.get(), TlsSession::choose_protocol, nullptr);
  TRY(use_identity(context.get(), options.certificate_chain_pem, options.key_pem));
  if (!options.client_ca_pem.empty()) {
    TRY(trust_only(context.get(), options.client_ca_pem));
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  // Connections hold their own reference to the context they began with.
  impl_->context = std::move(context);
  return {};
}

Status TlsContext::reload(const TlsClientOptions& options) {
  check(!impl_->server, "a client's context is reloaded with a client's options");
  if (options.ca_pem.empty() == options.ca_fingerprint.empty()) {
    return Error(Code::invalid,
                 "a TLS client trusts either a CA or the fingerprint of one: give exactly one of the two");
  }
  SslCtxPointer context = TRY(make_context(TLS_client_method()));
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  std::shared_ptr<const std::string> pinned;
  if (!options.ca_pem.empty()) {
    TRY(trust_only(context.get(), options.ca_pem));
  } else {
    if (!is_fingerprint(options.ca_fingerprint)) {
      return Error(Code::invalid, "the CA's fingerprint '" + printable(options.ca_fingerprint) +
                                      "' is not the 64 hex digits of a SHA-256");
    }
    pinned = std::make_shared<const std::string>(to_hex(*from_hex(options.ca_fingerprint)));
    SSL_CTX_set_cert_verify_callback(context.get(), TlsSession::verify_pinned, nullptr);
  }
  if (!options.certificate_chain_pem.empty()) {
    TRY(use_identity(context.get(), options.certificate_chain_pem, options.key_pem));
  }
  impl_->context = std::move(context);
  impl_->pinned_fingerprint = std::move(pinned);
  return {};
}

bool TlsContext::is_server() const {
  return impl_->server;
}

// -- Sessions --------------------------------------------------------------------------------------------------------

Result<std::unique_ptr<TlsSession>> TlsSession::make(TlsContext& context, const std::string& server_name,
                                                     const std::vector<std::string>& protocols) {
  std::unique_ptr<TlsSession> session(new TlsSession);
  for (const std::string& protocol : protocols) {
    check(!protocol.empty() && protocol.size() < 256, "a protocol's name in ALPN has 1 to 255 bytes");
    session->protocols_ += static_cast<char>(protocol.size());
    session->protocols_ += protocol;
  }
  session->pinned_fingerprint_ = context.impl().pinned_fingerprint;
  session->server_name_ = server_name;
  session->ssl_.reset(SSL_new(context.impl().context.get()));
  SSL* ssl = session->ssl_.get();
  if (ssl == nullptr) return openssl_error(Code::unavailable, "make a TLS connection");
  SSL_set_app_data(ssl, session.get());

  BIO* bio = BIO_new(wire_methods());
  check(bio != nullptr, "OpenSSL has memory for a BIO");
  BIO_set_data(bio, session.get());
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl, bio, bio);  // one BIO for both directions; the connection owns it

  if (context.is_server()) {
    SSL_set_accept_state(ssl);
    return session;
  }

  SSL_set_connect_state(ssl);
  const auto& offered = session->protocols_;
  if (!offered.empty() && SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(offered.data()),
                                              static_cast<unsigned>(offered.size())) != 0) {
    return openssl_error(Code::unavailable, "offer protocols by ALPN");
  }
  std::array<unsigned char, 16> address{};
  const bool is_address = inet_pton(AF_INET, server_name.c_str(), address.data()) == 1 ||
                          inet_pton(AF_INET6, server_name.c_str(), address.data()) == 1;
  if (is_address) {
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), server_name.c_str()) != 1) {
      return openssl_error(Code::invalid, "verify the server's address");
    }
  } else {
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    // The macro for this call casts in C's way, which we compile as an error.
    auto* sni = const_cast<char*>(server_name.c_str());
    if (server_name.empty() || SSL_set1_host(ssl, server_name.c_str()) != 1 ||
        SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, sni) != 1) {
      return openssl_error(Code::invalid, "verify the server's name '" + printable(server_name) + "'");
    }
  }
  return session;
}

TlsSession::~TlsSession() = default;

BIO_METHOD* TlsSession::wire_methods() {
  // Made once for the life of the process, which is how long OpenSSL wants it.
  static BIO_METHOD* const methods = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "reeve wire");
    check(made != nullptr, "OpenSSL has memory for a BIO's methods");
    BIO_meth_set_read(made, wire_read);
    BIO_meth_set_write(made, wire_write);
    BIO_meth_set_ctrl(made, [](BIO*, int command, long, void*) -> long { return command == BIO_CTRL_FLUSH ? 1 : 0; });
    return made;
  }();
  return methods;
}

int TlsSession::wire_read(BIO* bio, char* buffer, int capacity) {
  auto* session = static_cast<TlsSession*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const auto wanted = static_cast<size_t>(capacity);
  const size_t left = session->carried_.size() - session->carried_at_;
  if (left > 0) {
    const size_t count = std::min(left, wanted);
    std::copy_n(session->carried_.data() + session->carried_at_, count, buffer);
    session->carried_at_ += count;
    return static_cast<int>(count);
  }
  if (!session->borrowed_.empty()) {
    const size_t count = std::min(session->borrowed_.size(), wanted);
    std::copy_n(session->borrowed_.data(), count, buffer);
    session->borrowed_.remove_prefix(count);
    return static_cast<int>(count);
  }
  BIO_set_retry_read(bio);
  return -1;
}

int TlsSession::wire_write(BIO* bio, const char* bytes, int count) {
  auto* session = static_cast<TlsSession*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  session->outgoing_.append(bytes, static_cast<size_t>(count));
  return count;
}

int TlsSession::verify_pinned(X509_STORE_CTX* store, void*) {
  auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* session = static_cast<TlsSession*>(SSL_get_app_data(ssl));
  check(session->pinned_fingerprint_ != nullptr, "a pinning context has a fingerprint");

  STACK_OF(X509)* presented = X509_STORE_CTX_get0_untrusted(store);
  OpensslPointer<STACK_OF(X509), [](STACK_OF(X509) * stack) { sk_X509_free(stack); }> trusted(sk_X509_new_null());
  check(trusted != nullptr, "OpenSSL has memory for a stack");
  for (int i = 0; i < sk_X509_num(presented); ++i) {
    X509* certificate = sk_X509_value(presented, i);
    if (certificate_fingerprint(*certificate) == *session->pinned_fingerprint_) {
      sk_X509_push(trusted.get(), certificate);
      break;
    }
  }
  if (sk_X509_num(trusted.get()) == 0) {
    session->pin_missing_ = true;
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_UNTRUSTED);
    return 0;
  }
  X509_STORE_CTX_set0_trusted_stack(store, trusted.get());
  return X509_verify_cert(store) == 1 ? 1 : 0;
}

// Our favourite among what the client offers. Without one in common the connection goes on without ALPN, as clients
// that offer nothing do.
int TlsSession::choose_protocol(SSL* ssl, const unsigned char** chosen, unsigned char* chosen_bytes,
                                const unsigned char* offered, unsigned offered_bytes, void*) {
  const auto* session = static_cast<TlsSession*>(SSL_get_app_data(ssl));
  const BytesView ours = session->protocols_;
  unsigned char* found = nullptr;
  const int outcome = SSL_select_next_proto(&found, chosen_bytes, reinterpret_cast<const unsigned char*>(ours.data()),
                                            static_cast<unsigned>(ours.size()), offered, offered_bytes);
  if (ours.empty() || outcome != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_NOACK;
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

void TlsSession::receive(BytesView ciphertext) {
  check(borrowed_.empty(), "received bytes are settled before the next arrive");
  borrowed_ = ciphertext;
}

void TlsSession::settle() {
  if (carried_at_ == carried_.size()) {
    carried_.clear();
    carried_at_ = 0;
  }
  carried_.append(borrowed_);
  borrowed_ = {};
}

Status TlsSession::advance_handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    established_ = true;
    check(SSL_version(ssl_.get()) == TLS1_3_VERSION, "a connection speaks TLS 1.3");
    return {};
  }
  if (SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ) return {};
  return failure("TLS handshake", result);
}

Result<size_t> TlsSession::read(char* buffer, size_t capacity) {
  size_t filled = 0;
  ERR_clear_error();
  while (!broken_ && filled < capacity) {
    size_t count = 0;
    const int result = SSL_read_ex(ssl_.get(), buffer + filled, capacity - filled, &count);
    if (result == 1) {
      filled += count;
      continue;
    }
    const int error = SSL_get_error(ssl_.get(), result);
    if (error == SSL_ERROR_WANT_READ) break;
    if (error == SSL_ERROR_ZERO_RETURN) {
      peer_closed_ = true;
      break;
    }
    broken_ = failure("TLS", result);
    break;
  }
  // What came before the damage is good: it is given first.
  if (filled == 0 && broken_) return *broken_;
  return filled;
}

Status TlsSession::write(BytesView plaintext) {
  if (plaintext.empty()) return {};
  ERR_clear_error();
  if (outgoing_.capacity() > outgoing_kept_bytes_max && outgoing_.empty() &&
      plaintext.size() < outgoing_kept_bytes_max) {
    outgoing_.shrink_to_fit();
  }
  outgoing_.reserve(outgoing_.size() + plaintext.size() + plaintext.size() / 256 + 64);
  size_t count = 0;
  const int result = SSL_write_ex(ssl_.get(), plaintext.data(), plaintext.size(), &count);
  if (result != 1) return failure("TLS", result);
  check(count == plaintext.size(), "a write to memory is never partial");
  return {};
}

void TlsSession::write_close() {
  ERR_clear_error();
  (void)SSL_shutdown(
      ssl_.get());  // 0: our half is closed, which is all we ask; an error means the connection is broken already
  ERR_clear_error();
}

Error TlsSession::failure(const char* doing, int result) {
  const int error = SSL_get_error(ssl_.get(), result);
  const unsigned long queued = ERR_peek_last_error();
  const int reason = error == SSL_ERROR_SSL ? ERR_GET_REASON(queued) : 0;
  const Code code = is_denial(reason) ? Code::denied : Code::unavailable;

  std::string text = std::string(doing) + ": ";
  if (pin_missing_) {
    text += "the server presented no CA with the fingerprint " + *pinned_fingerprint_;
  } else if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    const long verdict = SSL_get_verify_result(ssl_.get());
    text += "the peer's certificate is not accepted: ";
    text += X509_verify_cert_error_string(verdict);
    if (verdict == X509_V_ERR_HOSTNAME_MISMATCH || verdict == X509_V_ERR_IP_ADDRESS_MISMATCH) {
      text += " (expected " + printable(server_name_) + ")";
    }
  } else {
    const char* words = ERR_reason_error_string(queued);
    text += words != nullptr ? words : "the connection broke";
  }
  ERR_clear_error();
  return Error(code, text);
}

std::optional<CertificateInfo> TlsSession::peer_certificate() const {
  const X509* certificate = SSL_get0_peer_certificate(ssl_.get());
  if (certificate == nullptr) return std::nullopt;
  return describe_certificate(*certificate);
}

std::string TlsSession::protocol() const {
  const unsigned char* name = nullptr;
  unsigned bytes = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &bytes);
  return name == nullptr ? std::string() : std::string(reinterpret_cast<const char*>(name), bytes);
}

}  // namespace reeve::sys
