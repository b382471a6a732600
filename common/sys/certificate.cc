// Making certificates: X.509 version 3 with a random 128-bit serial, signed with ECDSA over SHA-256. They are valid
// from five minutes before `now`, so that a client whose clock is a little behind can use one at once.
#include <arpa/inet.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>

#include <algorithm>
#include <array>

#include "common/base/check.h"
#include "common/crypto/digest.h"
#include "common/sys/crypto.h"
#include "common/sys/openssl_impl.h"

namespace reeve::sys {
namespace {

constexpr Duration clock_skew_allowed = 5min;

Bytes written_by(BIO& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(&bio, &data);
  return Bytes(data, static_cast<size_t>(size));
}

template <typename Write>
Result<Bytes> to_pem(Write write, std::string_view what) {
  BioPointer bio(BIO_new(BIO_s_mem()));
  check(bio != nullptr, "OpenSSL has memory for a buffer");
  if (write(bio.get()) != 1) return openssl_error(Code::invalid, "write " + std::string(what) + " as PEM");
  return written_by(*bio);
}

Result<Bytes> certificate_to_pem(X509* certificate) {
  return to_pem([certificate](BIO* bio) { return PEM_write_bio_X509(bio, certificate); }, "a certificate");
}

Result<Bytes> key_to_pem(EVP_PKEY* key) {
  return to_pem(
      [key](BIO* bio) { return PEM_write_bio_PKCS8PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr); },
      "a private key");
}

Result<PkeyPointer> new_key() {
  PkeyPointer key(EVP_EC_gen("P-256"));
  if (key == nullptr) return openssl_error(Code::unavailable, "make a P-256 key");
  return key;
}

bool is_p256(const EVP_PKEY* key) {
  std::array<char, 64> group{};
  size_t length = 0;
  return EVP_PKEY_is_a(key, "EC") == 1 &&
         EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group.data(), group.size(), &length) == 1 &&
         std::string_view(group.data(), length) == "prime256v1";
}

Result<void> add_name_entry(X509_NAME* name, const char* field, const std::string& value) {
  if (value.empty() || value.size() > 64) {
    return Error(Code::invalid, std::string("the certificate's ") + field + " is " + std::to_string(value.size()) +
                                    " bytes; X.509 allows 1 to 64");
  }
  if (X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(value.data()),
                                 static_cast<int>(value.size()), -1, 0) != 1) {
    return openssl_error(Code::invalid, std::string("set the certificate's ") + field);
  }
  return {};
}

Result<void> add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509V3_set_ctx_nodb(&context);
  OpensslPointer<X509_EXTENSION, X509_EXTENSION_free> extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  if (extension == nullptr || X509_add_ext(certificate, extension.get(), -1) != 1) {
    return openssl_error(Code::invalid, std::string("add the certificate's ") + OBJ_nid2sn(nid) + " '" + value + "'");
  }
  return {};
}

Result<void> set_serial(X509* certificate) {
  Bytes serial = crypto::random_secret(16);
  serial[0] = static_cast<char>((serial[0] & 0x3f) | 0x40);  // positive, and always 16 bytes long
  OpensslPointer<BIGNUM, BN_free> number(BN_bin2bn(data_of(BytesView(serial)), 16, nullptr));
  if (number == nullptr || BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) == nullptr) {
    return openssl_error(Code::unavailable, "set the certificate's serial number");
  }
  return {};
}

struct CertificateBody {
  std::string common_name;
  std::string organization;  // may be empty
  WallTime now;
  Duration validity{};
};

struct Extension {
  int nid;
  std::string value;
};

