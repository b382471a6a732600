// The long campaigns against the runner, for `tests/run.sh --full` and by hand.
//
//     runner_campaign [--attacks N] [--genuine N] [--seed N]
//
// Prints what was refused how often, then `campaign: N passed, N failed`.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/runner/attacks.h"

int main(int count, char** words) {
  uint64_t attacks = 1'000'000;
  uint64_t genuine = 5'000;
  uint64_t seed = 1;
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string name = words[i];
    uint64_t& value = name == "--attacks" ? attacks : name == "--genuine" ? genuine : seed;
    value = std::strtoull(words[i + 1], nullptr, 10);
  }
  const reeve::runner::AttackReport report = reeve::runner::run_attacks(seed, attacks, genuine);
  for (const auto& [code, times] : report.refusals) {
    std::printf("%10llu  %s\n", static_cast<unsigned long long>(times), code.empty() ? "(no refusal)" : code.c_str());
  }
  for (const auto& [name, times] : report.breaches) {
    std::printf("%10llu  STARTED by %s\n", static_cast<unsigned long long>(times), name.c_str());
  }
  const bool nothing_started = report.started_by_attacks == 0;
  const bool all_done = report.genuine_done == genuine;
  std::printf("%llu attacks started %llu processes%s; %llu of %llu genuine warrants were carried out\n",
              static_cast<unsigned long long>(report.attacks),
              static_cast<unsigned long long>(report.started_by_attacks),
              report.first_breach.empty() ? "" : (", first " + report.first_breach).c_str(),
              static_cast<unsigned long long>(report.genuine_done), static_cast<unsigned long long>(report.genuine));
  std::printf("campaign: %d passed, %d failed\n", nothing_started + all_done, !nothing_started + !all_done);
  return nothing_started && all_done ? 0 : 1;
}
