#include "agent/runner/launch.h"

#include <catch2/catch.hpp>
#include <random>

namespace reeve::runner {

namespace {

Launch program_launch() {
  Launch launch;
  launch.id = "p-0123456789abcdef-7-exec";
  launch.what = Program{.path = "/opt/shop/bin/cache",
                        .sha256 = Bytes(32, '\x01'),
                        .arguments = {"clear", "", "two words\n"},
                        .environment = {{"LC_ALL", "C"}, {"TZ", "UTC"}},
                        .working_directory = "/srv/shop"};
  launch.user = "shop";
  launch.timeout_ms = 30'000;
  launch.output_bytes_max = 8192;
  launch.network = true;
  launch.write_paths = {"/var/log/shop", "/srv/shop"};
  launch.memory_bytes_max = 1_GiB;
  return launch;
}

Launch built_in_launch() {
  Launch launch;
  launch.id = "a";
  launch.what = BuiltIn{"file.hash", {{"path", "/etc/nginx/nginx.conf"}, {"sha256", "00"}}};
  return launch;
}

}  // namespace

TEST_CASE("a launch comes back as it was sent") {
  for (const Launch& launch : {program_launch(), built_in_launch()}) {
    const auto decoded = decode_launch(encode(launch));
    REQUIRE(decoded.ok());
    CHECK(encode(*decoded) == encode(launch));
    CHECK(decoded->id == launch.id);
    CHECK(decoded->what.index() == launch.what.index());
    CHECK(decoded->write_paths == launch.write_paths);
    CHECK(decoded->memory_bytes_max == launch.memory_bytes_max);
  }
  const auto decoded = decode_launch(encode(program_launch()));
  const auto& program = std::get<Program>(decoded->what);
  CHECK(program.arguments == std::vector<std::string>{"clear", "", "two words\n"});
  CHECK(program.environment.at(1) == std::pair<std::string, std::string>("TZ", "UTC"));
  CHECK(decoded->network);
  CHECK(std::get<BuiltIn>(built_in_launch().what).argument("path") == "/etc/nginx/nginx.conf");
  CHECK(std::get<BuiltIn>(built_in_launch().what).argument("absent").empty());
}

TEST_CASE("a launch that is cut anywhere, or longer than it is, is refused") {
  const Bytes bytes = encode(program_launch());
  for (size_t size = 0; size < bytes.size(); size++) CHECK_FALSE(decode_launch(bytes.substr(0, size)).ok());
  CHECK_FALSE(decode_launch(bytes + '\0').ok());
}

TEST_CASE("a launch of another version, with a strange id or past the bound is refused") {
  Bytes bytes = encode(built_in_launch());
  bytes[0] = 2;
  CHECK_FALSE(decode_launch(bytes).ok());
  for (const std::string& id : {std::string(), std::string("A"), std::string("a/b"), std::string(65, 'a')}) {
    Launch launch = built_in_launch();
    launch.id = id;
    CHECK_FALSE(decode_launch(encode(launch)).ok());
  }
  Launch launch = built_in_launch();
  launch.id = std::string(64, 'a');
  CHECK(decode_launch(encode(launch)).ok());
  launch.user = std::string(launch_bytes_max - encode(launch).size() - 2, 'u');
  CHECK(encode(launch).size() == launch_bytes_max);
  CHECK(decode_launch(encode(launch)).ok());
  launch.user += 'u';
  CHECK_FALSE(decode_launch(encode(launch)).ok());
}

TEST_CASE("a launch has one encoding") {
  Bytes bytes = encode(built_in_launch());
  REQUIRE(bytes[1] == 1);                           // the id's length
  bytes.replace(1, 1, std::string("\x81\x00", 2));  // the same, in two bytes
  CHECK_FALSE(decode_launch(bytes).ok());
}

TEST_CASE("whatever bytes come, a launch that is decoded is encoded as the same bytes") {
  std::mt19937 random(7);
  size_t accepted = 0;
  for (int i = 0; i < 20'000; i++) {
    Bytes bytes = encode(i % 2 == 0 ? program_launch() : built_in_launch());
    for (unsigned edits = 1 + random() % 3; edits > 0; edits--) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    const auto decoded = decode_launch(bytes);
    if (!decoded.ok()) continue;
    accepted++;
    REQUIRE(encode(*decoded) == bytes);
  }
  CHECK(accepted > 0);
}

}  // namespace reeve::runner
