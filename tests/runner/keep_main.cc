// `reeve-keep keep`: the keeper alone, for tests of the launchers.
#include <cstring>

#include "agent/runner/keeper.h"

int main(int count, char** words) {
  return count == 2 && std::strcmp(words[1], "keep") == 0 ? reeve::runner::keep(0, 1, 2) : 2;
}
