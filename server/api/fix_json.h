// Plans as people and programs see them, and the way from a request to the desk and back.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "common/base/json.h"
#include "server/api/request.h"
#include "server/api/schema.h"
#include "server/fix/desk.h"

namespace reeve::server {

Json render_plan(const LoadedPlan& loaded, const FixReply& standing);
extern const Schema fix_plan_schema;
// Nothing where the store holds what is no receipt.
std::optional<Json> render_receipt(const Receipt& receipt, const std::string& host_name);
extern const Schema fix_receipt_schema;

// The plan of a text that should be its id; Code::not_found, also of another org's.
Result<LoadedPlan> find_plan(const ApiContext& context, std::string_view id);

// Asks the desk and answers with what `render` makes of its reply; a refusal becomes a problem.
Answer ask_desk(ApiContext& context, const ApiRequest& request, FixDesk::Work work,
                std::function<Result<Json>(const FixReply& reply)> render);

}  // namespace reeve::server
