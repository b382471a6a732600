// Broken invariants, on in release too.
//
// check(cond, "sentence") states something that is always true; the sentence is the invariant, not the failure. When it
// is false the program's state cannot be trusted, so it prints the sentence with its place and aborts: the supervisor
// restarts it, and recovery is a tested path.
#pragma once

namespace reeve {

// Where a check stands in the source.
struct Place {
  const char* file;
  int line;
  const char* function;
};

[[noreturn]] void check_failed(const char* invariant, const Place& place);

// The defaults are the caller's: compilers evaluate these builtins where the call stands. (std::source_location would
// say the same, but clang 14 cannot read libstdc++'s.)
constexpr void check(bool condition, const char* invariant, const char* file = __builtin_FILE(),
                     int line = __builtin_LINE(), const char* function = __builtin_FUNCTION()) {
  if (!condition) [[unlikely]]
    check_failed(invariant, {file, line, function});
}

}  // namespace reeve
