// Private keys of roots and approvers in files, sealed under a pass phrase, and the words they are named by.
//
// A key file is PKCS#8 in PEM (mode 0600), never without a pass phrase, and never overwritten. The pass phrase comes
// from a file where one is named, else from the terminal. What held it is wiped; OpenSSL wipes its own copies.
#pragma once

#include <string>
#include <string_view>

#include "cli/world.h"
#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/crypto/signing.h"

namespace reeve::cli {

constexpr size_t pass_phrase_bytes_min = 10;
constexpr size_t pass_phrase_bytes_max = 512;

// A text that is wiped when it goes.
class Secret {
 public:
  explicit Secret(std::string text) : text_(text) { wipe(text); }
  ~Secret() { wipe(text_); }
  Secret(Secret&& other) noexcept : text_(std::move(other.text_)) { wipe(other.text_); }
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;

  std::string_view view() const { return text_; }

 private:
  static void wipe(std::string& text);
  std::string text_;
};

// The first line of `file`, or, where no file is named, what is typed at `prompt`. `option` is how the file is named on
// the command line, for who has no terminal.
Result<Secret> read_secret(World& world, const std::string& file, const std::string& prompt, const std::string& option);

// Makes a key and writes it, sealed. The pass phrase is asked for twice. Code::invalid where the file exists.
Result<crypto::SigningKey> make_key_file(World& world, const std::string& path, const std::string& pass_file);

Result<crypto::SigningKey> open_key_file(World& world, const std::string& path, const std::string& pass_file);

// Whether a sealed or plain private key lies there.
bool is_private_key_file(sys::Disk& disk, const std::string& path);

// 64 hex digits, or a file that holds them. `place` says where it was typed.
Result<Bytes> read_public_key(sys::Disk& disk, const std::string& place, const std::string& hex_or_file);

// A file that does not exist yet, mode 0600.
Status write_new_file(sys::Disk& disk, const std::string& path, BytesView bytes);

}  // namespace reeve::cli
