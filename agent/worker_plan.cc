// See worker_plan.h.
#include "agent/worker_plan.h"

#include <algorithm>

#include "agent/parse/table.h"
#include "common/base/check.h"

namespace reeve::agent {

namespace {

bool names_script(const LineRules& rules) {
  return std::any_of(rules.parse.begin(), rules.parse.end(),
                     [](const std::string& name) { return find_parser_kind(name) == nullptr; });
}

class Planner {
 public:
  explicit Planner(const std::vector<LineRules>& line_rules) : line_rules_(line_rules) { shares_.emplace_back(); }

  // Deals the inputs of one kind; kinds whose lines cannot be parsed stay on the first worker.
  template <typename Config>
  std::vector<size_t> deal(const std::vector<Config>& configs, std::vector<Config> collect::CollectorConfigs::*kind) {
    std::vector<size_t> workers;
    for (const Config& config : configs) {
      size_t worker = 0;
      if constexpr (requires { config.line_rules; }) {
        check(config.line_rules < line_rules_.size(), "an input's rules were read from the configuration");
        if (names_script(line_rules_[config.line_rules])) worker = next_script_worker();
      }
      (shares_[worker].inputs.*kind).push_back(config);
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
  Planner planner(line_rules);
  const std::vector<size_t> file_workers = planner.deal(inputs.file, &CollectorConfigs::file);
  planner.deal(inputs.journal, &CollectorConfigs::journal);
  planner.deal(inputs.host, &CollectorConfigs::host);
  planner.deal(inputs.scrape, &CollectorConfigs::scrape);
  planner.deal(inputs.syslog, &CollectorConfigs::syslog);

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
    for (const ParserCounters& parser : one.parsers) {
      const auto known = std::find_if(sum.parsers.begin(), sum.parsers.end(),
                                      [&parser](const ParserCounters& row) { return row.name == parser.name; });
      if (known == sum.parsers.end()) {
        sum.parsers.push_back(parser);
        continue;
      }
      known->parsed += parser.parsed;
      known->unknown += parser.unknown;
      known->dropped += parser.dropped;
      known->failed += parser.failed;
    }
  }
  return sum;
}

}  // namespace reeve::agent
