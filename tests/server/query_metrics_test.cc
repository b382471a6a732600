// Listing and querying series.
#include "server/query/metrics.h"

#include "tests/pch.h"
#include "tests/server/store_world.h"

namespace reeve::server::test {
namespace {

using Values = std::vector<double>;
constexpr auto counter = wire::MetricKind::counter;
constexpr auto gauge = wire::MetricKind::gauge;

struct World {
  std::unique_ptr<Store> store = make_memory_store();
  uint64_t sequence = 0;

  void add(const std::vector<Sample>& samples, const std::string& host = "host-1") {
    const wire::BlockIdentity identity{make_id(1), make_id(2), wire::Lane::live, ++sequence};
    commit(*store, {{identity, noon, make_metric_block(identity, samples, host)}});
  }

  MetricAnswer ask(const MetricQuery& query) {
    Result<MetricAnswer> answer = query_metric(*store, query);
    if (!answer.ok()) FAIL(answer.error().text());
    return std::move(answer).value();
  }
};

MetricQuery minute_of(const std::string& name, Aggregation aggregation) {
  return {.name = name, .from = noon, .to = noon + 60s, .step = 10s, .aggregation = aggregation};
}

Values values(const MetricSeries& series) {
  Values all;
  for (const auto& [time, value] : series.points) all.push_back(value);
  return all;
}

}  // namespace

TEST_CASE("every aggregation gives its value of a step") {
  World world;
  world.add({{"load", noon + 1s, 4}, {"load", noon + 2s, 1}});
  world.add({{"load", noon + 3s, 7}, {"load", noon + 15s, 2}});

  const auto value = [&](Aggregation aggregation) {
    const MetricAnswer answer = world.ask(minute_of("load", aggregation));
    REQUIRE(answer.series.size() == 1);
    REQUIRE(answer.series[0].points.size() == 2);
    CHECK(answer.series[0].points[0].first == noon);
    CHECK(answer.series[0].points[1].first == noon + 10s);
    return answer.series[0].points[0].second;
  };

  CHECK(value(Aggregation::avg) == 4);
  CHECK(value(Aggregation::min) == 1);
  CHECK(value(Aggregation::max) == 7);
  CHECK(value(Aggregation::sum) == 12);
  CHECK(value(Aggregation::last) == 7);
  CHECK(value(Aggregation::count) == 3);
}

TEST_CASE("a rate is the gain per second, and a counter that falls began again at zero") {
  World world;
  world.add({{"requests", noon + 0s, 100, counter}, {"requests", noon + 10s, 200, counter}});
  world.add({{"requests", noon + 20s, 30, counter}, {"requests", noon + 30s, 50, counter}});

  const MetricAnswer answer = world.ask(minute_of("requests", Aggregation::rate));

  REQUIRE(answer.series.size() == 1);
  CHECK(values(answer.series[0]) == Values{10, 3, 2});  // from the second point on
  CHECK(answer.series[0].points[0].first == noon + 10s);
}

TEST_CASE("a rate is the same when blocks overlap and when its neighbour lies before the range") {
  World world;
  world.add({{"requests", noon - 10s, 0, counter}, {"requests", noon + 10s, 200, counter}});
  world.add({{"requests", noon + 0s, 100, counter}, {"requests", noon + 20s, 300, counter}});

  const MetricAnswer answer = world.ask(minute_of("requests", Aggregation::rate));

  REQUIRE(answer.series.size() == 1);
  CHECK(values(answer.series[0]) == Values{10, 10, 10});
  CHECK(answer.series[0].points[0].first == noon);
}

TEST_CASE("points less often than the step give the rate over the time between them") {
  World world;
  world.add({{"requests", noon, 0, counter}, {"requests", noon + 30s, 60, counter}});

  MetricQuery query = minute_of("requests", Aggregation::rate);
  query.step = 1s;

  CHECK(values(world.ask(query).series.at(0)) == Values{2});
}

TEST_CASE("the rate of a gauge is refused") {
  World world;
  world.add({{"load", noon, 1}});

  const auto answer = query_metric(*world.store, minute_of("load", Aggregation::rate));

  REQUIRE(!answer.ok());
  CHECK(answer.error().code() == Code::invalid);
  CHECK(answer.error().text().find("gauge") != std::string::npos);
}

TEST_CASE("series differ by labels and host, and host is a label to ask for") {
  World world;
  world.add({{"disk", noon, 1, gauge, {{"device", "sda"}}}, {"disk", noon, 2, gauge, {{"device", "sdb"}}}}, "web-1");
  world.add({{"disk", noon, 3, gauge, {{"device", "sda"}}}}, "web-2");

  MetricQuery query = minute_of("disk", Aggregation::last);
  CHECK(world.ask(query).series.size() == 3);

  query.labels = {{"device", "sda"}};
  const MetricAnswer by_device = world.ask(query);
  REQUIRE(by_device.series.size() == 2);
  CHECK(by_device.series[0].labels == Labels{{"device", "sda"}, {"host", "web-1"}});
  CHECK(by_device.series[1].labels == Labels{{"device", "sda"}, {"host", "web-2"}});

  query.labels = {{"device", "sda"}, {"host", "web-2"}};
  CHECK(values(world.ask(query).series.at(0)) == Values{3});

  query.labels = {{"host", "web-3"}};
  CHECK(world.ask(query).series.empty());
}

TEST_CASE("the range holds its begin and not its end, and steps fall on the clock") {
  World world;
  world.add({{"load", noon - 1s, 1}, {"load", noon + 5s, 2}, {"load", noon + 25s, 3}});

  const MetricAnswer answer =
      world.ask({.name = "load", .from = noon + 5s, .to = noon + 25s, .step = 10s, .aggregation = Aggregation::avg});

  REQUIRE(answer.series.size() == 1);
  CHECK(answer.series[0].points == std::vector<std::pair<WallTime, double>>{{noon, 2.0}});
}

TEST_CASE("without a step about sixty points come") {
  World world;
  CHECK(world.ask({.name = "x", .from = noon, .to = noon + 15min}).step == 15s);
  CHECK(world.ask({.name = "x", .from = noon, .to = noon + 10s}).step == 1s);
  CHECK(world.ask({.name = "x", .from = noon, .to = noon + 24h}).step == 1440s);
}

TEST_CASE("a query that asks for too much or nothing is told its bound") {
  World world;
  const auto code = [&](const MetricQuery& query) { return query_metric(*world.store, query).error().code(); };

  CHECK(code({.name = "", .from = noon, .to = noon + 1s}) == Code::invalid);
  CHECK(code({.name = "x", .from = noon, .to = noon}) == Code::invalid);
  CHECK(code({.name = "x", .from = noon, .to = noon + 1h, .step = 999ms}) == Code::invalid);
  CHECK(code({.name = "x", .from = noon, .to = noon + 11'001s, .step = 1s}) == Code::invalid);
  CHECK(code({.name = "x", .from = WallTime{INT64_MIN}, .to = WallTime{INT64_MAX}}) == Code::invalid);
  CHECK(query_metric(*world.store, {.name = "x", .from = noon, .to = noon + 11'000s, .step = 1s}).ok());
  CHECK(list_series(*world.store, {.from = noon, .to = noon}).error().code() == Code::invalid);
}

TEST_CASE("more series than one answer holds are cut, and the answer says so") {
  World world;
  std::vector<Sample> samples;
  for (size_t n = 0; n <= series_queried_max; ++n) {
    samples.push_back({"load", noon, 1, gauge, {{"cpu", std::to_string(n)}}});
  }
  world.add({samples.begin(), samples.end() - 1});
  CHECK(!world.ask(minute_of("load", Aggregation::avg)).truncated);

  world.add(samples);

  const MetricAnswer answer = world.ask(minute_of("load", Aggregation::avg));
  CHECK(answer.truncated);
  CHECK(answer.series.size() == series_queried_max);
}

TEST_CASE("the list gives each series once, with its last value and its points") {
  World world;
  world.add({{"load", noon, 1}, {"load", noon + 10s, 2}, {"memory", noon, 5}});
  world.add({{"load", noon + 20s, 3}});
  world.add({{"load", noon + 5s, 9}}, "host-2");

  const SeriesList list = list_series(*world.store, {.from = noon, .to = noon + 1h}).value();

  REQUIRE(list.series.size() == 3);
  CHECK(list.series[0].name == "load");
  CHECK(list.series[0].labels == Labels{{"host", "host-1"}});
  CHECK(list.series[0].last == 3);
  CHECK(list.series[0].last_time == noon + 20s);
  CHECK(list.series[0].points == 3);
  CHECK(list.series[1].labels == Labels{{"host", "host-2"}});
  CHECK(list.series[2].name == "memory");
  CHECK(!list.truncated);
}

TEST_CASE("the list is chosen by name, part of the name, labels and range") {
  World world;
  world.add({{"system.cpu", noon, 1, gauge, {{"state", "user"}}}, {"system.disk", noon, 1}});

  const auto count = [&](SeriesListQuery query) {
    query.from = noon;
    query.to = noon + 1s;
    return list_series(*world.store, query).value().series.size();
  };

  CHECK(count({.name = "system.cpu"}) == 1);
  CHECK(count({.name = "system"}) == 0);
  CHECK(count({.match = "system"}) == 2);
  CHECK(count({.match = "disk"}) == 1);
  CHECK(count({.labels = {{"state", "user"}}}) == 1);
  CHECK(count({.labels = {{"host", "host-1"}}}) == 2);
  CHECK(list_series(*world.store, {.from = noon - 1h, .to = noon}).value().series.empty());
}

TEST_CASE("aggregations have names") {
  CHECK(parse_aggregation("rate") == Aggregation::rate);
  CHECK(parse_aggregation("avg") == Aggregation::avg);
  CHECK(!parse_aggregation("AVG"));
  CHECK(to_string(Aggregation::count) == "count");
}

}  // namespace reeve::server::test
