// See door.h.
#include "server/doors/door.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "server/api/problem.h"
#include "server/doors/intake.h"

namespace reeve::server {

Answer store_then_reply(ApiContext& context, Door door, SignalBatch batch, std::function<Reply()> make_reply) {
  if (batch.empty()) return make_reply();
  // Shared, because what is begun later must be copyable.
  auto shared = std::make_shared<SignalBatch>(std::move(batch));
  return Later{
      [intake = context.intake, door, shared, make_reply = std::move(make_reply)](const Later::Finish& finish) {
        if (intake == nullptr) return finish(Error(Code::unavailable, "this server takes no signals over HTTP"));
        DoorCounters& counters = intake->counters();
        const size_t items = shared->items();
        const auto on_stored = [&counters, door, items, make_reply, finish](const Result<size_t>& replayed) {
          if (!replayed.ok()) {
            counters.add(door, DoorOutcome::busy, items);
            return finish(Error(Code::unavailable, "not stored: " + replayed.error().text()));
          }
          counters.add(door, DoorOutcome::replayed, *replayed);
          counters.add(door, DoorOutcome::stored, items - std::min(items, *replayed));
          finish(make_reply());
        };
        const Status taken = intake->take(std::move(*shared), on_stored);
        if (taken.ok()) return;
        counters.add(door, DoorOutcome::busy, items);
        finish(taken.error());
      }};
}

void count_items(ApiContext& context, Door door, DoorOutcome outcome, uint64_t count) {
  if (context.intake != nullptr) context.intake->counters().add(door, outcome, count);
}

void count_fields_left_out(ApiContext& context, uint64_t count) {
  if (context.intake != nullptr) context.intake->counters().fields_left_out += count;
}

std::string_view media_type(std::string_view content_type) {
  const std::string_view type = content_type.substr(0, content_type.find(';'));
  return type.substr(0, type.find_last_not_of(' ') + 1);
}

Reply refuse(const ApiRequest& request, int status, std::string_view detail) {
  sys::HttpResponse problem = make_problem(status, to_string(Code::invalid), detail, request.request_id);
  Reply reply{.status = problem.status, .body = std::move(problem.body)};
  for (sys::HttpHeader& header : problem.headers) {
    if (header.name == "Content-Type") {
      reply.content_type = std::move(header.value);
    } else {
      reply.headers.push_back(std::move(header));
    }
  }
  return reply;
}

}  // namespace reeve::server
