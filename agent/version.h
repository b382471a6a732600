// This agent's version, as the build knows it.
#pragma once

#include <string_view>

namespace reeve::agent {

inline constexpr std::string_view agent_version = REEVE_VERSION;

}  // namespace reeve::agent
