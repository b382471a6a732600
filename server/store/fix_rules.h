// What both stores' fixes must decide alike.
//
// Pure functions; the stores differ only in where they keep things.
#pragma once

#include "common/base/result.h"
#include "server/store/fixes.h"

namespace reeve::server {

Error no_plan();
Error no_step();
Error no_command();

// Code::exhausted beyond the bound; `count` is how many there are.
Status check_room_for_trust(uint64_t count);
Status check_room_for_runner(uint64_t count);
Status check_room_for_plan(uint64_t count);  // after an ended one has made room, if there was any

}  // namespace reeve::server
