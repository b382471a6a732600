#include "collectors/syslog.h"

#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>

#include "collectors/row_queue.h"
#include "collectors/syslog_framer.h"
#include "common/base/random.h"
#include "common/sys/datagram.h"
#include "common/sys/loop.h"
#include "tests/collectors/memory_intake.h"
#include "tests/sys/udp_sender.h"

using namespace reeve;
using namespace reeve::collect;

namespace {

using Rows = std::vector<Bytes>;

// Fed in pieces of the given size.
Rows frame(BytesView bytes, size_t piece, size_t line_bytes_max = 64) {
  SyslogFramer framer(line_bytes_max);
  Rows rows;
  const auto on_row = [&rows](BytesView row) { rows.emplace_back(row); };
  for (size_t at = 0; at < bytes.size(); at += piece) {
    framer.feed(bytes.substr(at, piece), on_row);
    CHECK(framer.held_bytes() <= line_bytes_max + 16 + piece);
  }
  framer.finish(on_row);
  return rows;
}

}  // namespace

TEST_CASE("both framings of RFC 6587 are understood, mixed on one connection and cut anywhere") {
  const Bytes stream =
      "<13>one\n"
      "7 <14>two"
      "12 <15>th\nree!\n"
      "<16>four\r\n\n\n"
      "2026 was a year\n"
      "<17>without end";
  const Rows expected{"<13>one", "<14>two", "<15>th\nree!", "<16>four", "2026 was a year", "<17>without end"};
  for (const size_t piece : {1u, 2u, 3u, 7u, 1000u}) {
    INFO(piece);
    CHECK(frame(stream, piece) == expected);
  }
}

TEST_CASE("digits that count nothing are part of the line") {
  CHECK(frame("12345678 <1>x\n", 1) == Rows{"12345678 <1>x"});
  CHECK(frame("05 <1>x\n", 1) == Rows{"05 <1>x"});
  CHECK(frame("5 potatoes\n", 1) == Rows{"5 potatoes"});
  CHECK(frame("42\n", 1) == Rows{"42"});
  CHECK(frame("42", 1) == Rows{"42"});
}

TEST_CASE("a message beyond the bound becomes several rows, and the next one is whole") {
  const Bytes text(150, 'a');
  for (const size_t piece : {1u, 10u, 1000u}) {
    INFO(piece);
    CHECK(frame(text + "\n<1>b\n", piece) == Rows{Bytes(64, 'a'), Bytes(64, 'a'), Bytes(22, 'a'), "<1>b"});
    CHECK(frame("153 <1>" + text + "5 <1>bc", piece) ==
          Rows{"<1>" + Bytes(61, 'a'), Bytes(64, 'a'), Bytes(25, 'a'), "<1>bc"});
    CHECK(frame(Bytes(64, 'a') + "\n", piece) == Rows{Bytes(64, 'a')});
    CHECK(frame(Bytes(65, 'a') + "\n", piece) == Rows{Bytes(64, 'a'), "a"});
  }
}

TEST_CASE("framing does not depend on where the bytes are cut") {
  SeededRandom random(7);
  constexpr std::string_view alphabet = "0123 <>ab\n\r";
  for (int round = 0; round < 3000; ++round) {
    Bytes stream;
    for (uint64_t left = random.below(200); left > 0; --left) stream += alphabet[random.below(alphabet.size())];
    const Rows whole = frame(stream, stream.size() + 1, 16);
    REQUIRE(frame(stream, 1, 16) == whole);
    REQUIRE(frame(stream, 1 + random.below(9), 16) == whole);
    for (const Bytes& row : whole) REQUIRE(row.size() <= 16);
  }
}

TEST_CASE("a full queue stops who can wait, and drops the oldest of who cannot") {
  int woken = 0;
  RowQueue queue(3 * (10 + RowQueue::row_overhead_bytes), [&woken] { ++woken; });
  CHECK(queue.put(Bytes(10, 'a')));
  CHECK(queue.put(Bytes(10, 'b')));
  CHECK_FALSE(queue.put(Bytes(10, 'c')));
  CHECK(queue.full());
  CHECK(woken == 1);

  CHECK(queue.put_dropping_oldest(Bytes(10, 'd')) == 11);
  CHECK(queue.put_dropping_oldest(Bytes(10, 'e')) == 11);

  const RowQueue::Taken taken = queue.take(1000);
  CHECK(taken.was_full);
  CHECK(taken.rows == Rows{Bytes(10, 'c'), Bytes(10, 'd'), Bytes(10, 'e')});
  CHECK_FALSE(queue.full());
  CHECK(queue.take(1000).rows.empty());
  CHECK(queue.put(""));
  CHECK(woken == 2);
}

TEST_CASE("the oldest rows are taken first, about as many bytes as asked, one at least") {
  RowQueue queue(1000, [] {});
  for (const char* const row : {"aaaa", "bbbb", "cccc"}) CHECK(queue.put(row));
  CHECK(queue.take(5).rows == Rows{"aaaa", "bbbb"});
  CHECK(queue.take(1).rows == Rows{"cccc"});
}

TEST_CASE("a syslog source goes on counting where its durable position stands") {
  uint16_t port = 0;
  {
    SystemClock clock;
    sys::Loop loop(clock);
    port = (*sys::DatagramSocket::open(loop, {}, [](BytesView) {}))->port();
  }
  SeededRandom random(1);
  SyslogConfig config;
  config.udp = Endpoint{"127.0.0.1", port};
  config.service = "network";
  wire::SourcePosition before;
  before.id = 77;
  before.kind = "syslog";
  before.name = "udp 127.0.0.1:" + std::to_string(port);
  before.offset = 1000;
  MemoryIntake intake;
  std::mutex mutex;
  std::condition_variable woken;
  SyslogCollector collector(config, random, {before}, [&] { woken.notify_all(); });

  // Nobody tells when the port is open, so the sender says it again until it is heard.
  const sys::UdpSender sender(port);
  for (int tries = 0; tries < 200 && intake.rows.empty(); ++tries) {
    (void)sender.send("<13>hello\n");
    std::unique_lock lock(mutex);
    woken.wait_for(lock, 100ms);
    CHECK_FALSE(collector.poll(Instant{1}, WallTime{1}, intake).more);
  }
  collector.on_stop(intake);

  REQUIRE_FALSE(intake.rows.empty());
  CHECK(intake.rows.front().body == "<13>hello");
  CHECK(intake.rows.front().source == 77);
  CHECK(intake.rows.front().service == "network");
  size_t bytes = 0;
  for (const Bytes& body : intake.bodies()) bytes += body.size() + 1;
  CHECK(intake.positions.at(77).offset == 1000 + bytes);
}
