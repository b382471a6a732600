// Timers, posting from other threads, turns and signals of a real loop.
#include "common/sys/loop.h"

#include <csignal>
#include <thread>

using namespace reeve;
using namespace reeve::sys;

namespace {

struct LoopFixture {
  SystemClock clock;
  Loop loop{clock};
};

}  // namespace

TEST_CASE_METHOD(LoopFixture, "timers fire in the order of their delays, once each") {
  std::string order;
  loop.after(20ms, [&] { order += 'b'; });
  loop.after(0ms, [&] { order += 'a'; });
  loop.after(30ms, [&] { loop.stop(); });

  loop.run();

  CHECK(order == "ab");
}

TEST_CASE_METHOD(LoopFixture, "a periodic timer fires until it cancels itself") {
  int fired = 0;
  TimerId timer;
  timer = loop.every(1ms, [&] {
    if (++fired == 3) loop.cancel(timer);
  });

  REQUIRE(loop.run_until([&] { return fired == 3; }, 5s));

  CHECK(!loop.run_until([&] { return fired > 3; }, 20ms));
}

TEST_CASE_METHOD(LoopFixture, "a cancelled timer never fires, and cancelling twice does nothing") {
  bool fired = false;
  const TimerId timer = loop.after(1ms, [&] { fired = true; });

  loop.cancel(timer);
  loop.cancel(timer);
  loop.cancel(TimerId{});

  CHECK(!loop.run_until([&] { return fired; }, 10ms));
}

TEST_CASE_METHOD(LoopFixture, "tasks posted by other threads run on the loop, in each thread's order") {
  constexpr int per_thread = 1000;
  std::vector<int> seen[2];
  bool on_loop = true;
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < per_thread; ++i) {
        loop.post([&, t, i] {
          on_loop = on_loop && loop.on_loop_thread();
          seen[t].push_back(i);
        });
      }
    });
  }

  REQUIRE(loop.run_until([&] { return seen[0].size() + seen[1].size() == 2 * per_thread; }, 10s));
  for (std::thread& thread : threads) thread.join();

  CHECK(on_loop);
  CHECK(std::is_sorted(seen[0].begin(), seen[0].end()));
  CHECK(std::is_sorted(seen[1].begin(), seen[1].end()));
  CHECK(loop.stats().tasks_posted == 2 * per_thread);
  CHECK(loop.posted_pending() == 0);
}

TEST_CASE_METHOD(LoopFixture, "the turn's end comes after the turn's tasks and before the loop waits") {
  std::string order;
  loop.post([&] {
    loop.at_turn_end([&] {
      order += 'c';
      loop.at_turn_end([&] { order += 'd'; });
    });
    order += 'a';
  });
  loop.post([&] { order += 'b'; });

  REQUIRE(loop.run_until([&] { return order.size() == 4; }, 5s));

  CHECK(order == "abcd");
}

TEST_CASE_METHOD(LoopFixture, "a signal becomes a task") {
  bool signalled = false;
  loop.on_signal(SIGUSR1, [&] { signalled = true; });

  std::raise(SIGUSR1);

  CHECK(loop.run_until([&] { return signalled; }, 5s));
}

TEST_CASE_METHOD(LoopFixture, "a turn that holds the loop is counted, waiting is not") {
  bool done = false;
  loop.after(60ms, [&] { done = true; });
  REQUIRE(loop.run_until([&] { return done; }, 5s));
  const LoopStats after_waiting = loop.stats();

  done = false;
  loop.post([&] {
    const Instant begin = clock.now();
    while (clock.now() - begin < 30ms) {
    }
    loop.post([&] { done = true; });
  });
  REQUIRE(loop.run_until([&] { return done; }, 5s));

  CHECK(loop.stats().turn_longest >= 30ms);
  CHECK(loop.stats().turns_slow > after_waiting.turns_slow);
}

TEST_CASE("a loop that ends drops what was left on it") {
  SystemClock clock;
  auto kept = std::make_shared<int>(1);
  {
    Loop loop(clock);
    loop.after(1h, [kept] {});
    loop.post([kept] {});
    loop.at_turn_end([kept] {});
    loop.on_signal(SIGUSR2, [kept] {});
  }

  CHECK(kept.use_count() == 1);
}
