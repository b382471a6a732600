// Signs what changes trust.
#include "cli/keys_change.h"

#include <algorithm>
#include <set>

#include "cli/api.h"
#include "cli/harmless.h"
#include "cli/key_file.h"
#include "cli/keys_render.h"
#include "cli/profile.h"

namespace reeve::cli {

namespace {

Result<std::string> pass_file_of(const std::vector<std::string>& files, size_t index, size_t count) {
  if (files.empty()) return std::string();
  if (files.size() == 1) return files.front();
  if (files.size() == count) return files[index];
  return Error(Code::invalid, "--pass-file stands " + std::to_string(files.size()) +
                                  " times; give it once for all keys, or once for each of the " +
                                  std::to_string(count));
}

// The keys of one kind, as hex on the command line, or as the server says.
Result<std::vector<Bytes>> online_keys_of(World& world, const std::string& kind, const std::vector<std::string>& texts,
                                          const Json* from_server) {
  std::vector<Bytes> keys;
  for (const std::string& text : texts) {
    Bytes key = TRY(read_public_key(world.disk, "--" + kind, text));
    keys.push_back(std::move(key));
  }
  if (!keys.empty() || from_server == nullptr) return keys;
  const std::optional<Bytes> key = from_hex(from_server->string_or(kind));
  if (!key || key->size() != crypto::public_key_bytes)
    return Error(Code::corrupt, "the server names no " + kind + " key; is it of this version?");
  keys.push_back(*key);
  return keys;
}

Result<Json> ask_online_keys(World& world, bool yes) {
  const Profile profile = TRY(load_profile(world));
  Client client(world.http, profile);
  const Json answer = TRY(client.get("/v1/trust"));
  const Json* keys = answer.find("online_keys");
  if (keys == nullptr || !keys->is_object())
    return Error(Code::corrupt, "the server does not name its keys; is it of this version?");
  TRY(world.screen.print(client.url() + " says that its own keys are\n  planner    " +
                         harmless_line(keys->string_or("planner")) + "\n  freshness  " +
                         harmless_line(keys->string_or("freshness")) + "\n  audit      " +
                         harmless_line(keys->string_or("audit")) +
                         "\nCompare them with the files on the server itself before you sign for them.\n"));
  if (!yes)
    TRY(confirm_by_typing(world, "the first 8 digits of the planner's key, as its file on the server has it: ",
                          keys->string_or("planner").substr(0, confirm_digits)));
  return *keys;
}

std::string names_of(const std::set<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + harmless_line(name);
  return text;
}

// "of version 3's roots 2 must sign and 1 has: alice; bob or carol can", empty where enough have.
std::string missing_of(const warrant::Envelope& envelope, const warrant::Trust& trust) {
  std::set<std::string> signed_it;
  std::set<std::string> others;
  for (const warrant::RootKey& root : trust.roots) {
    if (warrant::signed_by(envelope, root.public_key)) signed_it.insert(root.person);
  }
  if (signed_it.size() >= trust.root_threshold) return "";
  for (const warrant::RootKey& root : trust.roots) {
    if (!signed_it.contains(root.person)) others.insert(root.person);
  }
  return "of the roots of version " + std::to_string(trust.version) + ", " + std::to_string(trust.root_threshold) +
         " must sign; signed: " + (signed_it.empty() ? "nobody" : names_of(signed_it)) + "; can: " + names_of(others) +
         "\n";
}

}  // namespace

int64_t milliseconds(WallTime time) {
  return time.ns / 1'000'000;
}

Result<std::vector<crypto::SigningKey>> open_roots(World& world, const LocalTrust& local, const RootSigners& signers) {
  std::vector<std::string> files = signers.roots;
  if (files.empty()) {
    const std::string own = local.folder + "/root.pem";
    if (!world.disk.stat(own))
      return Error(Code::invalid, "there is no " + own + "; say which root key signs: --root FILE");
    files.push_back(own);
  }
  std::vector<crypto::SigningKey> keys;
  for (size_t i = 0; i < files.size(); ++i) {
    const std::string pass_file = TRY(pass_file_of(signers.pass_files, i, files.size()));
    crypto::SigningKey key = TRY(open_key_file(world, files[i], pass_file));
    keys.push_back(std::move(key));
  }
  return keys;
}

Result<std::vector<NamedRoot>> read_named_roots(World& world, const std::vector<std::string>& texts,
                                                const std::vector<std::string>& pass_files) {
  struct Named {
    std::string name;
    std::string where;
    bool signs;
  };
  std::vector<Named> named;
  size_t signing = 0;
  for (const std::string& text : texts) {
    const size_t equals = text.find('=');
    if (equals == 0 || equals == std::string::npos || equals + 1 == text.size())
      return Error(Code::invalid, "a root is \"" + harmless_line(text) + "\"; allowed is NAME=FILE or NAME=HEX");
    Named one{.name = text.substr(0, equals), .where = text.substr(equals + 1), .signs = false};
    const bool is_hex = one.where.size() == 2 * crypto::public_key_bytes && from_hex(one.where).has_value();
    one.signs = !is_hex && (!world.disk.stat(one.where) || is_private_key_file(world.disk, one.where));
    signing += one.signs;
    named.push_back(std::move(one));
  }

  std::vector<NamedRoot> roots;
  size_t opened = 0;
  for (const Named& one : named) {
    NamedRoot root{.root = {.public_key = {}, .person = one.name}, .key = std::nullopt};
    if (one.signs) {
      const std::string pass_file = TRY(pass_file_of(pass_files, opened++, signing));
      const bool exists = world.disk.stat(one.where).ok();
      root.key = TRY(exists ? open_key_file(world, one.where, pass_file) : make_key_file(world, one.where, pass_file));
      root.root.public_key = root.key->public_key();
    } else {
      root.root.public_key = TRY(read_public_key(world.disk, "root " + one.name, one.where));
    }
    roots.push_back(std::move(root));
  }
  return roots;
}

Result<warrant::Trust> with_online_keys(World& world, warrant::Trust trust, const OnlineKeys& online, bool keep) {
  std::optional<Json> said;
  if (online.from_server) said = TRY(ask_online_keys(world, online.yes));
  const Json* from_server = said ? &*said : nullptr;
  const auto apply = [keep](std::vector<Bytes>& to, std::vector<Bytes> keys) {
    if (keys.empty()) return;
    if (!keep) to.clear();
    for (Bytes& key : keys) {
      if (std::find(to.begin(), to.end(), key) == to.end()) to.push_back(std::move(key));
    }
  };
  std::vector<Bytes> planner = TRY(online_keys_of(world, "planner", online.planner, from_server));
  std::vector<Bytes> freshness = TRY(online_keys_of(world, "freshness", online.freshness, from_server));
  std::vector<Bytes> audit = TRY(online_keys_of(world, "audit", online.audit, from_server));
  apply(trust.planner_keys, std::move(planner));
  apply(trust.freshness_keys, std::move(freshness));
  apply(trust.audit_keys, std::move(audit));
  return trust;
}

Result<Bytes> trust_body(warrant::Trust trust) {
  std::set<Bytes> all;
  const auto stands_twice = [&all](const Bytes& key) { return !all.insert(key).second; };
  const auto refuse = [](const Bytes& key) {
    return Error(Code::invalid, "the key " + to_hex(key) +
                                    " would stand in the trust file twice; a key has one purpose and one person");
  };
  for (const warrant::RootKey& root : trust.roots)
    if (stands_twice(root.public_key)) return refuse(root.public_key);
  for (const warrant::ApproverKey& approver : trust.approvers)
    if (stands_twice(approver.public_key)) return refuse(approver.public_key);
  for (const auto* online : {&trust.planner_keys, &trust.freshness_keys, &trust.audit_keys})
    for (const Bytes& key : *online)
      if (stands_twice(key)) return refuse(key);

  const auto by_key = [](const auto& a, const auto& b) { return a.public_key < b.public_key; };
  std::sort(trust.roots.begin(), trust.roots.end(), by_key);
  std::sort(trust.approvers.begin(), trust.approvers.end(), by_key);
  for (std::vector<Bytes>* keys : {&trust.planner_keys, &trust.freshness_keys, &trust.audit_keys})
    std::sort(keys->begin(), keys->end());
  Bytes body = warrant::encode(trust);
  TRY_DURING(warrant::decode_trust(body), "this trust file would be refused everywhere");
  return body;
}

Status sign_as_root(warrant::Envelope& envelope, const std::vector<crypto::SigningKey>& keys,
                    const warrant::Trust& trust, const std::optional<warrant::Trust>& before) {
  for (const crypto::SigningKey& key : keys) {
    const Bytes public_key = key.public_key();
    const auto is_it = [&](const warrant::RootKey& root) { return root.public_key == public_key; };
    const bool known = std::any_of(trust.roots.begin(), trust.roots.end(), is_it) ||
                       (before && std::any_of(before->roots.begin(), before->roots.end(), is_it));
    if (!known)
      return Error(Code::denied, "the key " + to_hex(public_key) + " is no root of org \"" + trust.org +
                                     "\"; its signature would count nowhere");
    if (!warrant::signed_by(envelope, public_key)) warrant::add_signature(envelope, key);
  }
  return {};
}

Status change_trust(World& world, LocalTrust& local, warrant::Trust next, const std::vector<crypto::SigningKey>& keys,
                    bool push) {
  const std::optional<warrant::Trust> before = local.state.trust();
  next.org = local.org;
  next.version = local.state.trust_version() + 1;
  const std::string proposal = proposal_path(local, next.version);
  if (world.disk.stat(proposal))
    return Error(Code::invalid, proposal +
                                    " waits for signatures; finish it with `reeve keys sign`, or remove that file "
                                    "to give it up");
  Bytes body = TRY(trust_body(next));
  warrant::Envelope envelope{
      .payload_type = std::string(warrant::type_trust), .payload = std::move(body), .signatures = {}};
  TRY(sign_as_root(envelope, keys, next, before));

  TRY(world.screen.print(render_trust_changes(before, next, world.clock.wall())));
  const bool settled = TRY(settle_trust(world, local, envelope, push));
  if (settled) return {};
  TRY(write_new_file(world.disk, proposal, warrant::encode(envelope)));
  return world.screen.print("proposed in " + harmless_line(proposal) +
                            "\nhand that file on; each root holder runs: reeve keys sign FILE --root KEYFILE\n");
}

Result<bool> settle_trust(World& world, LocalTrust& local, const warrant::Envelope& envelope, bool push) {
  const warrant::Trust trust = TRY(warrant::decode_trust(envelope.payload));
  std::string missing = missing_of(envelope, trust);
  if (local.state.trust() && trust.version == local.state.trust_version() + 1)
    missing = missing_of(envelope, *local.state.trust()) + missing;
  if (!missing.empty()) {
    TRY(world.screen.print("signatures are missing\n" + missing));
    return false;
  }
  TRY(local.state.take_trust(envelope));
  if (local.state.trust_version() != trust.version || !(local.state.trust() == trust))
    return Error(Code::denied, "version " + std::to_string(trust.version) + " is not what org \"" + local.org +
                                   "\" has been pinned to here");
  const std::string path = TRY(keep_trust(world, local));
  TRY(world.screen.print("trust file " + std::to_string(trust.version) + " of org " + trust.org +
                         " is signed and believed here: " + harmless_line(path) + "\nroot fingerprint " +
                         warrant::to_string(warrant::root_fingerprint(trust)) + "\n"));
  if (push) {
    TRY(push_envelope(world, envelope));
  } else {
    TRY(world.screen.print("carry it to the server: reeve keys push " + harmless_line(path) + "\n"));
  }
  return true;
}

Status push_envelope(World& world, const warrant::Envelope& envelope) {
  const bool is_trust = envelope.payload_type == warrant::type_trust;
  if (!is_trust && envelope.payload_type != warrant::type_revocation)
    return Error(Code::invalid, "an envelope of type " + harmless_line(envelope.payload_type) +
                                    " is not for the server; allowed are trust files and revocation lists");
  const Profile profile = TRY(load_profile(world));
  Client client(world.http, profile);
  Json body;
  body.set("envelope", to_base64url(warrant::encode(envelope)));
  const Json answer = TRY(client.post(is_trust ? "/v1/trust" : "/v1/trust/revocations", body));
  return world.screen.print("the server has " + std::string(is_trust ? "trust file " : "revocation list ") +
                            std::to_string(answer.int_or("version")) + "\n");
}

Status confirm_by_typing(World& world, const std::string& question, const std::string& wanted) {
  Result<std::string> typed = world.keyboard.ask(question);
  if (!typed && typed.error().code() == Code::unavailable)
    return Error(Code::unavailable, typed.error().text() + "; where that is meant, say --yes");
  if (!typed) return typed.error();
  while (typed->ends_with(' ')) typed->pop_back();
  if (*typed == wanted) return {};
  return Error(Code::denied, "\"" + harmless_line(*typed) + "\" is not \"" + wanted + "\"; nothing was signed");
}

}  // namespace reeve::cli
