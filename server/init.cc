// See init.h.
#include "server/init.h"

#include <algorithm>
#include <utility>

#include "common/crypto/digest.h"
#include "common/sys/crypto.h"
#include "common/sys/lock_file.h"
#include "common/sys/password.h"
#include "server/api/gate.h"
#include "server/org_files.h"
#include "server/store/accounts.h"
#include "server/store/sqlite_store.h"

namespace reeve::server {
namespace {

constexpr Duration ca_validity = 24h * 3650;
constexpr Duration server_validity = 24h * 397;  // the most that browsers accept
constexpr Duration renew_before = 24h * 30;
constexpr uint64_t file_bytes_max = 1_MiB;
constexpr size_t admin_password_bytes = 15;  // 20 letters

using Said = std::vector<std::string>;

Result<bool> exists(sys::Disk& disk, const std::string& path) {
  const Result<sys::FileStat> stat = disk.stat(path);
  if (stat.ok()) return true;
  if (stat.error().code() == Code::not_found) return false;
  return stat.error();
}

bool is_every_address(const std::string& host) {
  return host == "0.0.0.0" || host == "::";
}

// Given names first, then where we listen, then this host as itself.
std::vector<std::string> certificate_names(const InitOptions& options, const ServerConfig& config) {
  std::vector<std::string> wanted = options.names;
  for (const Endpoint& endpoint :
       {config.advertise.link, config.advertise.api, config.listen.agents, config.listen.api}) {
    if (!endpoint.host.empty() && !is_every_address(endpoint.host)) wanted.push_back(endpoint.host);
  }
  wanted.insert(wanted.end(), {"localhost", "127.0.0.1", "::1"});

  std::vector<std::string> names;
  for (std::string& name : wanted) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
  }
  return names;
}

Result<ServerConfig> make_config(sys::Disk& disk, const InitOptions& options, const OrgFiles& files, Said& said) {
  if (TRY(exists(disk, files.config()))) {
    const Bytes text = TRY(sys::read_file(disk, files.config(), file_bytes_max));
    ServerConfig config = TRY(parse_server_config(files.config(), text));
    if (options.org && *options.org != config.org) {
      return Error(Code::invalid, files.config() + " belongs to org \"" + config.org + "\", not \"" + *options.org +
                                      "\"; another org needs a data folder of its own");
    }
    said.push_back("configuration: " + files.config() + " (kept)");
    return config;
  }

  ServerConfig config;
  if (options.org) config.org = *options.org;
  if (options.agents) config.listen.agents = *options.agents;
  if (options.api) config.listen.api = *options.api;
  if (options.advertise_link) config.advertise.link = *options.advertise_link;
  if (options.advertise_api) config.advertise.api = *options.advertise_api;
  config.listen.api_tls = !options.plain_api;
  config.names = certificate_names(options, config);
  const std::string text = format_server_config(config);
  // Read back what will be read at every start: a wrong argument is refused here and not then.
  config = TRY(parse_server_config(files.config(), text));
  TRY(sys::write_file_atomically(disk, files.config(), text));
  said.push_back("configuration: " + files.config());
  return config;
}

// The fingerprint is what `reeve login --ca-fingerprint` wants to hear.
std::string say_authority(const OrgFiles& files, BytesView certificate_pem, const char* how) {
  const Result<sys::CertificateInfo> info = sys::certificate_info(certificate_pem);
  const std::string fingerprint = info.ok() ? " sha256:" + info->fingerprint : std::string();
  return "certificate authority: " + files.ca_certificate() + fingerprint + how;
}

Status make_authority(sys::Disk& disk, WallTime now, const OrgFiles& files, const std::string& org, Said& said) {
  const bool has_key = TRY(exists(disk, files.ca_key()));
  const bool has_certificate = TRY(exists(disk, files.ca_certificate()));
  if (has_certificate && !has_key) {
    return Error(Code::invalid, files.ca_certificate() + " is there without " + files.ca_key() +
                                    "; bring the key back, or agents would have to enrol again");
  }
  if (has_certificate) {
    const Bytes kept = TRY(sys::read_file(disk, files.ca_certificate(), file_bytes_max));
    said.push_back(say_authority(files, kept, " (kept)"));
    return {};
  }
  // The key first: a crash in between leaves a key without a certificate, which the next run replaces.
  const sys::KeyAndCertificate ca = TRY(sys::make_ca({.organization = org, .now = now, .validity = ca_validity}));
  TRY(sys::write_file_atomically(disk, files.ca_key(), ca.key_pem));
  TRY(sys::write_file_atomically(disk, files.ca_certificate(), ca.certificate_pem));
  said.push_back(say_authority(files, ca.certificate_pem, ""));
  return {};
}

Status make_server_certificate(sys::Disk& disk, WallTime now, const OrgFiles& files,
                               const std::vector<std::string>& names) {
  sys::KeyAndCertificate ca;
  ca.key_pem = TRY(sys::read_file(disk, files.ca_key(), file_bytes_max));
  ca.certificate_pem = TRY(sys::read_file(disk, files.ca_certificate(), file_bytes_max));
  const sys::KeyAndCertificate made =
      TRY(sys::make_server_certificate(ca, {.names = names, .now = now, .validity = server_validity}));
  TRY(sys::write_file_atomically(disk, files.server_key(), made.key_pem));
  return sys::write_file_atomically(disk, files.server_certificate(),
                                    sys::append_chain(made.certificate_pem, ca.certificate_pem));
}

// Why the server needs a new certificate; nothing where the one it has will do.
Result<std::optional<std::string>> why_certificate_is_due(sys::Disk& disk, WallTime now, const OrgFiles& files,
                                                          std::vector<std::string> names) {
  std::optional<std::string> reason;
  if (!TRY(exists(disk, files.server_certificate())) || !TRY(exists(disk, files.server_key()))) {
    reason = "new";
    return reason;
  }
  const Bytes pem = TRY(sys::read_file(disk, files.server_certificate(), file_bytes_max));
  const Bytes key = TRY(sys::read_file(disk, files.server_key(), file_bytes_max));
  const Result<sys::CertificateInfo> info = sys::certificate_info(pem);
  const Result<bool> belongs = sys::key_matches(key, pem);
  if (!info.ok() || !belongs.ok() || !*belongs) {
    reason = "the old one and its key did not belong together";
    return reason;
  }
  std::vector<std::string> has = info->names;
  std::sort(has.begin(), has.end());
  std::sort(names.begin(), names.end());
  if (has != names) reason = "its names have changed";
  if (now + renew_before >= info->not_after) reason = "the old one ends soon";
  return reason;
}

AuditEntry init_entry(WallTime now, const char* action, const Uuid& target) {
  return {.time = now,
          .actor_kind = "system",
          .actor_name = "reeve-server init",
          .action = action,
          .target = to_string(target)};
}

Status make_first_key(sys::Disk& disk, Clock& clock, Random& random, const FirstCredentials& of, Store& store,
                      Said& said) {
  const OrgFiles& files = of.files;
  if (TRY(exists(disk, files.api_key()))) {
    const Bytes text = TRY(sys::read_file(disk, files.api_key(), file_bytes_max));
    const Result<ApiKey> known = store.find_api_key(crypto::sha256(text.substr(0, text.find('\n'))));
    if (known.ok()) {
      said.push_back("API key: " + files.api_key() + " (kept)");
      return {};
    }
    if (known.error().code() != Code::not_found) return known.error();
  }

  // The file first: a key that the store knows and nobody has would be a door without a use.
  const WallTime now = clock.wall();
  const std::string text = make_api_key(of.org);
  TRY(sys::write_file_atomically(disk, files.api_key(), text + "\n"));
  const ApiKey key{.id = make_uuid_v7(now, random),
                   .prefix = api_key_prefix(text),
                   .hash = crypto::sha256(text),
                   .role = "admin",
                   .created = now,
                   .label = "made by reeve-server init",
                   .created_by = "reeve-server init"};
  TRY(store.accounts().add_api_key(key, init_entry(now, "key.create", key.id)));
  said.push_back("API key: " + files.api_key());
  return {};
}

// Somebody must be able to sign in to the page; whoever may read the data folder reads the password there.
Status make_admin(sys::Disk& disk, Clock& clock, Random& random, const FirstCredentials& of, Store& store, Said& said) {
  const OrgFiles& files = of.files;
  const std::string email = "admin@" + of.org + ".local";
  const std::vector<User> users = TRY(store.accounts().list_users());
  if (!users.empty()) {
    const bool kept = TRY(exists(disk, files.admin_password()));
    if (kept) said.push_back("first admin: " + email + ", password in " + files.admin_password() + " (kept)");
    return {};
  }
  const WallTime now = clock.wall();
  const std::string password = to_base64url(crypto::random_secret(admin_password_bytes));
  TRY(sys::write_file_atomically(disk, files.admin_password(), password + "\n"));
  User admin{.id = make_uuid_v7(now, random), .email = email, .name = "Admin", .role = "admin", .created = now};
  admin.password_hash = TRY(sys::hash_password(password));
  TRY(store.accounts().add_user(admin, init_entry(now, "user.create", admin.id)));
  said.push_back("first admin: " + email + ", password in " + files.admin_password());
  return {};
}

}  // namespace

