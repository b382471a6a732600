// See log_context.h.
#include "server/query/log_context.h"

#include <algorithm>

#include "server/query/block_reader.h"
#include "server/query/cursor.h"

namespace reeve::server {
namespace {

// Blocks are looked at backwards in windows of commits that grow, because the store visits forwards.
constexpr uint64_t window_first = 256;

class Neighbours {
 public:
  Neighbours(const Store& store, const LogContextQuery& query, const ReportDamage& report, Cursor place)
      : store_(store), query_(query), place_(place), reader_(store, report, context_.scanned, query.cache) {}

  Result<LogContext> find() {
    const BlockRef home = TRY(find_home());
    TRY(read_log(home));
    source_.source = context_.log.row.source;

    TRY(add_before(home, {.choice = wire::RowsWanted::Choice::last, .to_row = place_.row}));
    TRY(walk_back(home));
    std::reverse(context_.before.begin(), context_.before.end());

    TRY(add_after(home, {.from_row = place_.row + 1}));
    TRY(walk_on(home));
    return std::move(context_);
  }

 private:
  Error gone() const { return Error(Code::not_found, "there is no log with this id any more"); }

  Result<BlockRef> find_home() {
    std::optional<BlockRef> home;
    if (place_.commit_id == 0) return gone();
    const BlockQuery one{.after_commit_id = place_.commit_id - 1, .through_commit_id = place_.commit_id};
    TRY(store_.visit_blocks_by_commit(one, [&](const BlockRef& block) {
      home = block;
      return false;
    }));
    if (!home) return gone();
    return *home;
  }

  Status read_log(const BlockRef& home) {
    std::vector<FoundLog> found =
        TRY(read(home, wire::LogPredicate(), {.from_row = place_.row, .to_row = place_.row + 1}));
    if (found.empty() || found.front().row.time != place_.time) return gone();
    context_.log = std::move(found.front());
    return {};
  }

  Result<std::vector<FoundLog>> read(const BlockRef& block, const wire::LogPredicate& predicate,
                                     const wire::RowsWanted& wanted) {
    std::vector<FoundLog> found;
    const OpenedLogPtr log = TRY(reader_.open(block));
    if (!log) return found;
    const Status asked = reader_.ask(block, log, predicate, [&](wire::LogBlock& opened) -> Status {
      std::vector<wire::LogRow> rows = TRY(opened.search(predicate, wanted));
      for (wire::LogRow& row : rows) {
        found.push_back({std::move(row), log->header.host, block.identity.agent, block.commit_id});
      }
      return {};
    });
    TRY(asked);
    return found;
  }

  // `before` is gathered newest first.
  Status add_before(const BlockRef& block, wire::RowsWanted wanted) {
    wanted.rows_max = query_.before - static_cast<uint32_t>(context_.before.size());
    if (wanted.rows_max == 0) return {};
    std::vector<FoundLog> found = TRY(read(block, source_, wanted));
    std::move(found.rbegin(), found.rend(), std::back_inserter(context_.before));
    return {};
  }

  Status add_after(const BlockRef& block, wire::RowsWanted wanted) {
    wanted.rows_max = query_.after - static_cast<uint32_t>(context_.after.size());
    if (wanted.rows_max == 0) return {};
    std::vector<FoundLog> found = TRY(read(block, source_, wanted));
    std::move(found.begin(), found.end(), std::back_inserter(context_.after));
    return {};
  }

  Status walk_back(const BlockRef& home) {
    uint64_t through = home.commit_id - 1;
    for (uint64_t window = window_first; through > 0 && wants_before(); window *= 2) {
      const uint64_t after = through - std::min(through, window);
      std::vector<BlockRef> blocks;
      const BlockQuery some{.agent = home.identity.agent, .after_commit_id = after, .through_commit_id = through};
      TRY(store_.visit_blocks_by_commit(some, [&](const BlockRef& block) {
        if (block.identity.lane == home.identity.lane) blocks.push_back(block);
        return true;
      }));
      for (auto block = blocks.rbegin(); block != blocks.rend() && wants_before(); ++block) {
        TRY(add_before(*block, {.choice = wire::RowsWanted::Choice::last}));
      }
      looked_at_ += window;
      through = after;
    }
    return {};
  }

  Status walk_on(const BlockRef& home) {
    Status status;
    const BlockQuery later{.agent = home.identity.agent, .after_commit_id = home.commit_id};
    TRY(store_.visit_blocks_by_commit(later, [&](const BlockRef& block) {
      if (context_.after.size() >= query_.after || reader_.out_of(query_.limits)) return false;
      if (block.identity.lane == home.identity.lane) status = add_after(block, {});
      return status.ok();
    }));
    return status;
  }

  bool wants_before() const {
    return context_.before.size() < query_.before && !reader_.out_of(query_.limits) && looked_at_ < looked_at_max;
  }

  static constexpr uint64_t looked_at_max = 1'000'000;  // commits of all agents

  const Store& store_;
  const LogContextQuery& query_;
  const Cursor place_;
  LogContext context_;
  BlockReader reader_;
  wire::LogPredicate source_;
  uint64_t looked_at_ = 0;
};

Status check_count(const char* name, uint32_t count) {
  if (count <= context_rows_max) return {};
  return Error(Code::invalid, std::string(name) + " is " + std::to_string(count) + "; at most " +
                                  std::to_string(context_rows_max) + " is allowed");
}

}  // namespace

Result<LogContext> find_log_context(const Store& store, const LogContextQuery& query, const ReportDamage& report) {
  TRY(check_count("before", query.before));
  TRY(check_count("after", query.after));
  const Result<Cursor> place = parse_cursor(CursorKind::log, query.id);
  if (!place.ok()) {
    return Error(Code::invalid, "\"" + printable(query.id, 64) + "\" is no log's id; ids come with each log found");
  }
  return Neighbours(store, query, report, *place).find();
}

}  // namespace reeve::server
