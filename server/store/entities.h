// Agents, enrolment tokens and API keys in org.db.
//
// Functions over a connection. Those that write belong inside the caller's transaction.
#pragma once

#include <vector>

#include "common/base/result.h"
#include "server/store/sqlite.h"
#include "server/store/store.h"

namespace reeve::server {

// Code::denied where the token does not count; Code::invalid where the agent exists.
Status enrol(Database& database, BytesView token_hash, WallTime now, const Agent& agent);
Status save_agent(Database& database, const Agent& agent);  // whole, new or known
Status save_certificate(Database& database, const Uuid& agent, const std::string& serial, WallTime not_after);
Status revoke(Database& database, const Uuid& agent);
Status save_audit_alarm(Database& database, const Uuid& agent, const std::string& alarm);  // Code::not_found
Status save_seen(Database& database, const AgentSeen& seen);
Result<std::vector<Agent>> list_agents(Database& database);
Result<Agent> find_agent(Database& database, const Uuid& agent);

// A token as it lies in the table.
struct StoredToken {
  Bytes hash;
  WallTime expires;
  bool used = false;
};
Result<StoredToken> find_token(Database& database, BytesView hash);  // Code::not_found
Status add_token(Database& database, const EnrolToken& token);
Status save_token(Database& database, const StoredToken& token);  // new or known
Result<std::vector<StoredToken>> list_tokens(Database& database);

Status add_key(Database& database, const ApiKey& key);
Status save_key(Database& database, const ApiKey& key);  // new or known
Result<ApiKey> find_key(Database& database, BytesView hash);
Result<ApiKey> revoke_key(Database& database, const Uuid& id);  // as it is now; Code::not_found, also where revoked
Status save_key_used(Database& database, BytesView hash, WallTime at, Duration step);  // where `step` has passed since
Result<uint64_t> count_keys(Database& database);                                       // but revoked ones
Result<std::vector<ApiKey>> list_keys(Database& database);

}  // namespace reeve::server
