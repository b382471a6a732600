#include "common/base/mailbox.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

using namespace reeve;

TEST_CASE("a full mailbox refuses and leaves the item with its sender") {
  Mailbox<std::string> mailbox(1);
  std::string first = "first";
  std::string second = "second";

  CHECK(mailbox.try_send(std::move(first)));
  CHECK(!mailbox.try_send(std::move(second)));
  CHECK(second == "second");  // NOLINT(bugprone-use-after-move): refused items are untouched, which is the point
  CHECK(mailbox.try_receive() == "first");
  CHECK(!mailbox.try_receive());
}

TEST_CASE("a closed mailbox hands out what lies in it and takes no more") {
  Mailbox<int> mailbox(4);
  CHECK(mailbox.send(1));
  mailbox.close();

  CHECK(!mailbox.send(2));
  CHECK(mailbox.receive(0s) == 1);
  CHECK(!mailbox.receive(0s));
}

TEST_CASE("many senders and one receiver lose nothing") {
  constexpr int senders = 4;
  constexpr int each = 5'000;
  std::atomic<int> told{0};
  Mailbox<int> mailbox(16, [&told] { ++told; });
  std::vector<std::thread> threads;
  for (int sender = 0; sender < senders; ++sender) {
    threads.emplace_back([&mailbox] {
      for (int i = 1; i <= each; ++i) {
        if (!mailbox.send(i)) return;
      }
    });
  }

  int64_t sum = 0;
  for (int i = 0; i < senders * each; ++i) sum += mailbox.receive(10s).value_or(0);
  for (std::thread& thread : threads) thread.join();

  CHECK(sum == int64_t{senders} * each * (each + 1) / 2);
  CHECK(told == senders * each);
}
