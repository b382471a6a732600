// Catch2's own main, compiled once for all test programs.
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

#include "common/base/log.h"

int main(int argc, char** argv) {
  reeve::set_log_descriptor(-1);
  return Catch::Session().run(argc, argv);
}
