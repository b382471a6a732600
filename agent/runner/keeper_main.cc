// reeve-keeper: the process that waits at the gate of a step. The runner starts it; by hand it is of no use.
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "agent/runner/keeper.h"

int main(int count, char** words) {
  if (count == 2 && std::strcmp(words[1], "keep") == 0) {
    return reeve::runner::keep(STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO);
  }
  std::fputs("reeve-keeper is started by reeve-runner, for each step that is carried out; it takes no commands\n",
             stderr);
  return 2;
}