Status make_first_credentials(sys::Disk& disk, Clock& clock, Random& random, const FirstCredentials& of, Said& said) {
  auto store = TRY(open_sqlite_store({.directory = of.files.store(), .disk = disk, .vfs = {}}));
  TRY(make_first_key(disk, clock, random, of, *store, said));
  return make_admin(disk, clock, random, of, *store, said);
}

Result<std::vector<std::string>> init_org(sys::Disk& disk, Clock& clock, Random& random, const InitOptions& options) {
  const OrgFiles files{options.data_dir};
  if (options.org) {
    if (const Status org = check_org_name(*options.org); !org.ok()) return org.error().during("--org");
  }
  TRY(disk.make_directories(files.directory));
  const sys::LockFile lock = TRY_DURING(sys::LockFile::take(files.lock()), "a running server needs no init");

  Said said;
  const ServerConfig config = TRY(make_config(disk, options, files, said));
  TRY(make_authority(disk, clock.wall(), files, config.org, said));
  const std::optional<std::string> due = TRY(why_certificate_is_due(disk, clock.wall(), files, config.names));
  if (due) TRY(make_server_certificate(disk, clock.wall(), files, config.names));
  said.push_back("server certificate: " + files.server_certificate() + (due ? " (" + *due + ")" : " (kept)"));
  TRY(make_first_credentials(disk, clock, random, {.files = files, .org = config.org}, said));
  return said;
}

Result<bool> renew_server_certificate_if_due(sys::Disk& disk, WallTime now, const ServerConfig& config) {
  const OrgFiles files{config.data_dir};
  const std::optional<std::string> due = TRY(why_certificate_is_due(disk, now, files, config.names));
  if (due) TRY(make_server_certificate(disk, now, files, config.names));
  return due.has_value();
}

}  // namespace reeve::server
