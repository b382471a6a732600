// The search and the tail.
#include "server/query/logs.h"

#include <algorithm>

#include "server/query/block_reader.h"
#include "server/query/cursor.h"

namespace reeve::server {

namespace {

Cursor place_of(const FoundLog& log) {
  return {log.row.time, log.commit_id, log.row.row};
}

bool newer(const FoundLog& a, const FoundLog& b) {
  return place_of(a) > place_of(b);
}

// Which rows of a block a page has use for: at most so many, and only those below the mark.
wire::RowsWanted rows_wanted(const Cursor& below, uint64_t commit_id, uint32_t rows_max) {
  wire::RowsWanted wanted{.choice = wire::RowsWanted::Choice::newest, .rows_max = rows_max};
  wanted.below_time = below.time;
  // Of rows at the mark's own time, those of blocks stored earlier come next.
  wanted.below_row = commit_id == below.commit_id ? below.row : commit_id < below.commit_id ? UINT32_MAX : 0;
  return wanted;
}

// The newest rows, at most so many and of so many bytes. A heap with the oldest on top.
class NewestRows {
 public:
  NewestRows(size_t rows_max, uint64_t bytes_max) : rows_max_(rows_max), bytes_max_(bytes_max) {}

  bool full() const { return rows_.size() >= rows_max_; }
  bool cut_by_bytes() const { return cut_by_bytes_; }
  WallTime oldest_time() const { return rows_.front().row.time; }

  void add(FoundLog log) {
    if (full() && !newer(log, rows_.front())) return;
    if (full()) drop_oldest();
    bytes_ += bytes_of(log.row);
    rows_.push_back(std::move(log));
    std::push_heap(rows_.begin(), rows_.end(), newer);
    while (bytes_ > bytes_max_ && rows_.size() > 1) {
      drop_oldest();
      // From here on it is as full as it gets: what was dropped must not be followed by anything older.
      rows_max_ = rows_.size();
      cut_by_bytes_ = true;
    }
  }

  // Newest first.
  std::vector<FoundLog> take() {
    std::sort_heap(rows_.begin(), rows_.end(), newer);
    return std::move(rows_);
  }

 private:
  void drop_oldest() {
    std::pop_heap(rows_.begin(), rows_.end(), newer);
    bytes_ -= bytes_of(rows_.back().row);
    rows_.pop_back();
  }

  size_t rows_max_;
  const uint64_t bytes_max_;
  uint64_t bytes_ = 0;
  bool cut_by_bytes_ = false;
  std::vector<FoundLog> rows_;
};

// One page under way.
class Search {
 public:
  Search(const Store& store, const LogQuery& query, const ReportDamage& report, Cursor below)
      : query_(query),
        predicate_(query.predicate),
        below_(below),
        reader_(store, report, page_.scanned, query.cache),
        newest_(size_t{query.limit} + 1, query.limits.row_bytes_max) {
    // Rows at the mark's own time may still come, later ones may not.
    if (below.time.ns < INT64_MAX) predicate_.to = std::min(predicate_.to, WallTime{below.time.ns + 1});
  }

  const wire::LogPredicate& predicate() const { return predicate_; }

  // False ends the walk.
  bool visit(const BlockRef& block) {
    if (newest_.full() && newest_.oldest_time() > block.time_max) return false;
    // Never without getting on: the next page begins at an earlier time than this one did.
    if (reader_.out_of(query_.limits) && block.time_max < below_.time) {
      stopped_at_ = block.time_max;
      return false;
    }
    status_ = search(block);
    return status_.ok();
  }

  Result<LogPage> finish() {
    TRY(std::move(status_));
    page_.rows = newest_.take();
    bool is_cut = newest_.cut_by_bytes();
    if (stopped_at_) {
      // What is not newer than the next block may yet be joined by others: it comes with the next page.
      const auto unsure = std::find_if(page_.rows.begin(), page_.rows.end(),
                                       [&](const FoundLog& log) { return log.row.time <= *stopped_at_; });
      is_cut = is_cut && unsure == page_.rows.end();
      page_.rows.erase(unsure, page_.rows.end());
    }
    if (page_.rows.size() > query_.limit || is_cut) {
      page_.rows.resize(std::min<size_t>(page_.rows.size(), query_.limit));
      page_.next_cursor = format_cursor(CursorKind::search, place_of(page_.rows.back()));
    } else if (stopped_at_) {
      page_.next_cursor = format_cursor(CursorKind::search, {*stopped_at_, UINT64_MAX, UINT32_MAX});
    }
    return std::move(page_);
  }

 private:
  Status search(const BlockRef& block) {
    const OpenedLogPtr log = TRY(reader_.open(block));
    if (!log) return {};
    // A full heap has no use for rows older than its oldest.
    wire::LogPredicate predicate = predicate_;
    if (newest_.full()) predicate.from = std::max(predicate.from, newest_.oldest_time());
    return reader_.ask(block, log, predicate, [&](wire::LogBlock& opened) -> Status {
      std::vector<wire::LogRow> rows =
          TRY(opened.search(predicate, rows_wanted(below_, block.commit_id, query_.limit + 1)));
      for (wire::LogRow& row : rows) {
        newest_.add({std::move(row), log->header.host, block.identity.agent, block.commit_id});
      }
      return {};
    });
  }

