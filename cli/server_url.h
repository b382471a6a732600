// Where a server is: scheme, host and port, and nothing else.
//
// Plain HTTP is accepted for loopback alone, because the API key would travel in the clear.
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"

namespace reeve::cli {

struct ServerUrl {
  std::string text;  // "https://host:port", without a slash at its end
  std::string host;  // without brackets
  bool is_tls = true;
};

// Code::invalid for anything but http(s)://host[:port][/], and for plain HTTP to a host that is not loopback.
Result<ServerUrl> parse_server_url(std::string_view text);

}  // namespace reeve::cli
