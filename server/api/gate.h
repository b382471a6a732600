// Whom the API lets in: it knows the credential, and whether that may have this route.
//
// A credential is an API key or a JWT in "Authorization: Bearer", an API key in "X-Api-Key", or the page's session
// cookie; the cookie counts for reading alone (and for the session's own routes), and only where the Origin, if one was
// sent, is our own: so no other site can make a browser change anything. What a token or a cookie says is looked up in
// the store with every request: an ended session, a disabled user, a changed role and a revoked key count at once.
//
// Then it counts: requests of a credential and of an org within a minute.
//
// Runs on the pool, because it asks the store.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "server/api/request.h"
#include "server/api/routes.h"
#include "server/auth/sliding_window.h"

namespace reeve::server {

struct Refusal {
  int status = 401;  // 401 who are you, 403 you may not, 429 too much, 5xx we cannot tell
  Error error;
  sys::HttpHeaders headers = {};
};

struct Admission {
  ApiContext* context = nullptr;  // of the credential's org
  Credential credential = {};
  sys::HttpHeaders headers = {};  // for the answer: how much of the rate limit is left
};

constexpr std::string_view session_cookie = "reeve_session";
constexpr std::string_view api_key_mark = "rvk_";

// A new API key's text, which names its org so that only that org's store is asked: "rvk_<org>_<43 letters>".
std::string make_api_key(std::string_view org);
// What people may see of it, to tell it from others.
std::string api_key_prefix(std::string_view key);

// Whether the page that sent this is one of ours: no Origin, or the host that was asked, or `api_url`.
bool is_own_origin(const ApiRequest& request, std::string_view api_url);

// The value of the page's cookie, and the org that it names: "<org>.<43 letters>".
std::optional<std::string> find_session_cookie(const ApiRequest& request);
std::string make_session_secret(std::string_view org);

class Gate {
 public:
  // `contexts`, one for each org, outlive the gate. Never empty; the first is the org of requests without a credential.
  explicit Gate(std::vector<ApiContext*> contexts);

  std::variant<Admission, Refusal> admit(const Route& route, const ApiRequest& request) const;

 private:
  Result<Admission> authenticate(const Route& route, const ApiRequest& request) const;
  Result<Admission> authenticate_key(std::string_view key, const ApiRequest& request) const;
  Result<Admission> authenticate_token(std::string_view token, const ApiRequest& request) const;
  Result<Admission> authenticate_cookie(const std::string& cookie, const ApiRequest& request) const;
  Result<Admission> admit_session(ApiContext& context, BytesView session_hash, const ApiRequest& request) const;
  std::optional<Refusal> count(Admission& admission, const ApiRequest& request) const;
  void note_used(ApiContext& context, const struct ApiKey& key, const ApiRequest& request) const;
  ApiContext* find_org(std::string_view name) const;

  const std::vector<ApiContext*> contexts_;
  mutable SlidingWindow noted_;  // keys whose use was written down within the minute
};

}  // namespace reeve::server
