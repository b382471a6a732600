// What approvers read, made of step bytes alone. Pure.
//
// Steps that are the same but for their host stand together, once, with all their hosts named. Whatever a program would
// be given stands in quotes, one argument a line, in printable ASCII: \n \t \" \\ and \xNN for every other byte, so
// that nothing hides, reorders, or looks like something else. A text that is longer than a line goes on behind "|".
#pragma once

#include <string>
#include <string_view>

#include "cli/plan_steps.h"
#include "common/base/time.h"

namespace reeve::cli {

// "a\tb": one text in quotes, unambiguous whatever it holds.
std::string quoted(std::string_view text);
// The same, broken so that no line has more than `columns`; continued lines begin with `indent` and "|".
std::string quoted_lines(std::string_view text, size_t first_column, size_t columns);

std::string render_plan(const PlanSteps& plan, size_t columns);

// "2026-11-21T10:30:00.000+01:00 (2026-11-21T09:30:00.000Z)".
std::string format_both(int64_t ms);

}  // namespace reeve::cli
