#include "common/wire/record.h"

#include <catch2/catch.hpp>

using namespace reeve::wire;

TEST_CASE("levels are understood in their common spellings, and nothing else is") {
  const auto [text, level] = GENERATE(table<std::string, std::optional<Level>>({
      {"trace", Level::trace},
      {"DEBUG", Level::debug},
      {"dbg", Level::debug},
      {"Info", Level::info},
      {"information", Level::info},
      {"NOTICE", Level::info},
      {"warn", Level::warn},
      {"WARNING", Level::warn},
      {"err", Level::error},
      {"ERROR", Level::error},
      {"E", Level::error},
      {"severe", Level::error},
      {"crit", Level::fatal},
      {"CRITICAL", Level::fatal},
      {"alert", Level::fatal},
      {"emerg", Level::fatal},
      {"emergency", Level::fatal},
      {"panic", Level::fatal},
      {"fatal", Level::fatal},
      {"unset", Level::unset},
      {"", std::nullopt},
      {"infos", std::nullopt},
      {"information!", std::nullopt},
      {"e1", std::nullopt},
      {"GET", std::nullopt},
      {"war\x4e", Level::warn},
      {"inf\x0f", std::nullopt},
  }));

  CHECK(parse_level(text) == level);
}

TEST_CASE("every level's name parses back to it") {
  for (size_t i = 0; i < level_count; ++i) {
    const auto level = static_cast<Level>(i);
    CHECK(parse_level(to_string(level)) == level);
  }
}

TEST_CASE("a shape key is 32 hex digits, high half first") {
  const ShapeKey key{0x0123456789abcdef, 0xfedcba9876543210};

  CHECK(to_string(key) == "0123456789abcdeffedcba9876543210");
  CHECK(parse_shape_key(to_string(key)) == key);
  CHECK(parse_shape_key("0123456789ABCDEFFEDCBA9876543210") == key);
  CHECK_FALSE(parse_shape_key("0123456789abcdeffedcba987654321"));
  CHECK_FALSE(parse_shape_key("0123456789abcdeffedcba98765432100"));
  CHECK_FALSE(parse_shape_key("0123456789abcdeffedcba987654321g"));
}
