// See api_server.h.
#include "server/api/api_server.h"

#include <algorithm>
#include <list>
#include <utility>

#include "common/base/endpoint.h"
#include "common/base/log.h"
#include "server/api/content_encoding.h"
#include "server/api/feeds.h"
#include "server/api/gate.h"
#include "server/api/idempotency.h"
#include "server/api/problem.h"
#include "server/api/routes.h"
#include "server/api/worker_pool.h"
#include "server/counters.h"
#include "server/store/store.h"

namespace reeve::server {
namespace {

constexpr size_t request_id_chars_max = 64;
constexpr uint64_t body_bytes_max_unrouted = 64_KiB;
// Commits come in flurries; followers are woken for a flurry, not for each.
constexpr Duration wake_delay = 20ms;
constexpr size_t streams_threads = 2;
constexpr size_t streams_queue_max = 8;

bool is_request_id(std::string_view id) {
  const auto allowed = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  };
  return !id.empty() && id.size() <= request_id_chars_max && std::all_of(id.begin(), id.end(), allowed);
}

// One request on its way through.
struct Call {
  const Route* route = nullptr;
  ApiRequest request;
  ApiContext* context = nullptr;  // of the org that asks, once it is known
  sys::Responder responder;
  bool wants_websocket = false;
  sys::HttpHeaders headers = {};       // of the answer, whatever it is
  Idempotency::TicketPtr ticket = {};  // of a request that may be sent again
  uint64_t commits_seen = 0;           // how many commits there were when the handler began
};
using CallPtr = std::shared_ptr<Call>;

struct Waiting {
  CallPtr call;
  Instant until;
};

}  // namespace

Reply json_reply(const Json& body, int status) {
  return Reply{.status = status, .content_type = "application/json", .body = body.dump()};
}

struct ApiServer::Impl : std::enable_shared_from_this<Impl> {
  sys::Loop& loop;
  ServerCounters& counters;
  Gate gate;
  Options options;
  SystemRandom random;
  Idempotency idempotency;
  WorkerPool pool;
  WorkerPool streams{streams_threads, streams_queue_max};  // for bodies that wait for their clients
  Feeds feeds{loop, gate};
  std::unique_ptr<sys::HttpServer> http;
  std::list<Waiting> waiting;
  uint64_t commits = 0;
  sys::TimerId wake_timer;
  sys::TimerId expiry_timer;
  bool stopped = false;

  Impl(sys::Loop& the_loop, ServerCounters& the_counters, std::vector<ApiContext*> contexts, Options the_options)
      : loop(the_loop),
        counters(the_counters),
        gate(std::move(contexts)),
        options(std::move(the_options)),
        pool(options.threads, options.queue_max) {}

  void on_request(sys::HttpRequest http_request, const sys::PeerInfo& peer, const sys::Responder& responder);
  void dispatch(const CallPtr& call);
  void run(const CallPtr& call);
  void wait(const CallPtr& call, Instant until);
  void wake(bool all);
  void count_connections();
  void wake_soon();
  void refuse_busy(const CallPtr& call);
  bool unpack(const CallPtr& call);
  void give(const CallPtr& call, Reply& answer);
  void give(const CallPtr& call, WaitForCommit& pause);
  void give(const CallPtr& call, Later& later);
  void give(const CallPtr& call, Streamed& streamed);
  void stream(const CallPtr& call, const Streamed& streamed);
  void begin_feed(const CallPtr& call);
  sys::HttpHeaders headers_of(const Call& call) const;
  void keep_and_reply(const CallPtr& call, const Reply& reply);
  void reply(const Call& call, const Reply& reply);
  void fail(const Call& call, sys::HttpResponse problem);
  void finish(const Call& call, sys::HttpResponse response);
};

// -- On the loop
// -------------------------------------------------------------------------------------------------------

