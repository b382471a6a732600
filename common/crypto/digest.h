// Digests and secrets. Any thread.
#pragma once

#include "common/base/bytes.h"

namespace reeve::crypto {

constexpr size_t digest_bytes = 32;

Bytes sha256(BytesView bytes);                        // 32 bytes
Bytes hmac_sha256(BytesView key, BytesView message);  // 32 bytes
Bytes random_secret(size_t count);  // from the kernel by way of OpenSSL; never fails, or the program ends

}  // namespace reeve::crypto
