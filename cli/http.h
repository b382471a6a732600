// One blocking HTTP exchange at a time: all the command line needs of HTTP.
//
// The server is trusted through the one CA that login stored, never through the system's store, and its name is
// verified. Redirects are answers like any other: the API key goes where the profile says and nowhere else.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/time.h"

namespace reeve::cli {

struct HttpCall {
  std::string method = "GET";
  std::string server{};  // "https://reeve.example:7843", as parse_server_url gave it
  std::string path{};
  std::vector<std::pair<std::string, std::string>> query{};  // not yet percent-encoded
  std::string key{};                                         // the bearer; empty for none
  Bytes body{};                                              // JSON; empty for none
  Bytes ca_pem{};                                            // empty only for plain HTTP to loopback
  Duration timeout = 30s;                                    // for everything together
  uint64_t answer_bytes_max = 64_MiB;
};

struct HttpAnswer {
  int status = 0;
  std::string request_id;
  Bytes body;
};

class HttpFetch {
 public:
  virtual ~HttpFetch() = default;

  // Any complete answer is a value, whatever its status. Code::unavailable: not reached, or cut off. Code::denied: the
  // server is not who the CA says. Code::exhausted: the answer is too long. Code::cancelled: the user ended it.
  virtual Result<HttpAnswer> fetch(const HttpCall& call) = 0;

  // The certificates that the server presents, leaf first, as PEM. Nothing is verified and nothing is sent.
  virtual Result<std::vector<Bytes>> presented_chain(const std::string& server) = 0;
};

// By libcurl. A byte to read on `stop_descriptor` ends whatever is under way; -1 for none. One thread.
std::unique_ptr<HttpFetch> make_http_fetch(int stop_descriptor);

}  // namespace reeve::cli