void ApiServer::Impl::on_request(sys::HttpRequest http_request, const sys::PeerInfo& peer,
                                 const sys::Responder& responder) {
  ++counters.requests;
  auto call = std::make_shared<Call>(Call{.request = {}, .responder = responder});
  ApiRequest& request = call->request;
  request.method = std::move(http_request.method);
  request.path = std::move(http_request.path);
  request.query = std::move(http_request.query);
  request.arrived = loop.clock().now();
  const std::optional<Endpoint> from = parse_endpoint(peer.address);
  request.peer = from ? from->host : peer.address;  // its port changes with each connection
  const std::string_view id = http_request.header("X-Request-Id");
  request.request_id = is_request_id(id) ? std::string(id) : to_string(make_uuid_v7(loop.clock().wall(), random));

  request.traceparent = next_traceparent(http_request.header("traceparent"), random);

  RouteMatch match = find_route(request.method, request.path);
  if (!match.route && match.allowed.empty()) {
    return fail(*call, make_problem(Error(Code::not_found, "there is no route " + printable(request.path)),
                                    request.request_id));
  }
  if (!match.route) {
    sys::HttpResponse problem = make_problem(
        405, "invalid", request.path + " takes " + match.allowed + ", not " + printable(request.method, 20),
        request.request_id);
    problem.headers.push_back({"Allow", match.allowed});
    return fail(*call, std::move(problem));
  }
  if (match.route->method == "GET" && !http_request.body.empty()) {
    return fail(*call, make_problem(Error(Code::invalid, "a GET takes no body"), request.request_id));
  }

  call->route = match.route;
  request.path_values = std::move(match.path_values);
  call->wants_websocket = http_request.wants_websocket;
  request.headers = std::move(http_request.headers);
  request.body = std::move(http_request.body);
  dispatch(call);
}

void ApiServer::Impl::dispatch(const CallPtr& call) {
  call->request.now = loop.clock().wall();
  call->request.called = loop.clock().now();
  call->commits_seen = commits;
  if (options.online) call->request.online = options.online();
  if (call->route->runs_on == RunsOn::loop) return run(call);

  if (!pool.try_run([self = shared_from_this(), call] { self->run(call); })) refuse_busy(call);
}

void ApiServer::Impl::wait(const CallPtr& call, Instant until) {
  if (stopped || waiting.size() >= options.waiting_max) return refuse_busy(call);
  waiting.push_back({call, until});
  // What was committed while the handler looked woke nobody, because nobody waited yet.
  if (call->commits_seen != commits) wake_soon();
}

void ApiServer::Impl::wake_soon() {
  if (stopped || wake_timer || waiting.empty()) return;
  wake_timer = loop.after(
      wake_delay,
      [this] {
        wake_timer = {};
        wake(true);
      },
      "api waits");
}

// Those whose time is over, or all.
void ApiServer::Impl::wake(bool all) {
  const Instant now = loop.clock().now();
  std::vector<CallPtr> awake;
  for (auto each = waiting.begin(); each != waiting.end();) {
    const bool due = all || each->until <= now;
    if (due) awake.push_back(each->call);
    each = due ? waiting.erase(each) : std::next(each);
  }
  for (const CallPtr& call : awake) dispatch(call);
}

void ApiServer::Impl::count_connections() {
  const sys::HttpServerStats stats = http->stats();
  counters.api_timeouts = stats.timeouts_total;
  counters.api_stalled = stats.stalled_total;
  counters.api_floods = stats.floods_total;
  counters.api_refused_peer = stats.listener.refused_peer_total;
}

void ApiServer::Impl::refuse_busy(const CallPtr& call) {
  ++counters.requests_refused_busy;
  fail(*call, make_problem(Error(Code::unavailable, "too many requests are waiting; try again in a second"),
                           call->request.request_id));
}

// -- On the pool
// -------------------------------------------------------------------------------------------------------

void ApiServer::Impl::run(const CallPtr& call) {
  const std::string& id = call->request.request_id;
  if (!call->context) {
    std::variant<Admission, Refusal> verdict = gate.admit(*call->route, call->request);
    if (auto* refusal = std::get_if<Refusal>(&verdict)) {
      sys::HttpResponse problem =
          make_problem(refusal->status, to_string(refusal->error.code()), refusal->error.text(), id);
      for (sys::HttpHeader& header : refusal->headers) problem.headers.push_back(std::move(header));
      return fail(*call, std::move(problem));
    }
    auto& admission = std::get<Admission>(verdict);
    call->context = admission.context;
    call->request.credential = std::move(admission.credential);
    if (!unpack(call)) return;
    call->headers = std::move(admission.headers);
    auto begun = idempotency.begin(*call->route, *call->context, call->request);
    if (const auto* known = std::get_if<Reply>(&begun)) return reply(*call, *known);
    if (auto* ticket = std::get_if<Idempotency::TicketPtr>(&begun)) call->ticket = std::move(*ticket);
  }

  if (call->route->feed) return begin_feed(call);
  Result<Answer> answer = call->route->handler(*call->context, call->request);
  if (!answer.ok()) return fail(*call, make_problem(answer.error(), id));
  std::visit([&](auto& kind) { give(call, kind); }, *answer);
}

