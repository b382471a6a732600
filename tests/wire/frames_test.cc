#include "common/wire/frames.h"

#include <catch2/catch.hpp>

#include "common/base/random.h"

using namespace reeve;
using namespace reeve::wire;

namespace {

Uuid sample_epoch() {
  SeededRandom random(5);
  return make_uuid_v4(random);
}

std::vector<AgentFrame> agent_frames() {
  return {
      Hello{link_version, sample_epoch(), {{Lane::live, 3, 9}, {Lane::control, 1, 1}}, "web-1", "0.1.0"},
      BlockChunk{Lane::recall, 7, 100, 200, Bytes(100, '\xff')},
      Gap{Lane::live, 4, 6, "quarantined"},
      AgentStatus{1'000'000, 3, -1},
      RenewRequest{"-----BEGIN CERTIFICATE REQUEST-----"},
      AuditPin{},
      AuditPin{12, Bytes(32, 'r'), "the audit was rewritten"},
  };
}

std::vector<ServerFrame> server_frames() {
  return {
      Welcome{sample_epoch(), {{Lane::live, 8}, {Lane::recall, 0}}, 8 << 20},
      Ack{{Lane::live, 8}, 8 << 20},
      EpochConflict{sample_epoch()},
      Reject{Lane::control, 3, "its checksum does not match"},
      LiveHint{30'000},
      RenewResponse{"", "the certificate is revoked"},
      AuditHead{"an envelope", {Bytes(32, 'a'), Bytes(32, 'b')}, Bytes(32, 'k')},
  };
}

}  // namespace

TEST_CASE("every frame of an agent comes out as it went in") {
  for (const AgentFrame& frame : agent_frames()) {
    const Bytes bytes = encode(frame);
    const AgentFrame parsed = parse_agent_frame(bytes).value();
    CHECK(parsed.index() == frame.index());
    CHECK(encode(parsed) == bytes);
  }
}

TEST_CASE("every frame of a server comes out as it went in") {
  for (const ServerFrame& frame : server_frames()) {
    const Bytes bytes = encode(frame);
    const ServerFrame parsed = parse_server_frame(bytes).value();
    CHECK(parsed.index() == frame.index());
    CHECK(encode(parsed) == bytes);
  }
}

TEST_CASE("every cut frame is refused or says less, and never hurts") {
  for (const AgentFrame& frame : agent_frames()) {
    const Bytes bytes = encode(frame);
    for (size_t size = 0; size < bytes.size(); ++size) CHECK_FALSE(parse_agent_frame(bytes.substr(0, size)).ok());
  }
  for (const ServerFrame& frame : server_frames()) {
    const Bytes bytes = encode(frame);
    for (size_t size = 0; size < bytes.size(); ++size) CHECK_FALSE(parse_server_frame(bytes.substr(0, size)).ok());
  }
}

TEST_CASE("garbage is refused and never hurts") {
  SeededRandom random(9);
  const Bytes hello = encode(agent_frames()[0]);
  for (int i = 0; i < 20'000; ++i) {
    Bytes bytes = random.one_in(2) ? random.bytes(random.below(100)) : hello;
    if (!bytes.empty()) bytes[random.below(bytes.size())] = static_cast<char>(random.next());
    (void)parse_agent_frame(bytes);  // any answer will do
    (void)parse_server_frame(bytes);
  }
}

TEST_CASE("an empty or oversized message is no frame") {
  CHECK(parse_agent_frame("").error().code() == Code::corrupt);
  CHECK(parse_server_frame(Bytes(frame_bytes_max + 1, '\0')).error().code() == Code::corrupt);
}

TEST_CASE("a frame of a kind from the future is told apart from garbage") {
  Bytes frame;
  append_varint(frame, 100 << 3 | 2);
  append_varint(frame, 3);
  frame += "new";

  CHECK(parse_agent_frame(frame).error().code() == Code::not_found);
  CHECK(parse_server_frame(frame).error().code() == Code::not_found);
}

TEST_CASE("an unknown field of a known frame is passed by") {
  Bytes gap;
  append_varint(gap, 2 << 3);
  append_varint(gap, 4);
  append_varint(gap, 3 << 3);
  append_varint(gap, 6);
  append_varint(gap, 50 << 3);
  append_varint(gap, 1);
  Bytes frame;
  append_varint(frame, 3 << 3 | 2);
  append_varint(frame, gap.size());
  frame += gap;

  const AgentFrame parsed = parse_agent_frame(frame).value();
  CHECK(std::get<Gap>(parsed).from == 4);
  CHECK(std::get<Gap>(parsed).to == 6);
}

TEST_CASE("a frame that breaks a bound is corrupt") {
  const Uuid epoch = sample_epoch();
  const std::vector<AgentFrame> broken = {
      BlockChunk{Lane::live, 0, 0, 1, "x"},                               // sequences begin at 1
      BlockChunk{Lane::live, 1, 0, 1, ""},                                // an empty chunk would never end
      BlockChunk{Lane::live, 1, 1, 1, "x"},                               // beyond its block
      BlockChunk{Lane::live, 1, UINT64_MAX, UINT64_MAX, "x"},             // and by wrapping
      BlockChunk{Lane::live, 1, 0, block_bytes_max + 1, "x"},             // larger than a block may be
      BlockChunk{static_cast<Lane>(3), 1, 0, 1, "x"},                     // no such lane
      Gap{Lane::live, 0, 1, ""},                                          //
      Gap{Lane::live, 5, 4, ""},                                          // backwards
      Hello{1, epoch, {{Lane::live, 5, 4}}, "h", "v"},                    // holds what it has not written
      Hello{1, epoch, {{Lane::live, 0, 4}}, "h", "v"},                    //
      Hello{1, epoch, {{Lane::live, 1, 1}, {Lane::live, 1, 1}}, "", ""},  // one lane twice
      AuditPin{1, "", ""},                                                // a tree has a root
      AuditPin{1, Bytes(31, 'r'), ""},                                    //
      AuditPin{0, Bytes(33, 'r'), ""}                                     //
  };

  for (const AgentFrame& frame : broken) {
    INFO(to_hex(encode(frame)));
    CHECK(parse_agent_frame(encode(frame)).error().code() == Code::corrupt);
  }
  CHECK(parse_server_frame(encode(ServerFrame(LiveHint{-1}))).error().code() == Code::corrupt);
  CHECK(parse_server_frame(encode(ServerFrame(Reject{Lane::live, 0, ""}))).error().code() == Code::corrupt);
  CHECK(parse_server_frame(encode(ServerFrame(Welcome{epoch, {{Lane::live, 1}, {Lane::live, 1}}, 0}))).error().code() ==
        Code::corrupt);
}

TEST_CASE("the largest audit head fits a frame, and what is beyond its bounds is corrupt") {
  const Bytes hash(32, 'h');
  AuditHead head{Bytes(44_KiB, 'e'), std::vector<Bytes>(64, hash), hash};
  const Bytes bytes = encode(ServerFrame(head));
  CHECK(bytes.size() <= frame_bytes_max);
  CHECK(std::get<AuditHead>(parse_server_frame(bytes).value()).proof.size() == 64);
  head.proof.push_back(hash);
  CHECK(parse_server_frame(encode(ServerFrame(head))).error().code() == Code::corrupt);
  head.proof = {Bytes(31, 'h')};
  CHECK(parse_server_frame(encode(ServerFrame(head))).error().code() == Code::corrupt);
  head.proof.clear();
  head.public_key.clear();
  CHECK(parse_server_frame(encode(ServerFrame(head))).error().code() == Code::corrupt);
}

TEST_CASE("a chunk of the largest size fits a frame, and long reasons are cut") {
  const Bytes chunk = encode(AgentFrame(BlockChunk{Lane::live, 1, 0, 64_MiB, Bytes(chunk_bytes_max, 'x')}));
  CHECK(chunk.size() <= frame_bytes_max);
  CHECK(parse_agent_frame(chunk).ok());

  const Bytes reject = encode(ServerFrame(Reject{Lane::live, 1, std::string(100'000, 'x')}));
  CHECK(std::get<Reject>(parse_server_frame(reject).value()).reason.size() == 1024);
}
