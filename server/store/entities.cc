// The entities' statements.
#include "server/store/entities.h"

#include "server/store/rules.h"

namespace reeve::server {

namespace {

#define AGENT_COLUMNS                                                                            \
  "id, host, version, enrolled, last_seen, revoked, certificate_serial, certificate_not_after, " \
  "spool_bytes, dropped_total, oldest_unsent_age_ms, audit_alarm"
#define KEY_COLUMNS "hash, id, prefix, role, created, label, scopes, expires, last_used, created_by, revoked"

Agent read_agent(const Statement& row) {
  return {.id = row.uuid(0),
          .host = row.bytes(1),
          .version = row.bytes(2),
          .enrolled = row.time(3),
          .last_seen = row.time(4),
          .revoked = row.integer(5) != 0,
          .certificate_serial = row.bytes(6),
          .certificate_not_after = row.time(7),
          .spool_bytes = row.count(8),
          .dropped_total = row.count(9),
          .oldest_unsent_age_ms = row.integer(10),
          .audit_alarm = row.bytes(11)};
}

ApiKey read_key(const Statement& row) {
  return {.id = row.uuid(1),
          .prefix = row.bytes(2),
          .hash = row.bytes(0),
          .role = row.bytes(3),
          .created = row.time(4),
          .label = row.bytes(5),
          .scopes = split_words(row.bytes(6)),
          .expires = row.time(7),
          .last_used = row.time(8),
          .created_by = row.bytes(9),
          .revoked = row.integer(10) != 0};
}

Error no_agent(const Uuid& agent) {
  return Error(Code::not_found, "there is no agent " + to_string(agent));
}

Result<std::optional<TokenState>> find_state(Database& database, BytesView hash) {
  const Result<StoredToken> token = find_token(database, hash);
  if (token.ok()) return std::optional(TokenState{token->expires, token->used});
  if (token.error().code() != Code::not_found) return token.error();
  return std::optional<TokenState>();
}

}  // namespace

// -- Agents ----------------------------------------------------------------------------------------------------------

Status enrol(Database& database, BytesView token_hash, WallTime now, const Agent& agent) {
  const std::optional<TokenState> token = TRY(find_state(database, token_hash));
  TRY(check_token(token, now));
  const Result<Agent> known = find_agent(database, agent.id);
  if (known.ok()) return Error(Code::invalid, "agent " + to_string(agent.id) + " is enrolled already");
  if (known.error().code() != Code::not_found) return known.error();
  TRY(save_token(database, {Bytes(token_hash), token->expires, true}));
  return save_agent(database, agent);
}

Status save_agent(Database& database, const Agent& agent) {
  Statement write =
      TRY(database.prepare("save an agent", "INSERT OR REPLACE INTO agents (" AGENT_COLUMNS
                                            ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"));
  write.bind(agent.id, agent.host, agent.version, agent.enrolled, agent.last_seen, agent.revoked,
             agent.certificate_serial, agent.certificate_not_after, agent.spool_bytes, agent.dropped_total,
             agent.oldest_unsent_age_ms, agent.audit_alarm);
  return write.run();
}

Status save_certificate(Database& database, const Uuid& agent, const std::string& serial, WallTime not_after) {
  Statement update = TRY(database.prepare(
      "record a certificate", "UPDATE agents SET certificate_serial = ?2, certificate_not_after = ?3 WHERE id = ?1"));
  update.bind(agent, serial, not_after);
  TRY(update.run());
  if (database.changes() == 0) return no_agent(agent);
  return {};
}

Status revoke(Database& database, const Uuid& agent) {
  Statement update = TRY(database.prepare("revoke an agent", "UPDATE agents SET revoked = 1 WHERE id = ?1"));
  update.bind(agent);
  TRY(update.run());
  if (database.changes() == 0) return no_agent(agent);
  return {};
}

Status save_seen(Database& database, const AgentSeen& seen) {
  // Where the agent is not known, nothing changes: the link may outlive the fleet's memory of its agent.
  Statement update = TRY(database.prepare("record what was seen", R"sql(
      UPDATE agents SET last_seen = max(last_seen, ?2), host = CASE ?3 WHEN '' THEN host ELSE ?3 END,
        version = CASE ?4 WHEN '' THEN version ELSE ?4 END, spool_bytes = ?5, dropped_total = ?6,
        oldest_unsent_age_ms = ?7
      WHERE id = ?1)sql"));
  update.bind(seen.agent, seen.at, seen.host, seen.version, seen.spool_bytes, seen.dropped_total,
              seen.oldest_unsent_age_ms);
  return update.run();
}

Status save_audit_alarm(Database& database, const Uuid& agent, const std::string& alarm) {
  Statement update = TRY(database.prepare("note an agent's alarm", "UPDATE agents SET audit_alarm = ?2 WHERE id = ?1"));
  update.bind(agent, alarm);
  TRY(update.run());
  if (database.changes() == 0) return no_agent(agent);
  return {};
}

Result<std::vector<Agent>> list_agents(Database& database) {
  Statement select = TRY(database.prepare("list agents", "SELECT " AGENT_COLUMNS " FROM agents ORDER BY id"));
  std::vector<Agent> agents;
  while (TRY(select.step())) agents.push_back(read_agent(select));
  return agents;
}

Result<Agent> find_agent(Database& database, const Uuid& agent) {
  Statement select = TRY(database.prepare("find an agent", "SELECT " AGENT_COLUMNS " FROM agents WHERE id = ?1"));
  select.bind(agent);
  const bool found = TRY(select.step());
  if (!found) return no_agent(agent);
  return read_agent(select);
}

// -- Tokens ----------------------------------------------------------------------------------------------------------

Result<StoredToken> find_token(Database& database, BytesView hash) {
  Statement select = TRY(database.prepare("find a token", "SELECT hash, expires, used FROM tokens WHERE hash = ?1"));
  select.bind(Blob{hash});
  const bool found = TRY(select.step());
  if (!found) return Error(Code::not_found, "there is no such enrolment token");
  return StoredToken{select.bytes(0), select.time(1), select.integer(2) != 0};
}

Status add_token(Database& database, const EnrolToken& token) {
  {
    Statement forget = TRY(database.prepare("forget old tokens", "DELETE FROM tokens WHERE expires < ?1"));
    forget.bind(token.expires - token_memory);
    TRY(forget.run());
  }
  const std::optional<TokenState> known = TRY(find_state(database, token.hash));
  TRY(check_new_token(known, token));
  return save_token(database, {token.hash, token.expires, false});
}

Status save_token(Database& database, const StoredToken& token) {
  Statement write =
      TRY(database.prepare("save a token", "INSERT OR REPLACE INTO tokens (hash, expires, used) VALUES (?1, ?2, ?3)"));
  write.bind(Blob{token.hash}, token.expires, token.used);
  return write.run();
}

Result<std::vector<StoredToken>> list_tokens(Database& database) {
  Statement select = TRY(database.prepare("list tokens", "SELECT hash, expires, used FROM tokens ORDER BY hash"));
  std::vector<StoredToken> tokens;
  while (TRY(select.step())) tokens.push_back({select.bytes(0), select.time(1), select.integer(2) != 0});
  return tokens;
}

// -- Keys ------------------------------------------------------------------------------------------------------------

Status add_key(Database& database, const ApiKey& key) {
  const Result<ApiKey> known = find_key(database, key.hash);
  if (known.ok()) return Error(Code::invalid, "this key exists already");
  if (known.error().code() != Code::not_found) return known.error();
  return save_key(database, key);
}

Status save_key(Database& database, const ApiKey& key) {
  Statement write = TRY(database.prepare("save an API key", "INSERT OR REPLACE INTO api_keys (" KEY_COLUMNS
                                                            ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"));
  write.bind(Blob{key.hash}, key.id, key.prefix, key.role, key.created, key.label, join_words(key.scopes), key.expires,
             key.last_used, key.created_by, key.revoked);
  return write.run();
}

Result<ApiKey> revoke_key(Database& database, const Uuid& id) {
  ApiKey key;
  {
    Statement select = TRY(database.prepare("find an API key by id",
                                            "SELECT " KEY_COLUMNS " FROM api_keys WHERE id = ?1 AND revoked = 0"));
    select.bind(id);
    const bool found = TRY(select.step());
    if (!found) return Error(Code::not_found, "there is no such API key");
    key = read_key(select);
  }
  key.revoked = true;
  TRY(save_key(database, key));
  return key;
}

Status save_key_used(Database& database, BytesView hash, WallTime at, Duration step) {
  Statement update = TRY(database.prepare("note that a key was used",
                                          "UPDATE api_keys SET last_used = ?2 WHERE hash = ?1 AND last_used <= ?3"));
  update.bind(Blob{hash}, at, at - step);
  return update.run();
}

Result<uint64_t> count_keys(Database& database) {
  const int64_t count =
      TRY(database.query_integer("count API keys", "SELECT count(*) FROM api_keys WHERE revoked = 0"));
  return static_cast<uint64_t>(count);
}

Result<ApiKey> find_key(Database& database, BytesView hash) {
  Statement select = TRY(database.prepare("find an API key", "SELECT " KEY_COLUMNS " FROM api_keys WHERE hash = ?1"));
  select.bind(Blob{hash});
  const bool found = TRY(select.step());
  if (!found) return Error(Code::not_found, "there is no such API key");
  return read_key(select);
}

Result<std::vector<ApiKey>> list_keys(Database& database) {
  Statement select = TRY(database.prepare("list API keys", "SELECT " KEY_COLUMNS " FROM api_keys ORDER BY hash"));
  std::vector<ApiKey> keys;
  while (TRY(select.step())) keys.push_back(read_key(select));
  return keys;
}

}  // namespace reeve::server
