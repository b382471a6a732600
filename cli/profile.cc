// Reads and writes profile.json.
#include "cli/profile.h"

#include "cli/server_url.h"
#include "common/base/json.h"
#include "common/sys/crypto.h"

namespace reeve::cli {

namespace {

constexpr uint64_t profile_bytes_max = 256_KiB;
constexpr uint64_t key_bytes_max = 4_KiB;
constexpr uint64_t ca_bytes_max = 64_KiB;
constexpr int64_t format_version = 1;

Result<Profile> read_profile(sys::Disk& disk, const std::string& path) {
  const Bytes text = TRY(sys::read_file(disk, path, profile_bytes_max));
  const Result<Json> json = parse_json(text);
  if (!json)
    return Error(Code::corrupt, path + " is damaged (" + json.error().text() + "); `reeve login` writes it anew");
  if (json->int_or("version") != format_version)
    return Error(Code::invalid, path + " has version " + std::to_string(json->int_or("version")) +
                                    ", allowed is 1; `reeve login` writes it anew");
  return Profile{.url = json->string_or("url"), .key = json->string_or("key"), .ca_pem = json->string_or("ca_pem")};
}

}  // namespace

Result<std::string> profile_path(const Environment& environment) {
  if (!environment.folder.empty()) return environment.folder + "/profile.json";
  if (environment.home.empty())
    return Error(Code::invalid, "neither REEVE_HOME nor HOME is set, so there is no place for the profile");
  return environment.home + "/.config/reeve/profile.json";
}

Result<Profile> load_profile(const World& world) {
  const Environment& environment = world.environment;
  const std::string path = TRY(profile_path(environment));

  Profile profile;
  Result<Profile> stored = read_profile(world.disk, path);
  if (stored) {
    profile = *stored;
  } else if (stored.error().code() != Code::not_found) {
    return stored.error();
  } else if (environment.url.empty()) {
    return Error(Code::not_found,
                 "not logged in: there is no " + path + "; log in with: reeve login https://HOST:PORT --key-file FILE");
  }

  if (!environment.url.empty()) {
    const ServerUrl url = TRY_DURING(parse_server_url(environment.url), "REEVE_URL");
    if (url.text != profile.url) profile = Profile{.url = url.text, .key = {}, .ca_pem = {}};
  }
  if (!environment.key_file.empty())
    profile.key = TRY_DURING(read_key_file(world.disk, environment.key_file), "REEVE_KEY_FILE");
  if (!environment.ca_file.empty())
    profile.ca_pem = TRY_DURING(read_ca_file(world.disk, environment.ca_file), "REEVE_CA_FILE");

  const ServerUrl url = TRY_DURING(parse_server_url(profile.url), path);
  if (profile.key.empty())
    return Error(Code::denied, "REEVE_URL is " + profile.url +
                                   ", which is not the server of the stored login, so that login's key is not sent "
                                   "there; set REEVE_KEY_FILE too");
  if (url.is_tls && profile.ca_pem.empty())
    return Error(Code::denied, "nothing says which CA to trust for " + profile.url +
                                   "; set REEVE_CA_FILE, or log in with --ca-file or --ca-fingerprint");
  return profile;
}

Status save_profile(const World& world, const Profile& profile) {
  const std::string path = TRY(profile_path(world.environment));
  Json json;
  json.set("version", format_version);
  json.set("url", profile.url);
  json.set("key", profile.key);
  json.set("ca_pem", profile.ca_pem);
  TRY(world.disk.make_directories(sys::parent_directory(path)));
  return sys::write_file_atomically(world.disk, path, json.dump(2) + "\n");
}

Result<std::string> read_key_file(sys::Disk& disk, const std::string& path) {
  std::string key = TRY(sys::read_file(disk, path, key_bytes_max));
  while (!key.empty() && (key.back() == '\n' || key.back() == '\r' || key.back() == ' ')) key.pop_back();
  if (key.empty()) return Error(Code::invalid, path + " is empty; it must hold one API key");
  for (const char c : key) {
    if (c <= ' ' || c > '~')
      return Error(Code::invalid, path + " holds more than one line of visible characters; it must hold one API key");
  }
  return key;
}

Result<Bytes> read_ca_file(sys::Disk& disk, const std::string& path) {
  Bytes pem = TRY(sys::read_file(disk, path, ca_bytes_max));
  const Result<sys::CertificateInfo> info = sys::certificate_info(pem);
  if (!info) return info.error().during(path);
  if (!info->is_authority)
    return Error(Code::invalid, path + " holds the certificate of \"" + info->common_name +
                                    "\", which is no certificate authority; it must hold the CA that signed the "
                                    "server's certificate");
  return pem;
}

}  // namespace reeve::cli
