// Owning pointers for OpenSSL's objects, and its error queue as our errors. Inside common/sys only.
#pragma once

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/crypto/openssl_impl.h"
#include "common/sys/crypto.h"

namespace reeve::sys {

using crypto::BioPointer;
using crypto::data_of;
using crypto::OpensslPointer;
using crypto::PkeyPointer;
using X509Pointer = OpensslPointer<X509, X509_free>;
using X509ReqPointer = OpensslPointer<X509_REQ, X509_REQ_free>;
using X509StorePointer = OpensslPointer<X509_STORE, X509_STORE_free>;
using X509StoreCtxPointer = OpensslPointer<X509_STORE_CTX, X509_STORE_CTX_free>;
using SslCtxPointer = OpensslPointer<SSL_CTX, SSL_CTX_free>;
using SslPointer = OpensslPointer<SSL, SSL_free>;

// PEM with a pass phrase must not make a server ask its terminal: the callback that refuses one.
int refuse_pass_phrase(char*, int, int, void*);
// A BIO over `pem`, which must outlive it; Code::invalid beyond 1 MiB.
Result<BioPointer> read_pem(BytesView pem);

// The newest entry of this thread's error queue, in words; empties the queue.
std::string take_openssl_error();
Error openssl_error(Code code, std::string_view doing);

Result<PkeyPointer> parse_key(BytesView pem);
Result<std::vector<X509Pointer>> parse_certificates(BytesView pem);  // at least one, at most 16
CertificateInfo describe_certificate(const X509& certificate);
std::string certificate_fingerprint(const X509& certificate);  // 64 hex digits

}  // namespace reeve::sys
