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

// The newest rows below a mark, at most so many. A heap with the oldest on top.
class NewestRows {
 public:
  NewestRows(Cursor below, size_t rows_max) : below_(below), rows_max_(rows_max) {}

  bool full() const { return rows_.size() == rows_max_; }
  WallTime oldest_time() const { return rows_.front().row.time; }

  void add(FoundLog log) {
    if (place_of(log) >= below_) return;
    if (full() && !newer(log, rows_.front())) return;
    if (full()) {
      std::pop_heap(rows_.begin(), rows_.end(), newer);
      rows_.pop_back();
    }
    rows_.push_back(std::move(log));
    std::push_heap(rows_.begin(), rows_.end(), newer);
  }

  // Newest first.
  std::vector<FoundLog> take() {
    std::sort_heap(rows_.begin(), rows_.end(), newer);
    return std::move(rows_);
  }

 private:
  const Cursor below_;
  const size_t rows_max_;
  std::vector<FoundLog> rows_;
};

// One page under way.
class Search {
 public:
  Search(const Store& store, const LogQuery& query, const ReportDamage& report, Cursor below)
      : query_(query),
        predicate_(query.predicate),
        below_(below),
        reader_(store, report, page_.scanned),
        newest_(below, size_t{query.limit} + 1) {
    // Rows at the mark's own time may still come, later ones may not.
    if (below.time.ns < INT64_MAX) predicate_.to = std::min(predicate_.to, WallTime{below.time.ns + 1});
  }

  const wire::LogPredicate& predicate() const { return predicate_; }

  // False ends the walk.
  bool visit(const BlockRef& block) {
    if (newest_.full() && newest_.oldest_time() > block.time_max) return false;
    // Never without getting on: the next page begins at an earlier time than this one did.
    if (out_of_bounds() && block.time_max < below_.time) {
      stopped_at_ = block.time_max;
      return false;
    }
    status_ = search(block);
    return status_.ok();
  }

  Result<LogPage> finish() {
    TRY(std::move(status_));
    page_.rows = newest_.take();
    if (stopped_at_) {
      // What is not newer than the next block may yet be joined by others: it comes with the next page.
      const auto unsure = std::find_if(page_.rows.begin(), page_.rows.end(),
                                       [&](const FoundLog& log) { return log.row.time <= *stopped_at_; });
      page_.rows.erase(unsure, page_.rows.end());
    }
    if (page_.rows.size() > query_.limit) {
      page_.rows.resize(query_.limit);
      page_.next_cursor = format_cursor(CursorKind::search, place_of(page_.rows.back()));
    } else if (stopped_at_) {
      page_.next_cursor = format_cursor(CursorKind::search, {*stopped_at_, UINT64_MAX, UINT32_MAX});
    }
    return std::move(page_);
  }

 private:
  bool out_of_bounds() const {
    return page_.scanned.blocks + page_.scanned.blocks_pruned >= query_.limits.blocks_max ||
           bytes_ >= query_.limits.bytes_max;
  }

  Status search(const BlockRef& block) {
    const std::optional<wire::BlockHeader> header = TRY(reader_.read_header(block));
    if (!header) return {};
    // A full heap has no use for rows older than its oldest.
    wire::LogPredicate predicate = predicate_;
    if (newest_.full()) predicate.from = std::max(predicate.from, newest_.oldest_time());
    if (!wire::may_match(*header, predicate)) {
      ++page_.scanned.blocks_pruned;
      return {};
    }

    const std::optional<Bytes> bytes = TRY(reader_.read_block(block));
    if (!bytes) return {};
    ++page_.scanned.blocks;
    page_.scanned.rows += header->rows;
    bytes_ += bytes->size();
    Result<std::vector<wire::LogRow>> rows = wire::search_log_block(*bytes, predicate);
    if (!rows.ok()) return reader_.pass_by(block, rows.error());
    for (wire::LogRow& row : *rows) {
      newest_.add({std::move(row), header->host, block.identity.agent, block.commit_id});
    }
    return {};
  }

  const LogQuery& query_;
  wire::LogPredicate predicate_;
  const Cursor below_;
  LogPage page_;
  BlockReader reader_;
  NewestRows newest_;
  uint64_t bytes_ = 0;
  std::optional<WallTime> stopped_at_;
  Status status_;
};

Status check_limit(uint32_t limit) {
  if (limit >= 1 && limit <= log_page_rows_max) return {};
  return Error(Code::invalid,
               "limit is " + std::to_string(limit) + "; 1 to " + std::to_string(log_page_rows_max) + " are allowed");
}

}  // namespace

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
      : query_(query), predicate_(query.predicate), after_(after), reader_(store, report, tail_.scanned) {
    predicate_.from = WallTime{INT64_MIN};
    predicate_.to = WallTime{INT64_MAX};
  }

  bool visit(const BlockRef& block) {
    if (tail_.rows.size() >= query_.limit || out_of_bounds()) {
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
  bool out_of_bounds() const {
    return tail_.scanned.blocks + tail_.scanned.blocks_pruned >= query_.limits.blocks_max ||
           bytes_ >= query_.limits.bytes_max;
  }

  Status search(const BlockRef& block) {
    const bool begun = block.commit_id == after_.commit_id;
    const uint64_t first_row = begun ? uint64_t{after_.row} + 1 : 0;
    const std::optional<wire::BlockHeader> header = TRY(reader_.read_header(block));
    std::vector<wire::LogRow> rows;
    if (header && wire::may_match(*header, predicate_)) {
      const std::optional<Bytes> bytes = TRY(reader_.read_block(block));
      if (bytes) {
        ++tail_.scanned.blocks;
        tail_.scanned.rows += header->rows;
        bytes_ += bytes->size();
        Result<std::vector<wire::LogRow>> found = wire::search_log_block(*bytes, predicate_);
        if (!found.ok()) TRY(reader_.pass_by(block, found.error()));
        if (found.ok()) rows = std::move(found).value();
      }
    } else if (header) {
      ++tail_.scanned.blocks_pruned;
    }

    for (wire::LogRow& row : rows) {
      if (row.row < first_row) continue;
      if (tail_.rows.size() == query_.limit) {
        tail_.more = true;
        return {};
      }
      after_ = {WallTime{}, block.commit_id, row.row};
      tail_.rows.push_back({std::move(row), header->host, block.identity.agent, block.commit_id});
    }
    after_ = {WallTime{}, block.commit_id, UINT32_MAX};
    return {};
  }

  const LogTailQuery& query_;
  wire::LogPredicate predicate_;
  Cursor after_;
  LogTail tail_;
  BlockReader reader_;
  uint64_t bytes_ = 0;
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
