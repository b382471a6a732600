// The running server: one process on one data folder, from its lock to a clean stop.
#pragma once

#include "common/base/result.h"
#include "server/config.h"

namespace reeve::server {

// Serves until SIGTERM or SIGINT; what was handed to the store by then is committed. An error says why it could not
// start.
Status serve(const ServerConfig& config);

}  // namespace reeve::server
