// See identity.h.
#include "agent/identity.h"

#include "common/base/json.h"
#include "common/sys/crypto.h"

namespace reeve::agent {

namespace {

constexpr uint64_t file_bytes_max = 64_KiB;

Result<Bytes> read_part(sys::Disk& disk, const std::string& directory, const char* name) {
  return sys::read_file(disk, directory + "/" + name, file_bytes_max);
}

}  // namespace

Result<Identity> load_identity(sys::Disk& disk, const std::string& directory) {
  const auto text = read_part(disk, directory, "identity.json");
  if (!text.ok() && text.error().code() == Code::not_found) {
    return Error(Code::not_found,
                 "this host is not enrolled: " + directory +
                     "/identity.json does not exist; run the command that `reeve agents token` prints");
  }
  if (!text.ok()) return text.error().during("read the identity");
  const Json json = TRY_DURING(parse_json(*text), "read " + directory + "/identity.json");

  Identity identity;
  const auto agent = parse_uuid(json.string_or("agent_id"));
  const auto link = parse_endpoint(json.string_or("link"));
  if (!agent || !link) return Error(Code::invalid, directory + "/identity.json has no agent_id or no link");
  identity.agent = *agent;
  identity.link = *link;
  identity.org = json.string_or("org");
  identity.audit_key = from_hex(json.string_or("audit_key")).value_or("");
  identity.key_pem = TRY_DURING(read_part(disk, directory, "key.pem"), "read the identity");
  identity.certificate_pem = TRY_DURING(read_part(disk, directory, "cert.pem"), "read the identity");
  identity.ca_pem = TRY_DURING(read_part(disk, directory, "ca.pem"), "read the identity");
  return identity;
}

Status save_identity(sys::Disk& disk, const std::string& directory, const Identity& identity) {
  TRY(disk.make_directories(directory));
  // Without identity.json there is no identity: a crash never leaves one half old and half new.
  const Status removed = disk.remove(directory + "/identity.json");
  if (!removed.ok() && removed.error().code() != Code::not_found) return removed.error();
  TRY(disk.sync_directory(directory));
  TRY(sys::write_file_atomically(disk, directory + "/key.pem", identity.key_pem));
  TRY(sys::write_file_atomically(disk, directory + "/cert.pem", identity.certificate_pem));
  TRY(sys::write_file_atomically(disk, directory + "/ca.pem", identity.ca_pem));
  Json json;
  json.set("agent_id", to_string(identity.agent));
  json.set("org", identity.org);
  json.set("link", to_string(identity.link));
  if (!identity.audit_key.empty()) json.set("audit_key", to_hex(identity.audit_key));
  return sys::write_file_atomically(disk, directory + "/identity.json", json.dump(2) + "\n");
}

Status install_certificate(sys::Disk& disk, const std::string& directory, Identity& identity, const Bytes& pem) {
  const sys::CertificateInfo info = TRY(sys::certificate_info(pem));
  if (info.common_name != to_string(identity.agent)) {
    return Error(Code::invalid,
                 "the new certificate names " + printable(info.common_name) + ", we are " + to_string(identity.agent));
  }
  const bool matches = TRY(sys::key_matches(identity.key_pem, pem));
  if (!matches) return Error(Code::invalid, "the new certificate is not for our key");
  TRY(sys::write_file_atomically(disk, directory + "/cert.pem", pem));
  identity.certificate_pem = pem;
  return {};
}

Result<WallTime> renewal_time(const Identity& identity) {
  const sys::CertificateInfo info = TRY(sys::certificate_info(identity.certificate_pem));
  return info.not_before + (info.not_after - info.not_before) / 3 * 2;
}

}  // namespace reeve::agent
