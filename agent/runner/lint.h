// Refuses policy rules that would hand out more than they seem to: shells, interpreters, programs with known ways to
// run another program or to write any file, folders that others may write to, patterns that match too much.
//
// It looks at the disk where the program is there to be looked at: where symlinks lead, setuid, "#!". What is not there
// is judged by its name; permit judges it again before it runs. Any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace reeve::runner {

struct CommandRule;

// Why the program at this path may never be a rule's, whatever its arguments; empty: it may.
std::string refuse_program(std::string_view path);

// Why a rule may not write there, or pass on what lies there; empty: it may.
std::string refuse_folder(std::string_view path);

// Why this unit is not for a step to touch; empty: it may be.
std::string refuse_unit(std::string_view unit);

// Why this variable may never be passed on; empty: it may.
std::string refuse_variable(std::string_view name);

// What is wrong with one rule for a command; empty: nothing.
std::vector<std::string> lint(const CommandRule& rule);

}  // namespace reeve::runner
