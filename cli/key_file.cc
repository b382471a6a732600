// Reads and makes key files.
#include "cli/key_file.h"

#include <string.h>

#include "cli/harmless.h"

namespace reeve::cli {

namespace {

constexpr uint64_t key_file_bytes_max = 16_KiB;
constexpr uint64_t public_file_bytes_max = 1_KiB;

Error weak(size_t bytes) {
  return Error(Code::invalid, "the pass phrase has " + std::to_string(bytes) + " bytes; allowed are " +
                                  std::to_string(pass_phrase_bytes_min) + " to " +
                                  std::to_string(pass_phrase_bytes_max));
}

Status check_pass_phrase(std::string_view phrase) {
  if (phrase.size() < pass_phrase_bytes_min || phrase.size() > pass_phrase_bytes_max) return weak(phrase.size());
  return {};
}

}  // namespace

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this == &other) return *this;
  wipe(text_);
  text_ = std::move(other.text_);
  wipe(other.text_);
  return *this;
}

void Secret::wipe(std::string& text) {
  text.resize(text.capacity());  // a short text lies in the object itself, a moved one's rest too
  ::explicit_bzero(text.data(), text.size());
  text.clear();
}

Result<Secret> read_secret(World& world, const std::string& file, const std::string& prompt,
                           const std::string& option) {
  if (!file.empty()) {
    Secret content(TRY_DURING(sys::read_file(world.disk, file, 4_KiB), option));
    std::string line(content.view().substr(0, content.view().find_first_of("\r\n")));
    if (line.empty()) return Error(Code::invalid, option + ": the first line of " + file + " is empty");
    return Secret(std::move(line));
  }
  Result<std::string> typed = world.keyboard.ask_hidden(prompt);
  if (!typed && typed.error().code() == Code::unavailable)
    return Error(Code::unavailable, typed.error().text() + "; without one, say " + option + " FILE");
  if (!typed) return typed.error();
  return Secret(std::move(*typed));
}

Result<crypto::SigningKey> make_key_file(World& world, const std::string& path, const std::string& pass_file) {
  if (world.disk.stat(path)) return Error(Code::invalid, path + " exists already; a key is never overwritten");
  const Secret phrase = TRY(read_secret(world, pass_file, "pass phrase for " + path + ": ", "--pass-file"));
  TRY(check_pass_phrase(phrase.view()));
  if (pass_file.empty()) {
    const Secret again = TRY(read_secret(world, {}, "the same again: ", "--pass-file"));
    if (again.view() != phrase.view())
      return Error(Code::invalid, "the two pass phrases differ; nothing was made, try again");
  }
  crypto::SigningKey key = crypto::SigningKey::make();
  TRY(write_new_file(world.disk, path, key.pem_sealed(phrase.view())));
  return key;
}

Result<crypto::SigningKey> open_key_file(World& world, const std::string& path, const std::string& pass_file) {
  const Secret pem(TRY(sys::read_file(world.disk, path, key_file_bytes_max)));
  Result<crypto::SigningKey> plain = crypto::SigningKey::from_pem(pem.view());
  if (plain) {
    world.screen.say(harmless_line(path) + " is under no pass phrase: who copies it is its owner");
    return plain;
  }
  if (plain.error().code() != Code::denied) return plain.error().during(path);
  const Secret phrase = TRY(read_secret(world, pass_file, "pass phrase of " + path + ": ", "--pass-file"));
  return TRY_DURING(crypto::SigningKey::from_pem(pem.view(), phrase.view()), path);
}

bool is_private_key_file(sys::Disk& disk, const std::string& path) {
  const Result<Bytes> content = sys::read_file(disk, path, key_file_bytes_max);
  return content && content->find("PRIVATE KEY-----") != Bytes::npos;
}

Result<Bytes> read_public_key(sys::Disk& disk, const std::string& place, const std::string& hex_or_file) {
  const auto of = [](std::string_view text) -> std::optional<Bytes> {
    while (text.ends_with('\n') || text.ends_with('\r') || text.ends_with(' ')) text.remove_suffix(1);
    std::optional<Bytes> key = from_hex(text);
    return key && key->size() == crypto::public_key_bytes ? key : std::nullopt;
  };
  if (std::optional<Bytes> key = of(hex_or_file)) return *std::move(key);
  const Result<Bytes> content = sys::read_file(disk, hex_or_file, public_file_bytes_max);
  if (!content)
    return Error(Code::invalid, place + " is \"" + harmless_line(hex_or_file) +
                                    "\"; allowed are the 64 hex digits of a public key, or a file that holds them (" +
                                    content.error().text() + ")");
  if (std::optional<Bytes> key = of(*content)) return *std::move(key);
  return Error(Code::invalid,
               place + ": " + harmless_line(hex_or_file) + " does not hold a public key, which is 64 hex digits");
}

Status write_new_file(sys::Disk& disk, const std::string& path, BytesView bytes) {
  const std::unique_ptr<sys::File> file = TRY(disk.open(path, sys::OpenMode::create_new));
  TRY(file->write_at(0, bytes));
  TRY(file->sync());
  return disk.sync_directory(sys::parent_directory(path));
}

}  // namespace reeve::cli
