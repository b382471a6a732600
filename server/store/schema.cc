// Times are nanoseconds since 1970, ids are 16 bytes, lanes and kinds are the block format's own numbers.
#include "server/store/schema.h"

namespace reeve::server {

// `blocks` is all of the index: everything in it can be made again from the days' files. `days` keeps the sums, so that
// counting never scans. What cannot be made again (agents, tokens, keys, gaps, positions) is small and has a copy.
const char* const org_schema = R"sql(
CREATE TABLE numbers (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE days (
  day TEXT PRIMARY KEY,
  blocks INTEGER NOT NULL DEFAULT 0,
  rows INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE TABLE blocks (
  commit_id INTEGER PRIMARY KEY,
  day TEXT NOT NULL,
  kind INTEGER NOT NULL,
  agent BLOB NOT NULL,
  epoch BLOB NOT NULL,
  lane INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  arrival INTEGER NOT NULL,
  time_min INTEGER NOT NULL,
  time_max INTEGER NOT NULL,
  rows INTEGER NOT NULL,
  bytes INTEGER NOT NULL
);
CREATE INDEX blocks_by_time ON blocks (kind, time_max, commit_id, time_min);
CREATE INDEX blocks_by_day ON blocks (day);

CREATE TABLE streams (
  agent BLOB NOT NULL,
  epoch BLOB NOT NULL,
  lane INTEGER NOT NULL,
  through INTEGER NOT NULL,
  PRIMARY KEY (agent, epoch, lane)
) WITHOUT ROWID;

CREATE TABLE gaps (
  id INTEGER PRIMARY KEY,
  agent BLOB NOT NULL,
  epoch BLOB NOT NULL,
  lane INTEGER NOT NULL,
  sequence_from INTEGER NOT NULL,
  sequence_to INTEGER NOT NULL,
  reason TEXT NOT NULL,
  arrival INTEGER NOT NULL
);
CREATE INDEX gaps_by_agent ON gaps (agent, id);

CREATE TABLE agents (
  id BLOB PRIMARY KEY,
  host TEXT NOT NULL,
  version TEXT NOT NULL,
  enrolled INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  revoked INTEGER NOT NULL,
  certificate_serial TEXT NOT NULL,
  certificate_not_after INTEGER NOT NULL,
  spool_bytes INTEGER NOT NULL,
  dropped_total INTEGER NOT NULL,
  oldest_unsent_age_ms INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE tokens (hash BLOB PRIMARY KEY, expires INTEGER NOT NULL, used INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE api_keys (
  hash BLOB PRIMARY KEY,
  id BLOB NOT NULL,
  prefix TEXT NOT NULL,
  role TEXT NOT NULL,
  created INTEGER NOT NULL
) WITHOUT ROWID;
)sql";

// Format 2: who may come in. Scopes are names parted by blanks; a time of 0 means never.
static const char* const org_accounts = R"sql(
ALTER TABLE api_keys ADD COLUMN label TEXT NOT NULL DEFAULT '';
ALTER TABLE api_keys ADD COLUMN scopes TEXT NOT NULL DEFAULT '';
ALTER TABLE api_keys ADD COLUMN expires INTEGER NOT NULL DEFAULT 0;
ALTER TABLE api_keys ADD COLUMN last_used INTEGER NOT NULL DEFAULT 0;
ALTER TABLE api_keys ADD COLUMN created_by TEXT NOT NULL DEFAULT '';
ALTER TABLE api_keys ADD COLUMN revoked INTEGER NOT NULL DEFAULT 0;
CREATE INDEX api_keys_by_id ON api_keys (id);

CREATE TABLE users (
  id BLOB PRIMARY KEY,
  email TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  role TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  disabled INTEGER NOT NULL,
  created INTEGER NOT NULL,
  last_sign_in INTEGER NOT NULL,
  revision INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE sessions (
  hash BLOB PRIMARY KEY,
  user BLOB NOT NULL,
  created INTEGER NOT NULL,
  refreshed INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  peer TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_by_user ON sessions (user, created);
CREATE INDEX sessions_by_expiry ON sessions (expires);

CREATE TABLE audit (
  id INTEGER PRIMARY KEY,
  time INTEGER NOT NULL,
  actor_kind TEXT NOT NULL,
  actor_id TEXT NOT NULL,
  actor_name TEXT NOT NULL,
  action TEXT NOT NULL,
  target TEXT NOT NULL,
  detail TEXT NOT NULL,
  request_id TEXT NOT NULL,
  peer TEXT NOT NULL
);

CREATE TABLE answers (
  key_hash BLOB PRIMARY KEY,
  request_hash BLOB NOT NULL,
  status INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  expires INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX answers_by_expiry ON answers (expires);
)sql";

// Format 3: the audit's Merkle tree. `entry` is an id of audit; leaves stay when their entries are dropped. audit_nodes
// has the perfect subtrees of level 1 and up. Where there is no leaf, the store makes the tree from the entries.
static const char* const org_audit_tree = R"sql(
CREATE TABLE audit_leaves (leaf INTEGER PRIMARY KEY, entry INTEGER NOT NULL, hash BLOB NOT NULL);
CREATE TABLE audit_nodes (
  level INTEGER NOT NULL,
  position INTEGER NOT NULL,
  hash BLOB NOT NULL,
  PRIMARY KEY (level, position)
) WITHOUT ROWID;
CREATE TABLE audit_checkpoints (
  id INTEGER PRIMARY KEY,
  size INTEGER NOT NULL,
  root BLOB NOT NULL,
  time INTEGER NOT NULL,
  envelope BLOB NOT NULL
);
ALTER TABLE agents ADD COLUMN audit_alarm TEXT NOT NULL DEFAULT '';
)sql";
static const char* const org_upgrade_list[] = {org_accounts, org_audit_tree};
const std::span<const char* const> org_upgrades = org_upgrade_list;

// batch_first and batch_last are the commit ids that one commit_blocks stored together, perhaps over two days: a crash
// before the index knows them keeps all or none. salvage.cc knows this table's record layout.
const char* const day_schema = R"sql(
CREATE TABLE blocks (
  commit_id INTEGER PRIMARY KEY,
  batch_first INTEGER NOT NULL,
  batch_last INTEGER NOT NULL,
  agent BLOB NOT NULL,
  epoch BLOB NOT NULL,
  lane INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  arrival INTEGER NOT NULL,
  head BLOB NOT NULL,
  columns BLOB NOT NULL
);
CREATE UNIQUE INDEX blocks_by_identity ON blocks (agent, epoch, lane, sequence);

CREATE TABLE set_aside (
  commit_id INTEGER PRIMARY KEY,
  reason TEXT NOT NULL,
  head BLOB,
  columns BLOB
);
)sql";

// Format 2: the ids of pushed items, with their block and to be found by. salvage.cc reads records with and without.
static const char* const day_item_ids = R"sql(
ALTER TABLE blocks ADD COLUMN item_ids BLOB;
CREATE TABLE item_ids (id BLOB PRIMARY KEY, commit_id INTEGER NOT NULL) WITHOUT ROWID;
)sql";
static const char* const day_upgrade_list[] = {day_item_ids};
const std::span<const char* const> day_upgrades = day_upgrade_list;

}  // namespace reeve::server
