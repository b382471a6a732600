// Reads and writes the folder of an org's keys.
#include "cli/keys_store.h"

#include <algorithm>
#include <charconv>

#include "cli/harmless.h"
#include "cli/profile.h"

namespace reeve::cli {

namespace {

constexpr size_t org_chars_max = 64;
constexpr uint64_t envelope_bytes_max = 64_KiB;

Result<std::string> trust_root(const World& world) {
  const std::string profile = TRY(profile_path(world.environment));
  return sys::parent_directory(profile) + "/trust";
}

// The N of "trust-N.rvt".
std::optional<uint64_t> version_of(std::string_view name, std::string_view kind) {
  if (!name.starts_with(kind) || !name.ends_with(".rvt")) return std::nullopt;
  name.remove_prefix(kind.size());
  name.remove_suffix(4);
  uint64_t version = 0;
  const auto [stopped, error] = std::from_chars(name.data(), name.data() + name.size(), version);
  if (error != std::errc{} || stopped != name.data() + name.size()) return std::nullopt;
  return version;
}

uint64_t newest(const std::vector<sys::DirectoryEntry>& entries, std::string_view kind) {
  uint64_t highest = 0;
  for (const sys::DirectoryEntry& entry : entries)
    highest = std::max(highest, version_of(entry.name, kind).value_or(0));
  return highest;
}

std::string file_of(const std::string& folder, const std::string& kind, uint64_t version) {
  return folder + "/" + kind + std::to_string(version) + ".rvt";
}

}  // namespace

Status check_org(const std::string& org) {
  const auto is_plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  const bool chars_ok = std::all_of(org.begin(), org.end(), [&](char c) { return is_plain(c) || c == '-'; });
  if (!org.empty() && org.size() <= org_chars_max && chars_ok && is_plain(org.front())) return {};
  return Error(Code::invalid, "the org is \"" + harmless_line(org.substr(0, 80)) + "\"; allowed: 1 to " +
                                  std::to_string(org_chars_max) +
                                  " of a-z, 0-9 and -, beginning with a letter or digit");
}

Result<std::vector<std::string>> pinned_orgs(World& world) {
  const std::string root = TRY(trust_root(world));
  std::vector<std::string> orgs;
  const Result<std::vector<sys::DirectoryEntry>> entries = world.disk.list(root);
  if (!entries && entries.error().code() == Code::not_found) return orgs;
  if (!entries) return entries.error();
  for (const sys::DirectoryEntry& entry : *entries) {
    if (check_org(entry.name) && world.disk.stat(root + "/" + entry.name + "/root")) orgs.push_back(entry.name);
  }
  return orgs;
}

Result<std::string> choose_org(World& world, const std::string& named) {
  if (!named.empty()) {
    TRY(check_org(named));
    return named;
  }
  const std::vector<std::string> orgs = TRY(pinned_orgs(world));
  if (orgs.size() == 1) return orgs.front();
  if (orgs.empty())
    return Error(Code::not_found,
                 "no org's keys are known here; begin one with `reeve keys init --org NAME`, or pin one with the "
                 "fingerprint that its root holder gives you: reeve keys pin sha256:...@N --org NAME");
  std::string list;
  for (const std::string& org : orgs) list += (list.empty() ? "" : ", ") + org;
  return Error(Code::invalid, "the keys of " + std::to_string(orgs.size()) + " orgs are known here; say which with " +
                                  "--org NAME: " + list);
}

Result<std::string> trust_folder(const World& world, const std::string& org) {
  TRY(check_org(org));
  const std::string root = TRY(trust_root(world));
  return root + "/" + org;
}

Result<LocalTrust> load_trust(World& world, const std::string& org) {
  const std::string folder = TRY(trust_folder(world, org));
  Result<Bytes> pinned = sys::read_file(world.disk, folder + "/root", 1_KiB);
  if (!pinned && pinned.error().code() == Code::not_found)
    return Error(Code::not_found, "the root keys of org \"" + org +
                                      "\" are not known here; get the fingerprint from its root holder, not from the "
                                      "server, and: reeve keys pin sha256:...@N --org " +
                                      org);
  if (!pinned) return pinned.error();
  while (pinned->ends_with('\n')) pinned->pop_back();
  warrant::RootFingerprint fingerprint = TRY_DURING(warrant::parse_root_fingerprint(*pinned), folder + "/root");

  const std::vector<sys::DirectoryEntry> entries = TRY(world.disk.list(folder));
  const auto newest_of = [&](const std::string& kind) -> Result<std::optional<warrant::Envelope>> {
    const uint64_t version = newest(entries, kind);
    if (version == 0) return std::optional<warrant::Envelope>();
    warrant::Envelope envelope =
        TRY(read_envelope_file(world.disk, folder + "/" + kind + std::to_string(version) + ".rvt"));
    return std::optional(std::move(envelope));
  };
  warrant::TrustUpdate kept;
  const std::optional<warrant::Envelope> trust = TRY(newest_of("trust-"));
  if (trust) kept.trust.push_back(*trust);
  kept.revocation = TRY(newest_of("revocation-"));
  warrant::TrustState state =
      TRY_DURING(warrant::TrustState::restore(org, std::move(fingerprint), kept), folder + " is damaged");
  return LocalTrust{org, folder, std::move(state)};
}

Result<warrant::Trust> known_trust(const LocalTrust& local) {
  if (local.state.trust()) return *local.state.trust();
  return Error(Code::not_found, "of org \"" + local.org +
                                    "\" only the root fingerprint is known here; `reeve keys fetch` gets the trust "
                                    "file and checks it, `reeve keys take FILE` takes it from a file");
}

Result<LocalTrust> pin_org(World& world, const std::string& org, const warrant::RootFingerprint& fingerprint) {
  const std::string folder = TRY(trust_folder(world, org));
  if (world.disk.stat(folder + "/root"))
    return Error(Code::invalid, "the root keys of org \"" + org + "\" are pinned already in " + folder +
                                    "; to begin anew, move that folder away");
  TRY(world.disk.make_directories(folder));
  TRY(sys::write_file_atomically(world.disk, folder + "/root", warrant::to_string(fingerprint) + "\n"));
  return LocalTrust{org, folder, warrant::TrustState(org, fingerprint)};
}

Result<std::string> keep_trust(World& world, const LocalTrust& local) {
  check(!local.state.kept().trust.empty(), "only a trust file that is believed is kept");
  std::string path = file_of(local.folder, "trust-", local.state.trust_version());
  TRY(sys::write_file_atomically(world.disk, path, warrant::encode(local.state.kept().trust.back())));
  // What was proposed for this version is settled, one way or the other.
  const std::string proposal = proposal_path(local, local.state.trust_version());
  if (world.disk.stat(proposal)) TRY(world.disk.remove(proposal));
  return path;
}

Result<std::string> keep_revocation(World& world, const LocalTrust& local) {
  check(local.state.kept().revocation.has_value(), "only a revocation list that is believed is kept");
  std::string path = file_of(local.folder, "revocation-", local.state.revocation_version());
  TRY(sys::write_file_atomically(world.disk, path, warrant::encode(*local.state.kept().revocation)));
  return path;
}

std::string proposal_path(const LocalTrust& local, uint64_t version) {
  return local.folder + "/trust-" + std::to_string(version) + ".proposed.rvt";
}

Result<warrant::Envelope> read_envelope_file(sys::Disk& disk, const std::string& path) {
  const Bytes bytes = TRY(sys::read_file(disk, path, envelope_bytes_max));
  return TRY_DURING(warrant::decode_envelope(bytes), path);
}

}  // namespace reeve::cli
