// See agents_listener.h.
#include "server/agents_listener.h"

#include <utility>

#include "common/base/check.h"
#include "common/base/log.h"
#include "server/api/problem.h"

namespace reeve::server {

std::optional<sys::HttpResponse> AgentsListener::verdict(const sys::PeerInfo& peer) {
  const auto org = peer.certificate ? orgs_.find(peer.certificate->organization) : orgs_.end();
  if (org != orgs_.end()) return org->second->verdict(peer);

  const Error error(Code::denied, peer.certificate ? "the certificate names no org of this server"
                                                   : "a client certificate is required");
  ++counters_.links_denied;
  log_warn("link denied", {{"address", peer.address}, {"reason", error.text()}});
  return make_problem(error, "");
}

Result<std::unique_ptr<AgentsListener>> AgentsListener::open(sys::Loop& loop, ServerCounters& counters,
                                                             LinksOfOrgs orgs, Options options) {
  check(options.tls != nullptr, "agents are heard over TLS alone");
  std::unique_ptr<AgentsListener> listener(new AgentsListener(counters, std::move(orgs)));

  sys::HttpServerOptions http;
  http.listener.host = options.host;
  http.listener.port = options.port;
  http.listener.tls = options.tls;
  http.listener.connections_max = options.connections_max;
  http.connections_per_peer_max = 0;  // a whole site may stand behind one address, and each shows its certificate
  http.http2 = false;                 // links are WebSockets, which need HTTP/1.1
  http.limits.body_bytes_max = 0;
  http.websocket.message_bytes_max = wire::frame_bytes_max;
  http.websocket_verdict = [raw = listener.get()](const sys::HttpRequest&, const sys::PeerInfo& peer) {
    return raw->verdict(peer);
  };
  http.on_websocket = [raw = listener.get()](const sys::HttpRequest&, std::unique_ptr<sys::WebSocket> socket) {
    const auto org = raw->orgs_.find(socket->peer().certificate->organization);
    org->second->accept(std::move(socket));
  };
  listener->http_ = TRY(sys::HttpServer::open(
      loop, std::move(http), [](const sys::HttpRequest&, const sys::PeerInfo&, const sys::Responder& responder) {
        responder.respond(make_problem(Error(Code::not_found, "this listener is for agents' WebSocket links"), ""));
      }));
  return listener;
}

}  // namespace reeve::server
