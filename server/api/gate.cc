// See gate.h.
#include "server/api/gate.h"

#include <algorithm>

#include "common/crypto/digest.h"
#include "server/auth/auth.h"
#include "server/auth/jwt.h"
#include "server/config.h"
#include "server/store/accounts.h"
#include "server/store_writer.h"

namespace reeve::server {
namespace {

constexpr size_t credential_bytes_max = 1024;
constexpr size_t key_bytes_max = 256;
constexpr size_t secret_bytes = 32;
constexpr size_t secret_chars = 43;  // of 32 bytes in base64url
constexpr size_t prefix_secret_chars = 6;
constexpr size_t prefix_chars = 10;  // of a key that names no org
constexpr size_t noted_max = 20'000;
constexpr int64_t ns_per_second = 1'000'000'000;

constexpr std::string_view bearer = "Bearer ";

// The org that a key of ours names; nothing for older ones, which name none.
std::optional<std::string_view> org_of_key(std::string_view key) {
  if (!key.starts_with(api_key_mark) || key.size() < api_key_mark.size() + 2 + secret_chars) return std::nullopt;
  const size_t mark = key.size() - secret_chars - 1;
  const std::string_view org = key.substr(api_key_mark.size(), mark - api_key_mark.size());
  if (key[mark] != '_' || !check_org_name(org).ok()) return std::nullopt;
  return org;
}

std::string_view authority_of(std::string_view url) {
  const size_t scheme = url.find("://");
  return scheme == std::string_view::npos ? std::string_view() : url.substr(scheme + 3);
}

bool equal_folded(std::string_view a, std::string_view b) {
  return !a.empty() && fold_email(a) == fold_email(b);
}

}  // namespace

bool may(const Credential& credential, Permission permission) {
  if (!may(credential.role, permission)) return false;
  if (credential.scopes.empty()) return true;
  const std::string_view name = grant_of(permission).name;
  return std::find(credential.scopes.begin(), credential.scopes.end(), name) != credential.scopes.end();
}

// -- What credentials look like --------------------------------------------------------------------------------------

std::string make_api_key(std::string_view org) {
  return std::string(api_key_mark) + std::string(org) + "_" + to_base64url(crypto::random_secret(secret_bytes));
}

std::string api_key_prefix(std::string_view key) {
  const std::optional<std::string_view> org = org_of_key(key);
  const size_t chars = org ? api_key_mark.size() + org->size() + 1 + prefix_secret_chars : prefix_chars;
  return std::string(key.substr(0, chars));
}

std::string make_session_secret(std::string_view org) {
  return std::string(org) + "." + to_base64url(crypto::random_secret(secret_bytes));
}

std::optional<std::string> find_session_cookie(const ApiRequest& request) {
  for (const sys::HttpHeader& header : request.headers) {
    if (!equal_folded(header.name, "Cookie")) continue;
    std::string_view rest = header.value;
    while (!rest.empty()) {
      const size_t end = std::min(rest.find(';'), rest.size());
      std::string_view pair = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      while (pair.starts_with(' ')) pair.remove_prefix(1);
      if (!pair.starts_with(session_cookie) || pair.substr(session_cookie.size(), 1) != "=") continue;
      return std::string(pair.substr(session_cookie.size() + 1));
    }
  }
  return std::nullopt;
}

bool is_own_origin(const ApiRequest& request, std::string_view api_url) {
  const std::string* origin = sys::find_header(request.headers, "Origin");
  if (!origin) return true;
  const std::string* host = sys::find_header(request.headers, "Host");
  return equal_folded(*origin, api_url) || (host && equal_folded(authority_of(*origin), *host));
}

// -- Who it is -------------------------------------------------------------------------------------------------------

Gate::Gate(std::vector<ApiContext*> contexts) : contexts_(std::move(contexts)), noted_(noted_max) {}

ApiContext* Gate::find_org(std::string_view name) const {
  const auto found =
      std::find_if(contexts_.begin(), contexts_.end(), [&](const ApiContext* each) { return each->org == name; });
  return found == contexts_.end() ? nullptr : *found;
}

// Code::denied for everything that is not a key of ours; it never says how close it was.
Result<Admission> Gate::authenticate_key(std::string_view text, const ApiRequest& request) const {
  const Error unknown(Code::denied, "this API key is not known here");
  if (text.size() > key_bytes_max) return unknown;
  const Bytes hash = crypto::sha256(text);
  const std::optional<std::string_view> org = org_of_key(text);
  for (ApiContext* context : contexts_) {
    if (org && context->org != *org) continue;
    const Result<ApiKey> key = context->store.find_api_key(hash);
    if (!key.ok() && key.error().code() == Code::not_found) continue;
    if (!key.ok()) return key.error();
    if (!equal_constant_time(key->hash, hash)) continue;
    if (key->revoked) return Error(Code::denied, "this API key was revoked");
    if (key->expires.ns != 0 && key->expires <= request.now) {
      return Error(Code::denied, "this API key expired at " + format_rfc3339(key->expires));
    }
    const std::optional<Role> role = parse_role(key->role);
    if (!role) return Error(Code::denied, "this API key has an unknown role");
    note_used(*context, *key, request);
    return Admission{.context = context,
                     .credential = {.org = context->org,
                                    .kind = Credential::Kind::key,
                                    .key_prefix = key->prefix,
                                    .subject = key->id,
                                    .name = key->label.empty() ? key->prefix : key->label,
                                    .role = *role,
                                    .scopes = key->scopes}};
  }
  return unknown;
}

void Gate::note_used(ApiContext& context, const ApiKey& key, const ApiRequest& request) const {
  if (key.last_used.ns != 0 && request.now - key.last_used < key_used_step) return;
  if (!noted_.try_count(to_string(key.id), 1, request.called).allowed) return;
  // Where the writer has no room, the next use in a minute says it.
  (void)context.writer.try_run([hash = key.hash, now = request.now](Store& store) {
    (void)store.accounts().note_key_used(hash, now);  // a full disk must not refuse readers
  });
}

Result<Admission> Gate::admit_session(ApiContext& context, BytesView session_hash, const ApiRequest& request) const {
  const Error over(Code::denied, "this session is over; sign in again");
  const Result<Session> session = context.store.accounts().find_session(session_hash);
  if (!session.ok() && session.error().code() != Code::not_found) return session.error();
  if (!session.ok() || session->expires <= request.now) return over;
  const Result<User> user = context.store.accounts().find_user(session->user);
  if (!user.ok() && user.error().code() != Code::not_found) return user.error();
  const std::optional<Role> role = user.ok() ? parse_role(user->role) : std::nullopt;
  if (!role || user->disabled) return over;
  return Admission{
      .context = &context,
      .credential = {
          .org = context.org, .subject = user->id, .name = user->email, .role = *role, .session = session->hash}};
}

Result<Admission> Gate::authenticate_token(std::string_view token, const ApiRequest& request) const {
  const Auth* auth = contexts_.front()->auth;
  if (!auth) return Error(Code::denied, "this server takes API keys alone");
  const TokenClaims claims = TRY(verify_token(auth->public_key(), token, request.now));
  ApiContext* context = find_org(claims.org);
  if (!context) return Error(Code::denied, "this token is not one of ours");
  Admission admission = TRY(admit_session(*context, claims.session, request));
  if (admission.credential.subject != claims.user) return Error(Code::denied, "this token is not one of ours");
  admission.credential.kind = Credential::Kind::token;
  return admission;
}

Result<Admission> Gate::authenticate_cookie(const std::string& cookie, const ApiRequest& request) const {
  const Error over(Code::denied, "this session is over; sign in again");
  if (cookie.size() > key_bytes_max) return over;
  ApiContext* context = find_org(std::string_view(cookie).substr(0, cookie.find('.')));
  if (!context) return over;
  Admission admission = TRY(admit_session(*context, crypto::sha256(cookie), request));
  admission.credential.kind = Credential::Kind::session;
  return admission;
}

Result<Admission> Gate::authenticate(const Route& route, const ApiRequest& request) const {
  if (const std::string* authorization = sys::find_header(request.headers, "Authorization")) {
    if (!authorization->starts_with(bearer)) {
      return Error(Code::denied, "the Authorization header is not \"Bearer <key or token>\"");
    }
    const std::string_view text = std::string_view(*authorization).substr(bearer.size());
    if (text.size() > credential_bytes_max) return Error(Code::denied, "the credential is too long to be one of ours");
    if (!text.starts_with(api_key_mark) && looks_like_token(text)) return authenticate_token(text, request);
    return authenticate_key(text, request);
  }
  if (const std::string* key = sys::find_header(request.headers, "X-Api-Key")) return authenticate_key(*key, request);

  const std::optional<std::string> cookie = find_session_cookie(request);
  if (!cookie) return Error(Code::denied, "no credential; send \"Authorization: Bearer <key or token>\"");
  if (route.method != "GET" && !route.cookie_suffices) {
    return Error(Code::denied, "the page's cookie counts for reading alone; send \"Authorization: Bearer <token>\"");
  }
  if (!is_own_origin(request, contexts_.front()->api_url)) {
    return Error(Code::denied, "the page's cookie counts for our own pages alone; the Origin is another's");
  }
  return authenticate_cookie(*cookie, request);
}

// -- Whether it may --------------------------------------------------------------------------------------------------

std::optional<Refusal> Gate::count(Admission& admission, const ApiRequest& request) const {
  Auth* auth = admission.context->auth;
  if (!auth) return std::nullopt;
  const Credential& who = admission.credential;
  const std::string credential = "c " + who.org + " " + to_string(who.subject);
  const RequestLimits& limits = auth->limits();
  auto limit = static_cast<uint64_t>(limits.per_credential);
  SlidingWindow::Verdict verdict = auth->requests.try_count(credential, limit, request.called);
  const bool by_org = verdict.allowed;
  if (by_org) {
    const auto org_limit = static_cast<uint64_t>(limits.per_org);
    const SlidingWindow::Verdict of_org = auth->requests.try_count("o " + who.org, org_limit, request.called);
    if (!of_org.allowed) {
      verdict = of_org;
      limit = org_limit;
    }
  }

  const uint64_t left = verdict.allowed ? limit - verdict.count : 0;
  const int64_t reset = verdict.allowed ? int64_t{SlidingWindow::seconds} : verdict.retry.count() / ns_per_second;
  admission.headers = {{"RateLimit-Limit", std::to_string(limit)},
                       {"RateLimit-Remaining", std::to_string(left)},
                       {"RateLimit-Reset", std::to_string(reset)}};
  if (verdict.allowed) return std::nullopt;
  Refusal refusal{
      .status = 429,
      .error = Error(Code::exhausted, std::string(by_org ? "the org " : "this credential ") + "sent " +
                                          std::to_string(limit) + " requests within a minute, the most it may"),
      .headers = admission.headers};
  refusal.headers.push_back({"Retry-After", std::to_string(reset)});
  return refusal;
}

std::variant<Admission, Refusal> Gate::admit(const Route& route, const ApiRequest& request) const {
  if (route.permission == Permission::none) return Admission{.context = contexts_.front()};

  Result<Admission> admission = authenticate(route, request);
  if (!admission.ok() && admission.error().code() == Code::denied) {
    return Refusal{.status = 401, .error = admission.error(), .headers = {{"WWW-Authenticate", "Bearer"}}};
  }
  if (!admission.ok()) return Refusal{.status = 503, .error = admission.error()};

  const Credential& who = admission->credential;
  const std::string* tenant = sys::find_header(request.headers, "x-tenant-id");
  if (tenant && *tenant != who.org) {
    return Refusal{.status = 403,
                   .error = Error(Code::denied, "x-tenant-id is \"" + printable(*tenant, 80) +
                                                    "\"; this credential belongs to another org")};
  }
  // What programs push is bounded by what the disk takes (503), not by how many requests it comes in.
  const bool pushes = route.permission == Permission::signals_write && may(who, route.permission);
  if (!pushes) {
    if (std::optional<Refusal> refusal = count(*admission, request)) return std::move(*refusal);
  }
  if (!may(who, route.permission)) {
    const std::string name(grant_of(route.permission).name);
    const bool scoped = may(who.role, route.permission);
    return Refusal{.status = 403,
                   .error = Error(Code::denied, scoped ? "this API key's scopes leave out \"" + name + "\""
                                                       : "the role \"" + std::string(to_string(who.role)) +
                                                             "\" has no permission \"" + name + "\"")};
  }
  return std::move(*admission);
}

}  // namespace reeve::server
