// Ed25519 keys (RFC 8032): the one kind of signature we make. Any thread.
#pragma once

#include <memory>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace reeve::crypto {

constexpr size_t public_key_bytes = 32;
constexpr size_t signature_bytes = 64;

// A key that signs. Copies share it.
class SigningKey {
 public:
  static SigningKey make();
  // PKCS#8, plain or under a pass phrase (none asked for where it is empty). Code::invalid for anything but Ed25519,
  // Code::denied where the pass phrase does not open it.
  static Result<SigningKey> from_pem(BytesView pem, std::string_view pass_phrase = {});

  Bytes pem() const;
  Bytes pem_sealed(std::string_view pass_phrase) const;  // PKCS#8 under scrypt and AES-256-CBC; the phrase is not empty
  Bytes public_key() const;                              // 32 bytes
  Bytes sign(BytesView message) const;                   // 64 bytes
  // 32 bytes that only this key gives for this purpose, for sealing.
  Bytes derive(BytesView purpose) const;

  struct Impl;

 private:
  explicit SigningKey(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

// False for everything that is not a signature of that very message.
bool verify_ed25519(BytesView public_key, BytesView message, BytesView signature);

}  // namespace reeve::crypto
