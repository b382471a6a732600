// Everything the server remembers about one org, as transactional verbs.
//
// Each verb is one transaction: it happened wholly and durably when it returns ok, or not at all. There are two
// implementations, SQLite and in-memory, held to the same tests; no SQL stands anywhere else. An org has a Store of its
// own, with its own files, so that no query can leak from one org into another.
//
// Writing verbs run on the org's store writer, one thread. Reading verbs are const, run on any thread, and see every
// commit that had returned before they began.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/ids.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/wire/block.h"

namespace reeve::server {

// -- Blocks ----------------------------------------------------------------------------------------------------------

// What a pushed item, or a whole request of them, goes by: half a SHA-256.
using ItemId = Uuid;

// A verified block, ready to store.
struct IncomingBlock {
  wire::BlockIdentity identity;
  WallTime arrival;
  Bytes bytes;
  std::vector<ItemId> item_ids = {};  // of the items in it: stored with it, or not at all
};

// Sequences that will never come.
struct IncomingGap {
  Uuid agent;
  Uuid epoch;
  wire::Lane lane = wire::Lane::live;
  uint64_t from = 0;
  uint64_t to = 0;
  std::string reason;
  WallTime arrival;
};

enum class CommitResult {
  stored,
  duplicate,     // was stored before: acknowledge again
  out_of_order,  // sequence is beyond the next expected one: nothing stored
};

struct CommitOutcome {
  CommitResult result = CommitResult::stored;
  uint64_t through = 0;  // of this (agent, epoch, lane), every sequence up to here is stored or a recorded gap
};

// How far one (epoch, lane) of an agent is stored.
struct StreamPosition {
  Uuid epoch;
  wire::Lane lane = wire::Lane::live;
  uint64_t through = 0;
};

// A stored block's entry in the index.
struct BlockRef {
  uint64_t commit_id = 0;  // grows with every stored block of the org
  std::string day;         // of arrival; names the file that holds the block
  wire::BlockKind kind = wire::BlockKind::logs;
  wire::BlockIdentity identity;
  WallTime arrival;
  WallTime time_min;
  WallTime time_max;
  uint32_t rows = 0;
  uint64_t bytes = 0;
};

struct BlockQuery {
  wire::BlockKind kind = wire::BlockKind::logs;
  WallTime from{INT64_MIN};  // blocks whose [time_min, time_max] meets [from, to)
  WallTime to{INT64_MAX};
  std::optional<Uuid> agent = std::nullopt;
  uint64_t after_commit_id = 0;  // only blocks stored later than this one
  uint64_t through_commit_id = UINT64_MAX;
};

// -- Agents, tokens, keys --------------------------------------------------------------------------------------------

struct Agent {
  Uuid id;
  std::string host;
  std::string version;
  WallTime enrolled;
  WallTime last_seen;
  bool revoked = false;
  std::string certificate_serial;  // of the newest certificate, hex
  WallTime certificate_not_after;
  uint64_t spool_bytes = 0;
  uint64_t dropped_total = 0;
  int64_t oldest_unsent_age_ms = 0;
  std::string audit_alarm = {};  // what it says of the audit's history as its witness; empty: nothing
};

// What a link tells us of its agent while it is open.
struct AgentSeen {
  Uuid agent;
  WallTime at;
  std::string host;     // empty: as before
  std::string version;  // empty: as before
  uint64_t spool_bytes = 0;
  uint64_t dropped_total = 0;
  int64_t oldest_unsent_age_ms = 0;
};

struct EnrolToken {
  Bytes hash;  // SHA-256 of the token
  WallTime expires;
};

struct ApiKey {
  Uuid id;
  std::string prefix;  // shown to people
  Bytes hash;          // SHA-256 of the key
  std::string role;
  WallTime created;
  std::string label = {};
  std::vector<std::string> scopes = {};  // names of permissions; empty: all that the role has
  WallTime expires = {};                 // zero: never
  WallTime last_used = {};               // zero: never; exact to key_used_step
  std::string created_by = {};           // the user or key that made it, for people
  bool revoked = false;
};

struct GapRecord {
  IncomingGap gap;
};

struct StoreCounters {
  uint64_t blocks = 0;
  uint64_t rows = 0;
  uint64_t bytes = 0;
  uint64_t damaged_blocks = 0;  // found damaged while reading, and set aside
};

class Accounts;

class Store {
 public:
  virtual ~Store() = default;