// Only for those who were let in: unpacking is work.
bool ApiServer::Impl::unpack(const CallPtr& call) {
  const std::string* encoding = sys::find_header(call->request.headers, "Content-Encoding");
  if (encoding == nullptr) return true;
  DecodedContent content = decode_content(*encoding, call->request.body, call->route->body_bytes_max);
  call->request.body = std::move(content.body);
  if (content.status == 200) return true;
  fail(*call, make_problem(content.status, to_string(Code::invalid), content.detail, call->request.request_id));
  return false;
}

void ApiServer::Impl::give(const CallPtr& call, Reply& answer) {
  keep_and_reply(call, answer);
}

void ApiServer::Impl::give(const CallPtr& call, WaitForCommit& pause) {
  call->request.resume = std::move(pause.resume);
  loop.post([self = shared_from_this(), call, until = pause.until] { self->wait(call, until); }, "api wait");
}

void ApiServer::Impl::give(const CallPtr& call, Later& later) {
  later.begin([self = shared_from_this(), call](Result<Reply> answer) {
    if (!answer.ok()) return self->fail(*call, make_problem(answer.error(), call->request.request_id));
    self->keep_and_reply(call, *answer);
  });
}

void ApiServer::Impl::give(const CallPtr& call, Streamed& streamed) {
  auto work = [self = shared_from_this(), call, body = std::move(streamed)] { self->stream(call, body); };
  if (!streams.try_run(std::move(work))) refuse_busy(call);
}

void ApiServer::Impl::stream(const CallPtr& call, const Streamed& streamed) {
  sys::HttpResponse head;
  head.headers = headers_of(*call);
  head.headers.push_back({"Content-Type", streamed.content_type});
  for (const sys::HttpHeader& header : streamed.headers) head.headers.push_back(header);
  const sys::ResponseStream out = call->responder.start(std::move(head));
  const Status done = streamed.produce(out);
  if (done.ok()) return out.end();
  log_warn("response cut short", {{"path", printable(call->request.path)},
                                  {"error", done.error().text()},
                                  {"request_id", call->request.request_id}});
}

// The first turn is taken here: whatever is wrong with the filter or the cursor is still an ordinary answer.
void ApiServer::Impl::begin_feed(const CallPtr& call) {
  Result<Watch> watch = call->route->feed(*call->context, call->request);
  if (!watch.ok()) return fail(*call, make_problem(watch.error(), call->request.request_id));
  Result<FeedTurn> first = (*watch)(first_cursor(call->request));
  if (!first.ok()) return fail(*call, make_problem(first.error(), call->request.request_id));

  const Feeds::Asked asked{.route = call->route,
                           .context = call->context,
                           .request = call->request,
                           .watch = std::move(*watch),
                           .first = std::move(*first),
                           .headers = headers_of(*call),
                           .responder = call->responder,
                           .wants_websocket = call->wants_websocket};
  loop.post(
      [self = shared_from_this(), call, asked] {
        if (!self->feeds.try_open(asked)) self->refuse_busy(call);
      },
      "feed");
}

void ApiServer::Impl::keep_and_reply(const CallPtr& call, const Reply& reply) {
  if (!call->ticket) return this->reply(*call, reply);
  Idempotency::keep(call->ticket, reply, [self = shared_from_this(), call, reply] { self->reply(*call, reply); });
}

