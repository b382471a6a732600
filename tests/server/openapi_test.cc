#include "server/api/openapi.h"

#include <set>

#include "server/api/schema.h"
#include "tests/pch.h"

namespace reeve::server {
namespace {

constexpr std::array<SchemaField, 2> part_fields{{{"id", "uuid"}, {"weight?", "number"}}};
constexpr Schema part_schema{"Part", "A piece.", part_fields};
constexpr std::array<SchemaField, 8> whole_fields{{
    {"name", "string"},
    {"count", "int"},
    {"when?", "time|null"},
    {"state", "'open','shut'"},
    {"parts", "Part[]", "what it is made of", &part_schema},
    {"labels?", "map<string>"},
    {"blob?", "bytes"},
    {"free?", "any"},
}};
constexpr Schema whole_schema{"Whole", "A thing.", whole_fields};

constexpr const char* whole_text = R"({"name":"a","count":3,"when":null,"state":"open","labels":{"k":"v"},"blob":"aGk",
  "parts":[{"id":"0190a1b2-0000-7000-8000-000000000001","weight":1.5}],"free":[1,{}]})";

std::string complaint_about(std::string_view member, Json value) {
  Json whole = *parse_json(whole_text);
  whole.set(member, std::move(value));
  const Status checked = check_against(whole, whole_schema);
  return checked.ok() ? "" : checked.error().text();
}

}  // namespace

TEST_CASE("a body that fits its schema passes") {
  CHECK(check_against(*parse_json(whole_text), whole_schema).ok());
}

TEST_CASE("a complaint about a body says where, what was found and what is allowed") {
  CHECK(complaint_about("name", 7) == "name is 7; allowed is a string");
  CHECK(complaint_about("count", 1.5) == "count is 1.5; allowed is a whole number");
  CHECK(complaint_about("when", "yesterday") == "when is \"yesterday\"; allowed is a time as RFC 3339");
  CHECK(complaint_about("state", "ajar") == "state is \"ajar\"; allowed is 'open','shut'");
  CHECK(complaint_about("labels", *parse_json(R"({"k":1})")) == "labels.k is 1; allowed is a string");
  CHECK(complaint_about("blob", "a=") == "blob is \"a=\"; allowed is base64url without padding");
  CHECK(complaint_about("parts", *parse_json(R"([{"id":"x"}])")) == "parts[0].id is \"x\"; allowed is a UUID");
  CHECK(complaint_about("parts", *parse_json("[{}]")) == "\"parts[0].id\" is missing");
  CHECK(complaint_about("colour", 1).starts_with("the body has no member \"colour\"; allowed: name, count, when"));
  CHECK(check_against(*parse_json("[]"), whole_schema).error().text() == "the body is []; allowed is an object");
}

TEST_CASE("every route is described, under a name of its own") {
  const Json document = make_openapi(routes());

  CHECK(document.string_or("openapi") == "3.1.0");
  std::set<std::string> ids;
  size_t operations = 0;
  for (const auto& [path, methods] : *document.find("paths")->as_object()) {
    for (const auto& [method, operation] : *methods.as_object()) {
      INFO(method << " " << path);
      ++operations;
      CHECK(ids.insert(operation.string_or("operationId")).second);
      CHECK_FALSE(operation.string_or("summary").empty());
      CHECK(operation.find("responses")->find("default") != nullptr);
    }
  }
  CHECK(operations == routes().size());
  CHECK(ids.contains("postV1AgentsByIdRevoke"));
}

TEST_CASE("every reference of the document leads to a schema of it") {
  const Json document = make_openapi(routes());
  const Json* schemas = document.find("components")->find("schemas");
  const std::string text = document.dump();
  constexpr std::string_view mark = "\"#/components/schemas/";

  for (size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + 1)) {
    const size_t begin = at + mark.size();
    const std::string name = text.substr(begin, text.find('"', begin) - begin);
    INFO(name);
    CHECK(schemas->find(name) != nullptr);
  }
}

}  // namespace reeve::server
