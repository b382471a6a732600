// AES-256-GCM, by way of OpenSSL's EVP.
#include "common/base/check.h"
#include "common/crypto/digest.h"
#include "common/sys/crypto.h"
#include "common/sys/openssl_impl.h"

namespace reeve::sys {
namespace {

constexpr size_t nonce_bytes = 12;
constexpr size_t tag_bytes = 16;
constexpr size_t sealing_key_bytes = 32;

using CipherCtxPointer = OpensslPointer<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;

CipherCtxPointer make_cipher() {
  CipherCtxPointer cipher(EVP_CIPHER_CTX_new());
  check(cipher != nullptr, "OpenSSL has memory for a cipher");
  return cipher;
}

}  // namespace

Bytes seal(BytesView key, BytesView plain, BytesView about) {
  check(key.size() == sealing_key_bytes, "a sealing key has 32 bytes");
  const CipherCtxPointer cipher = make_cipher();
  const Bytes nonce = crypto::random_secret(nonce_bytes);
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

}  // namespace reeve::sys
