// See gate.h.
#include "server/api/gate.h"

#include <algorithm>

#include "common/sys/crypto.h"
#include "server/store/store.h"

namespace reeve::server {
namespace {

constexpr size_t key_bytes_max = 256;

// What the client sent as an API key, wherever it put it.
Result<std::string_view> key_of(const ApiRequest& request) {
  constexpr std::string_view scheme = "Bearer ";
  const std::string* authorization = sys::find_header(request.headers, "Authorization");
  const std::string* bare = sys::find_header(request.headers, "X-Api-Key");
  if (!authorization && !bare) return Error(Code::denied, "no credential; send \"Authorization: Bearer <key>\"");
  std::string_view key = authorization ? std::string_view(*authorization) : std::string_view(*bare);
  if (authorization) {
    if (!key.starts_with(scheme)) return Error(Code::denied, "the Authorization header is not \"Bearer <key>\"");
    key.remove_prefix(scheme.size());
  }
  if (key.size() > key_bytes_max) return Error(Code::denied, "the credential is too long to be one of ours");
  return key;
}

}  // namespace

bool may(const Credential& credential, Permission permission) {
  if (!may(credential.role, permission)) return false;
  if (credential.scopes.empty()) return true;
  const std::string_view name = grant_of(permission).name;
  return std::find(credential.scopes.begin(), credential.scopes.end(), name) != credential.scopes.end();
}

// Code::denied for everything that is not a key of ours; it never says how close it was.
Result<Admission> Gate::authenticate(const ApiRequest& request) const {
  const std::string_view text = TRY(key_of(request));
  const Bytes hash = sys::sha256(text);
  for (ApiContext* context : contexts_) {
    const Result<ApiKey> key = context->store.find_api_key(hash);
    if (!key.ok() && key.error().code() == Code::not_found) continue;
    if (!key.ok()) return key.error();
    if (!equal_constant_time(key->hash, hash)) continue;
    const std::optional<Role> role = parse_role(key->role);
    if (!role) return Error(Code::denied, "this API key has an unknown role");
    return Admission{.context = context,
                     .credential = {.org = context->org,
                                    .kind = Credential::Kind::key,
                                    .key_prefix = key->prefix,
                                    .subject = key->id,
                                    .name = key->prefix,
                                    .role = *role}};
  }
  return Error(Code::denied, "this API key is not known here");
}

std::variant<Admission, Refusal> Gate::admit(const Route& route, const ApiRequest& request) const {
  if (route.permission == Permission::none) return Admission{.context = contexts_.front()};

  Result<Admission> admission = authenticate(request);
  if (!admission.ok() && admission.error().code() == Code::denied) {
    return Refusal{.status = 401, .error = admission.error(), .headers = {{"WWW-Authenticate", "Bearer"}}};
  }
  if (!admission.ok()) return Refusal{.status = 503, .error = admission.error()};

  const Credential& who = admission->credential;
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
