// Changes: the first trust file, approvers, rotations, renewals, revocations.
#include "cli/keys.h"

#include <algorithm>

#include "cli/harmless.h"
#include "cli/key_file.h"
#include "cli/keys_change.h"
#include "cli/keys_render.h"
#include "cli/keys_store.h"
#include "common/base/ids.h"

namespace reeve::cli {

namespace {

// What a change begins with: what is believed, and the keys that will sign.
struct Ready {
  LocalTrust local;
  warrant::Trust trust;
};

Result<Ready> begin_change(World& world, const RootSigners& signers) {
  const std::string org = TRY(choose_org(world, signers.org));
  LocalTrust local = TRY(load_trust(world, org));
  warrant::Trust trust = TRY(known_trust(local));
  return Ready{std::move(local), std::move(trust)};
}

Status finish_change(World& world, Ready& ready, const RootSigners& signers) {
  const std::vector<crypto::SigningKey> keys = TRY(open_roots(world, ready.local, signers));
  return change_trust(world, ready.local, std::move(ready.trust), keys, signers.push);
}

bool approves(const warrant::Trust& trust, const std::string& name) {
  return std::any_of(trust.approvers.begin(), trust.approvers.end(),
                     [&](const warrant::ApproverKey& approver) { return approver.person == name; });
}

Error nobody(const warrant::Trust& trust, const std::string& name) {
  std::string list;
  for (const warrant::ApproverKey& approver : trust.approvers)
    list += (list.empty() ? "" : ", ") + harmless_line(approver.person);
  return Error(Code::not_found,
               "no approver is called \"" + harmless_line(name) + "\"; there are: " + (list.empty() ? "none" : list));
}

Status rotate_roots(World& world, Ready& ready, const KeysRotateOptions& options,
                    std::vector<crypto::SigningKey>& keys) {
  warrant::Trust& trust = ready.trust;
  const auto drop = [&](const std::string& person) {
    return std::erase_if(trust.roots, [&](const warrant::RootKey& root) { return root.person == person; });
  };
  for (const std::string& person : options.gone) {
    if (drop(person) == 0)
      return Error(Code::not_found, "no root is called \"" + harmless_line(person) + "\"; nothing was changed");
  }
  std::vector<NamedRoot> fresh = TRY(read_named_roots(world, options.fresh, options.signers.pass_files));
  if (!options.keep) {
    for (const NamedRoot& one : fresh) drop(one.root.person);
  }
  for (NamedRoot& one : fresh) {
    trust.roots.push_back(std::move(one.root));
    if (one.key) keys.push_back(*std::move(one.key));
  }
  if (options.threshold != 0) trust.root_threshold = options.threshold;
  return {};
}

Status rotate_approver(World& world, warrant::Trust& trust, const KeysRotateOptions& options) {
  if (!approves(trust, options.name)) return nobody(trust, options.name);
  warrant::ApproverKey like;
  for (const warrant::ApproverKey& approver : trust.approvers) {
    if (approver.person != options.name) continue;
    like.risk_max = std::max(like.risk_max, approver.risk_max);
    like.not_after_ms = std::max(like.not_after_ms, approver.not_after_ms);
  }
  if (!options.keep)
    std::erase_if(trust.approvers, [&](const warrant::ApproverKey& one) { return one.person == options.name; });
  for (const std::string& text : options.fresh) {
    Bytes key = TRY(read_public_key(world.disk, "--new", text));
    trust.approvers.push_back({std::move(key), options.name, like.risk_max, like.not_after_ms});
  }
  return {};
}

Status rotate_online(World& world, warrant::Trust& trust, const KeysRotateOptions& options) {
  OnlineKeys online = options.online;
  std::vector<Bytes> warrant::Trust::*kind = &warrant::Trust::planner_keys;
  std::vector<std::string> OnlineKeys::*given = &OnlineKeys::planner;
  if (options.what == "freshness") {
    kind = &warrant::Trust::freshness_keys;
    given = &OnlineKeys::freshness;
  } else if (options.what == "audit") {
    kind = &warrant::Trust::audit_keys;
    given = &OnlineKeys::audit;
  }
  online.*given = options.fresh;
  if (options.fresh.empty() && !online.from_server)
    return Error(Code::invalid, "keys rotate " + options.what +
                                    ": say the new key with --new HEX, or --from-server to ask the server for it");
  // The server may name all three; only the one that was asked for changes.
  warrant::Trust all = TRY(with_online_keys(world, trust, online, options.keep));
  trust.*kind = std::move(all.*kind);
  return {};
}

// One word of `keys revoke`, put where it belongs.
Status add_revoked(warrant::Revocation& list, const warrant::Trust& trust, const std::string& word) {
  const auto id_of = [](std::string_view hex) -> std::optional<Bytes> {
    std::optional<Bytes> id = from_hex(hex);
    return id && id->size() == 32 ? id : std::nullopt;
  };
  const size_t colon = word.find(':');
  const std::string kind = colon == std::string::npos ? "" : word.substr(0, colon);
  const std::string rest = kind.empty() ? word : word.substr(colon + 1);
  if (kind == "person") {
    list.persons.push_back(rest);
    return {};
  }
  if (kind == "key" || kind == "step" || kind == "host") {
    std::optional<Bytes> id = id_of(rest);
    if (!id) return Error(Code::invalid, "\"" + harmless_line(word) + "\": behind " + kind + ": stand 64 hex digits");
    (kind == "key" ? list.keys : kind == "step" ? list.steps : list.hosts).push_back(*std::move(id));
    return {};
  }
  if (const std::optional<Uuid> plan = parse_uuid(word)) {
    list.plans.emplace_back(plan->view());
    return {};
  }
  std::vector<std::pair<Bytes, std::string>> known;  // every key of the trust file, and whose it is
  for (const warrant::RootKey& root : trust.roots) known.emplace_back(root.public_key, root.person);
  for (const warrant::ApproverKey& approver : trust.approvers) known.emplace_back(approver.public_key, approver.person);
  for (const auto* keys : {&trust.planner_keys, &trust.freshness_keys, &trust.audit_keys})
    for (const Bytes& key : *keys) known.emplace_back(key, "");
  if (const std::optional<Bytes> id = id_of(word)) {
    for (const auto& [key, person] : known) {
      if (key != *id && warrant::key_id(key) != *id) continue;
      list.keys.push_back(warrant::key_id(key));
      return {};
    }
    return Error(Code::not_found, word + " is no key of the trust file; to revoke it all the same, say what it is: " +
                                      "key:, step: or host: and its id");
  }
  for (const auto& [key, person] : known) {
    if (person != word) continue;
    list.persons.push_back(word);
    return {};
  }
  return Error(Code::not_found, "\"" + harmless_line(word) +
                                    "\" is neither a person nor a key of the trust file nor a plan's id; to revoke a "
                                    "name all the same: person:NAME");
}

template <typename T>
void sort_once(std::vector<T>& list) {
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
}

}  // namespace

Status run_keys_init(World& world, const KeysInitOptions& options) {
  const std::string& org = options.signers.org;
  const std::string folder = TRY(trust_folder(world, org));
  if (world.disk.stat(folder + "/root"))
    return Error(Code::invalid, "org \"" + org + "\" has its keys already in " + folder +
                                    "; change them with `reeve keys rotate`, or move that folder away to begin anew");
  TRY(world.disk.make_directories(folder));
  warrant::Trust trust{.org = org,
                       .version = 1,
                       .not_after_ms = milliseconds(world.clock.wall() + options.life),
                       .root_threshold = options.threshold,
                       .roots = {},
                       .approvers = {},
                       .planner_keys = {},
                       .freshness_keys = {},
                       .audit_keys = {},
                       .approvals_min = options.approvals_min};
  trust = TRY(with_online_keys(world, std::move(trust), options.online, false));
  if (trust.planner_keys.empty() || trust.freshness_keys.empty() || trust.audit_keys.empty())
    return Error(Code::invalid,
                 "the trust file names the server's keys: say --planner HEX --freshness HEX --audit HEX, as their "
                 "files on the server have them, or --from-server to ask the server you are logged in to");

  std::vector<std::string> named = options.signers.roots;
  if (named.empty()) named.push_back("root=" + folder + "/root.pem");
  if (options.threshold > named.size())
    return Error(Code::invalid, "--threshold is " + std::to_string(options.threshold) + ", but there are only " +
                                    std::to_string(named.size()) + " roots");
  std::vector<NamedRoot> roots = TRY(read_named_roots(world, named, options.signers.pass_files));
  std::vector<crypto::SigningKey> keys;
  for (NamedRoot& one : roots) {
    trust.roots.push_back(std::move(one.root));
    if (one.key) keys.push_back(*std::move(one.key));
  }
  if (keys.empty())
    return Error(Code::invalid, "none of the roots has its private key here; whoever makes the trust file signs first");
  std::sort(trust.roots.begin(), trust.roots.end(),
            [](const warrant::RootKey& a, const warrant::RootKey& b) { return a.public_key < b.public_key; });
  TRY(trust_body(trust));

  LocalTrust local = TRY(pin_org(world, org, warrant::root_fingerprint(trust)));
  TRY(change_trust(world, local, trust, keys, options.signers.push));
  for (const std::string& text : named) {
    const std::string file = text.substr(text.find('=') + 1);
    if (is_private_key_file(world.disk, file))
      world.screen.say("keep " + file +
                       " offline: a medium in a safe, not this machine; a lost root key cannot be "
                       "made again");
  }
  if (options.out.empty() || !local.state.trust()) return {};
  return sys::write_file_atomically(world.disk, options.out, warrant::encode(local.state.kept().trust.back()));
}

Status run_keys_new(World& world, const KeysNewOptions& options) {
  const crypto::SigningKey key = TRY(make_key_file(world, options.out, options.pass_file));
  world.screen.say(options.name + "'s private key is sealed in " + options.out +
                   " and goes nowhere; the line below is the public key, for the root holder");
  return world.screen.print(to_hex(key.public_key()) + "\n");
}

Status run_keys_approver_add(World& world, const KeysApproverAddOptions& options) {
  Ready ready = TRY(begin_change(world, options.signers));
  Bytes key = TRY(read_public_key(world.disk, "keys approver add: --public", options.public_key));
  ready.trust.approvers.push_back({.public_key = std::move(key),
                                   .person = options.name,
                                   .risk_max = options.risk_max,
                                   .not_after_ms = milliseconds(world.clock.wall() + options.life)});
  TRY(trust_body(ready.trust));  // before a pass phrase is asked for
  return finish_change(world, ready, options.signers);
}

Status run_keys_approver_remove(World& world, const KeysApproverRemoveOptions& options) {
  Ready ready = TRY(begin_change(world, options.signers));
  if (!approves(ready.trust, options.name)) return nobody(ready.trust, options.name);
  std::erase_if(ready.trust.approvers, [&](const warrant::ApproverKey& one) { return one.person == options.name; });
  return finish_change(world, ready, options.signers);
}

Status run_keys_rotate(World& world, const KeysRotateOptions& options) {
  Ready ready = TRY(begin_change(world, options.signers));
  std::vector<crypto::SigningKey> keys;
  if (options.what == "root") {
    // The old keys first: they are there, the new ones may have to be made.
    keys = TRY(open_roots(world, ready.local, options.signers));
    TRY(rotate_roots(world, ready, options, keys));
    return change_trust(world, ready.local, std::move(ready.trust), keys, options.signers.push);
  }
  if (options.what == "approver") {
    TRY(rotate_approver(world, ready.trust, options));
  } else {
    TRY(rotate_online(world, ready.trust, options));
  }
  TRY(trust_body(ready.trust));
  return finish_change(world, ready, options.signers);
}

Status run_keys_renew(World& world, const KeysRenewOptions& options) {
  Ready ready = TRY(begin_change(world, options.signers));
  ready.trust.not_after_ms = milliseconds(world.clock.wall() + options.life);
  if (!options.approvals_min.empty()) ready.trust.approvals_min = options.approvals_min;
  return finish_change(world, ready, options.signers);
}

Status run_keys_revoke(World& world, const KeysRevokeOptions& options) {
  Ready ready = TRY(begin_change(world, options.signers));
  const LocalTrust& local = ready.local;
  warrant::Revocation next;
  if (local.state.revocation()) next = *local.state.revocation();
  next.org = local.org;
  next.version = local.state.revocation_version() + 1;
  next.at_ms = milliseconds(world.clock.wall());
  for (const std::string& word : options.what) TRY(add_revoked(next, ready.trust, word));
  sort_once(next.keys);
  sort_once(next.persons);
  sort_once(next.plans);
  sort_once(next.steps);
  sort_once(next.hosts);
  Bytes body = warrant::encode(next);
  TRY_DURING(warrant::decode_revocation(body), "this revocation list would be refused everywhere");

  const std::vector<crypto::SigningKey> keys = TRY(open_roots(world, local, options.signers));
  warrant::Envelope envelope{
      .payload_type = std::string(warrant::type_revocation), .payload = std::move(body), .signatures = {}};
  TRY(sign_as_root(envelope, keys, ready.trust, std::nullopt));
  TRY(ready.local.state.take_revocation(envelope));
  const std::string path = TRY(keep_revocation(world, ready.local));
  TRY(world.screen.print(render_revocation(next) + "signed and believed here: " + harmless_line(path) + "\n"));
  if (options.signers.push) return push_envelope(world, envelope);
  return world.screen.print("it takes effect once the server has it: reeve keys push " + harmless_line(path) + "\n");
}

}  // namespace reeve::cli
