#include "common/sys/datagram.h"

#include <catch2/catch.hpp>
#include <vector>

#include "tests/sys/udp_sender.h"

namespace reeve::sys {

TEST_CASE("datagrams arrive whole and in order, empty and largest included") {
  SystemClock clock;
  Loop loop(clock);
  std::vector<Bytes> received;
  auto socket = DatagramSocket::open(loop, {}, [&](BytesView bytes) { received.emplace_back(bytes); });
  REQUIRE(socket.ok());
  const UdpSender sender((*socket)->port());

  const Bytes largest(65'507, 'x');
  CHECK(sender.send("one"));
  CHECK(sender.send(""));
  CHECK(sender.send(largest));
  for (int i = 0; i < 100; ++i) CHECK(sender.send(std::to_string(i)));

  CHECK(loop.run_until([&] { return received.size() == 103; }, 10s));
  CHECK(received[0] == "one");
  CHECK(received[1].empty());
  CHECK(received[2] == largest);
  CHECK(received[102] == "99");
  CHECK((*socket)->stats().received == 103);
  CHECK((*socket)->stats().dropped_by_kernel == 0);
}

TEST_CASE("what the kernel had to drop is known with the next datagram") {
  SystemClock clock;
  Loop loop(clock);
  size_t received = 0;
  auto socket = DatagramSocket::open(loop, {.receive_buffer_bytes = 16_KiB}, [&](BytesView) { ++received; });
  REQUIRE(socket.ok());
  CHECK((*socket)->stats().receive_buffer_bytes == 16_KiB);
  const UdpSender sender((*socket)->port());
  constexpr size_t sent = 200;

  for (size_t i = 0; i < sent; ++i) CHECK(sender.send(Bytes(1000, 'x')));
  CHECK(loop.run_until([&] { return received > 0; }, 10s));
  CHECK(sender.send("after"));
  const size_t before = received;
  CHECK(loop.run_until([&] { return received > before; }, 10s));

  CHECK(received < sent);
  CHECK((*socket)->stats().dropped_by_kernel == sent + 1 - received);
}

TEST_CASE("a port that is taken, and a name that is no address, are refused with both said") {
  SystemClock clock;
  Loop loop(clock);
  auto first = DatagramSocket::open(loop, {}, [](BytesView) {});
  REQUIRE(first.ok());
  const auto second = DatagramSocket::open(loop, {.port = (*first)->port()}, [](BytesView) {});
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().text().find("127.0.0.1 port " + std::to_string((*first)->port())) != std::string::npos);
  const auto name = DatagramSocket::open(loop, {.host = "localhost"}, [](BytesView) {});
  REQUIRE_FALSE(name.ok());
  CHECK(name.error().code() == Code::invalid);
}

}  // namespace reeve::sys
