// The real screen, and Ctrl-C: the command line's POSIX edge.
#pragma once

#include <memory>

#include "cli/world.h"

namespace reeve::cli {

// Ctrl-C and SIGTERM as a descriptor that becomes readable, so that every wait can end on it. One per process.
class StopSignal : public Patience {
 public:
  StopSignal();
  ~StopSignal() override;
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  bool wait(Duration duration) override;
  bool has_ended() const override;
  int descriptor() const;
};

// Colours only where standard output is a terminal, NO_COLOR is unset or empty, and TERM is not "dumb".
std::unique_ptr<Screen> make_screen();

}  // namespace reeve::cli
