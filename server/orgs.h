// The orgs of one server beside the default one: each is a folder below orgs/ with a store and a first key.
#pragma once

#include <string>
#include <vector>

#include "common/base/random.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/sys/disk.h"
#include "server/config.h"

namespace reeve::server {

// Every org, the default one first, the others by name.
Result<std::vector<std::string>> list_orgs(sys::Disk& disk, const ServerConfig& config);

// Makes the org's folder, store and first admin's key, and says what was done. Harmless to repeat. While the server is
// stopped: it takes up what it finds at its start.
Result<std::vector<std::string>> add_org(sys::Disk& disk, Clock& clock, Random& random, const ServerConfig& config,
                                         const std::string& name);

}  // namespace reeve::server
