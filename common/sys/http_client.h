// One HTTP request over a connection of its own: what an agent needs to enrol.
//
// Nothing is kept, followed or retried: a redirect is an answer like any other. Loop thread.
#pragma once

#include <functional>
#include <memory>

#include "common/base/result.h"
#include "common/sys/http1.h"
#include "common/sys/stream.h"

namespace reeve::sys {

struct HttpCall {
  ConnectOptions connect{};
  std::string method = "GET";
  std::string target = "/";
  HttpHeaders headers{};  // Host, Content-Length and Connection are added
  Bytes body{};
  uint64_t response_bytes_max = 1_MiB;
  Duration timeout = 30s;  // for everything together
};

// A request under way; destroying it gives up, and no callback follows.
class HttpExchange {
 public:
  struct Impl;
  explicit HttpExchange(std::shared_ptr<Impl> impl);
  ~HttpExchange();

 private:
  std::shared_ptr<Impl> impl_;
};

using OnResponse = std::function<void(Result<HttpResponse> response)>;

// Any complete response is a value, whatever its status.
[[nodiscard]] std::unique_ptr<HttpExchange> send_request(Loop& loop, HttpCall call, OnResponse on_response);

}  // namespace reeve::sys
