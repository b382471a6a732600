// Takes secrets out of what a step has said, before it is signed and leaves the host.
#pragma once

#include "common/base/bytes.h"

namespace reeve::runner {

// By the same patterns as log lines; what a group covers becomes [redacted:RULE]. Any thread.
Bytes redact_output(BytesView text);

}  // namespace reeve::runner
