// All descendants of this process, and how to be rid of them.
//
// Who forks twice becomes our child, because we are a subreaper; so a walk through /proc finds them all. Where we may
// make a cgroup (v2), the program is put into one: then the kernel bounds and kills it as a whole. Where not,
// everything is stopped first, sweep by sweep until no sweep finds anyone new, and killed then: who is stopped cannot
// fork.
//
// One thread, that of the keeper.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "agent/runner/launch.h"

namespace reeve::runner {

class Tree {
 public:
  explicit Tree(const Launch& launch);  // makes us a subreaper
  ~Tree();
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;

  bool enter();  // a child puts itself into the cgroup; true where there is none
  void signal(int number);
  void kill_all();  // one round of stopping and killing; the caller reaps, and repeats until it has no child
  size_t size();

 private:
  std::string cgroup_{};  // empty: none
};

// Kills what is left in the cgroup of a launch whose keeper died, and removes it.
void end_orphans(const std::string& launch_id);

// How many processes belong to a user.
size_t processes_of(uint32_t user);

}  // namespace reeve::runner
