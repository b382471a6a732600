// See metric_tail.h.
#include "server/query/metric_tail.h"

#include <algorithm>

#include "server/query/block_reader.h"
#include "server/query/cursor.h"

namespace reeve::server {
namespace {

class Tail {
 public:
  Tail(const Store& store, const MetricTailQuery& query, const ReportDamage& report, uint64_t after)
      : query_(query), reader_(store, report, tail_.scanned), after_(after) {
    predicate_.name = query.name;
    for (const auto& label : query.labels) {
      if (label.first != "host") predicate_.labels.push_back(label);
    }
  }

  bool visit(const BlockRef& block) {
    if (points_ >= query_.points_max || reader_.out_of(query_.limits)) {
      tail_.more = true;
      return false;
    }
    status_ = add(block);
    if (!tail_.more) after_ = block.commit_id;
    return status_.ok() && !tail_.more;
  }

  Result<MetricTail> finish(uint64_t through) {
    TRY(std::move(status_));
    if (!tail_.more) after_ = through;
    tail_.cursor = format_cursor(CursorKind::tail, {WallTime{}, after_, UINT32_MAX});
    return std::move(tail_);
  }

 private:
  Status add(const BlockRef& block) {
    const std::optional<wire::BlockHeader> header = TRY(reader_.read_header(block));
    if (!header) return {};
    if (!wire::may_match(*header, predicate_) || !host_matches(header->host)) {
      ++tail_.scanned.blocks_pruned;
      return {};
    }
    const std::optional<Bytes> bytes = TRY(reader_.read_block(block));
    if (!bytes) return {};
    ++tail_.scanned.blocks;
    tail_.scanned.bytes += bytes->size();
    Result<std::vector<wire::SeriesPoints>> found = wire::read_metric_block(*bytes, predicate_);
    if (!found.ok()) return reader_.pass_by(block, found.error());
    uint64_t points = 0;
    for (const wire::SeriesPoints& series : *found) points += series.points.size();
    if (points_ > 0 && points_ + points > query_.points_max) {
      tail_.more = true;  // it comes whole with the next turn
      return {};
    }
    for (wire::SeriesPoints& series : *found) take(header->host, std::move(series));
    return {};
  }

  void take(const std::string& host, wire::SeriesPoints series) {
    const uint64_t room = query_.points_max - std::min(points_, query_.points_max);
    const size_t kept = std::min<size_t>(series.points.size(), room);
    tail_.points_left_out += series.points.size() - kept;
    if (kept == 0) return;
    series.points.resize(kept);
    points_ += kept;
    tail_.series.push_back({std::move(series.name), with_host(series.labels, host), std::move(series.points)});
  }

  bool host_matches(const std::string& host) const {
    return std::all_of(query_.labels.begin(), query_.labels.end(),
                       [&](const auto& label) { return label.first != "host" || label.second == host; });
  }

  const MetricTailQuery& query_;
  wire::MetricPredicate predicate_;
  MetricTail tail_;
  BlockReader reader_;
  uint64_t after_;
  uint64_t points_ = 0;
  Status status_;
};

}  // namespace

Result<MetricTail> tail_metrics(const Store& store, const MetricTailQuery& query, const ReportDamage& report) {
  const uint64_t through = TRY(store.last_commit_id());
  if (query.cursor.empty()) {
    MetricTail tail;
    tail.cursor = format_cursor(CursorKind::tail, {WallTime{}, through, UINT32_MAX});
    return tail;
  }
  const Cursor after = TRY(parse_cursor(CursorKind::tail, query.cursor));
  if (after.commit_id > through) {
    return Error(Code::invalid, "the cursor is ahead of the store, which ends at commit " + std::to_string(through));
  }
  Tail tail(store, query, report, after.commit_id);
  const BlockQuery blocks{
      .kind = wire::BlockKind::metrics, .after_commit_id = after.commit_id, .through_commit_id = through};
  TRY(store.visit_blocks_by_commit(blocks, [&](const BlockRef& block) { return tail.visit(block); }));
  return tail.finish(through);
}

}  // namespace reeve::server