  // Users, sessions, keys, audit, remembered answers: accounts.h. They live in the store, and as long as it.
  virtual Accounts& accounts() = 0;
  virtual const Accounts& accounts() const = 0;

  // -- writing ------------------------------------------------------------------------------------------------------

  // Stores what is new, in order, in one transaction (the days' files first, then the index). One outcome a block.
  virtual Result<std::vector<CommitOutcome>> commit_blocks(std::span<const IncomingBlock> blocks) = 0;
  virtual Result<CommitOutcome> commit_gap(const IncomingGap& gap) = 0;

  // Redeems the token and adds the agent, both or neither. Code::denied: unknown, used or expired token; the text says
  // which of these.
  virtual Status enrol_agent(BytesView token_hash, WallTime now, const Agent& agent) = 0;
  virtual Status record_certificate(const Uuid& agent, const std::string& serial, WallTime not_after) = 0;
  virtual Status revoke_agent(const Uuid& agent) = 0;  // Code::not_found
  virtual Status record_seen(std::span<const AgentSeen> seen) = 0;
  virtual Status record_audit_alarm(const Uuid& agent, const std::string& alarm) = 0;  // Code::not_found
  virtual Status add_enrol_token(const EnrolToken& token) = 0;  // the same unused one again is fine
  virtual Status add_api_key(const ApiKey& key) = 0;
  // Days wholly before `day` ("2026-11-21") are gone afterwards, with their index. Gives how many blocks.
  virtual Result<uint64_t> drop_days_before(const std::string& day) = 0;
  // A block whose bytes turned out damaged: out of the index, kept aside, counted. The store looks again first; what
  // proves whole stays.
  virtual Status set_aside(const BlockRef& block, const std::string& reason) = 0;

  // -- reading ------------------------------------------------------------------------------------------------------

  virtual Result<std::vector<StreamPosition>> stream_positions(const Uuid& agent) const = 0;

  // Calls `visit` with matching blocks by descending time_max (ties: descending commit_id) until it returns false.
  virtual Status visit_blocks_newest_first(const BlockQuery& query,
                                           const std::function<bool(const BlockRef&)>& visit) const = 0;
  // The same by ascending commit_id: for following.
  virtual Status visit_blocks_by_commit(const BlockQuery& query,
                                        const std::function<bool(const BlockRef&)>& visit) const = 0;
  // Preamble and header alone, enough for wire::parse_header. Code::corrupt where the file is damaged.
  virtual Result<Bytes> read_header(const BlockRef& block) const = 0;
  virtual Result<Bytes> read_block(const BlockRef& block) const = 0;
  virtual Result<uint64_t> last_commit_id() const = 0;
  // Those of `ids` that came with a block which is stored, and arrived on the day of `since` or a later one.
  virtual Result<std::vector<ItemId>> find_items(std::span<const ItemId> ids, WallTime since) const = 0;

  virtual Result<std::vector<Agent>> list_agents() const = 0;
  virtual Result<Agent> find_agent(const Uuid& agent) const = 0;
  virtual Result<ApiKey> find_api_key(BytesView hash) const = 0;
  virtual Result<std::vector<GapRecord>> list_gaps(const Uuid& agent) const = 0;
  virtual Result<StoreCounters> counters() const = 0;
};

// For tests and simulations: keeps everything in memory, loses everything with the process.
std::unique_ptr<Store> make_memory_store();

}  // namespace reeve::server
