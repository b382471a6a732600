// Which server the command line talks to, with which key, trusting which CA.
//
// `reeve login` writes it as profile.json (mode 0600) below ${REEVE_HOME:-~/.config/reeve}. The key itself is stored,
// not the path of its file: the file may be on a medium that goes away, and a profile that works today works tomorrow.
// REEVE_URL, REEVE_KEY_FILE and REEVE_CA_FILE override it, and together they replace it. A REEVE_URL that names another
// server than the profile never gets the profile's key or trust: both must then come from the environment too.
#pragma once

#include <string>

#include "cli/world.h"
#include "common/base/bytes.h"
#include "common/base/result.h"

namespace reeve::cli {

struct Profile {
  std::string url;
  std::string key;
  Bytes ca_pem;  // empty only for plain HTTP to loopback
};

Result<std::string> profile_path(const Environment& environment);

// The stored profile under the environment's overrides. Code::not_found, naming `reeve login`, where there is neither.
Result<Profile> load_profile(const World& world);

// Replaces the stored profile.
Status save_profile(const World& world, const Profile& profile);

// An API key from a file: one line of visible ASCII, at most 4 KiB.
Result<std::string> read_key_file(sys::Disk& disk, const std::string& path);

// A CA certificate from a file, as PEM.
Result<Bytes> read_ca_file(sys::Disk& disk, const std::string& path);

}  // namespace reeve::cli
