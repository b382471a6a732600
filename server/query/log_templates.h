// What is being said, grouped by template: how often, since when, at which level and by whom.
//
// Counts come from headers: each says how many rows of which template fell into which 10 s. What headers do not say,
// which level and service a row has where a block holds several, is read from two small columns, as far as a bound on
// bytes allows; beyond it a template's levels and services are those that were seen. Filters on service, level and
// source look at rows where a block holds others too; what is beyond the bound then is left out, and said.
//
// Any thread; blocks on the store.
#pragma once

#include <array>
#include <set>
#include <string>
#include <vector>

#include "server/query/logs.h"

namespace reeve::server {

constexpr uint32_t templates_listed_max = 1000;
constexpr size_t template_parts = 30;  // of the range, in which a template's rows are counted

struct TemplatesQuery {
  wire::LogPredicate predicate;  // its text conditions must be empty
  uint32_t limit = 200;          // 1..templates_listed_max
  LogQueryLimits limits{.blocks_max = 20'000, .bytes_max = 64_MiB};
  LogBlockCache* cache = nullptr;
};

struct TemplateEntry {
  wire::ShapeKey shape;
  std::string text;     // the line with its variables masked
  std::string example;  // a line
  uint64_t count = 0;
  WallTime first;  // to 10 s
  WallTime last;
  std::array<uint64_t, wire::level_count> levels{};
  std::set<std::string> services;  // at most 20
  uint64_t hosts = 0;
  std::array<uint64_t, template_parts> parts{};
};

struct TemplateList {
  std::vector<TemplateEntry> templates;  // by falling count
  bool truncated = false;                // a bound left rows or templates out
  ScanCounters scanned;
};

// Code::invalid for a limit out of range, a text condition, or an empty range.
Result<TemplateList> list_templates(const Store& store, const TemplatesQuery& query,
                                    const ReportDamage& report = nullptr);

}  // namespace reeve::server
