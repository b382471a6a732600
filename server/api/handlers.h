// Every handler of the API, one file per resource. What they take and give: docs/api.md.
#pragma once

#include "server/api/request.h"

namespace reeve::server {

// health.cc
Result<Answer> get_health(ApiContext& context, const ApiRequest& request);
Result<Answer> get_readiness(ApiContext& context, const ApiRequest& request);
Result<Answer> get_own_metrics(ApiContext& context, const ApiRequest& request);
Result<Answer> get_me(ApiContext& context, const ApiRequest& request);

// enroll.cc
Result<Answer> post_enroll(ApiContext& context, const ApiRequest& request);
Result<Answer> post_enrol_token(ApiContext& context, const ApiRequest& request);

// logs.cc
Result<Answer> get_logs(ApiContext& context, const ApiRequest& request);
Result<Answer> get_logs_tail(ApiContext& context, const ApiRequest& request);

// metrics.cc
Result<Answer> get_series(ApiContext& context, const ApiRequest& request);
Result<Answer> get_points(ApiContext& context, const ApiRequest& request);

// agents.cc
Result<Answer> get_agents(ApiContext& context, const ApiRequest& request);
Result<Answer> post_revoke(ApiContext& context, const ApiRequest& request);

// logs.cc; for every handler that reads blocks: what turns out damaged is handed to the writer, which sets it aside.
std::function<void(const struct DamagedBlock&)> report_damage_to(StoreWriter& writer);

}  // namespace reeve::server
