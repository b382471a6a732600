// Commands as rows of a table: what args.cc hands to the library that splits words, without naming it.
//
// A row owns nothing. Its values lie in the struct that made it, which outlives the parsing; `read` then looks at them
// and gives the command.
#pragma once

#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "common/base/result.h"

namespace reeve::cli {

struct OptionRow {
  const char* names;  // "--org", "-n,--limit"; capitals alone are a word without a name: "FILE"
  std::variant<bool*, std::string*, std::vector<std::string>*> value;
  const char* summary;
  const char* type = "";
  bool required = false;
};

template <typename Command>
struct CommandRow {
  std::vector<const char*> path;  // {"keys", "approver", "add"}
  const char* summary;
  const char* footer;  // nullptr: none
  std::vector<OptionRow> options;
  std::function<Result<Command>()> read;  // empty: a group, which shows its help
};

}  // namespace reeve::cli
