// How fast a page of metrics is parsed, and joined with its target's labels: `exposition_bench PAGE [openmetrics]`.
//
//     curl -s http://127.0.0.1:9100/metrics > page && exposition_bench page
//
// Prints a table; asserts nothing about time.
#include <cstdio>

#include "collectors/exposition.h"
#include "collectors/target_labels.h"
#include "common/sys/disk.h"

int main(int argc, char** argv) {
  using namespace reeve;
  using namespace reeve::collect;
  if (argc < 2) {
    std::fprintf(stderr, "usage: exposition_bench PAGE [openmetrics]\n");
    return 2;
  }
  const auto text = sys::read_file(sys::real_disk(), argv[1], 256_MiB);
  if (!text.ok()) {
    std::fprintf(stderr, "%s\n", text.error().text().c_str());
    return 2;
  }
  const Exposition exposition = argc > 2 ? Exposition::openmetrics : Exposition::text;
  const TargetLabels target({{"instance", "127.0.0.1:9100"}, {"job", "node"}});
  std::vector<wire::Field> joined;
  SystemClock clock;
  size_t pages = 0;
  size_t samples = 0;
  size_t labels = 0;
  Duration parsing{};
  Duration joining{};
  while (parsing + joining < 2s) {
    const Instant begin = clock.now();
    const auto page = MetricPage::parse(*text, exposition, {});
    if (!page.ok()) {
      std::fprintf(stderr, "%s\n", page.error().text().c_str());
      return 1;
    }
    const Instant parsed = clock.now();
    for (const MetricPage::Sample& sample : (*page)->samples()) {
      labels += target.join((*page)->labels(sample), joined).size();
    }
    parsing += parsed - begin;
    joining += clock.now() - parsed;
    ++pages;
    samples += (*page)->samples().size();
  }
  const double parse_s = std::chrono::duration<double>(parsing).count();
  const double join_s = std::chrono::duration<double>(joining).count();
  const auto count = static_cast<double>(samples);
  const double megabytes = static_cast<double>(text->size() * pages) / 1e6;
  std::printf("page        %zu bytes, %zu samples, %.1f labels each with the target's\n", text->size(), samples / pages,
              static_cast<double>(labels) / count);
  std::printf("parse       %8.0f us a page  %6.0f MB/s  %6.2f M samples/s\n",
              parse_s * 1e6 / static_cast<double>(pages), megabytes / parse_s, count / parse_s / 1e6);
  std::printf("join        %8.0f us a page  %15.2f M samples/s\n", join_s * 1e6 / static_cast<double>(pages),
              count / join_s / 1e6);
  return 0;
}
