// Where agents come in: one listener with mutual TLS for every org. An agent's certificate, signed by our CA, names its
// org, and its link is that org's from then on.
//
// Lives on the loop thread.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "common/base/result.h"
#include "common/sys/http_server.h"
#include "common/sys/loop.h"
#include "common/sys/tls.h"
#include "server/counters.h"
#include "server/links.h"

namespace reeve::server {

using LinksOfOrgs = std::map<std::string, Links*>;

class AgentsListener {
 public:
  struct Options {
    std::string host;
    uint16_t port = 0;
    std::shared_ptr<sys::TlsContext> tls;
    size_t connections_max = 4096;
  };

  // `orgs` and the counters outlive the listener.
  static Result<std::unique_ptr<AgentsListener>> open(sys::Loop& loop, ServerCounters& counters, LinksOfOrgs orgs,
                                                      Options options);

  uint16_t port() const { return http_->port(); }

 private:
  AgentsListener(ServerCounters& counters, LinksOfOrgs orgs) : counters_(counters), orgs_(std::move(orgs)) {}
  std::optional<sys::HttpResponse> verdict(const sys::PeerInfo& peer);

  ServerCounters& counters_;
  const LinksOfOrgs orgs_;
  std::unique_ptr<sys::HttpServer> http_;
};

}  // namespace reeve::server
