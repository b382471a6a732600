// Signatures of further root holders, and the ways trust files travel: pin, take, fetch, push, show.
#include <algorithm>

#include "cli/api.h"
#include "cli/harmless.h"
#include "cli/key_file.h"
#include "cli/keys.h"
#include "cli/keys_change.h"
#include "cli/keys_fetch.h"
#include "cli/keys_render.h"
#include "cli/keys_store.h"
#include "cli/profile.h"
#include "common/crypto/digest.h"

namespace reeve::cli {

namespace {

// The org's state on this machine, or, for a first trust file that its reader is about to sign, a state that knows
// nothing but that file's roots.
Result<LocalTrust> state_for(World& world, const warrant::Trust& trust) {
  Result<LocalTrust> local = load_trust(world, trust.org);
  if (local || local.error().code() != Code::not_found) return local;
  if (trust.version != 1)
    return Error(Code::not_found, local.error().text() + "; version " + std::to_string(trust.version) +
                                      " cannot be judged without what came before it");
  std::string folder = TRY(trust_folder(world, trust.org));
  return LocalTrust{trust.org, std::move(folder), warrant::TrustState(trust.org, warrant::root_fingerprint(trust))};
}

Status check_follows(const LocalTrust& local, const warrant::Trust& trust, const std::string& file) {
  const uint64_t version = local.state.trust_version();
  if (trust.version == version + 1) return {};
  return Error(Code::invalid, file + " is trust file " + std::to_string(trust.version) + ", but here " +
                                  (version == 0 ? "none" : "version " + std::to_string(version)) +
                                  " is believed; what is missing comes by `reeve keys take` or `reeve keys fetch`");
}

}  // namespace

Status run_keys_sign(World& world, const KeysSignOptions& options) {
  warrant::Envelope envelope = TRY(read_envelope_file(world.disk, options.file));
  if (envelope.payload_type != warrant::type_trust)
    return Error(Code::invalid, options.file + " is no trust file; revocation lists need one signature only");
  const warrant::Trust trust = TRY_DURING(warrant::decode_trust(envelope.payload), options.file);
  LocalTrust local = TRY(state_for(world, trust));
  TRY(check_follows(local, trust, options.file));

  const std::string digest = to_hex(crypto::sha256(envelope.payload));
  TRY(world.screen.print(render_trust_changes(local.state.trust(), trust, world.clock.wall()) + "hash  " + digest +
                         "\n"));
  if (!options.signers.yes)
    TRY(confirm_by_typing(world,
                          "to sign this, type the first 8 digits of its hash: ", digest.substr(0, confirm_digits)));

  const std::vector<crypto::SigningKey> keys = TRY(open_roots(world, local, options.signers));
  TRY(sign_as_root(envelope, keys, trust, local.state.trust()));
  TRY(sys::write_file_atomically(world.disk, options.file, warrant::encode(envelope)));

  if (!world.disk.stat(local.folder + "/root"))
    local = TRY(pin_org(world, trust.org, warrant::root_fingerprint(trust)));
  const bool settled = TRY(settle_trust(world, local, envelope, options.signers.push));
  if (settled) return world.screen.print("the other root holders take it with: reeve keys take FILE\n");
  return world.screen.print("signed: " + harmless_line(options.file) + "; hand it on to the next root holder\n");
}

Status run_keys_show(World& world, const KeysShowOptions& options) {
  const WallTime now = world.clock.wall();
  if (!options.file.empty()) {
    const warrant::Envelope envelope = TRY(read_envelope_file(world.disk, options.file));
    if (envelope.payload_type == warrant::type_revocation) {
      const warrant::Revocation list = TRY_DURING(warrant::decode_revocation(envelope.payload), options.file);
      return world.screen.print(render_revocation(list));
    }
    if (envelope.payload_type != warrant::type_trust)
      return Error(Code::invalid, options.file + " is neither a trust file nor a revocation list");
    const warrant::Trust trust = TRY_DURING(warrant::decode_trust(envelope.payload), options.file);
    std::string signers;
    for (const warrant::RootKey& root : trust.roots) {
      if (warrant::signed_by(envelope, root.public_key))
        signers += (signers.empty() ? "" : ", ") + harmless_line(root.person);
    }
    return world.screen.print(render_trust(trust, nullptr, now) + "signed by    " +
                              (signers.empty() ? "none of its own roots" : signers) + "\n");
  }
  const std::string org = TRY(choose_org(world, options.org));
  const LocalTrust local = TRY(load_trust(world, org));
  const warrant::Trust trust = TRY(known_trust(local));
  std::string text = render_trust(trust, &local.state, now);
  if (local.state.revocation()) text += render_revocation(*local.state.revocation());
  return world.screen.print(text);
}

Status run_keys_pin(World& world, const KeysPinOptions& options) {
  const warrant::RootFingerprint fingerprint = TRY(warrant::parse_root_fingerprint(options.fingerprint));
  const LocalTrust local = TRY(pin_org(world, options.org, fingerprint));
  return world.screen.print("org " + local.org + " is pinned to " + warrant::to_string(fingerprint) +
                            "\nnow get its trust file: reeve keys fetch, or reeve keys take FILE\n");
}

Status run_keys_take(World& world, const KeysTakeOptions& options) {
  for (const std::string& file : options.files) {
    const warrant::Envelope envelope = TRY(read_envelope_file(world.disk, file));
    if (envelope.payload_type == warrant::type_revocation) {
      const warrant::Revocation list = TRY_DURING(warrant::decode_revocation(envelope.payload), file);
      LocalTrust local = TRY(load_trust(world, list.org));
      TRY_DURING(local.state.take_revocation(envelope), file);
      TRY(keep_revocation(world, local));
      TRY(world.screen.print("revocation list " + std::to_string(local.state.revocation_version()) + " of org " +
                             local.org + " is believed here\n"));
      continue;
    }
    if (envelope.payload_type != warrant::type_trust)
      return Error(Code::invalid, file + " is neither a trust file nor a revocation list");
    const warrant::Trust trust = TRY_DURING(warrant::decode_trust(envelope.payload), file);
    LocalTrust local = TRY(load_trust(world, trust.org));
    TRY_DURING(local.state.take_trust(envelope), file);
    if (local.state.trust_version() < trust.version || !local.state.trust())
      return Error(Code::denied, file + " has other roots than the fingerprint that is pinned for org \"" + local.org +
                                     "\"; either it is not that org's, or an older one is missing before it");
    TRY(keep_trust(world, local));
    TRY(world.screen.print("trust file " + std::to_string(local.state.trust_version()) + " of org " + local.org +
                           " is believed here\n"));
  }
  return {};
}

Status run_keys_fetch(World& world, const KeysFetchOptions& options) {
  const std::string org = TRY(choose_org(world, options.org));
  LocalTrust local = TRY(load_trust(world, org));
  const Profile profile = TRY(load_profile(world));
  Client client(world.http, profile);
  TRY(fetch_trust(world, client, local));
  TRY(known_trust(local));
  return world.screen.print("org " + org + ": trust file " + std::to_string(local.state.trust_version()) +
                            " and revocation list " + std::to_string(local.state.revocation_version()) +
                            " are believed here\n");
}

Status run_keys_push(World& world, const KeysPushOptions& options) {
  if (!options.file.empty()) {
    const warrant::Envelope envelope = TRY(read_envelope_file(world.disk, options.file));
    return push_envelope(world, envelope);
  }
  const std::string org = TRY(choose_org(world, options.org));
  const LocalTrust local = TRY(load_trust(world, org));
  TRY(known_trust(local));
  const Profile profile = TRY(load_profile(world));
  Client client(world.http, profile);
  const Json said = TRY(client.get("/v1/trust"));
  // In order: the server, like everybody, takes one version at a time.
  const auto server_version = static_cast<uint64_t>(std::max<int64_t>(said.int_or("version"), 0));
  for (uint64_t version = server_version + 1; version <= local.state.trust_version(); ++version) {
    const warrant::Envelope envelope =
        TRY(read_envelope_file(world.disk, local.folder + "/trust-" + std::to_string(version) + ".rvt"));
    TRY(push_envelope(world, envelope));
  }
  const int64_t list_version = said.int_or("revocation_version");
  if (local.state.revocation() &&
      static_cast<uint64_t>(std::max<int64_t>(list_version, 0)) < local.state.revocation_version())
    TRY(push_envelope(world, *local.state.kept().revocation));
  return world.screen.print("the server has all that is believed here\n");
}

}  // namespace reeve::cli
