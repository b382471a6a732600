// Who this agent is: a key made on this host, the certificate its org's CA gave for it, and where the server is.
//
//     <directory>/key.pem         0600, never leaves the host
//     <directory>/cert.pem        named after the agent's id; good for 30 days, renewed at two thirds
//     <directory>/ca.pem          what the server's certificate must be signed by
//     <directory>/identity.json   agent id, org, link address, the key of the org's audit
//
// identity.json is written last: where it is, the others are. Blocking calls; any thread but a loop's.
#pragma once

#include <string>

#include "common/base/bytes.h"
#include "common/base/endpoint.h"
#include "common/base/ids.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/sys/disk.h"

namespace reeve::agent {

struct Identity {
  Uuid agent;
  std::string org;
  Endpoint link;
  Bytes key_pem;
  Bytes certificate_pem;
  Bytes ca_pem;
  Bytes audit_key;  // 32 bytes: what checkpoints of the audit must be signed by; empty: of an older enrolment
};

// Code::not_found where the host is not enrolled.
Result<Identity> load_identity(sys::Disk& disk, const std::string& directory);
Status save_identity(sys::Disk& disk, const std::string& directory, const Identity& identity);
// Replaces the certificate alone, after checking that it belongs to the key and names the same agent.
Status install_certificate(sys::Disk& disk, const std::string& directory, Identity& identity, const Bytes& pem);

// When two thirds of the certificate's life are over.
Result<WallTime> renewal_time(const Identity& identity);

}  // namespace reeve::agent
