// Makes an org in a data folder: its certificate authority, the server's certificate, the first admin's API key, and a
// configuration. Doing it again keeps what stands and says so; only the server's own certificate is renewed when its
// names have changed or its time runs out.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/random.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/sys/disk.h"
#include "server/config.h"
#include "server/org_files.h"

namespace reeve::server {

struct InitOptions {
  std::string data_dir;
  // What was said on the command line; the rest is as in an existing configuration, else the default.
  std::optional<std::string> org;
  std::optional<Endpoint> agents;
  std::optional<Endpoint> api;
  bool plain_api = false;
  std::vector<std::string> names;  // put before the usual ones
  std::optional<Endpoint> advertise_link;
  std::optional<Endpoint> advertise_api;
};

// What was done, one sentence each, for people.
Result<std::vector<std::string>> init_org(sys::Disk& disk, Clock& clock, Random& random, const InitOptions& options);

// What the first admin of an org signs in with: made where it is not there yet, and said.
struct FirstCredentials {
  OrgFiles files;
  std::string org;
};
Status make_first_credentials(sys::Disk& disk, Clock& clock, Random& random, const FirstCredentials& of,
                              std::vector<std::string>& said);

// Renews the server's certificate where it ends within a month or does not fit its names, and says whether it did. At
// every start and every hour, so that nobody has to remember.
Result<bool> renew_server_certificate_if_due(sys::Disk& disk, WallTime now, const ServerConfig& config);

}  // namespace reeve::server
