#include "agent/link.h"

#include <catch2/catch.hpp>

namespace reeve::agent {

namespace {

using wire::Lane;
using Actions = std::vector<LinkAction>;

const Uuid epoch = parse_uuid("0198c2f0-7c1e-4abc-8def-0123456789ab").value();
const Uuid other_epoch = parse_uuid("0198c2f0-7c1e-4abc-8def-ffffffffffff").value();

template <typename T>
std::vector<T> only(const Actions& actions) {
  std::vector<T> result;
  for (const LinkAction& action : actions) {
    if (const T* each = std::get_if<T>(&action)) result.push_back(*each);
  }
  return result;
}

// The frames of one kind that the actions send.
template <typename T>
std::vector<T> frames(const Actions& actions) {
  std::vector<T> result;
  for (const SendFrame& send : only<SendFrame>(actions)) {
    auto frame = wire::parse_agent_frame(send.bytes);
    REQUIRE(frame.ok());
    if (T* each = std::get_if<T>(&*frame)) result.push_back(std::move(*each));
  }
  return result;
}

std::string closed(const Actions& actions) {
  const auto closes = only<CloseLink>(actions);
  return closes.empty() ? "" : closes.front().reason;
}

SpoolView view_of(uint64_t first_held, uint64_t next_durable, std::vector<SpoolGap> gaps = {}) {
  SpoolView view;
  view.epoch = epoch;
  view.lanes[0] = {first_held, next_durable};
  view.gaps = std::move(gaps);
  return view;
}

struct LinkTest {
  Instant now{1'000'000'000};
  std::unique_ptr<LinkSession> session;

  Actions start(const SpoolView& view) {
    session = std::make_unique<LinkSession>(LinkSession::Options{.host = "web-1", .agent_version = "1"}, view, now);
    return session->start();
  }
  Actions receive(const wire::ServerFrame& frame) { return session->on_frame(wire::encode(frame), now); }
  Actions welcome(uint64_t through, uint64_t credit = 8_MiB) {
    return receive(wire::Welcome{epoch, {{Lane::live, through}}, credit});
  }
  Actions block(uint64_t sequence, size_t bytes) {
    return session->on_block(Lane::live, sequence, Bytes(bytes, 'b'), now);
  }
  Actions ack(uint64_t through, uint64_t credit = 8_MiB) { return receive(wire::Ack{{Lane::live, through}, credit}); }
};

}  // namespace

TEST_CASE_METHOD(LinkTest, "the first frame is Hello and says what the spool holds") {
  const Actions actions = start(view_of(3, 7));

  const auto hello = frames<wire::Hello>(actions);
  REQUIRE(hello.size() == 1);
  CHECK(hello[0].epoch == epoch);
  CHECK(hello[0].host == "web-1");
  REQUIRE(hello[0].lanes.size() == wire::lane_count);
  CHECK(hello[0].lanes[0].first_held == 3);
  CHECK(hello[0].lanes[0].next == 7);
  CHECK_FALSE(session->welcomed());
}

TEST_CASE_METHOD(LinkTest, "after Welcome it goes on behind what the server has, and frees that") {
  start(view_of(3, 7));

  const Actions actions = welcome(4);

  const auto acknowledged = only<AcknowledgeSpool>(actions);
  REQUIRE(acknowledged.size() == 1);
  CHECK(acknowledged[0].through == 4);
  const auto fetches = only<FetchBlock>(actions);
  REQUIRE(fetches.size() == 2);
  CHECK(fetches[0].sequence == 5);
  CHECK(fetches[1].sequence == 6);
}

TEST_CASE_METHOD(LinkTest, "a block travels in chunks of at most 32 KiB, in order") {
  start(view_of(1, 2));
  welcome(0);

  const auto chunks = frames<wire::BlockChunk>(block(1, wire::chunk_bytes_max * 2 + 1));

  REQUIRE(chunks.size() == 3);
  CHECK(chunks[0].offset == 0);
  CHECK(chunks[1].offset == wire::chunk_bytes_max);
  CHECK(chunks[2].bytes.size() == 1);
  CHECK(chunks[2].total == wire::chunk_bytes_max * 2 + 1);
}

TEST_CASE_METHOD(LinkTest, "a block that comes from the spool early waits for the one before it") {
  start(view_of(1, 3));
  welcome(0);

  CHECK(frames<wire::BlockChunk>(block(2, 10)).empty());
  const auto chunks = frames<wire::BlockChunk>(block(1, 10));

  REQUIRE(chunks.size() == 2);
  CHECK(chunks[0].sequence == 1);
  CHECK(chunks[1].sequence == 2);
}

TEST_CASE_METHOD(LinkTest, "no more than blocks_ahead_max are fetched before they are sent") {
  start(view_of(1, 100));

  CHECK(only<FetchBlock>(welcome(0)).size() == 4);
  CHECK(only<FetchBlock>(block(2, 10)).empty());
  CHECK(only<FetchBlock>(block(1, 10)).size() == 2);
}

TEST_CASE_METHOD(LinkTest, "credit bounds what is under way, and an acknowledgement gives it back") {
  start(view_of(1, 4));
  welcome(0, 1000);

  CHECK(frames<wire::BlockChunk>(block(1, 600)).size() == 1);
  CHECK(frames<wire::BlockChunk>(block(2, 600)).empty());
  const Actions actions = ack(1, 1000);

  CHECK(only<AcknowledgeSpool>(actions).at(0).through == 1);
  CHECK(frames<wire::BlockChunk>(actions).at(0).sequence == 2);
}

TEST_CASE_METHOD(LinkTest, "the send buffer bounds what is handed to the shell") {
  start(view_of(1, 2));
  welcome(0);

  const auto before = frames<wire::BlockChunk>(block(1, 1_MiB));
  CHECK(before.size() <= 9);
  session->on_written(256_KiB, now);
  const auto after = frames<wire::BlockChunk>(session->on_written(16, now));

  CHECK(after.size() <= 9);
}

TEST_CASE_METHOD(LinkTest, "control goes between the chunks of bulk") {
  SpoolView view = view_of(1, 2);
  start(view);
  welcome(0);
  const auto first = frames<wire::BlockChunk>(block(1, 1_MiB));
  REQUIRE(first.back().offset + first.back().bytes.size() < 1_MiB);
  view.lanes[static_cast<size_t>(Lane::control)] = {1, 2};
  session->on_spool(view, now);
  session->on_block(Lane::control, 1, Bytes(10, 'c'), now);

  const auto next = frames<wire::BlockChunk>(session->on_written(100_KiB, now));

  CHECK(next.at(0).lane == Lane::control);
  CHECK(next.at(1).lane == Lane::live);
}

TEST_CASE_METHOD(LinkTest, "a gap is declared in its place, and so is what the server has lost") {
  start(view_of(5, 9, {{Lane::live, 6, 7, "damaged in the spool"}}));

  const Actions actions = welcome(2);

  const auto gaps = frames<wire::Gap>(actions);
  REQUIRE(gaps.size() == 1);
  CHECK(gaps[0].from == 3);
  CHECK(gaps[0].to == 4);
  CHECK(gaps[0].reason == "acknowledged before and no longer held");
  const Actions after = block(5, 10);
  CHECK(frames<wire::BlockChunk>(after).at(0).sequence == 5);
  CHECK(frames<wire::Gap>(after).at(0).from == 6);
  CHECK(frames<wire::Gap>(after).at(0).to == 7);
  CHECK(frames<wire::BlockChunk>(block(8, 10)).at(0).sequence == 8);
}

TEST_CASE_METHOD(LinkTest, "a block that turns out to be rotten becomes a gap") {
  start(view_of(1, 3));
  welcome(0);

  const Actions actions = session->on_block(Lane::live, 1, Error(Code::corrupt, "rot"), now);

  CHECK(frames<wire::Gap>(actions).at(0).from == 1);
  CHECK(frames<wire::BlockChunk>(block(2, 10)).at(0).sequence == 2);
}

TEST_CASE_METHOD(LinkTest, "a spool that cannot be read ends the connection, not the block") {
  start(view_of(1, 2));
  welcome(0);

  const Actions actions = session->on_block(Lane::live, 1, Error(Code::unavailable, "input/output error"), now);

  CHECK(closed(actions) == "the spool cannot be read: input/output error");
  CHECK(only<SetAside>(actions).empty());
}

TEST_CASE_METHOD(LinkTest, "a refused block is set aside, declared a gap, and what followed it is sent again") {
  start(view_of(1, 4));
  welcome(0);
  block(1, 10);
  block(2, 10);

  const Actions actions = receive(wire::Reject{Lane::live, 1, "not ours"});

  const auto aside = only<SetAside>(actions);
  REQUIRE(aside.size() == 1);
  CHECK(aside[0].sequence == 1);
  CHECK(aside[0].reason == "refused by the server: not ours");
  CHECK(frames<wire::Gap>(actions).at(0).from == 1);
  CHECK(only<FetchBlock>(actions).at(0).sequence == 2);
  CHECK(frames<wire::BlockChunk>(block(2, 10)).at(0).sequence == 2);
}

TEST_CASE_METHOD(LinkTest, "an epoch conflict asks for a new epoch and ends the connection") {
  start(view_of(1, 2));

  const Actions actions = receive(wire::EpochConflict{epoch});

  CHECK(only<BeginNewEpoch>(actions).size() == 1);
  CHECK_FALSE(closed(actions).empty());
}

TEST_CASE_METHOD(LinkTest, "what no honest server says ends the connection") {
  struct Lie {
    wire::ServerFrame frame;
    bool before_welcome;
  };
  const Lie lies[] = {
      {wire::Ack{{Lane::live, 0}, 1}, true},     {wire::Reject{Lane::live, 1, "x"}, true},
      {wire::Welcome{other_epoch, {}, 1}, true}, {wire::Welcome{epoch, {{Lane::live, 3}}, 1}, true},
      {wire::EpochConflict{other_epoch}, true},  {wire::Welcome{epoch, {}, 1}, false},
      {wire::Ack{{Lane::live, 3}, 1}, false},    {wire::Reject{Lane::live, 2, "never sent"}, false},
      {wire::Reject{Lane::live, 0, "x"}, false},
  };

  for (const Lie& lie : lies) {
    start(view_of(1, 3));
    if (!lie.before_welcome) welcome(0);
    INFO(lie.frame.index() << " before Welcome: " << lie.before_welcome);
    const Actions actions = receive(lie.frame);
    CHECK_FALSE(closed(actions).empty());
    CHECK(only<AcknowledgeSpool>(actions).empty());
    CHECK(only<BeginNewEpoch>(actions).empty());
    CHECK(ack(1).empty());
  }
  start(view_of(1, 3));
  CHECK_FALSE(closed(session->on_frame("\xff\xff\xff", now)).empty());
}

TEST_CASE_METHOD(LinkTest, "an acknowledgement of what an earlier connection sent skips those blocks") {
  start(view_of(1, 5));
  welcome(0);
  block(1, 10);

  const Actions actions = ack(3);

  CHECK(only<AcknowledgeSpool>(actions).at(0).through == 3);
  CHECK(frames<wire::BlockChunk>(block(4, 10)).at(0).sequence == 4);
  CHECK(frames<wire::BlockChunk>(block(2, 10)).empty());
}

TEST_CASE_METHOD(LinkTest, "without progress for the time-out the connection is given up; with it, never") {
  start(view_of(1, 3));
  CHECK(closed(session->tick(now + 29s, {})).empty());
  now = now + 29s;
  welcome(0);
  block(1, 10);
  CHECK(closed(session->tick(now + 29s, {})).empty());
  now = now + 29s;
  ack(1);
  block(2, 10);
  CHECK(closed(session->tick(now + 29s, {})).empty());

  CHECK(closed(session->tick(now + 30s, {})) == "no acknowledgement for 30s");
}

TEST_CASE_METHOD(LinkTest, "an idle link sends its status and stays") {
  start(view_of(1, 1));
  welcome(0);

  CHECK(frames<wire::AgentStatus>(session->tick(now, {.spool_bytes = 7})).at(0).spool_bytes == 7);
  CHECK(frames<wire::AgentStatus>(session->tick(now + 4s, {})).empty());
  CHECK(frames<wire::AgentStatus>(session->tick(now + 5s, {})).size() == 1);
  CHECK(closed(session->tick(now + 1h, {})).empty());
}

TEST_CASE_METHOD(LinkTest, "it is drained when all that was durable is acknowledged") {
  start(view_of(1, 2));
  CHECK_FALSE(session->drained());
  welcome(0);
  CHECK_FALSE(session->drained());
  block(1, 10);
  ack(1);
  CHECK(session->drained());

  session->on_spool(view_of(2, 3), now);

  CHECK_FALSE(session->drained());
}

TEST_CASE_METHOD(LinkTest, "hints, certificates and a new epoch of the spool are passed on; bounds hold") {
  start(view_of(1, 1));
  welcome(0);

  CHECK(only<ServeLive>(receive(wire::LiveHint{30'000})).at(0).duration == 30s);
  CHECK(only<ServeLive>(receive(wire::LiveHint{INT64_MAX})).at(0).duration == 10min);
  CHECK(frames<wire::RenewRequest>(session->request_certificate("csr")).at(0).csr_pem == "csr");
  CHECK(only<InstallCertificate>(receive(wire::RenewResponse{"pem", ""})).at(0).pem == "pem");
  CHECK(receive(wire::RenewResponse{"", "not now"}).empty());

  SpoolView view = view_of(1, 1);
  view.epoch = other_epoch;
  CHECK(closed(session->on_spool(view, now)) == "a new stream epoch has begun");
}

TEST_CASE_METHOD(LinkTest, "a runner's message goes out in chunks, and comes in whole") {
  start(view_of(1, 1));
  CHECK_FALSE(session->try_send_runner("too early").has_value());
  welcome(0);

  const Bytes message(100'000, 'r');
  const auto sent = session->try_send_runner(message);
  REQUIRE(sent.has_value());
  Bytes together;
  for (const wire::RunnerMessage& chunk : frames<wire::RunnerMessage>(*sent)) together += chunk.bytes;
  CHECK(together == message);

  CHECK(only<TellRunner>(receive(wire::RunnerMessage{0, 0, 5, "or"})).empty());
  const auto told = only<TellRunner>(receive(wire::RunnerMessage{0, 2, 5, "der"}));
  REQUIRE(told.size() == 1);
  CHECK(told[0].message == "order");
}

TEST_CASE_METHOD(LinkTest, "a runner waits while the link has enough to write") {
  start(view_of(1, 1));
  welcome(0);
  const Bytes message(200'000, 'r');
  uint64_t sent = 0;
  while (const auto actions = session->try_send_runner(message)) {
    for (const SendFrame& frame : only<SendFrame>(*actions)) sent += frame.bytes.size();
    REQUIRE(sent < 1'000'000);
  }
  session->on_written(sent, now);
  CHECK(session->try_send_runner(message).has_value());
}

TEST_CASE_METHOD(LinkTest, "a runner's chunk out of place ends the connection") {
  start(view_of(1, 1));
  welcome(0);
  CHECK_FALSE(closed(receive(wire::RunnerMessage{0, 2, 4, "er"})).empty());
}

}  // namespace reeve::agent
