// Ed25519 and AES-256-GCM, by way of OpenSSL's EVP.
#include <openssl/pem.h>

#include "common/base/check.h"
#include "common/sys/crypto.h"
#include "common/sys/openssl_impl.h"

namespace reeve::sys {
namespace {

constexpr size_t nonce_bytes = 12;
constexpr size_t tag_bytes = 16;
constexpr size_t sealing_key_bytes = 32;
constexpr size_t public_key_bytes = 32;
constexpr size_t signature_bytes = 64;

using MdCtxPointer = OpensslPointer<EVP_MD_CTX, EVP_MD_CTX_free>;
using CipherCtxPointer = OpensslPointer<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;

CipherCtxPointer make_cipher() {
  CipherCtxPointer cipher(EVP_CIPHER_CTX_new());
  check(cipher != nullptr, "OpenSSL has memory for a cipher");
  return cipher;
}

}  // namespace

// -- Seals -----------------------------------------------------------------------------------------------------------

Bytes seal(BytesView key, BytesView plain, BytesView about) {
  check(key.size() == sealing_key_bytes, "a sealing key has 32 bytes");
  const CipherCtxPointer cipher = make_cipher();
  const Bytes nonce = random_secret(nonce_bytes);
  Bytes hidden(plain.size(), '\0');
  Bytes tag(tag_bytes, '\0');
  int length = 0;
  const bool sealed =
      EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, data_of(key), data_of(nonce)) == 1 &&
      EVP_EncryptUpdate(cipher.get(), nullptr, &length, data_of(about), static_cast<int>(about.size())) == 1 &&
      EVP_EncryptUpdate(cipher.get(), data_of(hidden), &length, data_of(plain), static_cast<int>(plain.size())) == 1 &&
      EVP_EncryptFinal_ex(cipher.get(), data_of(hidden) + length, &length) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, tag_bytes, tag.data()) == 1;
  check(sealed, "AES-256-GCM seals whatever it is given");
  return nonce + hidden + tag;
}

Result<Bytes> unseal(BytesView key, BytesView sealed, BytesView about) {
  check(key.size() == sealing_key_bytes, "a sealing key has 32 bytes");
  const Error broken(Code::corrupt, "what was sealed cannot be opened: it was changed, or sealed with another key");
  if (sealed.size() < nonce_bytes + tag_bytes) return broken;
  const BytesView nonce = sealed.substr(0, nonce_bytes);
  const BytesView hidden = sealed.substr(nonce_bytes, sealed.size() - nonce_bytes - tag_bytes);
  Bytes tag(sealed.substr(sealed.size() - tag_bytes));
  const CipherCtxPointer cipher = make_cipher();
  Bytes plain(hidden.size(), '\0');
  int length = 0;
  const bool opened =
      EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, data_of(key), data_of(nonce)) == 1 &&
      EVP_DecryptUpdate(cipher.get(), nullptr, &length, data_of(about), static_cast<int>(about.size())) == 1 &&
      EVP_DecryptUpdate(cipher.get(), data_of(plain), &length, data_of(hidden), static_cast<int>(hidden.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, tag_bytes, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(cipher.get(), data_of(plain) + length, &length) == 1;
  if (opened) return plain;
  ERR_clear_error();
  return broken;
}

// -- Signatures ------------------------------------------------------------------------------------------------------

struct SigningKey::Impl {
  PkeyPointer key;
};

SigningKey SigningKey::make() {
  PkeyPointer key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  check(key != nullptr, "OpenSSL makes an Ed25519 key");
  return SigningKey(std::make_shared<const Impl>(Impl{std::move(key)}));
}

Result<SigningKey> SigningKey::from_pem(BytesView pem) {
  PkeyPointer key = TRY(parse_key(pem));
  if (EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_ED25519) return Error(Code::invalid, "this is not an Ed25519 key");
  return SigningKey(std::make_shared<const Impl>(Impl{std::move(key)}));
}

Bytes SigningKey::pem() const {
  const BioPointer bio(BIO_new(BIO_s_mem()));
  check(bio != nullptr, "OpenSSL has memory for a buffer");
  const int written = PEM_write_bio_PKCS8PrivateKey(bio.get(), impl_->key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  check(written == 1, "a key of ours can be written");
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<size_t>(size)};
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

}  // namespace reeve::sys