// A certificate for `key`, not yet signed. `issuer` is null where it will be its own.
Result<X509Pointer> draft_certificate(const CertificateBody& body, EVP_PKEY* key, X509* issuer,
                                      const std::vector<Extension>& extensions) {
  if (body.validity <= Duration::zero()) {
    return Error(Code::invalid,
                 "a certificate's validity is " + std::to_string(body.validity.count()) + " ns; it must be positive");
  }
  X509Pointer certificate(X509_new());
  check(certificate != nullptr, "OpenSSL has memory for a certificate");
  X509* raw = certificate.get();
  X509_set_version(raw, X509_VERSION_3);
  TRY(set_serial(raw));
  const auto to_seconds = [](WallTime time) { return static_cast<time_t>(time.ns / 1'000'000'000); };
  ASN1_TIME_set(X509_getm_notBefore(raw), to_seconds(body.now - clock_skew_allowed));
  ASN1_TIME_set(X509_getm_notAfter(raw), to_seconds(body.now + body.validity));

  X509_NAME* subject = X509_get_subject_name(raw);
  if (!body.organization.empty()) TRY(add_name_entry(subject, "O", body.organization));
  TRY(add_name_entry(subject, "CN", body.common_name));
  X509_set_issuer_name(raw, issuer == nullptr ? subject : X509_get_subject_name(issuer));
  if (X509_set_pubkey(raw, key) != 1) return openssl_error(Code::invalid, "set the certificate's public key");

  for (const Extension& extension : extensions) {
    TRY(add_extension(raw, issuer == nullptr ? raw : issuer, extension.nid, extension.value));
  }
  return certificate;
}

Result<void> sign(X509* certificate, EVP_PKEY* key) {
  if (X509_sign(certificate, key, EVP_sha256()) == 0) return openssl_error(Code::invalid, "sign the certificate");
  return {};
}

struct Authority {
  X509Pointer certificate;
  PkeyPointer key;
};

Result<Authority> parse_authority(const KeyAndCertificate& ca) {
  std::vector<X509Pointer> certificates =
      TRY_DURING(parse_certificates(ca.certificate_pem), "read the CA's certificate");
  PkeyPointer key = TRY_DURING(parse_key(ca.key_pem), "read the CA's key");
  if (X509_check_private_key(certificates.front().get(), key.get()) != 1) {
    (void)take_openssl_error();  // it only repeats what we say
    return Error(Code::invalid, "the CA's key and certificate do not belong together");
  }
  if (X509_check_ca(certificates.front().get()) == 0) return Error(Code::invalid, "the signer's certificate is no CA");
  Authority authority;
  authority.certificate = std::move(certificates.front());
  authority.key = std::move(key);
  return authority;
}

bool is_ip_address(const std::string& name) {
  std::array<unsigned char, 16> address{};
  return inet_pton(AF_INET, name.c_str(), address.data()) == 1 ||
         inet_pton(AF_INET6, name.c_str(), address.data()) == 1;
}

// Only what a host name or an address is made of: the text goes into OpenSSL's extension syntax, where ',' starts
// another.
bool is_plain_name(const std::string& name) {
  return !name.empty() && name.size() <= 253 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == ':' || c == '_' || c == '*';
  });
}

}  // namespace

Result<Bytes> make_key() {
  PkeyPointer key = TRY(new_key());
  return key_to_pem(key.get());
}

Result<KeyAndCertificate> make_ca(const AuthoritySpec& spec) {
  PkeyPointer key = TRY(new_key());
  const CertificateBody body{
      .common_name = "Reeve CA", .organization = spec.organization, .now = spec.now, .validity = spec.validity};
  if (spec.organization.empty()) return Error(Code::invalid, "a CA needs the name of its organisation");
  // pathlen:0 keeps anyone who gets hold of a leaf's key from signing with it.
  const std::vector<Extension> extensions = {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                                             {NID_key_usage, "critical,keyCertSign,cRLSign"},
                                             {NID_subject_key_identifier, "hash"}};
  X509Pointer certificate = TRY(draft_certificate(body, key.get(), nullptr, extensions));
  TRY(sign(certificate.get(), key.get()));

  KeyAndCertificate made;
  made.key_pem = TRY(key_to_pem(key.get()));
  made.certificate_pem = TRY(certificate_to_pem(certificate.get()));
  return made;
}

