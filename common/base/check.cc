// Says which invariant broke, and where, on standard error; then aborts.
#include "common/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace reeve {

void check_failed(const char* invariant, const Place& place) {
  std::fprintf(stderr, "broken invariant: %s (%s:%d, %s)\n", invariant, place.file, place.line, place.function);
  std::abort();
}

}  // namespace reeve
