// This server's version, as the build knows it.
#pragma once

#include <string_view>

namespace reeve::server {

inline constexpr std::string_view server_version = REEVE_VERSION;

}  // namespace reeve::server
