// Reading PEM. Certificates are made in certificate.cc, seals in seal.cc.
#include "common/sys/crypto.h"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <limits>

#include "common/base/check.h"
#include "common/sys/openssl_impl.h"

namespace reeve::sys {
namespace {

constexpr size_t pem_bytes_max = 1_MiB;
constexpr size_t certificates_max = 16;

WallTime to_wall_time(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return WallTime{};
  const int64_t days = days_from_civil(parts.tm_year + 1900, static_cast<unsigned>(parts.tm_mon + 1),
                                       static_cast<unsigned>(parts.tm_mday));
  const int64_t seconds = days * 86400 + parts.tm_hour * 3600 + parts.tm_min * 60 + parts.tm_sec;
  // A certificate may name the year 9999, which nanoseconds in 64 bits do not reach.
  constexpr int64_t seconds_max = std::numeric_limits<int64_t>::max() / 1'000'000'000;
  return WallTime{std::clamp(seconds, -seconds_max, seconds_max) * 1'000'000'000};
}

std::string name_entry(const X509_NAME* name, int nid) {
  const int index = X509_NAME_get_index_by_NID(name, nid, -1);
  if (index < 0) return "";
  unsigned char* text = nullptr;
  const int length = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, index)));
  if (length < 0) return "";
  std::string value(reinterpret_cast<const char*>(text), static_cast<size_t>(length));
  OPENSSL_free(text);
  return value;
}

std::vector<std::string> subject_names(const X509& certificate) {
  std::vector<std::string> names;
  auto* found = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr));
  OpensslPointer<GENERAL_NAMES, GENERAL_NAMES_free> owned(found);
  for (int i = 0; i < sk_GENERAL_NAME_num(found); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(found, i);
    if (name->type == GEN_DNS) {
      names.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                         static_cast<size_t>(ASN1_STRING_length(name->d.dNSName)));
    } else if (name->type == GEN_IPADD) {
      std::array<char, INET6_ADDRSTRLEN> text{};
      const int family = ASN1_STRING_length(name->d.iPAddress) == 4 ? AF_INET : AF_INET6;
      if (inet_ntop(family, ASN1_STRING_get0_data(name->d.iPAddress), text.data(), text.size()) != nullptr) {
        names.emplace_back(text.data());
      }
    }
  }
  return names;
}

}  // namespace

// -- Reading certificates --------------------------------------------------------------------------------------------

Result<CertificateInfo> certificate_info(BytesView pem) {
  std::vector<X509Pointer> certificates = TRY(parse_certificates(pem));
  return describe_certificate(*certificates.front());
}

Result<bool> key_matches(BytesView key_pem, BytesView certificate_pem) {
  PkeyPointer key = TRY(parse_key(key_pem));
  std::vector<X509Pointer> certificates = TRY(parse_certificates(certificate_pem));
  const bool matches = X509_check_private_key(certificates.front().get(), key.get()) == 1;
  ERR_clear_error();
  return matches;
}

Bytes append_chain(BytesView leaf_pem, BytesView issuer_pem) {
  Bytes chain(leaf_pem);
  if (!chain.empty() && chain.back() != '\n') chain += '\n';
  chain += issuer_pem;
  return chain;
}

// -- Shared inside common/sys (openssl_impl.h)
// ----------------------------------------------------------------------------

int refuse_pass_phrase(char*, int, int, void*) {
  return 0;
}

Result<BioPointer> read_pem(BytesView pem) {
  if (pem.size() > pem_bytes_max) {
    return Error(Code::invalid, "PEM of " + std::to_string(pem.size()) + " bytes; at most " +
                                    std::to_string(pem_bytes_max) + " are read");
  }
  BioPointer bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  check(bio != nullptr, "OpenSSL has memory for a buffer");
  return bio;
}

std::string take_openssl_error() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  if (code == 0) return "no reason given";
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "OpenSSL error " + std::to_string(code);
}

Error openssl_error(Code code, std::string_view doing) {
  return Error(code, std::string(doing) + ": " + take_openssl_error());
}

Result<PkeyPointer> parse_key(BytesView pem) {
  BioPointer bio = TRY(read_pem(pem));
  PkeyPointer key(PEM_read_bio_PrivateKey(bio.get(), nullptr, refuse_pass_phrase, nullptr));
  if (key == nullptr) return openssl_error(Code::invalid, "read a private key in PEM");
  return key;
}

Result<std::vector<X509Pointer>> parse_certificates(BytesView pem) {
  BioPointer bio = TRY(read_pem(pem));
  std::vector<X509Pointer> certificates;
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, refuse_pass_phrase, nullptr)) {
    certificates.emplace_back(certificate);
    if (certificates.size() > certificates_max) {
      return Error(Code::invalid, "more than " + std::to_string(certificates_max) + " certificates in one PEM");
    }
  }
  // Reading ends with "no more PEM"; anything else is a damaged certificate behind good ones.
  const unsigned long code = ERR_peek_last_error();
  if (certificates.empty() || ERR_GET_REASON(code) != PEM_R_NO_START_LINE) {
    return openssl_error(Code::invalid, "read a certificate in PEM");
  }
  ERR_clear_error();
  return certificates;
}

std::string certificate_fingerprint(const X509& certificate) {
  Bytes digest(SHA256_DIGEST_LENGTH, '\0');
  unsigned int length = 0;
  check(X509_digest(&certificate, EVP_sha256(), data_of(digest), &length) == 1, "a certificate has a digest");
  return to_hex(digest);
}

CertificateInfo describe_certificate(const X509& certificate) {
  CertificateInfo info;
  const X509_NAME* subject = X509_get_subject_name(&certificate);
  info.common_name = name_entry(subject, NID_commonName);
  info.organization = name_entry(subject, NID_organizationName);
  info.names = subject_names(certificate);
  info.not_before = to_wall_time(X509_get0_notBefore(&certificate));
  info.not_after = to_wall_time(X509_get0_notAfter(&certificate));

  const ASN1_INTEGER* serial = X509_get0_serialNumber(&certificate);
  info.serial = to_hex(BytesView(reinterpret_cast<const char*>(ASN1_STRING_get0_data(serial)),
                                 static_cast<size_t>(ASN1_STRING_length(serial))));
  info.fingerprint = certificate_fingerprint(certificate);
  // Asking fills caches inside the certificate, which OpenSSL guards with its own lock.
  info.is_authority = X509_check_ca(const_cast<X509*>(&certificate)) == 1;
  return info;
}

}  // namespace reeve::sys
