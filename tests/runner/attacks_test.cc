// The daily share of the campaign; runner_campaign sends a million.
#include "tests/runner/attacks.h"

using namespace reeve::runner;

TEST_CASE("50,000 attacks of all classes start nothing, and 5,000 genuine warrants between them are all carried out") {
  const AttackReport report = run_attacks(20261130, 50'000, 5'000);

  INFO("first breach: " << report.first_breach);
  CHECK(report.attacks == 50'000);
  CHECK(report.started_by_attacks == 0);
  CHECK(report.genuine == 5'000);
  CHECK(report.genuine_done == 5'000);
}

TEST_CASE("who owns the server, its database and every key that is online starts nothing on 50 hosts") {
  uint64_t started = 0;
  uint64_t attacks = 0;
  for (uint64_t host = 0; host < 50; ++host) {
    const AttackReport report = run_attacks(1000 + host, 350, 0);
    started += report.started_by_attacks;
    attacks += report.attacks;
  }
  CHECK(started == 0);
  CHECK(attacks == 17'500);
}
