// Where the server keeps things. Each org has a folder of its own, so that nothing can be mixed up with another's: the
// default org the data folder itself, the others one below orgs/ each, with a store and a key.
#pragma once

#include <string>

namespace reeve::server {

struct OrgFiles {
  std::string directory;  // the data folder, mode 0700

  std::string config() const { return directory + "/server.yaml"; }
  std::string ca_certificate() const { return directory + "/ca.pem"; }
  std::string ca_key() const { return directory + "/ca.key"; }  // mode 0600, as every file here
  std::string server_certificate() const { return directory + "/server.pem"; }
  std::string server_key() const { return directory + "/server.key"; }
  std::string signing_key() const { return directory + "/jwt.key"; }            // signs tokens; of all orgs
  std::string admin_password() const { return directory + "/admin.password"; }  // of the first admin, as it was made
  std::string api_key() const { return directory + "/api.key"; }  // of the first admin; the store holds its hash alone
  std::string audit_key() const { return directory + "/audit.key"; }  // signs checkpoints of the org's audit
  std::string store() const { return directory + "/store"; }
  std::string orgs() const { return directory + "/orgs"; }
  OrgFiles of_org(const std::string& name) const { return {orgs() + "/" + name}; }
  std::string lock() const { return directory + "/server.lock"; }  // held by the process that serves
};

}  // namespace reeve::server
