// HTTP/2: a connection whose client says anything after the preface.
#include "tests/fuzz/connection.h"
#include "tests/fuzz/fuzz.h"

using namespace reeve;
using namespace reeve::sys;

FUZZ_TARGET(http2, bytes) {
  serve_fuzzed(Bytes(http2_preface) + Bytes(bytes));
}
