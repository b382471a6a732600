// `reeve keys`: who may sign what in an org. Made offline by its root holders, carried to the server, checked by hosts.
//
// A change to the trust file is version N+1, signed by the thresholds of both versions' roots. With one root that is
// one command; with several, each root holder runs `reeve keys sign` on the proposal. Nothing here contacts the server
// but `fetch`, `push`, and the options --push and --from-server.
#pragma once

#include <string>
#include <vector>

#include "cli/world.h"
#include "common/base/result.h"
#include "common/base/time.h"

namespace reeve::cli {

constexpr Duration trust_life_default = 24h * 365;

// The keys that sign, and whether the result is sent.
struct RootSigners {
  std::string org;                      // empty: the only one that is pinned
  std::vector<std::string> roots;       // key files; empty: root.pem in the org's folder
  std::vector<std::string> pass_files;  // one for all, or one for each; empty: asked
  bool push = false;
  bool yes = false;
};

// The server's keys: as hex, or asked of the server and confirmed.
struct OnlineKeys {
  std::vector<std::string> planner;
  std::vector<std::string> freshness;
  std::vector<std::string> audit;
  bool from_server = false;
  bool yes = false;  // not confirmed
};

struct KeysInitOptions {
  RootSigners signers;  // `roots` are NAME=FILE here, or NAME=HEX for a root that signs elsewhere
  OnlineKeys online;
  uint32_t threshold = 1;
  std::vector<uint32_t> approvals_min{1, 1, 1, 2, 0};
  Duration life = trust_life_default;
  std::string out;  // a copy of the trust file; empty: none
};

// A key pair for a person, root or approver.
struct KeysNewOptions {
  std::string name;
  std::string out;
  std::string pass_file;
};

struct KeysApproverAddOptions {
  RootSigners signers;
  std::string name;
  std::string public_key;  // as typed
  uint32_t risk_max = 2;
  Duration life = 24h * 90;
};

struct KeysApproverRemoveOptions {
  RootSigners signers;
  std::string name;
};

struct KeysRotateOptions {
  RootSigners signers;
  OnlineKeys online;
  std::string what;                // root planner freshness audit approver
  std::string name;                // of the approver
  std::vector<std::string> fresh;  // root: NAME=FILE|HEX; others: HEX|FILE
  std::vector<std::string> gone;   // root: NAMEs
  uint32_t threshold = 0;          // root; 0: as it is
  bool keep = false;               // the old ones stay beside the new ones
};

struct KeysRenewOptions {
  RootSigners signers;
  Duration life = trust_life_default;
  std::vector<uint32_t> approvals_min;  // empty: as they are
};

struct KeysSignOptions {
  RootSigners signers;
  std::string file;
};

struct KeysRevokeOptions {
  RootSigners signers;
  std::vector<std::string> what;
};

struct KeysShowOptions {
  std::string org;
  std::string file;
};

struct KeysPinOptions {
  std::string org;
  std::string fingerprint;
};

struct KeysTakeOptions {
  std::string org;
  std::vector<std::string> files;
};

struct KeysFetchOptions {
  std::string org;
};

struct KeysPushOptions {
  std::string org;
  std::string file;  // empty: all that is believed here
};

Status run_keys_init(World& world, const KeysInitOptions& options);
Status run_keys_new(World& world, const KeysNewOptions& options);
Status run_keys_approver_add(World& world, const KeysApproverAddOptions& options);
Status run_keys_approver_remove(World& world, const KeysApproverRemoveOptions& options);
Status run_keys_rotate(World& world, const KeysRotateOptions& options);
Status run_keys_renew(World& world, const KeysRenewOptions& options);
Status run_keys_sign(World& world, const KeysSignOptions& options);
Status run_keys_revoke(World& world, const KeysRevokeOptions& options);
Status run_keys_show(World& world, const KeysShowOptions& options);
Status run_keys_pin(World& world, const KeysPinOptions& options);
Status run_keys_take(World& world, const KeysTakeOptions& options);
Status run_keys_fetch(World& world, const KeysFetchOptions& options);
Status run_keys_push(World& world, const KeysPushOptions& options);

}  // namespace reeve::cli
