// Searching and following logs across blocks.
//
// A search walks the blocks by their last time, newest first, and keeps the page's newest rows in a heap. It ends as
// soon as the heap is full of rows newer than the next block's last time, so a page opens few blocks. A cursor names
// the last row given by (time, commit_id, row); the order over these three is total and never changes, so a page
// follows the one before exactly, whatever was stored in between.
//
// Each page has bounds on blocks and bytes read. A page that meets one ends early: it may hold fewer rows than asked
// for, even none, and carries a cursor to go on from. Only a page without a cursor is the last.
//
// Any thread; these calls block on the store.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/base/result.h"
#include "common/wire/search.h"
#include "server/store/store.h"

namespace reeve::server {

constexpr uint32_t log_page_rows_max = 1000;
constexpr size_t cursor_chars_max = 128;  // longer text is no cursor of ours

// A row with what its block says of it.
struct FoundLog {
  wire::LogRow row;
  std::string host;
  Uuid agent;
  uint64_t commit_id = 0;
};

// The row's own name: opaque to clients, and the same whenever it is found.
std::string log_id(const FoundLog& log);
// What it takes in memory, roughly.
uint64_t bytes_of(const wire::LogRow& row);

// A block that could not be read. The caller hands these to the store's writer, for Store::set_aside.
struct DamagedBlock {
  BlockRef block;
  std::string reason;
};
using ReportDamage = std::function<void(const DamagedBlock&)>;

// What a query cost, for people and for our own metrics.
struct ScanCounters {
  uint64_t blocks = 0;         // searched
  uint64_t blocks_pruned = 0;  // ruled out by their header
  uint64_t rows = 0;           // in the searched blocks
  uint64_t bytes = 0;          // of blocks, as stored, that were read
  uint64_t damaged_blocks = 0;
  uint64_t blocks_too_new = 0;  // written by a newer release: kept, not searchable yet
};

// Upper bounds of the work that one page may cost.
struct LogQueryLimits {
  uint64_t blocks_max = 20'000;    // headers read
  uint64_t bytes_max = 128_MiB;    // of blocks searched, as stored
  uint64_t row_bytes_max = 8_MiB;  // of the rows held for the answer; one row at least is given
};

class LogBlockCache;

struct LogQuery {
  wire::LogPredicate predicate;
  uint32_t limit = 100;  // 1..log_page_rows_max, else Code::invalid
  std::string cursor;    // of the page before; empty for the first
  LogQueryLimits limits;
  LogBlockCache* cache = nullptr;  // of this store; pages that follow each other find their blocks open
};

struct LogPage {
  std::vector<FoundLog> rows;              // newest first
  std::optional<std::string> next_cursor;  // none on the last page
  ScanCounters scanned;
};

// Code::invalid for a limit out of range or a cursor that is none of ours.
Result<LogPage> query_logs(const Store& store, const LogQuery& query, const ReportDamage& report = nullptr);

struct LogTailQuery {
  wire::LogPredicate predicate;        // its times are ignored
  uint32_t limit = log_page_rows_max;  // at most this many rows a call; the rest comes with the next
  std::string cursor;                  // empty: begin now
  LogQueryLimits limits;
  LogBlockCache* cache = nullptr;
};

struct LogTail {
  std::vector<FoundLog> rows;  // in order of storage
  std::string cursor;
  bool more = false;  // a bound ended the page: ask again at once
  ScanCounters scanned;
};

// What was stored since the cursor. Without one: no rows and the cursor of now.
Result<LogTail> tail_logs(const Store& store, const LogTailQuery& query, const ReportDamage& report = nullptr);

}  // namespace reeve::server
