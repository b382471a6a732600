// See orgs.h.
#include "server/orgs.h"

#include <algorithm>

#include "common/sys/lock_file.h"
#include "server/init.h"
#include "server/org_files.h"

namespace reeve::server {

Result<std::vector<std::string>> list_orgs(sys::Disk& disk, const ServerConfig& config) {
  std::vector<std::string> names;
  const Result<std::vector<sys::DirectoryEntry>> folders = disk.list(OrgFiles{config.data_dir}.orgs());
  if (!folders.ok() && folders.error().code() != Code::not_found) return folders.error();
  if (folders.ok()) {
    for (const sys::DirectoryEntry& folder : *folders) names.push_back(folder.name);
  }
  std::erase_if(names, [&](const std::string& name) { return !check_org_name(name).ok() || name == config.org; });
  std::sort(names.begin(), names.end());
  names.insert(names.begin(), config.org);
  return names;
}

Result<std::vector<std::string>> add_org(sys::Disk& disk, Clock& clock, Random& random, const ServerConfig& config,
                                         const std::string& name) {
  if (const Status valid = check_org_name(name); !valid.ok()) return valid.error().during("the org's name");
  if (name == config.org) return Error(Code::invalid, "\"" + name + "\" is the default org; it is there already");
  const OrgFiles files{config.data_dir};
  const sys::LockFile lock = TRY_DURING(sys::LockFile::take(files.lock()), "stop the server first");
  const OrgFiles own = files.of_org(name);
  TRY(disk.make_directories(own.directory));

  std::vector<std::string> said{"org: " + own.directory};
  TRY(make_first_credentials(disk, clock, random, {.files = own, .org = name}, said));
  said.push_back("the server takes it up at its next start");
  return said;
}

}  // namespace reeve::server
