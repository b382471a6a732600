// See password.h.
#include "common/sys/password.h"

#include <argon2.h>

#include <charconv>

#include "common/crypto/digest.h"
#include "common/sys/crypto.h"

namespace reeve::sys {
namespace {

constexpr size_t salt_bytes = 16;
constexpr size_t digest_bytes = 32;
constexpr uint32_t lanes = 1;
constexpr uint32_t memory_kib_max = 256 * 1024;
constexpr uint32_t passes_max = 16;
constexpr size_t hash_bytes_max = 256;

// The number behind `name` in "$argon2id$v=19$m=65536,t=3,p=1$..."; beyond every bound where there is none.
uint32_t number_of(std::string_view hash, std::string_view name) {
  const size_t at = hash.find(name);
  uint32_t value = UINT32_MAX;
  if (at == std::string_view::npos) return value;
  const char* begin = hash.data() + at + name.size();
  (void)std::from_chars(begin, hash.data() + hash.size(), value);  // what is no number leaves it beyond every bound
  return value;
}

}  // namespace

Result<std::string> hash_password(BytesView password, const PasswordCost& cost) {
  const Bytes salt = crypto::random_secret(salt_bytes);
  std::string encoded(argon2_encodedlen(cost.passes, cost.memory_kib, lanes, salt_bytes, digest_bytes, Argon2_id),
                      '\0');
  const int code = argon2id_hash_encoded(cost.passes, cost.memory_kib, lanes, password.data(), password.size(),
                                         salt.data(), salt.size(), digest_bytes, encoded.data(), encoded.size());
  if (code != ARGON2_OK) {
    return Error(code == ARGON2_MEMORY_ALLOCATION_ERROR ? Code::exhausted : Code::invalid,
                 std::string("hash a password: ") + argon2_error_message(code));
  }
  encoded.resize(encoded.find('\0'));
  return encoded;
}

bool password_matches(const std::string& hash, BytesView password) {
  const std::string_view text = hash;
  if (text.size() > hash_bytes_max || !text.starts_with("$argon2id$")) return false;
  if (number_of(text, "$m=") > memory_kib_max || number_of(text, ",t=") > passes_max) return false;
  return argon2id_verify(hash.c_str(), password.data(), password.size()) == ARGON2_OK;
}

}  // namespace reeve::sys
