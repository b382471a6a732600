// Refuses policy rules that would hand out more than they seem to: shells, interpreters, programs with known ways to
// run another program or to write any file, folders that others may write to, patterns that match too much.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace reeve::runner {

struct CommandRule;

// Why the program at this path may never be a rule's, whatever its arguments; empty: it may.
std::string refuse_program(std::string_view path);

// What is wrong with one rule for a command; empty: nothing.
std::vector<std::string> lint(const CommandRule& rule);

}  // namespace reeve::runner
