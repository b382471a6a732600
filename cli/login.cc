// Nothing is trusted because it answered first: a CA comes from a file, or is recognised among the presented
// certificates by its fingerprint, and the key is sent only over a connection that this CA has vouched for.
#include "cli/login.h"

#include "cli/api.h"
#include "cli/harmless.h"
#include "cli/profile.h"
#include "cli/server_url.h"
#include "common/sys/crypto.h"

namespace reeve::cli {

namespace {

// What else the server presents is not told: it would be copied into the next try.
Result<Bytes> find_ca(HttpFetch& http, const std::string& server, const std::string& fingerprint) {
  const std::vector<Bytes> chain = TRY(http.presented_chain(server));
  for (const Bytes& pem : chain) {
    const sys::CertificateInfo info =
        TRY_DURING(sys::certificate_info(pem), "a certificate that " + server + " presents");
    if (info.fingerprint != fingerprint) continue;
    if (info.is_authority) return pem;
    return Error(Code::denied, "sha256:" + fingerprint +
                                   " is the fingerprint of the server's own certificate; "
                                   "--ca-fingerprint wants that of its CA");
  }
  return Error(Code::denied, "of the " + std::to_string(chain.size()) + " certificates that " + server +
                                 " presents, none has the fingerprint sha256:" + fingerprint +
                                 "; either it is mistyped, or this is not your server");
}

Result<Bytes> choose_ca(World& world, const ServerUrl& url, const LoginOptions& options) {
  if (!url.is_tls) return Bytes();
  if (!options.ca_file.empty()) return read_ca_file(world.disk, options.ca_file);
  if (!options.ca_fingerprint.empty()) return find_ca(world.http, url.text, options.ca_fingerprint);
  return Error(Code::invalid,
               "nothing says which CA to trust for " + url.text +
                   "; add --ca-file FILE (the ca.pem that `reeve-server init` made) or --ca-fingerprint sha256:HEX");
}

}  // namespace

Status run_login(World& world, const LoginOptions& options) {
  const ServerUrl url = TRY(parse_server_url(options.url));
  Profile profile{.url = url.text, .key = {}, .ca_pem = {}};
  profile.key = TRY_DURING(read_key_file(world.disk, options.key_file), "--key-file");
  profile.ca_pem = TRY(choose_ca(world, url, options));

  Client client(world.http, profile);
  const Me me = TRY(client.me());

  TRY(save_profile(world, profile));
  const std::string path = TRY(profile_path(world.environment));
  return world.screen.print("logged in to " + url.text + ", org " + harmless_line(me.org) + ", as " +
                            harmless_line(me.role) + " (key " + harmless_line(me.key_prefix) + "...)\nremembered in " +
                            harmless_line(path) + "\ntry: reeve status\n");
}

}  // namespace reeve::cli
