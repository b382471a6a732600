// The index's statements.
#include "server/store/block_index.h"

#include <algorithm>

#include "server/store/rules.h"

namespace reeve::server {

namespace {

#define BLOCK_COLUMNS "commit_id, day, kind, agent, epoch, lane, sequence, arrival, time_min, time_max, rows, bytes"

BlockRef read_ref(const Statement& row) {
  BlockRef block;
  block.commit_id = row.count(0);
  block.day = row.bytes(1);
  block.kind = static_cast<wire::BlockKind>(row.integer(2));
  block.identity = {.agent = row.uuid(3),
                    .epoch = row.uuid(4),
                    .lane = static_cast<wire::Lane>(row.integer(5)),
                    .sequence = row.count(6)};
  block.arrival = row.time(7);
  block.time_min = row.time(8);
  block.time_max = row.time(9);
  block.rows = static_cast<uint32_t>(row.integer(10));
  block.bytes = row.count(11);
  return block;
}

Result<std::vector<BlockRef>> read_refs(Statement& statement) {
  std::vector<BlockRef> blocks;
  while (TRY(statement.step())) blocks.push_back(read_ref(statement));
  return blocks;
}

// Commit ids are stored signed; no store ever hands out one beyond.
int64_t bounded(uint64_t commit_id) {
  return static_cast<int64_t>(std::min<uint64_t>(commit_id, INT64_MAX));
}

int64_t saturating_add(int64_t a, int64_t b) {
  int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? (b > 0 ? INT64_MAX : INT64_MIN) : sum;
}

int64_t span_of(const BlockRef& block) {
  int64_t span = 0;
  return __builtin_sub_overflow(block.time_max.ns, block.time_min.ns, &span) ? INT64_MAX : span;
}

}  // namespace

// -- Numbers ---------------------------------------------------------------------------------------------------------

Result<int64_t> read_number(Database& database, const char* name) {
  Statement select = TRY(database.prepare("read a number", "SELECT value FROM numbers WHERE name = ?1"));
  select.bind(std::string_view(name));
  const bool found = TRY(select.step());
  return found ? select.integer(0) : int64_t{0};
}

Status write_number(Database& database, const char* name, int64_t value) {
  Statement write =
      TRY(database.prepare("write a number", "INSERT OR REPLACE INTO numbers (name, value) VALUES (?1, ?2)"));
  write.bind(std::string_view(name), value);
  return write.run();
}

namespace {
constexpr const char* number_oldest_day = "oldest_day";  // days since 1970
constexpr int64_t ns_per_day = 86'400'000'000'000;
}  // namespace

Result<std::string> read_oldest_day(Database& database) {
  const int64_t days = TRY(read_number(database, number_oldest_day));
  return days == 0 ? std::string() : format_day(WallTime{days * ns_per_day});
}

Status write_oldest_day(Database& database, const std::string& day) {
  const std::optional<WallTime> begin = parse_rfc3339(day + "T00:00:00Z");
  check(begin.has_value(), "days are checked before they are stored");
  return write_number(database, number_oldest_day, begin->ns / ns_per_day);
}

// -- Streams and gaps ------------------------------------------------------------------------------------------------

Result<uint64_t> find_through(Database& database, const Uuid& agent, const Uuid& epoch, wire::Lane lane) {
  Statement select = TRY(
      database.prepare("find a stream", "SELECT through FROM streams WHERE agent = ?1 AND epoch = ?2 AND lane = ?3"));
  select.bind(agent, epoch, static_cast<int>(lane));
  const bool found = TRY(select.step());
  return found ? select.count(0) : uint64_t{0};
}

Status save_through(Database& database, const Uuid& agent, const Uuid& epoch, wire::Lane lane, uint64_t through) {
  // A position never moves back, whoever writes it.
  Statement write = TRY(database.prepare("advance a stream", R"sql(
      INSERT INTO streams (agent, epoch, lane, through) VALUES (?1, ?2, ?3, ?4)
      ON CONFLICT (agent, epoch, lane) DO UPDATE SET through = max(through, excluded.through))sql"));
  write.bind(agent, epoch, static_cast<int>(lane), through);
  return write.run();
}

Result<std::vector<StreamPosition>> list_streams(Database& database, const Uuid& agent) {
  Statement select = TRY(database.prepare(
      "list streams", "SELECT epoch, lane, through FROM streams WHERE agent = ?1 ORDER BY epoch, lane"));
  select.bind(agent);
  std::vector<StreamPosition> positions;
  while (TRY(select.step())) {
    positions.push_back({select.uuid(0), static_cast<wire::Lane>(select.integer(1)), select.count(2)});
  }
  return positions;
}

Result<std::vector<std::pair<Uuid, StreamPosition>>> list_all_streams(Database& database) {
  Statement select = TRY(database.prepare("list all streams", "SELECT agent, epoch, lane, through FROM streams"));
  std::vector<std::pair<Uuid, StreamPosition>> positions;
  while (TRY(select.step())) {
    positions.emplace_back(select.uuid(0),
                           StreamPosition{select.uuid(1), static_cast<wire::Lane>(select.integer(2)), select.count(3)});
  }
  return positions;
}

Status insert_gap(Database& database, const IncomingGap& gap) {
  Statement insert = TRY(database.prepare("record a gap", R"sql(
      INSERT INTO gaps (agent, epoch, lane, sequence_from, sequence_to, reason, arrival)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7))sql"));
  insert.bind(gap.agent, gap.epoch, static_cast<int>(gap.lane), gap.from, gap.to, gap.reason, gap.arrival);
  return insert.run();
}

namespace {

#define GAP_COLUMNS "agent, epoch, lane, sequence_from, sequence_to, reason, arrival"

IncomingGap read_gap(const Statement& row) {
  return {.agent = row.uuid(0),
          .epoch = row.uuid(1),
          .lane = static_cast<wire::Lane>(row.integer(2)),
          .from = row.count(3),
          .to = row.count(4),
          .reason = row.bytes(5),
          .arrival = row.time(6)};
}

}  // namespace

Result<std::vector<IncomingGap>> list_all_gaps(Database& database) {
  Statement select = TRY(database.prepare("list all gaps", "SELECT " GAP_COLUMNS " FROM gaps ORDER BY id"));
  std::vector<IncomingGap> gaps;
  while (TRY(select.step())) gaps.push_back(read_gap(select));
  return gaps;
}

Result<std::vector<GapRecord>> list_gaps(Database& database, const Uuid& agent) {
  Statement select =
      TRY(database.prepare("list gaps", "SELECT " GAP_COLUMNS " FROM gaps WHERE agent = ?1 ORDER BY id DESC LIMIT ?2"));
  select.bind(agent, gaps_listed_max);
  std::vector<GapRecord> gaps;
  while (TRY(select.step())) gaps.push_back({read_gap(select)});
  return gaps;
}

// -- Blocks ----------------------------------------------------------------------------------------------------------

Status insert_block(Database& database, const BlockRef& block) {
  {
    Statement insert = TRY(database.prepare("index a block", "INSERT INTO blocks (" BLOCK_COLUMNS ") VALUES "
                                                             "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"));
    const wire::BlockIdentity& id = block.identity;
    insert.bind(block.commit_id, std::string_view(block.day), static_cast<int>(block.kind), id.agent, id.epoch,
                static_cast<int>(id.lane), id.sequence, block.arrival, block.time_min, block.time_max, block.rows,
                block.bytes);
    TRY(insert.run());
  }
  {
    Statement sums = TRY(database.prepare("add to a day", R"sql(
        INSERT INTO days (day, blocks, rows, bytes) VALUES (?1, 1, ?2, ?3)
        ON CONFLICT (day) DO UPDATE SET
          blocks = blocks + 1, rows = rows + excluded.rows, bytes = bytes + excluded.bytes)sql"));
    sums.bind(std::string_view(block.day), block.rows, block.bytes);
    TRY(sums.run());
  }
  if (span_of(block) <= TRY(read_number(database, number_span_max))) return {};
  return write_number(database, number_span_max, span_of(block));
}

Result<std::optional<BlockRef>> find_block(Database& database, uint64_t commit_id) {
  Statement select = TRY(database.prepare("find a block", "SELECT " BLOCK_COLUMNS " FROM blocks WHERE commit_id = ?1"));
  select.bind(bounded(commit_id));
  const bool found = TRY(select.step());
  return found ? std::optional(read_ref(select)) : std::nullopt;
}

Status begin_identity_checks(Database& database) {
  return database.execute("begin identity checks",
                          "CREATE UNIQUE INDEX blocks_by_identity ON blocks (agent, epoch, lane, sequence)");
}

Status end_identity_checks(Database& database) {
  return database.execute("end identity checks", "DROP INDEX blocks_by_identity");
}

Result<bool> is_indexed(Database& database, const wire::BlockIdentity& identity) {
  Statement select = TRY(database.prepare(
      "find a block", "SELECT 1 FROM blocks WHERE agent = ?1 AND epoch = ?2 AND lane = ?3 AND sequence = ?4"));
  select.bind(identity.agent, identity.epoch, static_cast<int>(identity.lane), identity.sequence);
  const bool found = TRY(select.step());
  return found;
}

Result<uint64_t> count_holes(Database& database) {
  const int64_t holes = TRY(database.query_integer("count holes", R"sql(
      WITH held AS (
        SELECT agent, epoch, lane, min(sequence) AS first, max(sequence) AS last, count(*) AS blocks
        FROM blocks GROUP BY agent, epoch, lane)
      SELECT coalesce(sum(last - first + 1 - blocks - coalesce((
        SELECT sum(min(sequence_to, held.last) - max(sequence_from, held.first) + 1) FROM gaps
        WHERE gaps.agent = held.agent AND gaps.epoch = held.epoch AND gaps.lane = held.lane
          AND sequence_to >= held.first AND sequence_from <= held.last), 0)), 0) FROM held)sql"));
  return static_cast<uint64_t>(std::max<int64_t>(holes, 0));
}

Status erase_block(Database& database, const BlockRef& block) {
  {
    Statement remove = TRY(database.prepare("take a block out", "DELETE FROM blocks WHERE commit_id = ?1"));
    remove.bind(block.commit_id);
    TRY(remove.run());
  }
  Statement sums = TRY(database.prepare(
      "take from a day", "UPDATE days SET blocks = blocks - 1, rows = rows - ?2, bytes = bytes - ?3 WHERE day = ?1"));
  sums.bind(std::string_view(block.day), block.rows, block.bytes);
  return sums.run();
}

Result<uint64_t> erase_days_before(Database& database, const std::string& day) {
  uint64_t blocks = 0;
  {
    Statement remove = TRY(database.prepare("drop days", "DELETE FROM blocks WHERE day < ?1"));
    remove.bind(std::string_view(day));
    TRY(remove.run());
    blocks = database.changes();
  }
  {
    Statement remove = TRY(database.prepare("drop days", "DELETE FROM days WHERE day < ?1"));
    remove.bind(std::string_view(day));
    TRY(remove.run());
  }
  const std::optional<WallTime> begin = parse_rfc3339(day + "T00:00:00Z");
  check(begin.has_value(), "days are checked before they are dropped");
  Statement remove = TRY(database.prepare("drop gaps", "DELETE FROM gaps WHERE arrival < ?1"));
  remove.bind(*begin);
  TRY(remove.run());
  return blocks;
}

Result<std::vector<BlockRef>> list_of_day(Database& database, const std::string& day, uint64_t after,
                                          size_t count_max) {
  Statement select = TRY(database.prepare(
      "list a day's blocks",
      "SELECT " BLOCK_COLUMNS " FROM blocks WHERE day = ?1 AND commit_id > ?2 ORDER BY commit_id LIMIT ?3"));
  select.bind(std::string_view(day), bounded(after), count_max);
  return read_refs(select);
}

Result<std::vector<std::string>> list_days(Database& database) {
  Statement select = TRY(database.prepare("list days", "SELECT day FROM days ORDER BY day"));
  std::vector<std::string> days;
  while (TRY(select.step())) days.push_back(select.bytes(0));
  return days;
}

Result<StoreCounters> read_counters(Database& database) {
  StoreCounters counters;
  {
    Statement select = TRY(database.prepare("count", "SELECT sum(blocks), sum(rows), sum(bytes) FROM days"));
    if (TRY(select.step())) {
      counters.blocks = select.count(0);
      counters.rows = select.count(1);
      counters.bytes = select.count(2);
    }
  }
  counters.damaged_blocks = static_cast<uint64_t>(TRY(read_number(database, number_damaged)));
  return counters;
}

Result<std::vector<BlockRef>> list_newest_first(Database& database, const BlockQuery& query, const NewestMark& below,
                                                size_t count_max) {
  // A block that begins before `to` ends before `to` + the longest span: this bounds the walk from above, so that old
  // times are found without passing everything newer.
  const int64_t span_max = TRY(read_number(database, number_span_max));
  NewestMark mark = below;
  const int64_t time_max_bound = saturating_add(query.to.ns, span_max);
  if (time_max_bound < mark.time_max_ns) mark = {time_max_bound, INT64_MAX};

  Statement select = TRY(database.prepare("list blocks by time",
                                          "SELECT " BLOCK_COLUMNS " FROM blocks"
                                          " WHERE kind = ?1 AND (time_max, commit_id) < (?2, ?3) AND time_max >= ?4"
                                          " AND time_min < ?5 AND commit_id > ?6 AND commit_id <= ?7"
                                          " AND (?8 IS NULL OR agent = ?8)"
                                          " ORDER BY time_max DESC, commit_id DESC LIMIT ?9"));
  const int64_t after = bounded(query.after_commit_id);
  const int64_t through = bounded(query.through_commit_id);
  if (query.agent) {
    select.bind(static_cast<int>(query.kind), mark.time_max_ns, bounded(mark.commit_id), query.from, query.to, after,
                through, *query.agent, count_max);
  } else {
    select.bind(static_cast<int>(query.kind), mark.time_max_ns, bounded(mark.commit_id), query.from, query.to, after,
                through, nullptr, count_max);
  }
  return read_refs(select);
}

Result<std::vector<BlockRef>> list_by_commit(Database& database, const BlockQuery& query, uint64_t after,
                                             size_t count_max) {
  // The plus signs keep SQLite from the index by time: whoever follows asks for a few new rows out of very many.
  Statement select = TRY(database.prepare("list blocks by commit",
                                          "SELECT " BLOCK_COLUMNS " FROM blocks"
                                          " WHERE commit_id > ?1 AND commit_id <= ?2 AND +kind = ?3"
                                          " AND +time_max >= ?4 AND time_min < ?5 AND (?6 IS NULL OR agent = ?6)"
                                          " ORDER BY commit_id LIMIT ?7"));
  const int64_t from = bounded(std::max(after, query.after_commit_id));
  const int64_t through = bounded(query.through_commit_id);
  if (query.agent) {
    select.bind(from, through, static_cast<int>(query.kind), query.from, query.to, *query.agent, count_max);
  } else {
    select.bind(from, through, static_cast<int>(query.kind), query.from, query.to, nullptr, count_max);
  }
  return read_refs(select);
}

}  // namespace reeve::server
