#include "collectors/exposition.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <map>

#include "common/base/random.h"

using namespace reeve;
using namespace reeve::collect;

namespace {

using wire::MetricKind;

std::unique_ptr<MetricPage> parse(std::string_view text, Exposition exposition = Exposition::text,
                                  const MetricPage::Limits& limits = {}) {
  auto page = MetricPage::parse(Bytes(text), exposition, limits);
  INFO((page.ok() ? std::string() : page.error().text()));
  REQUIRE(page.ok());
  return std::move(*page);
}

std::string complaint(std::string_view text, Exposition exposition = Exposition::text) {
  const auto page = MetricPage::parse(Bytes(text), exposition, {});
  REQUIRE_FALSE(page.ok());
  CHECK(page.error().code() == Code::invalid);
  return page.error().text();
}

// "name{key=value,...}" -> sample
std::map<std::string, MetricPage::Sample> by_series(const MetricPage& page) {
  std::map<std::string, MetricPage::Sample> samples;
  for (const MetricPage::Sample& sample : page.samples()) {
    std::string name(sample.name);
    for (const wire::Field& label : page.labels(sample)) {
      name += (name.size() == sample.name.size() ? "{" : ",") + std::string(label.key) + "=" + std::string(label.value);
    }
    if (sample.labels_count > 0) name += "}";
    samples[name] = sample;
  }
  return samples;
}

constexpr std::string_view text_page =
    "# HELP http_requests_total The total number of HTTP requests.\n"
    "# TYPE http_requests_total counter\n"
    "http_requests_total{method=\"post\",code=\"200\"} 1027 1395066363000\n"
    "http_requests_total{method=\"post\",code=\"400\"}    3 1395066363000\n"
    "\n"
    "# Escaping in label values:\n"
    "msdos_file_access_time_seconds{path=\"C:\\\\DIR\\\\FILE.TXT\",error=\"Cannot find file:\\n\\\"FILE.TXT\\\"\"} "
    "1.458255915e9\n"
    "metric_without_timestamp_and_labels 12.47\n"
    "something_weird{problem=\"division by zero\"} +Inf -3982045\n"
    "# TYPE latency histogram\n"
    "latency_bucket{le=\"0.05\"} 24054\n"
    "latency_bucket{le=\"+Inf\",} 144320\n"
    "latency_sum 53423\n"
    "latency_count 144320\n"
    "# TYPE rpc summary\n"
    "rpc{quantile=\"0.5\"} 4773\n"
    "rpc{quantile=\"0.9\"} NaN\n"
    "rpc_sum 1.7560473e+07\n"
    "rpc_count 2693\n"
    "\tblanks_everywhere { a = \"b\" , c=\"d\" } \t 5 \n"
    "errors_total 4";

constexpr std::string_view open_page =
    "# TYPE foo_seconds counter\n"
    "# UNIT foo_seconds seconds\n"
    "# HELP foo_seconds How long, with a \\\" in it.\n"
    "foo_seconds_total{a=\"b\"} 17.5 1520879607.5 # {trace_id=\"KOO5S4vxi0o\"} 0.67 1520879607.789\n"
    "foo_seconds_created{a=\"b\"} 1520430000.123\n"
    "# TYPE bar histogram\n"
    "bar_bucket{le=\"0.1\"} 8 # {} 0.054\n"
    "bar_bucket{le=\"+Inf\"} 17\n"
    "bar_count 17\n"
    "bar_sum 324789.3\n"
    "# TYPE gh gaugehistogram\n"
    "gh_bucket{le=\"+Inf\"} 3\n"
    "gh_gcount 3\n"
    "gh_gsum 1.5\n"
    "# TYPE build info\n"
    "build_info{version=\"1\"} 1\n"
    "# TYPE state stateset\n"
    "state{state=\"on\"} 1\n"
    "# TYPE odd unknown\n"
    "odd 3\n"
    "# EOF\n";

}  // namespace

TEST_CASE("a page in Prometheus' text format gives every series with its kind, labels, time and value") {
  const auto page = parse(text_page);
  auto samples = by_series(*page);

  CHECK(samples.size() == 14);
  CHECK(page->not_numbers() == 1);  // rpc{quantile="0.9"}
  const auto& post = samples.at("http_requests_total{code=200,method=post}");
  CHECK(post.kind == MetricKind::counter);
  CHECK(post.value == 1027);
  CHECK(post.time == WallTime{1395066363000'000'000});
  const auto& escaped =
      samples.at("msdos_file_access_time_seconds{error=Cannot find file:\n\"FILE.TXT\",path=C:\\DIR\\FILE.TXT}");
  CHECK(escaped.value == 1.458255915e9);
  CHECK(escaped.kind == MetricKind::gauge);
  CHECK_FALSE(escaped.time.has_value());
  CHECK(samples.at("something_weird{problem=division by zero}").value == HUGE_VAL);
  CHECK(samples.at("something_weird{problem=division by zero}").time == WallTime{-3982045'000'000});
  CHECK(samples.at("latency_bucket{le=+Inf}").kind == MetricKind::counter);
  CHECK(samples.at("latency_sum").kind == MetricKind::counter);
  CHECK(samples.at("rpc{quantile=0.5}").kind == MetricKind::gauge);
  CHECK(samples.at("rpc_count").kind == MetricKind::counter);
  CHECK(samples.at("blanks_everywhere{a=b,c=d}").value == 5);
  CHECK(samples.at("errors_total").kind == MetricKind::counter);  // untyped, by its name
}

