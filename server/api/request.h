// What a handler of the API is given and what it gives back; no socket, no thread, so that tests call handlers alone.
//
// A handler answers with a Reply, with an Error (which becomes problem+json), or with WaitForCommit: then it is called
// again when the store has committed something or the time is over, and no thread waits meanwhile.
#pragma once

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
#include "server/api/permission.h"

namespace reeve::server {

class Authority;
class Store;
class StoreWriter;
struct ServerCounters;

// Who asks. The org is never a parameter: it comes from here alone.
struct Credential {
  std::string org;
  std::string key_prefix;
  Role role = Role::viewer;
};

using AgentSet = std::set<Uuid>;

struct ApiRequest {
  std::string method;
  std::string path;
  std::vector<std::string> path_values;  // what stood for each {name} of the pattern, in order
  std::string query;                     // raw
  Bytes body;
  std::string request_id;
  Credential credential;                   // empty on routes without a permission
  std::shared_ptr<const AgentSet> online;  // whose link is open
  WallTime now;                            // when it was called, this time
  Instant arrived;
  Instant called;
  std::string resume;  // empty at the first call
};

struct Reply {
  int status = 200;
  std::string content_type;
  Bytes body;
};
Reply json_reply(const Json& body, int status = 200);

struct WaitForCommit {
  Instant until;       // then the handler is called a last time
  std::string resume;  // given back in ApiRequest::resume, so that what was looked through is not looked through again
};

using Answer = std::variant<Reply, WaitForCommit>;

// Everything handlers work with. Lives as long as the server; shared by the pool's threads.
struct ApiContext {
  const Store& store;
  StoreWriter& writer;
  const Authority& authority;
  const ServerCounters& counters;
  std::string org;
  std::string link_address;  // "host:port", told to agents when they enrol
  std::string api_url;       // "https://host:port", told to people

  // Hooks into the loop; any thread.
  std::function<void(const Uuid& agent)> on_enrolled;
  std::function<void(const Uuid& agent)> on_revoked;
  std::function<void(Duration at_least)> on_watched;  // somebody follows the logs, and will for this long
  std::function<size_t()> api_queued = {};            // requests waiting for a thread
};

using Handler = Result<Answer> (*)(ApiContext& context, const ApiRequest& request);

}  // namespace reeve::server
