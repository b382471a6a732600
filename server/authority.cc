// See authority.h.
#include "server/authority.h"

#include <utility>

namespace reeve::server {
namespace {

constexpr uint64_t pem_bytes_max = 64_KiB;

}  // namespace

Result<Authority> Authority::load(sys::Disk& disk, const OrgFiles& files, std::string org) {
  sys::KeyAndCertificate ca;
  ca.key_pem = TRY(sys::read_file(disk, files.ca_key(), pem_bytes_max));
  ca.certificate_pem = TRY(sys::read_file(disk, files.ca_certificate(), pem_bytes_max));

  const sys::CertificateInfo info = TRY_DURING(sys::certificate_info(ca.certificate_pem), files.ca_certificate());
  const bool belongs = TRY_DURING(sys::key_matches(ca.key_pem, ca.certificate_pem), files.ca_key());
  if (!belongs) {
    return Error(Code::invalid, files.ca_key() + " is not the key of the certificate in " + files.ca_certificate());
  }
  if (!info.is_authority || info.organization != org) {
    return Error(Code::invalid, files.ca_certificate() + " is not the authority of org \"" + org + "\" but of \"" +
                                    info.organization + "\"");
  }
  return Authority(std::move(org), std::move(ca), info.fingerprint);
}

Result<SignedAgent> Authority::sign_agent(const Uuid& agent, BytesView csr_pem, WallTime now) const {
  if (csr_pem.empty() || csr_pem.size() > csr_bytes_max) {
    return Error(Code::invalid, "the signing request has " + std::to_string(csr_pem.size()) +
                                    " bytes; allowed are 1 to " + std::to_string(csr_bytes_max));
  }
  const sys::ClientCertificateSpec spec{
      .common_name = to_string(agent), .organization = org_, .now = now, .validity = agent_certificate_validity};
  SignedAgent made;
  made.certificate_pem = TRY(sys::sign_csr(ca_, csr_pem, spec));
  const sys::CertificateInfo info = TRY(sys::certificate_info(made.certificate_pem));
  made.serial = info.serial;
  made.not_after = info.not_after;
  return made;
}

}  // namespace reeve::server