void ApiServer::Impl::reply(const Call& call, const Reply& reply) {
  sys::HttpResponse response;
  response.status = reply.status;
  if (!reply.content_type.empty()) response.headers.push_back({"Content-Type", reply.content_type});
  for (const sys::HttpHeader& header : reply.headers) response.headers.push_back(header);
  response.body = reply.body;
  // Nor is what programs push: it comes a thousand times a second.
  if (call.request.method == "POST" && call.route->permission != Permission::signals_write) {
    log_info("request done", {{"method", call.request.method},
                              {"path", call.request.path},
                              {"status", reply.status},
                              {"key", call.request.credential.key_prefix},
                              {"traceparent", call.request.traceparent},
                              {"request_id", call.request.request_id}});
  }
  finish(call, std::move(response));
}

void ApiServer::Impl::fail(const Call& call, sys::HttpResponse problem) {
  ++(problem.status >= 500 ? counters.requests_server_error : counters.requests_client_error);
  Idempotency::release(call.ticket);
  log_info("request refused", {{"method", printable(call.request.method, 20)},
                               {"path", printable(call.request.path)},
                               {"status", problem.status},
                               {"key", call.request.credential.key_prefix},
                               {"traceparent", call.request.traceparent},
                               {"request_id", call.request.request_id}});
  if (call.route != nullptr && call.route->tell_error != nullptr) call.route->tell_error(call.request, problem);
  finish(call, std::move(problem));
}

// What every answer carries.
sys::HttpHeaders ApiServer::Impl::headers_of(const Call& call) const {
  sys::HttpHeaders headers = call.headers;
  headers.push_back({"traceparent", call.request.traceparent});
  headers.push_back({"X-Request-Id", call.request.request_id});
  headers.push_back({"Cache-Control", "no-store"});
  return headers;
}

void ApiServer::Impl::finish(const Call& call, sys::HttpResponse response) {
  for (const sys::HttpHeader& header : call.headers) response.headers.push_back(header);
  response.headers.push_back({"traceparent", call.request.traceparent});
  response.headers.push_back({"X-Request-Id", call.request.request_id});
  if (response.header("Cache-Control").empty()) response.headers.push_back({"Cache-Control", "no-store"});
  call.responder.respond(std::move(response));
}

// -- The public face
// ---------------------------------------------------------------------------------------------------

ApiServer::ApiServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

ApiServer::~ApiServer() {
  stop();
}

Result<std::unique_ptr<ApiServer>> ApiServer::open(sys::Loop& loop, ServerCounters& counters,
                                                   std::vector<ApiContext*> contexts, Options options) {
  auto impl = std::make_shared<Impl>(loop, counters, std::move(contexts), std::move(options));
  sys::HttpServerOptions http;
  http.listener.host = impl->options.host;
  http.listener.port = impl->options.port;
  http.listener.tls = impl->options.tls;
  http.listener.connections_max = impl->options.connections_max;
  http.body_limit = [](const sys::HttpRequest& head) {
    const Route* route = find_route(head.method, head.path).route;
    return route ? route->body_bytes_max : body_bytes_max_unrouted;
  };
  impl->http = TRY(sys::HttpServer::open(
      loop, std::move(http),
      [raw = impl.get()](sys::HttpRequest request, const sys::PeerInfo& peer, const sys::Responder& responder) {
        raw->on_request(std::move(request), peer, responder);
      }));
  impl->expiry_timer = loop.every(
      100ms,
      [raw = impl.get()] {
        raw->wake(false);
        raw->count_connections();
      },
      "api waits");
  return std::unique_ptr<ApiServer>(new ApiServer(std::move(impl)));
}

uint16_t ApiServer::port() const {
  return impl_->http->port();
}

size_t ApiServer::queued() const {
  return impl_->pool.queued();
}

size_t ApiServer::waiting() const {
  return impl_->waiting.size();
}

void ApiServer::on_commit() {
  ++impl_->commits;
  impl_->feeds.on_commit();
  impl_->wake_soon();
}

void ApiServer::stop() {
  if (impl_->stopped) return;
  impl_->stopped = true;
  impl_->loop.cancel(impl_->wake_timer);
  impl_->loop.cancel(impl_->expiry_timer);
  impl_->feeds.stop();
  impl_->http.reset();
  impl_->waiting.clear();
  impl_->streams.stop();
  impl_->pool.stop();
}

}  // namespace reeve::server
