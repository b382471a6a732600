// The index of all blocks, the positions of streams and their gaps: the part of org.db that follows from the blocks.
//
// Functions over a connection. Those that write belong inside the caller's transaction.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "server/store/sqlite.h"
#include "server/store/store.h"

namespace reeve::server {

// Numbers that the store keeps about itself, by name; 0 until written.
constexpr const char* number_last_commit = "last_commit_id";
constexpr const char* number_damaged = "damaged_blocks";
constexpr const char* number_span_max = "span_ns_max";  // the longest time_max - time_min of any block
Result<int64_t> read_number(Database& database, const char* name);
Status write_number(Database& database, const char* name, int64_t value);

// Days before this one were dropped; empty until the first drop.
Result<std::string> read_oldest_day(Database& database);
Status write_oldest_day(Database& database, const std::string& day);

Result<uint64_t> find_through(Database& database, const Uuid& agent, const Uuid& epoch, wire::Lane lane);
Status save_through(Database& database, const Uuid& agent, const Uuid& epoch, wire::Lane lane, uint64_t through);
Result<std::vector<StreamPosition>> list_streams(Database& database, const Uuid& agent);

// Every position of the org, by agent.
Result<std::vector<std::pair<Uuid, StreamPosition>>> list_all_streams(Database& database);

Status insert_gap(Database& database, const IncomingGap& gap);
Result<std::vector<IncomingGap>> list_all_gaps(Database& database);
Result<std::vector<GapRecord>> list_gaps(Database& database, const Uuid& agent);

// Adds the block and its share of the day's sums.
Status insert_block(Database& database, const BlockRef& block);
Result<std::optional<BlockRef>> find_block(Database& database, uint64_t commit_id);
// While an index is made anew: blocks can be asked for by identity. Ended, it costs nothing more.
Status begin_identity_checks(Database& database);
Status end_identity_checks(Database& database);
Result<bool> is_indexed(Database& database, const wire::BlockIdentity& identity);
// Sequences between a stream's first and last block that are neither blocks nor gaps, of all streams.
Result<uint64_t> count_holes(Database& database);

Status erase_block(Database& database, const BlockRef& block);
// Forgets the blocks, sums and gaps of the days before. Gives how many blocks.
Result<uint64_t> erase_days_before(Database& database, const std::string& day);

// By ascending commit_id above `after`.
Result<std::vector<BlockRef>> list_of_day(Database& database, const std::string& day, uint64_t after, size_t count_max);
Result<std::vector<std::string>> list_days(Database& database);
Result<StoreCounters> read_counters(Database& database);

// Where a visit by descending (time_max, commit_id) stands: blocks below this come next.
struct NewestMark {
  int64_t time_max_ns = INT64_MAX;
  uint64_t commit_id = INT64_MAX;
};
Result<std::vector<BlockRef>> list_newest_first(Database& database, const BlockQuery& query, const NewestMark& below,
                                                size_t count_max);
// By ascending commit_id above `after`.
Result<std::vector<BlockRef>> list_by_commit(Database& database, const BlockQuery& query, uint64_t after,
                                             size_t count_max);

}  // namespace reeve::server
