// `reeve-agent test [DIR]`: every parser in a folder against its golden files.
//
// In DIR a parser is NAME.lua with NAME*.in beside it, or a folder NAME that holds NAME.lua and any *.in. DIR may be
// such a folder itself.
#pragma once

#include <string>

#include "common/sys/disk.h"

namespace reeve::agent::lua {

struct TestOptions {
  std::string directory = ".";
  bool update = false;  // writes what is made now as what is expected
  bool coloured = false;
};

struct TestAnswer {
  int parsers = 0;
  int records = 0;
  int failures = 0;  // records that differ, parsers that do not load, golden files that are not there
  std::string text;  // for people
};

TestAnswer test_parsers(sys::Disk& disk, const TestOptions& options);

}  // namespace reeve::agent::lua
