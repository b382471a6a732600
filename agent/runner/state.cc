// See state.h.
#include "agent/runner/state.h"

#include <charconv>
#include <map>

#include "common/warrant/messages.h"

namespace reeve::runner {
namespace {

constexpr uint64_t small_file_bytes_max = 64_KiB;

// "name value" lines.
std::map<std::string, std::string, std::less<>> parse_lines(std::string_view text) {
  std::map<std::string, std::string, std::less<>> values;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const size_t blank = line.find(' ');
    if (blank != std::string_view::npos) values.emplace(line.substr(0, blank), line.substr(blank + 1));
  }
  return values;
}

}  // namespace

Bytes Identity::host() const {
  return warrant::key_id(key.public_key());
}

Result<Identity> StateFolder::enrol(const EnrolOptions& options, WallTime now) {
  const Result<Identity> before = load();
  if (before.ok() && !options.replace) {
    return Error(Code::invalid, path_ + " holds an identity of org \"" + before->org + "\"; --replace gives it up");
  }
  TRY(disk_.make_directories(steps()));
  // By the clock, so that it also grows where the old identity was lost with its folder.
  const auto seconds = static_cast<uint64_t>(now.ns / 1'000'000'000);
  Identity identity{.org = options.org,
                    .host_name = options.host_name,
                    .epoch = before.ok() ? std::max(before->epoch + 1, seconds) : seconds,
                    .root = options.root,
                    .key = crypto::SigningKey::make()};
  for (const char* stale : {"identity", "journal", "trust"}) {
    const Status removed = disk_.remove(file(stale));
    if (!removed.ok() && removed.error().code() != Code::not_found) return removed.error();
  }
  TRY(sys::write_file_atomically(disk_, file("key.pem"), identity.key.pem()));
  TRY(Journal::open(disk_, {.path = file("journal"), .create = true}));
  const std::string text = "org " + identity.org + "\nhost_name " + identity.host_name + "\nepoch " +
                           std::to_string(identity.epoch) + "\nroot " + to_string(identity.root) + "\n";
  TRY(sys::write_file_atomically(disk_, file("identity"), text));
  return identity;
}

Result<Identity> StateFolder::load() const {
  const Bytes text = TRY(sys::read_file(disk_, file("identity"), small_file_bytes_max));
  const auto values = parse_lines(text);
  const auto value = [&](const char* name) {
    const auto found = values.find(name);
    return found == values.end() ? std::string() : found->second;
  };
  uint64_t epoch = 0;
  const std::string epoch_text = value("epoch");
  std::from_chars(epoch_text.data(), epoch_text.data() + epoch_text.size(), epoch);
  if (epoch == 0 || value("org").empty() || value("host_name").empty()) {
    return Error(Code::corrupt, file("identity") + " is damaged; `reeve-runner enroll --replace` makes a new one");
  }
  const Bytes pem = TRY(sys::read_file(disk_, file("key.pem"), small_file_bytes_max));
  crypto::SigningKey key = TRY_DURING(crypto::SigningKey::from_pem(pem), file("key.pem"));
  warrant::RootFingerprint root = TRY_DURING(warrant::parse_root_fingerprint(value("root")), file("identity"));
  return Identity{
      .org = value("org"), .host_name = value("host_name"), .epoch = epoch, .root = std::move(root), .key = key};
}

Result<std::unique_ptr<Journal>> StateFolder::open_journal() const {
  return Journal::open(disk_, {.path = file("journal")});
}

Result<warrant::TrustState> StateFolder::load_trust(const Identity& identity) const {
  const Result<Bytes> kept = sys::read_file(disk_, file("trust"), warrant::message_bytes_max);
  if (!kept.ok() && kept.error().code() == Code::not_found) return warrant::TrustState(identity.org, identity.root);
  if (!kept.ok()) return kept.error();
  const warrant::ToRunner message = TRY_DURING(warrant::decode_to_runner(*kept), file("trust"));
  const auto* update = std::get_if<warrant::TrustUpdate>(&message);
  if (update == nullptr) return Error(Code::corrupt, file("trust") + " holds something else");
  return warrant::TrustState::restore(identity.org, identity.root, *update);
}

Status StateFolder::save_trust(const warrant::TrustState& trust) const {
  return sys::write_file_atomically(disk_, file("trust"), warrant::encode(warrant::ToRunner(trust.kept())));
}

bool StateFolder::locked() const {
  const Result<sys::FileStat> found = disk_.stat(file("locked"));
  return found.ok() || found.error().code() != Code::not_found;
}

std::string StateFolder::why_locked() const {
  const Result<Bytes> text = sys::read_file(disk_, file("locked"), small_file_bytes_max);
  return text.ok() ? printable(*text) : text.error().text();
}

Status StateFolder::lock(const std::string& why) const {
  return sys::write_file_atomically(disk_, file("locked"), why);
}

Status StateFolder::unlock() const {
  TRY(disk_.remove(file("locked")));
  return disk_.sync_directory(path_);
}

}  // namespace reeve::runner