TEST_CASE("a page in OpenMetrics gives its series, and exemplars are skipped") {
  const auto page = parse(open_page, Exposition::openmetrics);
  auto samples = by_series(*page);

  CHECK(samples.size() == 12);
  const auto& total = samples.at("foo_seconds_total{a=b}");
  CHECK(total.kind == MetricKind::counter);
  CHECK(total.unit == "seconds");
  CHECK(total.value == 17.5);
  CHECK(total.time == WallTime{1520879607'500'000'000});
  CHECK(samples.at("foo_seconds_created{a=b}").kind == MetricKind::gauge);
  CHECK(samples.at("bar_bucket{le=0.1}").kind == MetricKind::counter);
  CHECK(samples.at("bar_bucket{le=0.1}").value == 8);
  CHECK(samples.at("gh_gcount").kind == MetricKind::gauge);
  CHECK(samples.at("build_info{version=1}").value == 1);
  CHECK(samples.at("odd").kind == MetricKind::gauge);
}

TEST_CASE("a wrong line of a text page is named, and the page is refused") {
  CHECK(complaint("ok 1\nbad{ 1\n") == "line 2 has a wrong label name: \"bad{ 1\"");
  CHECK(complaint("a{b=c} 1\n") == "line 1 has a label value without quotes: \"a{b=c} 1\"");
  CHECK(complaint("a{b=\"c} 1\n") == "line 1 has a label value that does not end: \"a{b=\"c} 1\"");
  CHECK(complaint("a{b=\"\\x\"} 1\n") == "line 1 has an unknown escape in a label value: \"a{b=\"\\x\"} 1\"");
  CHECK(complaint("a{b=\"c\" d=\"e\"} 1\n") == "line 1 has no comma between two labels: \"a{b=\"c\" d=\"e\"} 1\"");
  CHECK(complaint("a{b=\"c\",b=\"d\"} 1\n") == "line 1 has a label twice: \"a{b=\"c\",b=\"d\"} 1\"");
  CHECK(complaint("a{b=\"\xff\"} 1\n").find("not UTF-8") != std::string::npos);
  CHECK(complaint("a\n") == "line 1 has no value: \"a\"");
  CHECK(complaint("a-b 1\n") == "line 1 has no value: \"a-b 1\"");
  CHECK(complaint("1a 1\n") == "line 1 begins with no metric name: \"1a 1\"");
  CHECK(complaint("a 1 2 3\n") == "line 1 goes on after its value: \"a 1 2 3\"");
  CHECK(complaint("a 0x1p-2\n") == "line 1 has a value that is no number: \"a 0x1p-2\"");
  CHECK(complaint("a 1e999\n") == "line 1 has a value that is no number: \"a 1e999\"");
  CHECK(complaint("a 1 1.5\n") == "line 1 has a time that is none: \"a 1 1.5\"");
  CHECK(complaint("a 1 99999999999999999\n") == "line 1 has a time that is none: \"a 1 99999999999999999\"");
  CHECK(complaint("# TYPE a sparkline\n") == "line 1 has an unknown type: \"# TYPE a sparkline\"");
  CHECK(complaint("# TYPE a gauge\n# TYPE a gauge\n") == "line 2 gives a second type: \"# TYPE a gauge\"");
}

TEST_CASE("OpenMetrics is held to its letter") {
  const auto refused = [](std::string_view text) { return complaint(text, Exposition::openmetrics); };
  CHECK(refused("a 1\n") == "the page ends without # EOF: it is cut, or not OpenMetrics");
  CHECK(refused("") == "the page ends without # EOF: it is cut, or not OpenMetrics");
  CHECK(refused("a 1\n# EOF\nb 2\n") == "line 3 stands after # EOF: \"b 2\"");
  CHECK(refused("\n# EOF\n") == "line 1 is empty: \"\"");
  CHECK(refused("# hello\n# EOF\n").find("is no descriptor") != std::string::npos);
  CHECK(refused("a  1\n# EOF\n") == "line 1 has a value that is no number: \"a  1\"");
  CHECK(refused("a 1 \n# EOF\n") == "line 1 ends in a blank: \"a 1 \"");
  CHECK(refused("a{b=\"c\",} 1\n# EOF\n") == "line 1 has a comma after its last label: \"a{b=\"c\",} 1\"");
  CHECK(refused("# TYPE a_s counter\n# UNIT a_s bytes\n# EOF\n").find("does not end in") != std::string::npos);
  CHECK(refused("a_total 1 # {b=\"c\"}\n# EOF\n").find("exemplar without a value") != std::string::npos);
  CHECK(refused("a 1").find("ends without a line feed") != std::string::npos);
}

TEST_CASE("numbers are read as Go reads them") {
  const auto value_of = [](std::string_view number) {
    return parse("a " + std::string(number) + "\n")->samples().at(0).value;
  };
  CHECK(value_of("1") == 1);
  CHECK(value_of("-1.5e-3") == -1.5e-3);
  CHECK(value_of("+7") == 7);
  CHECK(value_of(".5") == .5);
  CHECK(value_of("1.7976931348623157e+308") == 1.7976931348623157e+308);
  CHECK(value_of("1e-400") == 0);
  CHECK(value_of("-Inf") == -HUGE_VAL);
  CHECK(value_of("+inf") == HUGE_VAL);
  CHECK(value_of("9007199254740993") == 9007199254740992);
  CHECK(parse("a NaN\na{b=\"c\"} nan\n")->not_numbers() == 2);
}

TEST_CASE("what a block could not hold is left out and counted, and the rest of the page stands") {
  const MetricPage::Limits limits{.samples_max = 3, .labels_max = 2, .name_bytes_max = 8, .label_value_bytes_max = 4};
  const auto page = parse(
      "fits{a=\"1234\",b=\"2\"} 1\n"
      "value{a=\"12345\"} 1\n"
      "escaped{a=\"1234\\n\"} 1\n"
      "labels{a=\"1\",b=\"2\",c=\"3\"} 1\n"
      "key{abcdefghi=\"1\"} 1\n"
      "nametoolong 1\n"
      "last 1\n",
      Exposition::text, limits);

  CHECK(by_series(*page).size() == 2);
  CHECK(page->oversized() == 5);
  CHECK(page->oversized_bytes() == 19 + 22 + 28 + 21 + 14);
  const auto more = MetricPage::parse("a 1\nb 1\nc 1\nd 1\n", Exposition::text, limits);
  REQUIRE_FALSE(more.ok());
  CHECK(more.error().code() == Code::exhausted);
  CHECK(more.error().text() == "the page has more than 3 series");
}

TEST_CASE("the content type says which format a page is in") {
  CHECK(find_exposition("text/plain; version=0.0.4; charset=utf-8") == Exposition::text);
  CHECK(find_exposition("") == Exposition::text);
  CHECK(find_exposition("Application/OpenMetrics-Text; version=1.0.0") == Exposition::openmetrics);
  CHECK(find_exposition("text/html") == std::nullopt);
  CHECK(find_exposition("application/vnd.google.protobuf") == std::nullopt);
}

TEST_CASE("no damage to a page gets past the parser's bounds") {
  // ASan and UBSan look on. Whatever comes out of a damaged page keeps what a sample promises.
  SeededRandom random(20260301);
  constexpr std::string_view spice = "{}\"\\=,# \n\t\r+-.eENa019_:\xff\xc3";
  size_t understood = 0;
  for (int round = 0; round < 20'000; ++round) {
    const bool open = random.one_in(2);
    Bytes page(open ? open_page : text_page);
    for (uint64_t edits = 1 + random.below(4); edits > 0; --edits) {
      const size_t at = random.below(page.size());
      switch (random.below(4)) {
        case 0:
          page[at] = spice[random.below(spice.size())];
          break;
        case 1:
          page.erase(at, 1 + random.below(20));
          break;
        case 2:
          page.insert(at, 1, spice[random.below(spice.size())]);
          break;
        default:
          page.insert(at, page.substr(random.below(page.size()), random.below(60)));
      }
      if (page.empty()) page = "a";
    }
    const auto parsed = MetricPage::parse(page, open ? Exposition::openmetrics : Exposition::text, {});
    if (!parsed.ok()) {
      REQUIRE_FALSE(parsed.error().text().empty());
      continue;
    }
    ++understood;
    for (const MetricPage::Sample& sample : (*parsed)->samples()) {
      REQUIRE_FALSE(sample.name.empty());
      REQUIRE_FALSE(std::isnan(sample.value));
      std::string_view before;
      for (const wire::Field& label : (*parsed)->labels(sample)) {
        REQUIRE(label.key > before);
        REQUIRE(is_utf8(label.value));
        before = label.key;
      }
    }
  }
  CHECK(understood > 500);
}
