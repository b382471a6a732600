// Who may sign in, and as what.
//
// Passwords are hashed on threads of their own (server/auth/auth.h), so a request with one is answered Later.
#include <algorithm>
#include <array>

#include "common/crypto/digest.h"
#include "common/sys/password.h"
#include "server/api/audit.h"
#include "server/api/params.h"
#include "server/api/problem.h"
#include "server/api/tables.h"
#include "server/api/user_json.h"
#include "server/auth/auth.h"
#include "server/store_writer.h"

namespace reeve::server {
namespace {

constexpr size_t email_bytes_max = 254;
constexpr size_t name_bytes_max = 200;
constexpr size_t made_password_bytes = 15;  // 20 letters

bool is_plain_text(std::string_view text) {
  const auto is_control = [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; };
  return is_utf8(text) && std::none_of(text.begin(), text.end(), is_control);
}

Status check_email(std::string_view email) {
  const size_t at = email.find('@');
  const bool one_at = at != std::string_view::npos && at > 0 && at + 1 < email.size() &&
                      email.find('@', at + 1) == std::string_view::npos;
  if (one_at && email.size() <= email_bytes_max && is_plain_text(email) && email.find(' ') == std::string_view::npos) {
    return {};
  }
  return Error(Code::invalid, "member \"email\" is \"" + printable(email, 80) +
                                  "\"; allowed is an address like ada@example.net of at most 254 bytes");
}

Status check_name(std::string_view name) {
  if (name.size() <= name_bytes_max && is_plain_text(name)) return {};
  return Error(Code::invalid, "member \"name\" has " + std::to_string(name.size()) +
                                  " bytes; allowed is a line of text of at most " + std::to_string(name_bytes_max));
}

constexpr std::string_view role_type = "'viewer','engineer','manager','approver','admin'";

constexpr std::array<SchemaField, 4> new_user_fields{{
    {"email", "string", "unique in the org, in either case"},
    {"name?", "string", "at most 200 bytes"},
    {"role", role_type},
    {"password?", "string", "10 to 256 bytes; absent: one is made, and given once"},
}};
constexpr Schema new_user_schema{"NewUser", "A user to be.", new_user_fields};
constexpr std::array<SchemaField, 4> user_change_fields{{
    {"name?", "string"},
    {"role?", role_type},
    {"disabled?", "bool", "true: the user's sessions end, and none begins"},
    {"password?", "string", "10 to 256 bytes; the user's sessions end"},
}};
constexpr Schema user_change_schema{"UserChange", "What shall be different.", user_change_fields};

Result<Json> read_body(const ApiRequest& request, const Schema& schema) {
  Json body =
      request.body.empty() ? Json(Json::Object{}) : TRY_DURING(parse_json(request.body), "the body is not JSON");
  TRY(check_against(body, schema));
  return body;
}

std::optional<std::string> text_of(const Json& body, std::string_view name) {
  const Json* member = body.find(name);
  return member && member->as_string() ? std::optional(*member->as_string()) : std::nullopt;
}

Result<Answer> get_users(ApiContext& context, const ApiRequest& request) {
  TRY(QueryParams::parse(request.query, {}));
  Json::Array listed;
  for (const User& user : TRY(context.store.accounts().list_users())) listed.push_back(render_user(user));
  return Answer(json_reply(Json(Json::Object{{"users", std::move(listed)}})));
}

Result<Reply> add_user(ApiContext& context, const ApiRequest& request, User user, const std::string& password,
                       bool made_password) {
  user.password_hash = TRY(sys::hash_password(password));
  const AuditEntry entry =
      audit_entry(request, {.action = "user.create",
                            .target = to_string(user.id),
                            .detail = Json::Object{{"email", user.email}, {"name", user.name}, {"role", user.role}}});
  bool added = false;
  const auto add = [&](Store& store) -> Status {
    added = TRY(store.accounts().add_user(user, entry));
    return {};
  };
  TRY(context.writer.run(add));
  if (!added) {
    return problem_reply({.status = 409, .detail = "there is a user with this e-mail already"}, request.request_id);
  }
  Json body = render_user(user);
  if (made_password) body.set("password", password);
  return json_reply(body, 201);
}

Result<Answer> post_user(ApiContext& context, const ApiRequest& request) {
  TRY(QueryParams::parse(request.query, {}));
  const Json body = TRY(read_body(request, new_user_schema));
  SystemRandom random;
  User user{.id = make_uuid_v7(request.now, random),
            .email = fold_email(body.string_or("email")),
            .name = body.string_or("name"),
            .role = body.string_or("role"),
            .created = request.now};
  TRY(check_email(user.email));
  TRY(check_name(user.name));
  const std::optional<std::string> given = text_of(body, "password");
  if (given) TRY(check_password("password", *given));
  const std::string password = given.value_or(to_base64url(crypto::random_secret(made_password_bytes)));

  const bool made = !given.has_value();
  return Answer(Later{[&context, request, user, password, made](const Later::Finish& finish) {
    const Status taken = context.auth->run_hashing([&context, request, user, password, made, finish] {
      finish(add_user(context, request, user, password, made));
    });
    if (!taken.ok()) finish(taken.error());
  }});
}

Result<Reply> change_user(ApiContext& context, const ApiRequest& request, const Uuid& id, UserChange change,
                          const std::optional<std::string>& password) {
  Json detail = Json(Json::Object{});
  if (change.name) detail.set("name", *change.name);
  if (change.role) detail.set("role", *change.role);
  if (change.disabled) detail.set("disabled", *change.disabled);
  if (password) {
    detail.set("password", "changed");
    change.password_hash = TRY(sys::hash_password(*password));
  }
  const AuditEntry entry =
      audit_entry(request, {.action = "user.change", .target = to_string(id), .detail = std::move(detail)});
  UserChanged changed;
  const auto apply = [&](Store& store) -> Status {
    changed = TRY(store.accounts().change_user(id, change, entry));
    return {};
  };
  TRY(context.writer.run(apply));
  if (changed.last_admin) {
    return problem_reply(
        {.status = 409, .detail = "this is the last admin of the org: make another one first, or nobody could"},
        request.request_id);
  }
  return json_reply(render_user(changed.user));
}

Result<Answer> patch_user(ApiContext& context, const ApiRequest& request) {
  TRY(QueryParams::parse(request.query, {}));
  const std::string& text = request.path_values.front();
  const std::optional<Uuid> id = parse_uuid(text);
  if (!id) return Error(Code::invalid, "\"" + printable(text, 80) + "\" is not a user's id; an id is a UUID");
  const Json body = TRY(read_body(request, user_change_schema));
  UserChange change{.name = text_of(body, "name"), .role = text_of(body, "role")};
  if (change.name) TRY(check_name(*change.name));
  const Json* disabled = body.find("disabled");
  if (disabled) change.disabled = *disabled->as_bool();
  const std::optional<std::string> password = text_of(body, "password");
  if (!password) {
    if (body.as_object()->empty()) return Error(Code::invalid, "the body names nothing to change");
    return Answer(TRY(change_user(context, request, *id, change, password)));
  }
  TRY(check_password("password", *password));

  return Answer(Later{[&context, request, id, change, password](const Later::Finish& finish) {
    const Status taken = context.auth->run_hashing([&context, request, id, change, password, finish] {
      finish(change_user(context, request, *id, change, password));
    });
    if (!taken.ok()) finish(taken.error());
  }});
}

constexpr std::array<SchemaField, 7> user_fields{{
    {"id", "uuid"},
    {"email", "string"},
    {"name", "string"},
    {"role", role_type},
    {"disabled", "bool"},
    {"created", "time"},
    {"last_sign_in", "time|null"},
}};
constexpr std::array<SchemaField, 8> made_user_fields{{
    {"id", "uuid"},
    {"email", "string"},
    {"name", "string"},
    {"role", role_type},
    {"disabled", "bool"},
    {"created", "time"},
    {"last_sign_in", "time|null"},
    {"password?", "string", "where none was given: shown this once"},
}};
constexpr Schema made_user_schema{"MadeUser", "A new user.", made_user_fields};

}  // namespace

constexpr Schema user_schema{"User", "Somebody who may sign in.", user_fields};

namespace {

constexpr std::array<SchemaField, 1> users_fields{{{"users", "User[]", "by e-mail", &user_schema}}};
constexpr Schema users_schema{"Users", "Everybody who may sign in.", users_fields};

constexpr std::array table{
    Route{"GET", "/v1/users", Permission::org_admin, get_users, {.summary = "The users", .gives = &users_schema}},
    Route{"POST",
          "/v1/users",
          Permission::org_admin,
          post_user,
          {.summary = "Add a user", .takes = &new_user_schema, .gives = &made_user_schema, .status = 201}}
        .idempotent(),
    Route{"PATCH",
          "/v1/users/{id}",
          Permission::org_admin,
          patch_user,
          {.summary = "Change, disable or enable a user; the last admin stays one",
           .takes = &user_change_schema,
           .gives = &user_schema}},
};

}  // namespace

Json render_user(const User& user) {
  Json out;
  out.set("id", to_string(user.id));
  out.set("email", user.email);
  out.set("name", user.name);
  out.set("role", user.role);
  out.set("disabled", user.disabled);
  out.set("created", format_rfc3339(user.created));
  out.set("last_sign_in", user.last_sign_in.ns > 0 ? Json(format_rfc3339(user.last_sign_in)) : Json());
  return out;
}

Status check_password(std::string_view member, std::string_view password) {
  if (password.size() >= password_bytes_min && password.size() <= password_bytes_max) return {};
  return Error(Code::invalid, "member \"" + std::string(member) + "\" has " + std::to_string(password.size()) +
                                  " bytes; allowed are " + std::to_string(password_bytes_min) + " to " +
                                  std::to_string(password_bytes_max));
}

std::span<const Route> users_routes() {
  return table;
}

}  // namespace reeve::server
