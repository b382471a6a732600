// One fuzz target per parser of foreign bytes. Each is a function that takes any bytes and must come back: no crash, no
// broken check, no disagreement with itself. Built with REEVE_FUZZ it is libFuzzer's entry; in the ordinary tests it is
// a plain function, fed with the corpus.
//
//   FUZZ_TARGET(http1, bytes) { ... }
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/base/bytes.h"

#ifdef REEVE_FUZZ
#define FUZZ_TARGET(name, bytes)                                              \
  static void fuzz_##name(reeve::BytesView bytes);                            \
  extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);    \
  extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {   \
    fuzz_##name(reeve::BytesView(reinterpret_cast<const char*>(data), size)); \
    return 0;                                                                 \
  }                                                                           \
  static void fuzz_##name(reeve::BytesView bytes)
#else
#define FUZZ_TARGET(name, bytes)            \
  void fuzz_##name(reeve::BytesView bytes); \
  void fuzz_##name(reeve::BytesView bytes)
#endif
