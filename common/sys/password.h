// Passwords, kept as argon2id in a PHC string, which says its own parameters: "$argon2id$v=19$m=65536,t=3,p=1$...".
//
// One hash takes about 64 MiB and a tenth of a second, so the caller bounds how many run at once. Any thread but a
// loop's. A library of its own (reeve_password), because only the server needs libargon2.
#pragma once

#include <string>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace reeve::sys {

struct PasswordCost {
  uint32_t memory_kib = 64 * 1024;
  uint32_t passes = 3;
};

// With a salt of its own. Code::exhausted where the memory is not to be had.
Result<std::string> hash_password(BytesView password, const PasswordCost& cost = {});

// Whether `hash` was made of this password; false too where `hash` is no argon2id string, or asks for more than 256 MiB
// or 16 passes. Takes as long for a wrong password as for the right one.
bool password_matches(const std::string& hash, BytesView password);

}  // namespace reeve::sys
