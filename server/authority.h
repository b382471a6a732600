// The org's certificate authority at work: it signs agents, and nothing else asks for its key.
//
// The agent's id, its org and the validity are decided here; of a request only the public key is taken. Immutable after
// loading, so any thread may sign; not the loop's, because it costs a signature.
#pragma once

#include <string>

#include "common/base/ids.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/sys/crypto.h"
#include "common/sys/disk.h"
#include "server/org_files.h"

namespace reeve::server {

constexpr Duration agent_certificate_validity = 24h * 30;
constexpr size_t csr_bytes_max = 16 * 1024;

struct SignedAgent {
  std::string certificate_pem;
  std::string serial;
  WallTime not_after;
};

class Authority {
 public:
  static Result<Authority> load(sys::Disk& disk, const OrgFiles& files, std::string org);
  Authority(std::string org, sys::KeyAndCertificate ca, std::string fingerprint)
      : org_(std::move(org)), ca_(std::move(ca)), fingerprint_(std::move(fingerprint)) {}

  // The same CA, signing agents of another org of this server.
  Authority for_org(std::string org) const { return Authority(std::move(org), ca_, fingerprint_); }

  Result<SignedAgent> sign_agent(const Uuid& agent, BytesView csr_pem, WallTime now) const;

  const std::string& org() const { return org_; }
  const Bytes& certificate_pem() const { return ca_.certificate_pem; }
  const std::string& fingerprint() const { return fingerprint_; }  // 64 hex digits

 private:
  std::string org_;
  sys::KeyAndCertificate ca_;
  std::string fingerprint_;
};

}  // namespace reeve::server
