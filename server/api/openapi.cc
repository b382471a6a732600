// See openapi.h.
#include "server/api/openapi.h"

#include <array>
#include <map>
#include <string>

#include "server/api/params.h"
#include "server/api/tables.h"
#include "server/version.h"

namespace reeve::server {
namespace {

using Schemas = std::map<std::string, Json>;

Json object(Json::Object members) {
  return Json(std::move(members));
}

Json reference_to(std::string_view name) {
  return object({{"$ref", "#/components/schemas/" + std::string(name)}});
}

Json with_format(const char* type, const char* format) {
  return object({{"type", type}, {"format", format}});
}

Json words(std::string_view type) {
  Json::Array allowed;
  while (!type.empty()) {
    const size_t end = type.find(',');
    allowed.push_back(type.substr(1, std::min(end, type.size()) - 2));
    type = end == std::string_view::npos ? std::string_view() : type.substr(end + 1);
  }
  return object({{"type", "string"}, {"enum", std::move(allowed)}});
}

void describe(const Schema& schema, Schemas& schemas);

// The JSON Schema of a field's type, after schema.h's grammar.
Json type_schema(std::string_view type, const Schema* named, Schemas& schemas) {
  constexpr std::string_view null_mark = "|null";
  constexpr std::string_view map_mark = "map<";
  if (type.ends_with(null_mark)) {
    Json::Array either;
    either.push_back(type_schema(type.substr(0, type.size() - null_mark.size()), named, schemas));
    either.push_back(object({{"type", "null"}}));
    return object({{"anyOf", std::move(either)}});
  }
  if (type.ends_with("[]")) {
    return object({{"type", "array"}, {"items", type_schema(type.substr(0, type.size() - 2), named, schemas)}});
  }
  if (type.starts_with(map_mark)) {
    const std::string_view each = type.substr(map_mark.size(), type.size() - map_mark.size() - 1);
    return object({{"type", "object"}, {"additionalProperties", type_schema(each, named, schemas)}});
  }
  if (type == "any") return object({});
  if (type == "int") return with_format("integer", "int64");
  if (type == "number" || type == "string") return object({{"type", type}});
  if (type == "bool") return object({{"type", "boolean"}});
  if (type == "time") return with_format("string", "date-time");
  if (type == "uuid") return with_format("string", "uuid");
  if (type == "bytes") return object({{"type", "string"}, {"contentEncoding", "base64url"}});
  if (type.starts_with('\'')) return words(type);
  check(named && named->name == type, "a field points to the schema that its type names");
  describe(*named, schemas);
  return reference_to(type);
}

void describe(const Schema& schema, Schemas& schemas) {
  const auto [place, is_new] = schemas.try_emplace(std::string(schema.name));
  if (!is_new) return;
  Json properties = object({});
  Json::Array required;
  for (const SchemaField& field : schema.fields) {
    const bool optional = field.name.ends_with('?');
    const std::string_view name = field.name.substr(0, field.name.size() - (optional ? 1 : 0));
    Json property = type_schema(field.type, field.schema, schemas);
    if (!field.about.empty()) property.set("description", field.about);
    properties.set(name, std::move(property));
    if (!optional) required.push_back(name);
  }
  Json described = object({{"type", "object"}, {"description", schema.about}});
  described.set("properties", std::move(properties));
  described.set("required", std::move(required));
  described.set("additionalProperties", false);
  place->second = std::move(described);
}

// "/v1/agents/{id}/revoke" as "V1AgentsByIdRevoke".
std::string operation_id(const Route& route) {
  std::string id;
  for (const char c : route.method) id += static_cast<char>(c - 'A' + 'a');
  bool upper = true;
  for (const char c : route.pattern) {
    if (c == '{') id += "By";
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (letter) id += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    upper = !letter;
  }
  return id;
}

Json::Array parameters_of(const Route& route, Schemas& schemas) {
  Json::Array parameters;
  for (size_t at = route.pattern.find('{'); at != std::string_view::npos; at = route.pattern.find('{', at + 1)) {
    const std::string_view name = route.pattern.substr(at + 1, route.pattern.find('}', at) - at - 1);
    parameters.push_back(
        object({{"name", name}, {"in", "path"}, {"required", true}, {"schema", object({{"type", "string"}})}}));
  }
  for (const Parameter& each : route.docs.query) {
    const bool repeatable = each.name.ends_with("[]");
    const bool required = each.name.ends_with('!');
    std::string_view name = each.name;
    name.remove_suffix(repeatable ? 2 : required ? 1 : 0);
    Json schema = type_schema(each.type, nullptr, schemas);
    if (repeatable) schema = object({{"type", "array"}, {"items", std::move(schema)}});
    Json parameter = object({{"name", name}, {"in", "query"}, {"required", required}});
    if (repeatable) parameter.set("explode", true);
    if (!each.about.empty()) parameter.set("description", each.about);
    parameter.set("schema", std::move(schema));
    parameters.push_back(std::move(parameter));
  }
  return parameters;
}

Json content_of(std::string_view type, const Schema* schema, Schemas& schemas) {
  Json media = object({});
  if (schema) {
    describe(*schema, schemas);
    media.set("schema", reference_to(schema->name));
  }
  return object({{std::string(type), std::move(media)}});
}

Json responses_of(const Route& route, Schemas& schemas) {
  const RouteDocs& docs = route.docs;
  Json success = object({{"description", docs.status == 204 ? "Done; no body." : "As asked."}});
  const bool has_body = docs.status != 204;
  if (has_body) {
    const std::string_view type = route.feed ? "text/event-stream" : docs.gives_type;
    success.set("content", content_of(type, docs.gives, schemas));
  }
  Json failure = object({{"description", "What was wrong: RFC 9457."}});
  failure.set("content", object({{"application/problem+json", object({{"schema", reference_to("Problem")}})}}));
  return object({{std::to_string(docs.status), std::move(success)}, {"default", std::move(failure)}});
}

Json operation_of(const Route& route, Schemas& schemas) {
  Json operation = object({{"operationId", operation_id(route)}, {"summary", route.docs.summary}});
  operation.set("parameters", parameters_of(route, schemas));
  const bool has_body = route.method != "GET" && (route.docs.takes || route.docs.takes_type != "application/json");
  if (has_body) {
    Json body = object({{"required", true}});
    body.set("content", content_of(route.docs.takes_type, route.docs.takes, schemas));
    operation.set("requestBody", std::move(body));
  }
  operation.set("responses", responses_of(route, schemas));
  if (route.permission == Permission::none) {
    operation.set("security", Json::Array{});
  } else {
    operation.set("x-permission", grant_of(route.permission).name);
  }
  return operation;
}

constexpr std::array<SchemaField, 6> problem_fields{{
    {"type", "string"},
    {"title", "string"},
    {"status", "int"},
    {"code", "'invalid','not_found','denied','unavailable','exhausted','corrupt','cancelled'"},
    {"detail", "string", "what we did, on what, what we found, what is allowed"},
    {"request_id", "string"},
}};
constexpr Schema problem_schema{"Problem", "Why a request failed.", problem_fields};

Result<Answer> get_openapi(ApiContext&, const ApiRequest& request) {
  TRY(QueryParams::parse(request.query, {}));
  static const std::string document = make_openapi(routes()).dump(1);
  return Answer(Reply{.content_type = "application/json", .body = document});
}

constexpr std::array table{
    Route{"GET",
          "/openapi.json",
          Permission::none,
          get_openapi,
          {.summary = "This API as OpenAPI 3.1, made from the route table"}},
};

}  // namespace

Json make_openapi(std::span<const Route* const> routes) {
  Schemas schemas;
  describe(problem_schema, schemas);
  std::map<std::string_view, size_t> places;
  Json::Object paths;
  for (const Route* route : routes) {
    const auto [place, is_new] = places.try_emplace(route->pattern, paths.size());
    if (is_new) paths.emplace_back(route->pattern, object({}));
    std::string method;
    for (const char c : route->method) method += static_cast<char>(c - 'A' + 'a');
    paths[place->second].second.set(method, operation_of(*route, schemas));
  }

  Json components = object({});
  Json::Object described;
  for (auto& [name, schema] : schemas) described.emplace_back(name, std::move(schema));
  components.set("schemas", std::move(described));
  components.set("securitySchemes",
                 object({{"bearer", object({{"type", "http"}, {"scheme", "bearer"}})},
                         {"cookie", object({{"type", "apiKey"}, {"in", "cookie"}, {"name", "reeve_session"}})}}));

  Json document = object({{"openapi", "3.1.0"}});
  document.set("info", object({{"title", "Reeve"}, {"version", server_version}}));
  document.set("paths", std::move(paths));
  document.set("components", std::move(components));
  Json::Array security;
  for (const char* scheme : {"bearer", "cookie"}) security.push_back(object({{scheme, Json::Array{}}}));
  document.set("security", std::move(security));
  return document;
}

std::span<const Route> openapi_routes() {
  return table;
}

}  // namespace reeve::server
