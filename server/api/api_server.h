// The API's listener: it finds the route, knows who asks, runs the handler, and turns what comes back into HTTP.
//
// Handlers run on a small pool of threads with a bounded queue (full: 503); the loop only reads and answers. A handler
// that has nothing yet says WaitForCommit; its request is then kept here, on no thread, and handed to the pool again
// when the store has committed or its time is over.
//
// What succeeds and only reads is not logged: our own log is among what people follow, and each line would wake them.
//
// Lives on the loop thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/random.h"
#include "common/base/result.h"
#include "common/sys/http_server.h"
#include "common/sys/loop.h"
#include "common/sys/tls.h"
#include "server/api/request.h"

namespace reeve::server {

class ApiServer {
 public:
  struct Options {
    std::string host;
    uint16_t port = 0;
    std::shared_ptr<sys::TlsContext> tls;  // none: plain HTTP, on loopback alone
    size_t connections_max = 1024;
    size_t threads = 3;
    size_t queue_max = 128;
    size_t waiting_max = 256;
    std::function<std::shared_ptr<const AgentSet>()> online;  // asked on the loop
  };

  // One context for each org, the default org's first. They and everything in them outlive the server.
  static Result<std::unique_ptr<ApiServer>> open(sys::Loop& loop, ServerCounters& counters,
                                                 std::vector<ApiContext*> contexts, Options options);
  ~ApiServer();  // lets running handlers end

  uint16_t port() const;
  size_t queued() const;   // requests waiting for a thread of the pool; any thread
  size_t waiting() const;  // followers waiting for a commit; loop thread
  void on_commit();        // the store has more than before
  // Takes no more requests and waits for the handlers that run. Before the store's writer is stopped.
  void stop();

  struct Impl;

 private:
  explicit ApiServer(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace reeve::server
