// The bridge between the link and a runner's socket, with a test's own listener as the runner.
#include "agent/runner_bridge.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <deque>

#include "common/wire/frames.h"
#include "tests/pch.h"
#include "tests/sys/temp_directory.h"

namespace reeve::agent {
namespace {

constexpr Duration patience = 10s;

Bytes framed(const Bytes& message) {
  Bytes frame;
  append_le<uint32_t>(frame, static_cast<uint32_t>(message.size()));
  return frame + message;
}

// What listens at the socket; nothing in it blocks.
class FakeListener {
 public:
  explicit FakeListener(const std::string& path) {
    listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener_, 4) == 0);
  }
  ~FakeListener() {
    hang_up();
    ::close(listener_);
  }
  bool accepted() {
    if (peer_ < 0) peer_ = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    return peer_ >= 0;
  }
  void hang_up() {
    if (peer_ >= 0) ::close(peer_);
    peer_ = -1;
    received.clear();
  }
  bool closed_by_peer() {
    read();
    return ended_;
  }
  void write(const Bytes& bytes) { REQUIRE(::send(peer_, bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0); }
  // Whether so many bytes have come.
  bool has(size_t bytes) {
    read();
    return received.size() >= bytes;
  }
  Bytes received;

 private:
  void read() {
    char buffer[65536];
    while (peer_ >= 0) {
      const ssize_t count = ::recv(peer_, buffer, sizeof buffer, 0);
      if (count == 0) ended_ = true;
      if (count <= 0) return;
      received.append(buffer, static_cast<size_t>(count));
    }
  }
  int listener_ = -1;
  int peer_ = -1;
  bool ended_ = false;
};

struct World {
  TempDirectory folder;
  std::string path = folder.path() + "/runner.sock";
  SystemClock clock;
  SeededRandom random{3};
  sys::Loop loop{clock};
  std::vector<Bytes> to_link;
  bool link_takes = true;
  RunnerBridge bridge{{.loop = loop,
                       .random = random,
                       .try_send =
                           [this](BytesView message) {
                             if (link_takes) to_link.emplace_back(message);
                             return link_takes;
                           }},
                      {.path = path, .retry = {.min = 1ms, .max = 5ms}}};

  void wait_for(const std::function<bool()>& done) { REQUIRE(loop.run_until(done, patience)); }
  // Lets the loop turn for as long as a message would need many times over.
  void settle() {
    (void)loop.run_until([] { return false; }, 50ms);
  }
  void open(FakeListener& runner) {
    bridge.on_link(true);
    wait_for([&] { return runner.accepted() && bridge.connected(); });
  }
};

}  // namespace

TEST_CASE("messages pass both ways as they are") {
  World world;
  FakeListener runner(world.path);
  world.open(runner);

  const Bytes any = Bytes("\0\xff\x01 anything", 12);
  world.bridge.on_link_message(any);
  world.wait_for([&] { return runner.has(framed(any).size()); });
  CHECK(runner.received == framed(any));

  runner.write(framed("one") + framed("two"));
  world.wait_for([&] { return world.to_link.size() == 2; });
  CHECK(world.to_link == std::vector<Bytes>{"one", "two"});
}

TEST_CASE("a frame that comes in pieces is handed on whole") {
  World world;
  FakeListener runner(world.path);
  world.open(runner);
  const Bytes frame = framed("in pieces");
  for (const char byte : frame) {
    CHECK(world.to_link.empty());
    runner.write(Bytes(1, byte));
    (void)world.loop.run_until([] { return false; }, 2ms);
  }
  world.wait_for([&] { return world.to_link.size() == 1; });
  CHECK(world.to_link[0] == "in pieces");
}

TEST_CASE("a host without a runner is not an error, and one that comes later is found") {
  World world;
  world.bridge.on_link(true);
  world.bridge.on_link_message("nobody hears this");
  world.settle();
  CHECK(!world.bridge.connected());

  FakeListener runner(world.path);
  world.wait_for([&] { return runner.accepted() && world.bridge.connected(); });
  world.bridge.on_link_message("hello");
  world.wait_for([&] { return runner.has(9); });
  CHECK(runner.received == framed("hello"));
}

TEST_CASE("a runner that starts anew is called again") {
  World world;
  FakeListener runner(world.path);
  world.open(runner);
  runner.hang_up();
  world.wait_for([&] { return runner.accepted(); });
}

TEST_CASE("the runner's socket is open as long as the link is") {
  World world;
  FakeListener runner(world.path);
  world.settle();
  CHECK(!runner.accepted());  // no link, no call

  world.open(runner);
  world.bridge.on_link(true);  // again changes nothing
  CHECK(world.bridge.connected());
  world.bridge.on_link(false);
  world.wait_for([&] { return runner.closed_by_peer(); });
  CHECK(!world.bridge.connected());
  runner.hang_up();
  world.settle();
  CHECK(!runner.accepted());
}

TEST_CASE("while the link takes no more the runner waits, and nothing is lost") {
  World world;
  FakeListener runner(world.path);
  world.open(runner);
  world.link_takes = false;
  runner.write(framed("one") + framed("two"));
  world.settle();
  runner.write(framed("three"));
  world.settle();
  CHECK(world.to_link.empty());

  world.link_takes = true;
  world.bridge.on_link_room();
  world.wait_for([&] { return world.to_link.size() == 3; });
  CHECK(world.to_link == std::vector<Bytes>{"one", "two", "three"});
}

TEST_CASE("a message of the bound passes, and one past it or an empty one ends the connection") {
  World world;
  FakeListener runner(world.path);
  world.open(runner);
  const Bytes largest(wire::runner_message_bytes_max, 'x');

  SECTION("the bound") {
    const Bytes frame = framed(largest);
    size_t at = 0;
    world.wait_for([&] {
      while (at < frame.size()) {
        const size_t piece = std::min<size_t>(frame.size() - at, 16'384);
        runner.write(frame.substr(at, piece));
        at += piece;
        return false;
      }
      return world.to_link.size() == 1;
    });
    CHECK(world.to_link[0] == largest);
    world.bridge.on_link_message(largest);
    world.wait_for([&] { return runner.has(frame.size()); });
  }
  SECTION("one past it") {
    Bytes head;
    append_le<uint32_t>(head, wire::runner_message_bytes_max + 1);
    runner.write(head);
    world.wait_for([&] { return runner.closed_by_peer(); });
    CHECK(world.to_link.empty());
  }
  SECTION("an empty one") {
    runner.write(framed(""));
    world.wait_for([&] { return runner.closed_by_peer(); });
    CHECK(world.to_link.empty());
  }
}

TEST_CASE("a runner that does not read is left") {
  World world;
  FakeListener runner(world.path);
  world.open(runner);
  for (int i = 0; i < 40 && world.bridge.connected(); ++i) {
    world.bridge.on_link_message(Bytes(wire::runner_message_bytes_max, 'x'));
    (void)world.loop.run_until([] { return false; }, 1ms);
  }
  CHECK(!world.bridge.connected());
}

}  // namespace reeve::agent
