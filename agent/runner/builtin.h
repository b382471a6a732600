// What a step may do without a program: a few small actions and read-only probes, by name with typed arguments.
//
//     process.restart, .reload, .stop   process + control, or pid_file + executable
//     workers.set                       process, control, count
//     signal.send                       pid_file, executable, signal
//     release.switch                    link, folder, release
//     disk.free                         folder, suffixes, older_than_ms, bytes_max
//     file.restore                      path, versions, version
//     unit.state                        unit, state
//     port.open                         address
//     http.get                          url, status
//     disk.below                        path, percent
//     file.hash                         path, sha256
//     process.running                   pid_file, executable
//
// `control` is a UNIX socket that takes one line, "restart NAME", and answers "ok" or "error TEXT". No path of a folder
// is followed through a symbolic link. They run as the step's user in the keeper's child, confined as programs are, and
// bound their own time nowhere: the keeper does.
#pragma once

#include <optional>

#include "agent/runner/launch.h"
#include "agent/runner/launcher.h"

namespace reeve::runner {

// The exit status: 0 done, or it holds; 1 it does not hold; 2 an error, told on stderr. Whatever else it has to say
// goes to stdout.
int perform(const BuiltIn& action);

// The same for a probe that only looks at files and processes, in this very process; nothing for all other actions.
std::optional<Exit> run_probe(const BuiltIn& action);

}  // namespace reeve::runner
