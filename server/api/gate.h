// Whom the API lets in: it knows the credential, and whether that may have this route.
//
// A credential is an API key or a JWT in "Authorization: Bearer", an API key in "X-Api-Key", or the page's session
// cookie; the cookie counts for reading alone, so that no other site can make a browser change anything.
//
// Runs on the pool, because it asks the store.
#pragma once

#include <optional>

#include "server/api/request.h"
#include "server/api/routes.h"

namespace reeve::server {

struct Refusal {
  int status = 401;  // 401 who are you, 403 you may not, 429 too much, 5xx we cannot tell
  Error error;
  sys::HttpHeaders headers = {};
};

struct Admission {
  ApiContext* context = nullptr;  // of the credential's org
  Credential credential = {};
};

class Gate {
 public:
  // `contexts`, one for each org, outlive the gate. Never empty; the first is the org of requests without a credential.
  explicit Gate(std::vector<ApiContext*> contexts) : contexts_(std::move(contexts)) {}

  std::variant<Admission, Refusal> admit(const Route& route, const ApiRequest& request) const;

 private:
  Result<Admission> authenticate(const ApiRequest& request) const;

  std::vector<ApiContext*> contexts_;
};

}  // namespace reeve::server
