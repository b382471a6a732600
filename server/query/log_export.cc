// See log_export.h.
#include "server/query/log_export.h"

#include "server/query/block_reader.h"

namespace reeve::server {
namespace {

constexpr uint32_t rows_at_once = 1000;  // materialised

class Export {
 public:
  Export(const Store& store, const wire::LogPredicate& predicate,
         const std::function<Status(const FoundLog& log)>& give, const ReportDamage& report)
      : predicate_(predicate), give_(give), reader_(store, report, done_.scanned) {}

  bool visit(const BlockRef& block) {
    status_ = add(block);
    return status_.ok();
  }

  Result<LogExport> finish() {
    TRY(std::move(status_));
    return done_;
  }

 private:
  Status add(const BlockRef& block) {
    const OpenedLogPtr log = TRY(reader_.open(block));
    if (!log) return {};
    Status given;
    const Status asked = reader_.ask(block, log, predicate_, [&](wire::LogBlock& opened) -> Status {
      for (uint32_t from = 0;;) {
        std::vector<wire::LogRow> rows = TRY(opened.search(predicate_, {.rows_max = rows_at_once, .from_row = from}));
        const bool is_last = rows.size() < rows_at_once;
        if (!rows.empty()) from = rows.back().row + 1;
        given = give(block, log->header.host, std::move(rows));
        if (is_last || !given.ok()) return {};
      }
    });
    TRY(asked);
    return given;
  }

  Status give(const BlockRef& block, const std::string& host, std::vector<wire::LogRow> rows) {
    for (wire::LogRow& row : rows) {
      TRY(give_({std::move(row), host, block.identity.agent, block.commit_id}));
      ++done_.rows;
    }
    return {};
  }

  const wire::LogPredicate& predicate_;
  const std::function<Status(const FoundLog& log)>& give_;
  LogExport done_;
  BlockReader reader_;
  Status status_;
};

}  // namespace

Result<LogExport> export_logs(const Store& store, const wire::LogPredicate& predicate,
                              const std::function<Status(const FoundLog& log)>& give, const ReportDamage& report) {
  BlockQuery blocks{.kind = wire::BlockKind::logs, .from = predicate.from, .to = predicate.to};
  blocks.through_commit_id = TRY(store.last_commit_id());
  Export all(store, predicate, give, report);
  TRY(store.visit_blocks_by_commit(blocks, [&](const BlockRef& block) { return all.visit(block); }));
  return all.finish();
}

}  // namespace reeve::server
