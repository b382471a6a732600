// See worker_plan.h.
#include "agent/worker_plan.h"

#include <algorithm>
#include <utility>

#include "agent/parse/table.h"
#include "common/base/check.h"

namespace reeve::agent {

namespace {

bool names_script(const LineRules& rules) {
  return std::any_of(rules.parse.begin(), rules.parse.end(),
                     [](const std::string& name) { return find_parser_kind(name) == nullptr; });
}

template <typename Row>
Row& row_of(std::vector<Row>& rows, const std::string& name) {
  for (Row& row : rows) {
    if (row.name == name) return row;
  }
  rows.push_back({});
  rows.back().name = name;
  return rows.back();
}

class Planner {
 public:
  Planner(const collect::CollectorConfigs& inputs, const std::vector<LineRules>& line_rules) : line_rules_(line_rules) {
    shares_.push_back({inputs, {}});
  }

  // Deals the inputs of one kind whose lines may be parsed; all other kinds stay on the first worker.
  template <typename Config>
  std::vector<size_t> deal(std::vector<Config> collect::CollectorConfigs::*kind) {
    std::vector<size_t> workers;
    for (Config& config : std::exchange(shares_[0].inputs.*kind, {})) {
      check(config.line_rules < line_rules_.size(), "an input's rules were read from the configuration");
      const size_t worker = names_script(line_rules_[config.line_rules]) ? next_script_worker() : 0;
      (shares_[worker].inputs.*kind).push_back(std::move(config));
      workers.push_back(worker);
    }
    return workers;
  }

  std::vector<WorkerShare> take() { return std::move(shares_); }

 private:
  size_t next_script_worker() {
    const size_t worker = 1 + scripts_++ % script_workers_max;
    if (worker == shares_.size()) shares_.emplace_back();
    return worker;
  }

  const std::vector<LineRules>& line_rules_;
  std::vector<WorkerShare> shares_;
  size_t scripts_ = 0;
};

}  // namespace

std::vector<WorkerShare> plan_workers(const collect::CollectorConfigs& inputs, const std::vector<LineRules>& line_rules,
                                      const std::vector<wire::SourcePosition>& restored) {
  using collect::CollectorConfigs;
  Planner planner(inputs, line_rules);
  const std::vector<size_t> file_workers = planner.deal(&CollectorConfigs::file);
  planner.deal(&CollectorConfigs::syslog);

  std::vector<WorkerShare> shares = planner.take();
  for (const wire::SourcePosition& position : restored) {
    const auto claims = [&position](const collect::FileConfig& config) {
      return collect::FileCollector::claims(config, position);
    };
    const auto first = std::find_if(inputs.file.begin(), inputs.file.end(), claims);
    if (first != inputs.file.end()) {
      shares[file_workers[static_cast<size_t>(first - inputs.file.begin())]].restored.push_back(position);
      continue;
    }
    // Of a kind that is there once, or of nobody now: whoever looks for it finds it.
    for (WorkerShare& share : shares) share.restored.push_back(position);
  }
  return shares;
}

BatcherCounters sum_of(const std::vector<BatcherCounters>& each) {
  BatcherCounters sum;
  for (const BatcherCounters& one : each) {
    sum.rows += one.rows;
    sum.raw_bytes += one.raw_bytes;
    sum.points += one.points;
    sum.blocks += one.blocks;
    sum.time_suspect += one.time_suspect;
    sum.records_cut += one.records_cut;
    sum.fields_left_out += one.fields_left_out;
    for (const auto& [reason, bytes] : one.dropped_bytes) sum.dropped_bytes[reason] += bytes;
    for (const secrets::RedactCounters& rule : one.redacted) row_of(sum.redacted, rule.name).replaced += rule.replaced;
    for (const ParserCounters& parser : one.parsers) {
      ParserCounters& row = row_of(sum.parsers, parser.name);
      row.parsed += parser.parsed;
      row.unknown += parser.unknown;
      row.dropped += parser.dropped;
      row.failed += parser.failed;
    }
  }
  return sum;
}

}  // namespace reeve::agent
