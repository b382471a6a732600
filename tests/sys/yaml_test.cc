#include "common/sys/yaml.h"

#include <catch2/catch.hpp>

namespace reeve::sys {

namespace {

std::string complaints_of(std::string_view text, const std::function<void(YamlMap&)>& read) {
  auto reader = YamlReader::parse("agent.yaml", text);
  if (!reader.ok()) return reader.error().text();
  YamlMap root = reader->root();
  read(root);
  const Status status = reader->finish();
  return status.ok() ? "" : status.error().text();
}

}  // namespace

TEST_CASE("known keys of the right type are read, and absent ones keep their defaults") {
  bool flag = false;
  std::string name;
  std::string absent = "default";
  int64_t count = 0;
  uint64_t size = 0;
  Duration pause{};
  Endpoint server;
  std::vector<std::string> list;

  const std::string complaints = complaints_of(
      "flag: true\nname: web-1\ncount: -3\nsize: 64MiB\npause: 250ms\nserver: '[::1]:7420'\nlist: [a, b]\n",
      [&](YamlMap& root) {
        root.read("flag", flag);
        root.read("name", name);
        root.read("absent", absent);
        root.read("count", count, {-10, 10});
        root.read_size("size", size, {1_MiB, 1_GiB});
        root.read_duration("pause", pause, {1ms, 1s});
        root.read("server", server);
        root.read("list", list);
      });

  CHECK(complaints.empty());
  CHECK(flag);
  CHECK(name == "web-1");
  CHECK(absent == "default");
  CHECK(count == -3);
  CHECK(size == 64_MiB);
  CHECK(pause == 250ms);
  CHECK(server == Endpoint{"::1", 7420});
  CHECK(list == std::vector<std::string>{"a", "b"});
}

TEST_CASE("a value out of range says where, what was found and what is allowed, and the default stays") {
  uint64_t size = 7;

  const std::string complaints = complaints_of("a: 1\nspool:\n  bytes_max: 5x\n", [&](YamlMap& root) {
    int64_t a = 0;
    root.read("a", a, {0, 9});
    root.map("spool")->read_size("bytes_max", size, {16_MiB, 1024_GiB});
  });

  CHECK(complaints == "agent.yaml:3:14: spool.bytes_max is \"5x\"; allowed: a size from 16MiB to 1TiB");
  CHECK(size == 7);
}

TEST_CASE("ranges hold at their ends and not beyond") {
  auto read = [](std::string_view text) {
    return complaints_of(text, [](YamlMap& root) {
      int64_t value = 0;
      root.read("n", value, {1, 3});
    });
  };

  CHECK(read("n: 1").empty());
  CHECK(read("n: 3").empty());
  CHECK(read("n: 0") == "agent.yaml:1:4: n is \"0\"; allowed: a whole number from 1 to 3");
  CHECK(read("n: 4") == "agent.yaml:1:4: n is \"4\"; allowed: a whole number from 1 to 3");
  CHECK(read("n: 2.5") == "agent.yaml:1:4: n is \"2.5\"; allowed: a whole number from 1 to 3");
  CHECK(read("n:") == "agent.yaml:1:1: n is empty; allowed: a whole number from 1 to 3");
  CHECK(read("n: [1]") == "agent.yaml:1:4: n is a list; allowed: a whole number from 1 to 3");
}

TEST_CASE("unknown and repeated keys are complaints, in the order of the file") {
  const std::string complaints = complaints_of("name: a\nnmae: b\nname: c\nspool:\n  size: 1\n", [](YamlMap& root) {
    std::string name;
    root.read("name", name);
    uint64_t bytes = 0;
    root.map("spool")->read_size("bytes_max", bytes, {});
  });

  CHECK(complaints ==
        "agent.yaml:2:1: nmae is no known key; allowed: name, spool\n"
        "agent.yaml:3:1: name stands here a second time\n"
        "agent.yaml:5:3: spool.size is no known key; allowed: bytes_max");
}

TEST_CASE("lists of maps name their items") {
  std::vector<std::string> paths;

  const std::string complaints = complaints_of("inputs:\n- path: /a\n- text\n- pth: /b\n", [&](YamlMap& root) {
    for (YamlMap& input : root.maps("inputs")) input.read("path", paths.emplace_back());
  });

  CHECK(complaints ==
        "agent.yaml:3:3: inputs[1] is \"text\"; allowed: a map\n"
        "agent.yaml:4:3: inputs[2].pth is no known key; allowed: path");
  CHECK(paths.front() == "/a");
}

TEST_CASE("what is no YAML, no map, or more than one document is refused with its place") {
  auto none = [](YamlMap&) {};

  CHECK(complaints_of("a: [1", none).starts_with("agent.yaml:1:"));
  CHECK(complaints_of("- 1\n", none) == "agent.yaml:1:1: the configuration is a list; allowed: a map of keys");
  CHECK(complaints_of("", none).empty());
  CHECK(complaints_of("{}\n---\n{}\n", none).find("a second document begins here") != std::string::npos);
  CHECK(complaints_of(std::string(YamlReader::text_bytes_max + 1, ' '), none) ==
        "agent.yaml has 1048577 bytes; allowed: at most 1MiB");
}

TEST_CASE("a choice lists what is allowed, and a program can complain at a key of its own") {
  std::string output = "server";

  const std::string complaints = complaints_of("output: void\nname: x\n", [&](YamlMap& root) {
    root.read_choice("output", output, {"server", "blackhole"});
    root.complain("name", "is not ours");
    root.complain("server", "is missing");
  });

  CHECK(complaints ==
        "agent.yaml:1:1: server is missing\n"
        "agent.yaml:1:9: output is \"void\"; allowed: server, blackhole\n"
        "agent.yaml:2:7: name is not ours");
}

TEST_CASE("sizes are read and written in binary units") {
  CHECK(parse_size("0") == 0u);
  CHECK(parse_size("4096") == 4096u);
  CHECK(parse_size("1KiB") == 1024u);
  CHECK(parse_size("2TiB") == 2048_GiB);
  CHECK_FALSE(parse_size("").has_value());
  CHECK_FALSE(parse_size("KiB").has_value());
  CHECK_FALSE(parse_size("1 KiB").has_value());
  CHECK_FALSE(parse_size("1kb").has_value());
  CHECK_FALSE(parse_size("-1").has_value());
  CHECK_FALSE(parse_size("99999999999TiB").has_value());
  CHECK(format_size(0) == "0B");
  CHECK(format_size(1000) == "1000B");
  CHECK(format_size(16_MiB) == "16MiB");
}

}  // namespace reeve::sys
