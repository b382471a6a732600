// See digest.h.
#include "common/crypto/digest.h"

#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "common/base/check.h"
#include "common/crypto/openssl_impl.h"

namespace reeve::crypto {

Bytes sha256(BytesView bytes) {
  Bytes digest(digest_bytes, '\0');
  SHA256(data_of(bytes), bytes.size(), data_of(digest));
  return digest;
}

Bytes hmac_sha256(BytesView key, BytesView message) {
  Bytes digest(digest_bytes, '\0');
  unsigned int length = 0;
  const unsigned char* done = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), data_of(message),
                                   message.size(), data_of(digest), &length);
  check(done != nullptr && length == digest.size(), "HMAC-SHA-256 gives 32 bytes");
  return digest;
}

Bytes random_secret(size_t count) {
  Bytes secret(count, '\0');
  // Without randomness there is no key, no token and no mask worth having.
  check(RAND_bytes(data_of(secret), static_cast<int>(count)) == 1, "OpenSSL has randomness for secrets");
  return secret;
}

}  // namespace reeve::crypto
