// A request that is sent again is not done again: for routes that create, with an Idempotency-Key.
//
// While the first one runs, the same key is 409 with Retry-After. Its answer, where it went well, is kept for 24 h in
// the org's store, sealed, because it may hold a secret; then the same request gets it again, and another request with
// the same key is 409. An answer that is an error is not kept: nothing was created, so trying again is harmless.
//
// What it does not promise: where the server dies between the change and the keeping of its answer, the request sent
// again is done again. Any thread.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <variant>

#include "server/api/request.h"
#include "server/api/routes.h"

namespace reeve::server {

class Idempotency {
 public:
  static constexpr size_t running_max = 1'000;  // more are 503

  // A request under way; when the last copy goes, its key is free again.
  struct Ticket;
  using TicketPtr = std::shared_ptr<Ticket>;

  // Nothing (monostate): the request goes on as any other. A ticket: it goes on, and its answer is given to keep(). A
  // reply: that is the answer, kept or refused.
  std::variant<std::monostate, TicketPtr, Reply> begin(const Route& route, ApiContext& context,
                                                       const ApiRequest& request);
  // Calls `done` when the answer is kept, on the writer's thread; at once where it is an error. An answer that cannot
  // be kept is logged and given all the same: the change has been made.
  static void keep(const TicketPtr& ticket, const Reply& reply, const std::function<void()>& done);
  // Its key is free from now on: before a refusal is sent, or the next try would meet this one.
  static void release(const TicketPtr& ticket);

 private:
  struct Running {
    std::mutex mutex;
    std::set<Bytes> keys;
  };
  std::shared_ptr<Running> running_ = std::make_shared<Running>();
};

// The trace that a request belongs to (W3C Trace Context): "00-<trace>-<parent>-<flags>". Taken where it is one, with a
// parent of our own; made where it is none.
std::string next_traceparent(std::string_view sent, Random& random);

}  // namespace reeve::server
