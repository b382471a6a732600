// See log_templates.h.
#include "server/query/log_templates.h"

#include <algorithm>
#include <map>
#include <unordered_set>

#include "common/mine/shape.h"
#include "common/wire/block_limits.h"
#include "server/query/block_reader.h"

namespace reeve::server {
namespace {

constexpr size_t templates_gathered_max = 20'000;
constexpr size_t services_per_template_max = 20;
constexpr size_t hosts_per_template_max = 10'000;
constexpr uint64_t text_blocks_max = 200;  // opened for texts that no header told

// A template while it is gathered.
struct Gathered {
  TemplateEntry entry;
  std::unordered_set<std::string> hosts;
  BlockRef newest;  // that has it
};

class Gathering {
 public:
  Gathering(const Store& store, const TemplatesQuery& query, const ReportDamage& report)
      : query_(query), predicate_(query.predicate), reader_(store, report, list_.scanned, query.cache) {}

  bool visit(const BlockRef& block) {
    if (list_.scanned.blocks + list_.scanned.blocks_pruned >= query_.limits.blocks_max) {
      list_.truncated = true;
      return false;
    }
    status_ = add(block);
    return status_.ok();
  }

  Result<TemplateList> finish() {
    TRY(std::move(status_));
    if (list_.scanned.damaged_blocks + list_.scanned.blocks_too_new > 0) list_.truncated = true;
    std::vector<Gathered*> order;
    order.reserve(gathered_.size());
    for (auto& each : gathered_) order.push_back(&each.second);
    std::sort(order.begin(), order.end(), [](const Gathered* a, const Gathered* b) {
      return a->entry.count != b->entry.count ? a->entry.count > b->entry.count : a->entry.shape < b->entry.shape;
    });
    if (order.size() > query_.limit) {
      order.resize(query_.limit);
      list_.truncated = true;
    }
    TRY(add_missing_texts(order));
    for (Gathered* each : order) {
      each->entry.hosts = each->hosts.size();
      list_.templates.push_back(std::move(each->entry));
    }
    return std::move(list_);
  }

 private:
  Status add(const BlockRef& block) {
    const OpenedLogPtr log = TRY(reader_.open(block));
    if (!log) return {};
    if (!wire::may_match(log->header, predicate_)) {
      ++list_.scanned.blocks_pruned;
      return {};
    }

    const bool has_room = list_.scanned.bytes < query_.limits.bytes_max;
    const bool header_tells_all = is_uniform(log->header);
    if (!header_tells_all && has_room) return add_rows(block, log);
    if (!header_tells_all && !all_rows_match(log->header)) {
      list_.truncated = true;
      return {};
    }
    ++list_.scanned.blocks;
    add_header(block, log->header, header_tells_all);
    return {};
  }

  // One service with one level: what holds for one row holds for all.
  static bool is_uniform(const wire::BlockHeader& header) {
    size_t kinds = 0;
    for (const wire::ServiceCount& service : header.services) {
      kinds += static_cast<size_t>(
          std::count_if(service.levels.begin(), service.levels.end(), [](uint32_t rows) { return rows > 0; }));
    }
    return kinds == 1 && header.sources.size() == 1;
  }

  bool all_rows_match(const wire::BlockHeader& header) const {
    if (predicate_.source && header.sources.size() > 1) return false;
    if (predicate_.service && header.services.size() > 1) return false;
    if (!predicate_.level_min) return true;
    const auto level_min = static_cast<ptrdiff_t>(*predicate_.level_min);
    return std::ranges::all_of(header.services, [level_min](const wire::ServiceCount& service) {
      return std::all_of(service.levels.begin(), service.levels.begin() + level_min,
                         [](uint32_t rows) { return rows == 0; });
    });
  }

  void add_header(const BlockRef& block, const wire::BlockHeader& header, bool is_one_kind) {
    if (header.templates_left_out > 0) list_.truncated = true;
    for (const wire::TemplateCount& counted : header.templates) {
      if (predicate_.shape && counted.shape != *predicate_.shape) continue;
      Gathered* to = nullptr;
      uint64_t rows = 0;
      for (const wire::BucketCount& bucket : counted.buckets) {
        const WallTime begin = std::max({bucket.start, block.time_min, predicate_.from});
        const WallTime end =
            std::min({bucket.start + Duration(wire::bucket_ns - 1), block.time_max, predicate_.to - Duration(1)});
        if (bucket.count == 0 || begin > end) continue;
        if (!to) to = place_for(block, header, counted);
        if (!to) break;
        count(to->entry, begin, end, bucket.count);
        rows += bucket.count;
      }
      if (!to || !is_one_kind) continue;
      for (const wire::ServiceCount& service : header.services) {
        const auto level = std::find_if(service.levels.begin(), service.levels.end(), [](uint32_t n) { return n > 0; });
        if (level == service.levels.end()) continue;
        to->entry.levels[static_cast<size_t>(level - service.levels.begin())] += rows;
        add_service(to->entry, service.name);
      }
    }
  }

