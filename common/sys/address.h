// Socket addresses as text, and libuv's errors as ours. Inside common/sys only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"

struct sockaddr_storage;

namespace reeve::sys {

// "192.0.2.1:5000", "[2001:db8::1]:5000"
std::string to_string(const sockaddr_storage& address);

// An IP address, not a name.
std::optional<sockaddr_storage> parse_address(const std::string& host, uint16_t port);

// "<doing>: <reason>"; the code follows the errno behind it.
Error uv_error(int error, std::string_view doing);

}  // namespace reeve::sys
