#include "common/base/json.h"

#include <catch2/catch.hpp>

using namespace reeve;

TEST_CASE("a document comes back as it was written") {
  const std::string text = R"({"b":1,"a":[true,null,-2,1.5,"x\ny"],"big":9223372036854775807})";
  Result<Json> document = parse_json(text);

  REQUIRE(document.ok());
  CHECK(document->dump() == text);
  CHECK(document->int_or("b") == 1);
  CHECK(document->find("c") == nullptr);
}

TEST_CASE("a syntax error says where") {
  const Result<Json> document = parse_json(R"({"a": 1,})");

  REQUIRE(!document.ok());
  CHECK(document.error().code() == Code::invalid);
  CHECK_THAT(document.error().text(), Catch::Contains("at byte 9"));
}

TEST_CASE("a repeated key is refused") {
  const Result<Json> document = parse_json(R"({"a": 1, "a": 2})");

  REQUIRE(!document.ok());
  CHECK(document.error().text() == "the key \"a\" stands twice in one object");
}

TEST_CASE("nesting is bounded") {
  CHECK(parse_json(std::string(64, '[') + std::string(64, ']')).ok());
  CHECK(!parse_json(std::string(65, '[') + std::string(65, ']')).ok());
  CHECK(!parse_json(std::string(100'000, '[')).ok());
}

TEST_CASE("any bytes are written as valid JSON") {
  Json document;
  document.set("s", std::string("\x00\x1f\xff", 3));

  CHECK(document.dump() == "{\"s\":\"\\u0000\\u001f\xef\xbf\xbd\"}");
  CHECK(parse_json(document.dump()).ok());
}

TEST_CASE("what is no number in JSON is written as null") {
  CHECK(Json(std::numeric_limits<double>::infinity()).dump() == "null");
  CHECK(Json(0.1).dump() == "0.1");
}

TEST_CASE("indented output is for people") {
  Json document;
  document.set("a", Json::Array{Json(1), Json(2)});
  document.set("e", Json::Array{});
  CHECK(document.dump(2) == "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"e\": []\n}");
}
