// The real terminal as a keyboard: /dev/tty, with the echo off for what is secret.
#pragma once

#include <memory>

#include "cli/world.h"

namespace reeve::cli {

// A byte to read on `stop_descriptor` ends a question; -1 for none. The echo is on again when a question is over.
std::unique_ptr<Keyboard> make_keyboard(int stop_descriptor);

}  // namespace reeve::cli