  const LogQuery& query_;
  wire::LogPredicate predicate_;
  const Cursor below_;
  LogPage page_;
  BlockReader reader_;
  NewestRows newest_;
  std::optional<WallTime> stopped_at_;
  Status status_;
};

Status check_limit(uint32_t limit) {
  if (limit >= 1 && limit <= log_page_rows_max) return {};
  return Error(Code::invalid,
               "limit is " + std::to_string(limit) + "; 1 to " + std::to_string(log_page_rows_max) + " are allowed");
}

}  // namespace

std::string log_id(const FoundLog& log) {
  return format_cursor(CursorKind::log, place_of(log));
}

uint64_t bytes_of(const wire::LogRow& row) {
  uint64_t bytes = sizeof row + row.service.size() + row.source.size() + row.body.size();
  for (const auto& field : row.fields) bytes += sizeof field + field.first.size() + field.second.size();
  return bytes;
}

Result<LogPage> query_logs(const Store& store, const LogQuery& query, const ReportDamage& report) {
  TRY(check_limit(query.limit));
  Cursor below{WallTime{INT64_MAX}, UINT64_MAX, UINT32_MAX};
  if (!query.cursor.empty()) below = TRY(parse_cursor(CursorKind::search, query.cursor));

  Search search(store, query, report, below);
  const BlockQuery blocks{.kind = wire::BlockKind::logs, .from = search.predicate().from, .to = search.predicate().to};
  TRY(store.visit_blocks_newest_first(blocks, [&](const BlockRef& block) { return search.visit(block); }));
  return search.finish();
}

// -- Tail ------------------------------------------------------------------------------------------------------------

namespace {

// One answer to a follower under way.
class Tail {
 public:
  Tail(const Store& store, const LogTailQuery& query, const ReportDamage& report, Cursor after)
      : query_(query), predicate_(query.predicate), after_(after), reader_(store, report, tail_.scanned, query.cache) {
    predicate_.from = WallTime{INT64_MIN};
    predicate_.to = WallTime{INT64_MAX};
  }

  bool visit(const BlockRef& block) {
    if (tail_.rows.size() >= query_.limit || row_bytes_ >= query_.limits.row_bytes_max ||
        reader_.out_of(query_.limits)) {
      tail_.more = true;
      return false;
    }
    status_ = search(block);
    return status_.ok() && !tail_.more;
  }

  Result<LogTail> finish(uint64_t through_commit_id) {
    TRY(std::move(status_));
    if (!tail_.more) after_ = {WallTime{}, through_commit_id, UINT32_MAX};
    tail_.cursor = format_cursor(CursorKind::tail, after_);
    return std::move(tail_);
  }

 private:
  Status search(const BlockRef& block) {
    const bool begun = block.commit_id == after_.commit_id;
    // One more than there is room for, so that we know whether the block has more.
    const auto room = static_cast<uint32_t>(query_.limit - tail_.rows.size());
    const wire::RowsWanted wanted{.rows_max = room + 1, .from_row = begun ? after_.row + 1 : 0};
    const OpenedLogPtr log = TRY(reader_.open(block));
    if (log) {
      const Status asked = reader_.ask(block, log, predicate_, [&](wire::LogBlock& opened) -> Status {
        std::vector<wire::LogRow> rows = TRY(opened.search(predicate_, wanted));
        for (wire::LogRow& row : rows) take(block, log->header.host, std::move(row));
        return {};
      });
      TRY(asked);
    }
    if (!tail_.more) after_ = {WallTime{}, block.commit_id, UINT32_MAX};
    return {};
  }

  void take(const BlockRef& block, const std::string& host, wire::LogRow row) {
    const bool has_room = tail_.rows.size() < query_.limit && row_bytes_ < query_.limits.row_bytes_max;
    if (tail_.more || !has_room) {
      tail_.more = true;
      return;
    }
    after_ = {WallTime{}, block.commit_id, row.row};
    row_bytes_ += bytes_of(row);
    tail_.rows.push_back({std::move(row), host, block.identity.agent, block.commit_id});
  }

  const LogTailQuery& query_;
  wire::LogPredicate predicate_;
  Cursor after_;
  LogTail tail_;
  BlockReader reader_;
  uint64_t row_bytes_ = 0;
  Status status_;
};

}  // namespace

Result<LogTail> tail_logs(const Store& store, const LogTailQuery& query, const ReportDamage& report) {
  TRY(check_limit(query.limit));
  const uint64_t through = TRY(store.last_commit_id());
  if (query.cursor.empty()) {
    return LogTail{.rows = {},
                   .cursor = format_cursor(CursorKind::tail, {WallTime{}, through, UINT32_MAX}),
                   .more = false,
                   .scanned = {}};
  }

  const Cursor after = TRY(parse_cursor(CursorKind::tail, query.cursor));
  if (after.commit_id > through) {
    return Error(Code::invalid, "the cursor is ahead of the store, which ends at commit " + std::to_string(through));
  }
  Tail tail(store, query, report, after);
  BlockQuery blocks{.kind = wire::BlockKind::logs};
  // A block that was begun is opened again for the rest of its rows.
  blocks.after_commit_id = after.row == UINT32_MAX || after.commit_id == 0 ? after.commit_id : after.commit_id - 1;
  blocks.through_commit_id = through;
  TRY(store.visit_blocks_by_commit(blocks, [&](const BlockRef& block) { return tail.visit(block); }));
  return tail.finish(through);
}

}  // namespace reeve::server
