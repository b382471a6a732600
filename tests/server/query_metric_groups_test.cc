// Aggregating over labels, listing them, and following points.
#include "server/query/metric_tail.h"
#include "tests/pch.h"
#include "tests/server/store_world.h"

namespace reeve::server::test {
namespace {

constexpr auto counter = wire::MetricKind::counter;
constexpr auto gauge = wire::MetricKind::gauge;
using Values = std::vector<double>;

struct World {
  std::unique_ptr<Store> store = make_memory_store();
  uint64_t sequence = 0;

  void add(const std::vector<Sample>& samples, const std::string& host = "host-1") {
    const wire::BlockIdentity identity{make_id(1), make_id(2), wire::Lane::live, ++sequence};
    commit(*store, {{identity, noon, make_metric_block(identity, samples, host)}});
  }
  MetricAnswer ask(const std::string& name, Aggregation aggregation, std::optional<std::vector<std::string>> by) {
    MetricQuery query{.name = name, .from = noon, .to = noon + 60s, .step = 10s, .aggregation = aggregation};
    query.by = std::move(by);
    Result<MetricAnswer> answer = query_metric(*store, query);
    if (!answer.ok()) FAIL(answer.error().text());
    return std::move(answer).value();
  }
  MetricTail tail(const MetricTailQuery& query) {
    Result<MetricTail> answer = tail_metrics(*store, query);
    if (!answer.ok()) FAIL(answer.error().text());
    return std::move(answer).value();
  }
};

Values values(const MetricSeries& series) {
  Values all;
  for (const auto& [time, value] : series.points) all.push_back(value);
  return all;
}

}  // namespace

TEST_CASE("series that share the named labels become one") {
  World world;
  world.add({{"load", noon + 1s, 2, gauge, {{"cpu", "0"}, {"mode", "user"}}},
             {"load", noon + 2s, 4, gauge, {{"cpu", "0"}, {"mode", "idle"}}},
             {"load", noon + 3s, 9, gauge, {{"cpu", "1"}, {"mode", "user"}}}});
  world.add({{"load", noon + 4s, 1, gauge, {{"cpu", "0"}, {"mode", "user"}}}}, "host-2");
  using By = std::vector<std::string>;

  const MetricAnswer by_cpu = world.ask("load", Aggregation::sum, By{"cpu"});
  REQUIRE(by_cpu.series.size() == 2);
  CHECK(by_cpu.series[0].labels == Labels{{"cpu", "0"}});
  CHECK(values(by_cpu.series[0]) == Values{7});
  CHECK(values(by_cpu.series[1]) == Values{9});

  const MetricAnswer by_host = world.ask("load", Aggregation::max, By{"host"});
  REQUIRE(by_host.series.size() == 2);
  CHECK(values(by_host.series[0]) == Values{9});
  CHECK(values(by_host.series[1]) == Values{1});

  const MetricAnswer by_absent = world.ask("load", Aggregation::avg, By{"zone"});
  REQUIRE(by_absent.series.size() == 1);
  CHECK(by_absent.series[0].labels == Labels{{"zone", ""}});
  CHECK(values(by_absent.series[0]) == Values{4});
  CHECK(world.ask("load", Aggregation::avg, std::nullopt).series.size() == 4);
}

// Two counters side by side: taken for one, each step between them would look like a reset.
TEST_CASE("a rate over several counters is the sum of their rates") {
  World world;
  for (int n = 0; n < 6; ++n) {
    world.add({{"bytes", noon + Duration(n * 10s), 1000.0 + 100 * n, counter, {{"nic", "a"}}},
               {"bytes", noon + Duration(n * 10s), 5.0 + 20 * n, counter, {{"nic", "b"}}}});
  }

  const MetricAnswer answer = world.ask("bytes", Aggregation::rate, std::vector<std::string>{"host"});

  REQUIRE(answer.series.size() == 1);
  for (const double value : values(answer.series[0])) CHECK(value == Approx(12));
}

TEST_CASE("labels are listed with their values, and names once") {
  World world;
  world.add({{"load", noon, 1, gauge, {{"cpu", "0"}}}, {"load", noon, 1, gauge, {{"cpu", "1"}}}, {"up", noon, 1}});
  world.add({{"up", noon, 1}}, "host-2");

  const Result<MetricLabels> all = list_labels(*world.store, {.from = noon, .to = noon + 1s});

  REQUIRE(all.ok());
  CHECK(all->names == std::vector<std::string>{"load", "up"});
  CHECK(all->labels.at("cpu") == std::vector<std::string>{"0", "1"});
  CHECK(all->labels.at("host") == std::vector<std::string>{"host-1", "host-2"});
  CHECK_FALSE(all->truncated);
}

TEST_CASE("who follows a metric is given each point once, in order of storage") {
  World world;
  world.add({{"load", noon, 1}});
  MetricTailQuery query{.name = "load"};
  query.cursor = world.tail(query).cursor;

  world.add({{"load", noon + 1s, 2}, {"other", noon, 7}});
  world.add({{"load", noon + 2s, 3, gauge, {{"cpu", "0"}}}});
  const MetricTail first = world.tail(query);

  REQUIRE(first.series.size() == 2);
  CHECK(first.series[0].points.at(0).second == 2);
  CHECK(first.series[1].labels == Labels{{"cpu", "0"}, {"host", "host-1"}});
  CHECK_FALSE(first.more);
  query.cursor = first.cursor;
  CHECK(world.tail(query).series.empty());
}

TEST_CASE("a turn of points is bounded by whole blocks, and what a single block has too many is counted") {
  World world;
  MetricTailQuery query{.name = "load", .points_max = 3};
  query.cursor = world.tail(query).cursor;
  for (int block = 0; block < 3; ++block) world.add({{"load", noon, 1}, {"load", noon + 1s, 2}});
  world.add({{"load", noon, 1}, {"load", noon, 2}, {"load", noon, 3}, {"load", noon, 4}, {"load", noon, 5}});

  uint64_t given = 0;
  uint64_t left_out = 0;
  MetricTail turn;
  do {
    turn = world.tail(query);
    query.cursor = turn.cursor;
    left_out += turn.points_left_out;
    for (const TailedSeries& series : turn.series) given += series.points.size();
  } while (turn.more);

  CHECK(given == 9);
  CHECK(left_out == 2);
}

}  // namespace reeve::server::test
