// Says which invariant broke, and where, on standard error; then aborts.
#include "common/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace reeve {

void check_failed(const char* invariant, const std::source_location& where) {
  std::fprintf(stderr, "broken invariant: %s (%s:%u, %s)\n", invariant, where.file_name(),
               static_cast<unsigned>(where.line()), where.function_name());
  std::abort();
}

}  // namespace reeve
