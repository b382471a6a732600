// Ed25519 by way of OpenSSL's EVP.
#include "common/crypto/signing.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include "common/base/check.h"
#include "common/crypto/digest.h"
#include "common/crypto/openssl_impl.h"

namespace reeve::crypto {
namespace {

constexpr size_t pem_bytes_max = 64_KiB;

// scrypt's cost: 16 MiB five times over for each guess. OpenSSL opens no file that asks for more than 32 MiB at once.
constexpr uint64_t scrypt_n = 1 << 14;
constexpr uint64_t scrypt_r = 8;
constexpr uint64_t scrypt_p = 5;

using MdCtxPointer = OpensslPointer<EVP_MD_CTX, EVP_MD_CTX_free>;
using KeyInfoPointer = OpensslPointer<PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free>;
using AlgorithmPointer = OpensslPointer<X509_ALGOR, X509_ALGOR_free>;
using SealedKeyPointer = OpensslPointer<X509_SIG, X509_SIG_free>;

// OpenSSL asks for a pass phrase through this; an empty one is none, so that no program ever asks its terminal.
int give_pass_phrase(char* out, int size, int, void* given) {
  const auto& phrase = *static_cast<const std::string_view*>(given);
  return static_cast<int>(phrase.copy(out, static_cast<size_t>(size)));
}

BioPointer make_buffer() {
  BioPointer bio(BIO_new(BIO_s_mem()));
  check(bio != nullptr, "OpenSSL has memory for a buffer");
  return bio;
}

Bytes bytes_of(const BioPointer& bio) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<size_t>(size)};
}

}  // namespace

struct SigningKey::Impl {
  PkeyPointer key;
};

SigningKey SigningKey::make() {
  PkeyPointer key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  check(key != nullptr, "OpenSSL makes an Ed25519 key");
  return SigningKey(std::make_shared<const Impl>(Impl{std::move(key)}));
}

Result<SigningKey> SigningKey::from_pem(BytesView pem, std::string_view pass_phrase) {
  if (pem.size() > pem_bytes_max) return Error(Code::invalid, "a key in PEM has at most 64 KiB");
  const BioPointer bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  check(bio != nullptr, "OpenSSL has memory for a buffer");
  PkeyPointer key(PEM_read_bio_PrivateKey(bio.get(), nullptr, give_pass_phrase, &pass_phrase));
  ERR_clear_error();
  if (key == nullptr) {
    if (pem.find("ENCRYPTED PRIVATE KEY") == BytesView::npos) {
      return Error(Code::invalid, "this is not a private key in PEM");
    }
    return Error(Code::denied,
                 pass_phrase.empty() ? "the key is under a pass phrase" : "the pass phrase does not open the key");
  }
  if (EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_ED25519) return Error(Code::invalid, "this is not an Ed25519 key");
  return SigningKey(std::make_shared<const Impl>(Impl{std::move(key)}));
}

Bytes SigningKey::pem() const {
  const BioPointer bio = make_buffer();
  const int written = PEM_write_bio_PKCS8PrivateKey(bio.get(), impl_->key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  check(written == 1, "a key of ours can be written");
  return bytes_of(bio);
}

Bytes SigningKey::pem_sealed(std::string_view pass_phrase) const {
  check(!pass_phrase.empty(), "a key is sealed under a pass phrase");
  const KeyInfoPointer plain(EVP_PKEY2PKCS8(impl_->key.get()));
  AlgorithmPointer algorithm(
      PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), nullptr, 0, nullptr, scrypt_n, scrypt_r, scrypt_p));
  check(plain != nullptr && algorithm != nullptr, "OpenSSL knows scrypt and AES-256-CBC");
  // On success the sealed key owns the algorithm.
  const SealedKeyPointer sealed(
      PKCS8_set0_pbe(pass_phrase.data(), static_cast<int>(pass_phrase.size()), plain.get(), algorithm.get()));
  check(sealed != nullptr, "a key of ours can be sealed");
  (void)algorithm.release();  // `sealed` frees it
  const BioPointer bio = make_buffer();
  check(PEM_write_bio_PKCS8(bio.get(), sealed.get()) == 1, "a sealed key can be written");
  return bytes_of(bio);
}

Bytes SigningKey::public_key() const {
  Bytes raw(public_key_bytes, '\0');
  size_t size = raw.size();
  check(EVP_PKEY_get_raw_public_key(impl_->key.get(), data_of(raw), &size) == 1 && size == raw.size(),
        "an Ed25519 key has a public half of 32 bytes");
  return raw;
}

Bytes SigningKey::sign(BytesView message) const {
  const MdCtxPointer context(EVP_MD_CTX_new());
  Bytes signature(signature_bytes, '\0');
  size_t size = signature.size();
  const bool signed_it =
      context != nullptr && EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, impl_->key.get()) == 1 &&
      EVP_DigestSign(context.get(), data_of(signature), &size, data_of(message), message.size()) == 1;
  check(signed_it && size == signature.size(), "Ed25519 signs whatever it is given");
  return signature;
}

Bytes SigningKey::derive(BytesView purpose) const {
  Bytes raw(public_key_bytes, '\0');
  size_t size = raw.size();
  check(EVP_PKEY_get_raw_private_key(impl_->key.get(), data_of(raw), &size) == 1 && size == raw.size(),
        "an Ed25519 key has a private half of 32 bytes");
  return hmac_sha256(raw, purpose);
}

bool verify_ed25519(BytesView public_key, BytesView message, BytesView signature) {
  if (public_key.size() != public_key_bytes || signature.size() != signature_bytes) return false;
  const PkeyPointer key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, data_of(public_key), public_key.size()));
  const MdCtxPointer context(EVP_MD_CTX_new());
  const bool right =
      key != nullptr && context != nullptr &&
      EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
      EVP_DigestVerify(context.get(), data_of(signature), signature.size(), data_of(message), message.size()) == 1;
  ERR_clear_error();
  return right;
}

}  // namespace reeve::crypto
