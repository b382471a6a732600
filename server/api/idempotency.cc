// See idempotency.h.
#include "server/api/idempotency.h"

#include <algorithm>

#include "common/base/log.h"
#include "common/crypto/digest.h"
#include "common/sys/crypto.h"
#include "server/api/problem.h"
#include "server/auth/auth.h"
#include "server/store/accounts.h"
#include "server/store_writer.h"

namespace reeve::server {
namespace {

constexpr Duration answer_memory = 24h;
constexpr size_t key_chars_max = 128;
constexpr size_t answer_bytes_max = 64_KiB;
constexpr size_t trace_digits = 32;
constexpr size_t span_digits = 16;
constexpr size_t traceparent_chars = 55;

bool is_key(std::string_view key) {
  return !key.empty() && key.size() <= key_chars_max &&
         std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

// Parts with their lengths, so that no two lists are one text.
Bytes hash_parts(std::initializer_list<BytesView> parts) {
  Bytes all;
  for (const BytesView part : parts) {
    append_le(all, static_cast<uint64_t>(part.size()));
    all += part;
  }
  return crypto::sha256(all);
}

Reply conflict(const ApiRequest& request, std::string detail, sys::HttpHeaders headers = {}) {
  return problem_reply({.status = 409, .detail = std::move(detail)}, request.request_id, std::move(headers));
}

Bytes to_text(const Reply& reply) {
  Json::Array headers;
  for (const sys::HttpHeader& header : reply.headers) headers.push_back(Json::Array{header.name, header.value});
  Json text;
  text.set("content_type", reply.content_type);
  text.set("body", to_base64url(reply.body));
  text.set("headers", std::move(headers));
  return text.dump();
}

Result<Reply> from_text(int status, BytesView text) {
  const Json kept = TRY(parse_json(text));
  Reply reply{.status = status, .content_type = kept.string_or("content_type")};
  reply.body = from_base64url(kept.string_or("body")).value_or("");
  const Json* headers = kept.find("headers");
  if (!headers || !headers->as_array()) return Error(Code::corrupt, "a kept answer has no headers");
  for (const Json& each : *headers->as_array()) {
    const Json::Array* pair = each.as_array();
    if (!pair || pair->size() != 2) return Error(Code::corrupt, "a kept answer's header is no pair");
    reply.headers.push_back({*pair->front().as_string(), *pair->back().as_string()});
  }
  return reply;
}

}  // namespace

struct Idempotency::Ticket {
  std::shared_ptr<Running> running;
  ApiContext& context;
  Bytes key_hash;
  Bytes request_hash;
  WallTime now;
  std::string request_id;

  Ticket(std::shared_ptr<Running> the_running, ApiContext& the_context)
      : running(std::move(the_running)), context(the_context) {}
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;
  ~Ticket() { release(); }

  void release() {
    std::lock_guard lock(running->mutex);
    if (!released) running->keys.erase(key_hash);
    released = true;
  }
  bool released = false;
};

std::variant<std::monostate, Idempotency::TicketPtr, Reply> Idempotency::begin(const Route& route, ApiContext& context,
                                                                               const ApiRequest& request) {
  const std::string* key = sys::find_header(request.headers, "Idempotency-Key");
  if (!route.repeatable || !key || !context.auth) return std::monostate();
  if (!is_key(*key)) {
    return problem_reply({.detail = "the Idempotency-Key is \"" + printable(*key, 80) +
                                    "\"; allowed are 1 to 128 visible ASCII characters"},
                         request.request_id);
  }

  const Credential& who = request.credential;
  const Bytes key_hash = hash_parts({who.org, who.subject.view(), *key});
  const Bytes request_hash = hash_parts({request.method, request.path, request.query, request.body});
  {
    std::lock_guard lock(running_->mutex);
    if (running_->keys.size() >= running_max) {
      return problem_reply({.status = 503, .code = "unavailable", .detail = "too many such requests are under way"},
                           request.request_id, {{"Retry-After", "1"}});
    }
    if (!running_->keys.insert(key_hash).second) {
      return conflict(request, "the first request with this Idempotency-Key is still under way",
                      {{"Retry-After", "1"}});
    }
  }
  // From here on the key is ours, so nobody else can be between looking and keeping.
  auto ticket = std::make_shared<Ticket>(running_, context);
  ticket->key_hash = key_hash;
  ticket->request_hash = request_hash;
  ticket->now = request.now;
  ticket->request_id = request.request_id;

  const Result<StoredAnswer> kept = context.store.accounts().find_answer(key_hash, request.now);
  if (!kept.ok() && kept.error().code() == Code::not_found) return ticket;
  if (!kept.ok()) {
    return problem_reply({.status = 503, .code = "unavailable", .detail = kept.error().text()}, request.request_id);
  }
  if (kept->request_hash != request_hash) {
    return conflict(request, "this Idempotency-Key came with another request before; a key is for one request");
  }
  const Result<Bytes> text = sys::unseal(context.auth->sealing_key(), kept->sealed, key_hash);
  Result<Reply> reply = text.ok() ? from_text(kept->status, *text) : Result<Reply>(text.error());
  if (!reply.ok()) {
    return conflict(request, "this request was done before, but its answer cannot be read any more");
  }
  reply->headers.push_back({"Idempotency-Replayed", "true"});
  return std::move(*reply);
}

void Idempotency::release(const TicketPtr& ticket) {
  if (ticket) ticket->release();
}

void Idempotency::keep(const TicketPtr& ticket, const Reply& reply, const std::function<void()>& answered) {
  const auto done = [ticket, answered] {
    ticket->release();
    answered();
  };
  if (reply.status >= 400) return done();
  const Bytes text = to_text(reply);
  if (text.size() > answer_bytes_max) {
    log_warn("an answer is too long to be kept", {{"bytes", text.size()}, {"request_id", ticket->request_id}});
    return done();
  }
  const StoredAnswer answer{.key_hash = ticket->key_hash,
                            .request_hash = ticket->request_hash,
                            .status = reply.status,
                            .sealed = sys::seal(ticket->context.auth->sealing_key(), text, ticket->key_hash),
                            .expires = ticket->now + answer_memory};
  const bool taken = ticket->context.writer.try_run([ticket, answer, done](Store& store) {
    const Status kept = store.accounts().save_answer(answer, ticket->now);
    if (!kept.ok()) {
      log_warn("an answer was not kept", {{"error", kept.error().text()}, {"request_id", ticket->request_id}});
    }
    done();
  });
  if (taken) return;
  log_warn("an answer was not kept", {{"error", "the writer is busy"}, {"request_id", ticket->request_id}});
  done();
}

// -- Traces ----------------------------------------------------------------------------------------------------------

std::string next_traceparent(std::string_view sent, Random& random) {
  const auto is_hex = [](std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }) &&
           text.find_first_not_of('0') != std::string_view::npos;
  };
  const bool taken = sent.size() == traceparent_chars && sent.starts_with("00-") && sent[35] == '-' &&
                     sent[52] == '-' && is_hex(sent.substr(3, trace_digits)) && is_hex(sent.substr(36, span_digits)) &&
                     sent.substr(53).find_first_not_of("0123456789abcdef") == std::string_view::npos;
  const std::string trace = taken ? std::string(sent.substr(3, trace_digits)) : to_hex(random.bytes(trace_digits / 2));
  const std::string flags = taken ? std::string(sent.substr(53)) : "00";
  return "00-" + trace + "-" + to_hex(random.bytes(span_digits / 2)) + "-" + flags;
}

}  // namespace reeve::server
