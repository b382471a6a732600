// API keys: made, listed and revoked. The store keeps a key's hash; its text is shown once.
#include <algorithm>
#include <array>

#include "common/crypto/digest.h"
#include "server/api/audit.h"
#include "server/api/gate.h"
#include "server/api/params.h"
#include "server/api/tables.h"
#include "server/store_writer.h"

namespace reeve::server {
namespace {

constexpr size_t label_bytes_max = 100;

Json render(const ApiKey& key) {
  Json out;
  out.set("id", to_string(key.id));
  out.set("prefix", key.prefix);
  out.set("label", key.label);
  out.set("role", key.role);
  Json::Array scopes(key.scopes.begin(), key.scopes.end());
  out.set("scopes", std::move(scopes));
  out.set("created", format_rfc3339(key.created));
  out.set("expires", key.expires.ns > 0 ? Json(format_rfc3339(key.expires)) : Json());
  out.set("last_used", key.last_used.ns > 0 ? Json(format_rfc3339(key.last_used)) : Json());
  return out;
}

constexpr std::string_view role_type = "'viewer','engineer','manager','approver','admin'";
constexpr std::array<SchemaField, 4> new_key_fields{{
    {"label", "string", "what it is for; 1 to 100 bytes"},
    {"role", role_type},
    {"scopes?", "string[]", "names of permissions of the role; none: all of the role's"},
    {"expires?", "time|null", "absent or null: never"},
}};
constexpr Schema new_key_schema{"NewApiKey", "An API key to be.", new_key_fields};

// Names of permissions that the role has.
Result<std::vector<std::string>> read_scopes(const Json& body, Role role) {
  std::vector<std::string> scopes;
  const Json* member = body.find("scopes");
  if (!member) return scopes;
  for (const Json& each : *member->as_array()) {
    const std::string& name = *each.as_string();
    const auto* grant =
        std::find_if(grants.begin(), grants.end(), [&](const Grant& known) { return known.name == name; });
    if (grant == grants.end() || grant->permission == Permission::none || !may(role, grant->permission)) {
      return Error(Code::invalid, "member \"scopes\" has \"" + printable(name, 40) +
                                      "\"; allowed are permissions that "
                                      "the role \"" +
                                      std::string(to_string(role)) + "\" has, like signals.read");
    }
    if (std::find(scopes.begin(), scopes.end(), name) == scopes.end()) scopes.push_back(name);
  }
  return scopes;
}

Result<Answer> get_keys(ApiContext& context, const ApiRequest& request) {
  TRY(QueryParams::parse(request.query, {}));
  Json::Array listed;
  for (const ApiKey& key : TRY(context.store.accounts().list_api_keys())) listed.push_back(render(key));
  return Answer(json_reply(Json(Json::Object{{"keys", std::move(listed)}})));
}

Result<Answer> post_key(ApiContext& context, const ApiRequest& request) {
  TRY(QueryParams::parse(request.query, {}));
  const Json body = TRY_DURING(parse_json(request.body), "the body is not JSON");
  TRY(check_against(body, new_key_schema));
  const std::string label = TRY(required_text(body, "label", label_bytes_max));
  if (!is_utf8(label)) return Error(Code::invalid, "member \"label\" is not UTF-8");
  const Role role = *parse_role(body.string_or("role"));

  SystemRandom random;
  const std::string text = make_api_key(context.org);
  ApiKey key{.id = make_uuid_v7(request.now, random),
             .prefix = api_key_prefix(text),
             .hash = crypto::sha256(text),
             .role = std::string(to_string(role)),
             .created = request.now,
             .label = label,
             .created_by = request.credential.name};
  key.scopes = TRY(read_scopes(body, role));
  if (const Json* expires = body.find("expires"); expires && !expires->is_null()) {
    key.expires = *parse_rfc3339(*expires->as_string());
    if (key.expires <= request.now) {
      return Error(Code::invalid,
                   "member \"expires\" is " + format_rfc3339(key.expires) + "; allowed is a time to come");
    }
  }

  Json detail = render(key);
  const AuditEntry entry =
      audit_entry(request, {.action = "key.create", .target = to_string(key.id), .detail = std::move(detail)});
  TRY(context.writer.run([&](Store& store) { return store.accounts().add_api_key(key, entry); }));
  Json answer = render(key);
  answer.set("key", text);
  return Answer(json_reply(answer, 201));
}

Result<Answer> delete_key(ApiContext& context, const ApiRequest& request) {
  TRY(QueryParams::parse(request.query, {}));
  const std::string& text = request.path_values.front();
  const std::optional<Uuid> id = parse_uuid(text);
  if (!id) return Error(Code::invalid, "\"" + printable(text, 80) + "\" is not a key's id; an id is a UUID");
  const AuditEntry entry = audit_entry(request, {.action = "key.revoke", .target = to_string(*id)});
  TRY(context.writer.run([&](Store& store) { return store.accounts().revoke_api_key(*id, entry); }));
  return Answer(Reply{.status = 204});
}

constexpr std::array<SchemaField, 8> key_fields{{
    {"id", "uuid"},
    {"prefix", "string", "how the key begins"},
    {"label", "string"},
    {"role", role_type},
    {"scopes", "string[]", "empty: all of the role's permissions"},
    {"created", "time"},
    {"expires", "time|null"},
    {"last_used", "time|null", "exact to a minute"},
}};
constexpr Schema key_schema{"ApiKey", "What a program comes in with.", key_fields};
constexpr std::array<SchemaField, 9> made_key_fields{{
    {"id", "uuid"},
    {"prefix", "string", "how the key begins"},
    {"label", "string"},
    {"role", role_type},
    {"scopes", "string[]", "empty: all of the role's permissions"},
    {"created", "time"},
    {"expires", "time|null"},
    {"last_used", "time|null"},
    {"key", "string", "the key itself, shown this once"},
}};
constexpr Schema made_key_schema{"MadeApiKey", "A new API key.", made_key_fields};
constexpr std::array<SchemaField, 1> keys_fields{{{"keys", "ApiKey[]", "oldest first", &key_schema}}};
constexpr Schema keys_schema{"ApiKeys", "The API keys that count.", keys_fields};

constexpr std::array table{
    Route{"GET", "/v1/keys", Permission::org_admin, get_keys, {.summary = "The API keys", .gives = &keys_schema}},
    Route{"POST",
          "/v1/keys",
          Permission::org_admin,
          post_key,
          {.summary = "Make an API key; its text comes once",
           .takes = &new_key_schema,
           .gives = &made_key_schema,
           .status = 201}}
        .idempotent(),
    Route{"DELETE",
          "/v1/keys/{id}",
          Permission::org_admin,
          delete_key,
          {.summary = "Revoke an API key, felt at once", .status = 204}},
};

}  // namespace

std::span<const Route> keys_routes() {
  return table;
}

}  // namespace reeve::server
