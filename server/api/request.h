// What a handler of the API is given and what it gives back; no socket, no thread, so that tests call handlers alone.
//
// A handler answers with a Reply, with an Error (which becomes problem+json), or with one of
//
//     WaitForCommit   call me again when the store has committed something or the time is over; no thread waits
//     Streamed        the head now, the body piece by piece from a thread of the pool
//     Later           somebody else will say the answer; no thread waits
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/ids.h"
#include "common/base/json.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/sys/http_server.h"
#include "server/api/permission.h"

namespace reeve::server {

class Auth;
class Authority;
class Checkpoints;
class Gate;
class Intake;
class LogBlockCache;
class Store;
class StoreWriter;
struct ServerCounters;

// Who asks. The org is never a parameter: it comes from here alone.
struct Credential {
  enum class Kind : uint8_t { none, key, token, session };  // an API key, a JWT, the page's cookie

  std::string org = {};
  Kind kind = Kind::none;
  std::string key_prefix = {};  // of a key
  Uuid subject = {};            // the key's or the user's id
  std::string name = {};        // the key's label or the user's e-mail, for the audit and the log
  Role role = Role::viewer;
  std::vector<std::string> scopes = {};  // names of permissions; empty: all of the role's
  Bytes session = {};                    // of a token or a cookie: the session's hash
};

constexpr std::string_view to_string(Credential::Kind kind) {
  constexpr std::array<std::string_view, 4> names{"none", "key", "token", "session"};
  return names[static_cast<size_t>(kind)];
}
// The role allows it, and the scopes do not take it away.
bool may(const Credential& credential, Permission permission);

using AgentSet = std::set<Uuid>;

struct ApiRequest {
  std::string method;
  std::string path;
  std::vector<std::string> path_values;  // what stood for each {name} of the pattern, in order
  std::string query;                     // raw
  sys::HttpHeaders headers;
  Bytes body;        // decoded: Content-Encoding is dealt with before a handler sees it
  std::string peer;  // "10.0.0.7": who is connected
  std::string request_id;
  std::string traceparent;                 // of this request, for whatever it calls
  Credential credential;                   // empty on routes without a permission
  std::shared_ptr<const AgentSet> online;  // whose link is open
  WallTime now;                            // when it was called, this time
  Instant arrived;
  Instant called;
  std::string resume;  // empty at the first call
};

struct Reply {
  int status = 200;
  std::string content_type = {};
  Bytes body = {};
  sys::HttpHeaders headers = {};  // beside Content-Type
};
Reply json_reply(const Json& body, int status = 200);

struct WaitForCommit {
  Instant until;       // then the handler is called a last time
  std::string resume;  // given back in ApiRequest::resume, so that what was looked through is not looked through again
};

// A body too long to hold. `produce` runs on a thread of the pool after the head has gone and writes until it is done;
// what it returns is logged. A failure cuts the connection, so that the client knows that something is missing.
struct Streamed {
  std::string content_type = {};
  sys::HttpHeaders headers = {};
  std::function<Status(const sys::ResponseStream& out)> produce = {};
};

// `begin` is called once, on the pool's thread, with the way to answer. Any thread may call `finish`, once.
struct Later {
  using Finish = std::function<void(Result<Reply> reply)>;
  std::function<void(Finish finish)> begin = {};
};

using Answer = std::variant<Reply, WaitForCommit, Streamed, Later>;

// Everything handlers work with. Lives as long as the server; shared by the pool's threads.
struct ApiContext {
  const Store& store;
  StoreWriter& writer;
  const Authority& authority;
  const ServerCounters& counters;
  std::string org;
  std::string link_address;  // "host:port", told to agents when they enrol
  std::string api_url;       // "https://host:port", told to people

  // The org of that name, or nullptr: for routes without a permission, where the body or a token names the org.
  std::function<ApiContext*(std::string_view name)> find_org;

  // Hooks into the loop; any thread.
  std::function<void(const Uuid& agent)> on_enrolled;
  std::function<void(const Uuid& agent)> on_revoked;
  std::function<void(Duration at_least)> on_watched;  // somebody follows the logs, and will for this long
  std::function<size_t()> api_queued = {};            // requests waiting for a thread
  Intake* intake = nullptr;                           // stores what programs push; without it they get 503

  std::shared_ptr<LogBlockCache> log_blocks = {};  // of this store
  Checkpoints* checkpoints = nullptr;              // of this store's audit

  Auth* auth = nullptr;  // shared by all orgs; without it nobody signs in, and API keys alone count
};

using Handler = Result<Answer> (*)(ApiContext& context, const ApiRequest& request);

}  // namespace reeve::server