Result<KeyAndCertificate> make_server_certificate(const KeyAndCertificate& ca, const ServerCertificateSpec& spec) {
  if (spec.names.empty()) return Error(Code::invalid, "a server's certificate needs at least one name");
  std::string names;
  for (const std::string& name : spec.names) {
    if (!is_plain_name(name)) {
      return Error(Code::invalid, "'" + printable(name) + "' is neither a host name nor an IP address");
    }
    if (!names.empty()) names += ',';
    names += (is_ip_address(name) ? "IP:" : "DNS:") + name;
  }

  Authority authority = TRY(parse_authority(ca));
  PkeyPointer key = TRY(new_key());
  // Clients look at the names alone; the common name is for people, and X.509 cuts it at 64.
  const CertificateBody body{
      .common_name = spec.names.front().substr(0, 64), .organization = "", .now = spec.now, .validity = spec.validity};
  const std::vector<Extension> extensions = {{NID_basic_constraints, "critical,CA:FALSE"},
                                             {NID_key_usage, "critical,digitalSignature"},
                                             {NID_ext_key_usage, "serverAuth"},
                                             {NID_subject_alt_name, names},
                                             {NID_subject_key_identifier, "hash"},
                                             {NID_authority_key_identifier, "keyid"}};
  X509Pointer certificate = TRY(draft_certificate(body, key.get(), authority.certificate.get(), extensions));
  TRY(sign(certificate.get(), authority.key.get()));

  KeyAndCertificate made;
  made.key_pem = TRY(key_to_pem(key.get()));
  made.certificate_pem = TRY(certificate_to_pem(certificate.get()));
  return made;
}

Result<Bytes> make_csr(BytesView key_pem, std::string_view common_name) {
  PkeyPointer key = TRY(parse_key(key_pem));
  X509ReqPointer request(X509_REQ_new());
  check(request != nullptr, "OpenSSL has memory for a signing request");
  X509_REQ_set_version(request.get(), X509_REQ_VERSION_1);
  TRY(add_name_entry(X509_REQ_get_subject_name(request.get()), "CN", std::string(common_name)));
  if (X509_REQ_set_pubkey(request.get(), key.get()) != 1 ||
      X509_REQ_sign(request.get(), key.get(), EVP_sha256()) == 0) {
    return openssl_error(Code::invalid, "sign the certificate request");
  }
  return to_pem([&request](BIO* bio) { return PEM_write_bio_X509_REQ(bio, request.get()); }, "a certificate request");
}

Result<Bytes> sign_csr(const KeyAndCertificate& ca, BytesView csr_pem, const ClientCertificateSpec& spec) {
  Authority authority = TRY(parse_authority(ca));
  BioPointer bio = TRY(read_pem(csr_pem));
  X509ReqPointer request(PEM_read_bio_X509_REQ(bio.get(), nullptr, refuse_pass_phrase, nullptr));
  if (request == nullptr) return openssl_error(Code::invalid, "read the certificate request");

  EVP_PKEY* key = X509_REQ_get0_pubkey(request.get());
  if (key == nullptr || !is_p256(key)) {
    (void)take_openssl_error();  // ours says more
    return Error(Code::invalid, "the certificate request's key is not EC P-256, the only kind that is signed");
  }
  // The requester holds the private key, or could have a certificate for somebody else's.
  if (X509_REQ_verify(request.get(), key) != 1) {
    return openssl_error(Code::invalid, "verify the certificate request's own signature");
  }

  const CertificateBody body{
      .common_name = spec.common_name, .organization = spec.organization, .now = spec.now, .validity = spec.validity};
  const std::vector<Extension> extensions = {{NID_basic_constraints, "critical,CA:FALSE"},
                                             {NID_key_usage, "critical,digitalSignature"},
                                             {NID_ext_key_usage, "clientAuth"},
                                             {NID_subject_key_identifier, "hash"},
                                             {NID_authority_key_identifier, "keyid"}};
  X509Pointer certificate = TRY(draft_certificate(body, key, authority.certificate.get(), extensions));
  TRY(sign(certificate.get(), authority.key.get()));
  return certificate_to_pem(certificate.get());
}

}  // namespace reeve::sys