  Status add_rows(const BlockRef& block, const OpenedLogPtr& log) {
    const wire::BlockHeader& header = log->header;
    std::vector<Gathered*> places(header.templates.size(), nullptr);
    return reader_.ask(block, log, predicate_, [&](wire::LogBlock& opened) {
      return opened.visit(predicate_, [&](const wire::RowFacts& row) {
        if (row.template_place == 0) {
          list_.truncated = true;
          return;
        }
        Gathered*& to = places[row.template_place - 1];
        if (!to) to = place_for(block, header, header.templates[row.template_place - 1]);
        if (!to) return;
        count(to->entry, row.time, row.time, 1);
        ++to->entry.levels[static_cast<size_t>(row.level)];
        add_service(to->entry, header.services[row.service].name);
      });
    });
  }

  // Null where there is no room for another template.
  Gathered* place_for(const BlockRef& block, const wire::BlockHeader& header, const wire::TemplateCount& counted) {
    auto known = gathered_.find(counted.shape);
    if (known == gathered_.end()) {
      if (gathered_.size() >= templates_gathered_max) {
        list_.truncated = true;
        return nullptr;
      }
      known = gathered_.emplace(counted.shape, Gathered()).first;
      known->second.entry.shape = counted.shape;
      known->second.newest = block;  // blocks come newest first
    }
    Gathered& to = known->second;
    if (to.entry.text.empty() && !counted.text.empty()) {
      to.entry.text = counted.text;
      to.entry.example = counted.example;
    }
    if (to.hosts.size() < hosts_per_template_max) to.hosts.insert(header.host);
    return &to;
  }

  static void add_service(TemplateEntry& entry, const std::string& service) {
    if (entry.services.size() < services_per_template_max) entry.services.insert(service);
  }

  void count(TemplateEntry& entry, WallTime begin, WallTime end, uint64_t rows) {
    entry.first = entry.count == 0 ? begin : std::min(entry.first, begin);
    entry.last = entry.count == 0 ? end : std::max(entry.last, end);
    entry.count += rows;
    const double range = static_cast<double>(predicate_.to.ns) - static_cast<double>(predicate_.from.ns);
    const double into = static_cast<double>(begin.ns) - static_cast<double>(predicate_.from.ns);
    const auto part = static_cast<size_t>(std::max(0.0, into / range * template_parts));
    entry.parts[std::min(part, template_parts - 1)] += rows;
  }

  // A header tells a text only where its shape was new to the agent. Any row's line gives it, too.
  Status add_missing_texts(const std::vector<Gathered*>& order) {
    uint64_t opened_blocks = 0;
    for (Gathered* each : order) {
      if (!each->entry.text.empty() || opened_blocks == text_blocks_max) continue;
      ++opened_blocks;
      wire::LogPredicate of_shape;
      of_shape.shape = each->entry.shape;
      const OpenedLogPtr log = TRY(reader_.open(each->newest));
      if (!log) continue;
      const Status asked = reader_.ask(each->newest, log, of_shape, [&](wire::LogBlock& opened) -> Status {
        const std::vector<wire::LogRow> rows = TRY(opened.search(of_shape, {.rows_max = 1}));
        if (rows.empty()) return {};
        each->entry.text = mine::shape_text(rows.front().body);
        each->entry.example = rows.front().body.substr(0, wire::example_bytes_max);
        return {};
      });
      TRY(asked);
    }
    return {};
  }

  const TemplatesQuery& query_;
  const wire::LogPredicate& predicate_;
  TemplateList list_;
  BlockReader reader_;
  std::map<wire::ShapeKey, Gathered> gathered_;
  Status status_;
};

}  // namespace

Result<TemplateList> list_templates(const Store& store, const TemplatesQuery& query, const ReportDamage& report) {
  if (query.limit < 1 || query.limit > templates_listed_max) {
    return Error(Code::invalid, "limit is " + std::to_string(query.limit) + "; 1 to " +
                                    std::to_string(templates_listed_max) + " are allowed");
  }
  if (!query.predicate.text.empty()) return Error(Code::invalid, "templates are not listed by text");
  if (query.predicate.from >= query.predicate.to) return Error(Code::invalid, "\"from\" is not before \"to\"");

  Gathering gathering(store, query, report);
  const BlockQuery blocks{.kind = wire::BlockKind::logs, .from = query.predicate.from, .to = query.predicate.to};
  TRY(store.visit_blocks_newest_first(blocks, [&](const BlockRef& block) { return gathering.visit(block); }));
  return gathering.finish();
}

}  // namespace reeve::server
