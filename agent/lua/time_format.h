// Times in a shape that a script describes, as strptime would read them, but bounded and without a locale.
//
//     %Y 2026   %y 26   %m 03   %b Mar or March   %d 01   %e " 1"   %j 060
//     %H 13     %I 01   %p PM   %M 59   %S 60     %f any digits of a second   %s seconds since 1970
//     %z +0200, +02:00, Z, UTC or GMT             %% a percent sign; a blank stands for any blanks
//
// All of the text must be used. Without a year the latest such time not more than a day ahead of `arrival`; without a
// zone that of `local_offset` (UTC where there is none).
#pragma once

#include <optional>

#include "agent/parse/time_scanner.h"
#include "common/base/bytes.h"
#include "common/base/time.h"

namespace reeve::agent::lua {

std::optional<WallTime> parse_time(BytesView text, BytesView format, WallTime arrival, const LocalOffset& local_offset);

}  // namespace reeve::agent::lua
