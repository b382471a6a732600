// Signing in and out.
//
// A session is a secret in the page's cookie, whose hash the store keeps; from it come tokens of ten minutes, which
// change things. Whatever is wrong with an e-mail, a password or a user, the answer is the same and takes as long.
#include <algorithm>
#include <array>

#include "common/crypto/digest.h"
#include "common/sys/password.h"
#include "server/api/audit.h"
#include "server/api/gate.h"
#include "server/api/params.h"
#include "server/api/problem.h"
#include "server/api/tables.h"
#include "server/api/user_json.h"
#include "server/auth/auth.h"
#include "server/auth/jwt.h"
#include "server/store_writer.h"

namespace reeve::server {
namespace {

constexpr Duration session_idle_max = 12h;
constexpr Duration session_age_max = 24h * 30;
constexpr size_t email_bytes_max = 254;
constexpr size_t org_bytes_max = 63;
constexpr int64_t ns_per_second = 1'000'000'000;

WallTime session_end(WallTime created, WallTime now) {
  return std::min(now + session_idle_max, created + session_age_max);
}

WallTime whole_seconds(WallTime time) {
  return WallTime{time.ns / ns_per_second * ns_per_second};
}

std::string seconds_text(Duration duration) {
  return std::to_string(std::max<int64_t>(0, duration.count() / ns_per_second));
}

sys::HttpHeader set_cookie(const ApiContext& context, std::string_view value, Duration age) {
  std::string text = std::string(session_cookie) + "=" + std::string(value) +
                     "; Path=/; HttpOnly; SameSite=Strict; Max-Age=" + seconds_text(age);
  if (context.api_url.starts_with("https://")) text += "; Secure";
  return {"Set-Cookie", std::move(text)};
}

Reply signed_in(const ApiContext& context, const ApiRequest& request, const User& user, const Session& session,
                const std::string& cookie) {
  const WallTime issued = whole_seconds(request.now);
  const TokenClaims claims{.org = context.org,
                           .user = user.id,
                           .session = session.hash,
                           .issued = issued,
                           .expires = std::min(issued + token_validity, whole_seconds(session.expires))};
  Json who;
  who.set("id", to_string(user.id));
  who.set("email", user.email);
  who.set("name", user.name);
  who.set("role", user.role);
  Json body;
  body.set("token", sign_token(context.auth->key(), claims));
  body.set("expires", format_rfc3339(claims.expires));
  body.set("session_expires", format_rfc3339(session.expires));
  body.set("user", std::move(who));
  body.set("org", context.org);
  Reply reply = json_reply(body);
  reply.headers.push_back(set_cookie(context, cookie, session.expires - request.now));
  return reply;
}

Reply too_many(const ApiRequest& request, Duration retry) {
  return problem_reply(
      {.status = 429,
       .code = "exhausted",
       .detail = "too many sign-ins failed within a minute; try again in " + seconds_text(retry) + " seconds"},
      request.request_id, {{"Retry-After", seconds_text(retry)}});
}

// -- Signing in ------------------------------------------------------------------------------------------------------

// One try, on its way through the hashing threads.
struct SignIn {
  ApiContext& context;  // of the org, or the default one where `org_known` is false
  ApiRequest request;
  Auth::Attempt attempt;
  std::string password;
  bool org_known = true;
};

Result<Reply> refuse(const SignIn& sign_in, const char* reason) {
  const AuditEntry entry =
      audit_entry(sign_in.request, {.action = "session.refuse",
                                    .target = sign_in.attempt.email,
                                    .detail = Json::Object{{"org", sign_in.attempt.org}, {"reason", reason}}});
  TRY(sign_in.context.writer.run([&](Store& store) { return store.accounts().append_audit(entry); }));
  return problem_reply({.status = 401, .code = "denied", .detail = "e-mail or password are wrong"},
                       sign_in.request.request_id);
}

Result<Reply> finish_sign_in(const SignIn& sign_in) {
  const ApiContext& context = sign_in.context;
  const ApiRequest& request = sign_in.request;
  const Result<User> user = context.store.accounts().find_user_by_email(sign_in.attempt.email);
  if (!user.ok() && user.error().code() != Code::not_found) return user.error();
  const std::string& nobodys_hash = context.auth->nobodys_hash();  // made with the first try, whoever's it is
  const bool counts = user.ok() && sign_in.org_known && !user->disabled;
  // The work is done for nobody too, so that the time tells nothing.
  const bool matches = sys::password_matches(counts ? user->password_hash : nobodys_hash, sign_in.password);
  if (!sign_in.org_known) return refuse(sign_in, "unknown org");
  if (!user.ok()) return refuse(sign_in, "unknown e-mail");
  if (user->disabled) return refuse(sign_in, "disabled");
  if (!matches) return refuse(sign_in, "wrong password");

  context.auth->succeeded(sign_in.attempt, request.called);
  const std::string cookie = make_session_secret(context.org);
  const Session session{.hash = crypto::sha256(cookie),
                        .user = user->id,
                        .created = request.now,
                        .refreshed = request.now,
                        .expires = session_end(request.now, request.now),
                        .peer = request.peer};
  AuditEntry entry = audit_entry(request, {.action = "session.begin", .target = to_string(user->id)});
  entry.actor_kind = "user";
  entry.actor_id = entry.target;
  entry.actor_name = user->email;
  TRY(context.writer.run([&](Store& store) { return store.accounts().open_session(session, entry); }));
  return signed_in(context, request, *user, session, cookie);
}

constexpr std::array<SchemaField, 3> credentials_fields{{
    {"email", "string"},
    {"password", "string"},
    {"org?", "string", "the default org where absent"},
}};
constexpr Schema credentials_schema{"SignIn", "Who wants to come in.", credentials_fields};

Result<Answer> post_session(ApiContext& default_org, const ApiRequest& request) {
  TRY(QueryParams::parse(request.query, {}));
  if (!default_org.auth) return Error(Code::unavailable, "this server takes API keys alone");
  if (!is_own_origin(request, default_org.api_url)) {
    return Error(Code::denied, "another site's page cannot sign in here; the Origin is another's");
  }
  const Json body = TRY(parse_body(request, {"email", "password", "org"}));
  const std::string email = TRY(required_text(body, "email", email_bytes_max));
  const std::string password = TRY(required_text(body, "password", password_bytes_max));
  const std::string org = body.find("org") ? TRY(required_text(body, "org", org_bytes_max)) : default_org.org;

  ApiContext* context = org == default_org.org ? &default_org
                        : default_org.find_org ? default_org.find_org(org)
                                               : nullptr;
  const auto sign_in =
      std::make_shared<SignIn>(SignIn{.context = context ? *context : default_org,
                                      .request = request,
                                      .attempt = {.org = org, .email = fold_email(email), .peer = request.peer},
                                      .password = password,
                                      .org_known = context != nullptr});
  const SlidingWindow::Verdict verdict = default_org.auth->try_attempt(sign_in->attempt, request.called);
  if (!verdict.allowed) return Answer(too_many(request, verdict.retry));

  return Answer(Later{[sign_in](const Later::Finish& finish) {
    const Status taken = sign_in->context.auth->run_hashing([sign_in, finish] { finish(finish_sign_in(*sign_in)); });
    if (taken.ok()) return;
    sign_in->context.auth->succeeded(sign_in->attempt, sign_in->request.called);  // it was not even tried
    finish(taken.error());
  }});
}

// -- Staying, and leaving --------------------------------------------------------------------------------------------

Result<Answer> post_refresh(ApiContext& context, const ApiRequest& request) {
  TRY(QueryParams::parse(request.query, {}));
  TRY(parse_body(request, {}));
  const Credential& who = request.credential;
  const std::optional<std::string> cookie = find_session_cookie(request);
  if (who.kind != Credential::Kind::session || !cookie) {
    return Error(Code::invalid, "a session is refreshed with its cookie alone");
  }
  Session session = TRY(context.store.accounts().find_session(who.session));
  const User user = TRY(context.store.accounts().find_user(session.user));
  session.expires = session_end(session.created, request.now);
  TRY(context.writer.run(
      [&](Store& store) { return store.accounts().refresh_session(session.hash, request.now, session.expires); }));
  return Answer(signed_in(context, request, user, session, *cookie));
}

Result<Answer> delete_session(ApiContext& context, const ApiRequest& request) {
  TRY(QueryParams::parse(request.query, {}));
  const Credential& who = request.credential;
  if (who.session.empty()) return Error(Code::invalid, "an API key has no session; it is revoked, not signed out");
  const AuditEntry entry = audit_entry(request, {.action = "session.end", .target = to_string(who.subject)});
  TRY(context.writer.run([&](Store& store) { return store.accounts().end_session(who.session, entry); }));
  return Answer(Reply{.status = 204, .headers = {set_cookie(context, "", Duration(0))}});
}

// -- Passwords -------------------------------------------------------------------------------------------------------

constexpr std::array<SchemaField, 2> password_change_fields{{
    {"old", "string"},
    {"new", "string", "10 to 256 bytes"},
}};
constexpr Schema password_change_schema{"PasswordChange", "One's own password.", password_change_fields};

Result<Reply> change_password(ApiContext& context, const ApiRequest& request, const Auth::Attempt& attempt,
                              const std::string& old_password, const std::string& new_password) {
  const Credential& who = request.credential;
  const User user = TRY(context.store.accounts().find_user(who.subject));
  if (!sys::password_matches(user.password_hash, old_password)) {
    return problem_reply({.status = 403, .code = "denied", .detail = "the old password is wrong"}, request.request_id);
  }
  context.auth->succeeded(attempt, request.called);
  UserChange change{.kept_session = who.session};
  change.password_hash = TRY(sys::hash_password(new_password));
  const AuditEntry entry = audit_entry(request, {.action = "user.password", .target = to_string(who.subject)});
  const auto apply = [&](Store& store) -> Status {
    TRY(store.accounts().change_user(user.id, change, entry));
    return {};
  };
  TRY(context.writer.run(apply));
  return Reply{.status = 204};
}

Result<Answer> post_password(ApiContext& context, const ApiRequest& request) {
  TRY(QueryParams::parse(request.query, {}));
  const Credential& who = request.credential;
  if (who.session.empty()) return Error(Code::invalid, "an API key has no password");
  const Json body = TRY(parse_body(request, {"old", "new"}));
  const std::string old_password = TRY(required_text(body, "old", password_bytes_max));
  const Json* wanted = body.find("new");
  const std::string new_password = wanted && wanted->as_string() ? *wanted->as_string() : "";
  TRY(check_password("new", new_password));

  const Auth::Attempt attempt{.org = who.org, .email = who.name, .peer = request.peer};
  const SlidingWindow::Verdict verdict = context.auth->try_attempt(attempt, request.called);
  if (!verdict.allowed) return Answer(too_many(request, verdict.retry));
  return Answer(Later{[&context, request, attempt, old_password, new_password](const Later::Finish& finish) {
    const Status taken = context.auth->run_hashing([&context, request, attempt, old_password, new_password, finish] {
      finish(change_password(context, request, attempt, old_password, new_password));
    });
    if (!taken.ok()) finish(taken.error());
  }});
}

// -- The table -------------------------------------------------------------------------------------------------------

constexpr std::array<SchemaField, 4> person_fields{{
    {"id", "uuid"},
    {"email", "string"},
    {"name", "string"},
    {"role", "'viewer','engineer','manager','approver','admin'"},
}};
constexpr Schema person_schema{"Person", "Who is signed in.", person_fields};
constexpr std::array<SchemaField, 5> session_fields{{
    {"token", "string", "for \"Authorization: Bearer\""},
    {"expires", "time", "of the token: ten minutes"},
    {"session_expires", "time", "unless it is refreshed"},
    {"user", "Person", "", &person_schema},
    {"org", "string"},
}};
constexpr Schema session_schema{"SignedIn", "A session, and a token of it.", session_fields};

constexpr std::array table{
    Route{
        "POST",
        "/v1/session",
        Permission::none,
        post_session,
        {.summary = "Sign in: a token, and the page's cookie", .takes = &credentials_schema, .gives = &session_schema}},
    Route{"POST",
          "/v1/session/refresh",
          Permission::signals_read,
          post_refresh,
          {.summary = "A new token for the session of the cookie", .gives = &session_schema}}
        .with_cookie(),
    Route{"DELETE",
          "/v1/session",
          Permission::signals_read,
          delete_session,
          {.summary = "Sign out: the session and its tokens are over at once", .status = 204}}
        .with_cookie(),
    Route{"POST",
          "/v1/me/password",
          Permission::signals_read,
          post_password,
          {.summary = "Change one's own password; one's other sessions end",
           .takes = &password_change_schema,
           .status = 204}},
};

}  // namespace

std::span<const Route> session_routes() {
  return table;
}

}  // namespace reeve::server
