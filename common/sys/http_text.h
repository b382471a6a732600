// Small questions about HTTP's text. Inside common/sys only; what callers need is in http1.h.
#pragma once

#include <string>
#include <string_view>

namespace reeve::sys {

bool equal_ignoring_case(std::string_view a, std::string_view b);  // ASCII

// RFC 3986 section 2.3: letters, digits, "-._~".
bool is_unreserved(char c);

// RFC 9110 section 5.6.2: what methods and field names are made of.
bool is_token(std::string_view text);

// The bytes a Host header may have; nothing is resolved.
bool is_host(std::string_view text);

// A header's value as it may leave: control bytes are blanks.
std::string without_breaks(std::string_view value);

// "keep-alive, Upgrade" has the token "upgrade".
bool has_token(std::string_view list, std::string_view token);

// Path and query of "/a?b", of "http://host/a?b", and of "*". False for anything else, and for bytes that no URL has.
bool split_target(std::string_view target, std::string& path, std::string& query);

}  // namespace reeve::sys
