// Broken invariants, on in release too.
//
// check(cond, "sentence") states something that is always true; the sentence is the invariant, not the failure. When it
// is false the program's state cannot be trusted, so it prints the sentence with its place and aborts: the supervisor
// restarts it, and recovery is a tested path.
#pragma once

#include <source_location>

namespace reeve {

[[noreturn]] void check_failed(const char* invariant, const std::source_location& where);

constexpr void check(bool condition, const char* invariant,
                     const std::source_location& where = std::source_location::current()) {
  if (!condition) [[unlikely]]
    check_failed(invariant, where);
}

}  // namespace reeve
