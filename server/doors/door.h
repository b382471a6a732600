// What the handlers of all doors share: handing a batch to the org's intake and answering after the commit.
#pragma once

#include <functional>
#include <string_view>

#include "server/api/request.h"
#include "server/doors/door_counters.h"
#include "server/doors/signals.h"

namespace reeve::server {

constexpr uint64_t door_body_bytes_max = 20_MiB;  // decoded

// Answers with `make_reply` once the batch is stored, at once where there is nothing to store; with 503 and Retry-After
// where the store takes nothing or too much waits. Counts what became of the items.
Answer store_then_reply(ApiContext& context, Door door, SignalBatch batch, std::function<Reply()> make_reply);

// The counters, where the context has an intake.
void count_items(ApiContext& context, Door door, DoorOutcome outcome, uint64_t count);
void count_fields_left_out(ApiContext& context, uint64_t count);

// "application/json" of "application/json; charset=utf-8".
std::string_view media_type(std::string_view content_type);

// An answer that no Code stands for (413, 415), as a problem.
Reply refuse(const ApiRequest& request, int status, std::string_view detail);

}  // namespace reeve::server
