#include "tests/sim/sim_net.h"

#include "tests/pch.h"

namespace reeve::sim {
namespace {

std::vector<Bytes> take_all(SimConnection& connection, End at, Instant now) {
  std::vector<Bytes> taken;
  while (auto frame = connection.take(at, now)) taken.push_back(std::move(*frame));
  return taken;
}

constexpr Instant start{0};
constexpr Instant later = start + 1s;

TEST_CASE("without faults frames arrive once, in order, after their delay") {
  SeededRandom random(1);
  SimConnection connection({.delay_min = 5ms, .delay_max = 10ms}, random);
  for (const char* frame : {"a", "b", "c", "d"}) REQUIRE(connection.send(End::agent, frame, start));

  CHECK(take_all(connection, End::server, start + 4ms).empty());
  CHECK(take_all(connection, End::agent, later).empty());
  CHECK(take_all(connection, End::server, start + 10ms) == std::vector<Bytes>{"a", "b", "c", "d"});
}

TEST_CASE("a full direction refuses until something has arrived, and takes any one frame when empty") {
  SeededRandom random(1);
  SimConnection connection({}, random);
  REQUIRE(connection.send(End::agent, Bytes(SimConnection::buffer_bytes_max + 1, 'x'), start));

  CHECK(!connection.send(End::agent, "y", start));
  CHECK(connection.send(End::server, "other way", start));

  CHECK(connection.take(End::server, later).has_value());
  CHECK(connection.take_written(End::agent) == SimConnection::buffer_bytes_max + 1);
  CHECK(connection.take_written(End::agent) == 0);
  CHECK(connection.send(End::agent, "y", later));
}

TEST_CASE("dropped and doubled frames count once as written") {
  SeededRandom random(3);
  SimConnection dropping({.drop_one_in = 1}, random);
  REQUIRE(dropping.send(End::agent, "lost", start));
  CHECK(take_all(dropping, End::server, later).empty());
  CHECK(dropping.take_written(End::agent) == 4);

  SimConnection doubling({.duplicate_one_in = 1}, random);
  REQUIRE(doubling.send(End::agent, "echo", start));
  CHECK(take_all(doubling, End::server, later) == std::vector<Bytes>{"echo", "echo"});
  CHECK(doubling.take_written(End::agent) == 4);
}

TEST_CASE("a frame may overtake the one before") {
  SeededRandom random(1);
  SimConnection connection({.reorder_one_in = 1}, random);
  REQUIRE(connection.send(End::agent, "first", start));
  REQUIRE(connection.send(End::agent, "second", start));
  CHECK(take_all(connection, End::server, later) == std::vector<Bytes>{"second", "first"});
}

TEST_CASE("a cut loses what is under way and both ends know") {
  SeededRandom random(1);
  SimConnection connection({}, random);
  REQUIRE(connection.send(End::agent, "under way", start));
  connection.close();
  CHECK(connection.closed());
  CHECK(!connection.take(End::server, later));
}

TEST_CASE("a half-open connection tells nobody, delivers nothing and fills up") {
  SeededRandom random(1);
  SimConnection connection({}, random);
  connection.go_half_open();
  connection.heal();

  REQUIRE(connection.send(End::agent, Bytes(SimConnection::buffer_bytes_max, 'x'), start));
  CHECK(!connection.send(End::agent, "y", start));
  CHECK(!connection.take(End::server, later));
  CHECK(connection.take_written(End::agent) == 0);
  CHECK(!connection.closed());
}

}  // namespace
}  // namespace reeve::sim
