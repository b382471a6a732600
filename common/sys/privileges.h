// Root that works in a service's folder works as the service, so that the service can read what was made for it.
#pragma once

#include <string>

#include "common/base/result.h"

namespace reeve::sys {

// Where we are root and `directory` is there and somebody else's, becomes its owner, for good. Else does nothing.
// Before any other thread is started.
Status become_owner_of(const std::string& directory);

}  // namespace reeve::sys
