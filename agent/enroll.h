// Makes this host one of an org's agents: a key is made here, a one-time token is exchanged for a certificate.
//
// The token's command carries the fingerprint of the org's CA, so there is no trust on first use: over https the
// server's chain must end in that CA, over http (loopback alone) the CA that comes back must have it. The private key
// stays here. Blocking: runs a loop of its own.
#pragma once

#include <optional>
#include <string>

#include "agent/identity.h"
#include "common/base/result.h"
#include "common/sys/disk.h"

namespace reeve::agent {

struct EnrollOptions {
  std::string server;  // "https://host:port", or "http://" to a loopback address
  std::string token;
  std::string ca_fingerprint;  // "sha256:" and 64 hex digits
  std::string host;
  std::string identity_dir;
  std::optional<Endpoint> proxy;  // asked to CONNECT; for https alone
  bool replace = false;           // of an identity that is there already
};

Result<Identity> enroll(sys::Disk& disk, const EnrollOptions& options);

}  // namespace reeve::agent
