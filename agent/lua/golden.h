// Golden files of a parser: lines, and beside them the records they become.
//
//     access.in           one line each; where a line is "---", records of several lines stand between such lines
//     access.out.jsonl    one JSON object for each record: what would be stored of it, but for a body that is the line
//
// Times without a zone are UTC, lines arrive at 2026-11-21T00:00:00Z, so the same script gives the same bytes anywhere.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/lua/script.h"

namespace reeve::agent::lua {

inline constexpr std::string_view golden_in = ".in";
inline constexpr std::string_view golden_out = ".out.jsonl";

std::vector<std::string_view> split_golden_records(std::string_view text);

// The object for one record, without a newline.
std::string golden_result(Script& script, std::string_view record);

// All of an .in file: an object and a newline for each record.
std::string golden_results(Script& script, std::string_view text);

}  // namespace reeve::agent::lua
