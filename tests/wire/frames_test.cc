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
