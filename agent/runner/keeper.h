// The one process that waits at the gate, and stays as the step's keeper: `reeve-keeper`.
//
// `order` brings the launch and then one byte that opens the gate; when it ends before, the keeper leaves a note that
// nothing has run, and goes. After that it starts the program as a confined child, takes in its output, and ends the
// whole tree when the program has ended, its time is up, or it is told to stop by `order` or by SIGTERM. What is left
// is a note in `status`, synced, and then the same with the output on `news`. A runner that died meanwhile changes
// nothing: the note in the file tells it, later.
//
// Single-threaded, and flat in memory whatever the program does. It never runs a thing before the gate is open.
#pragma once

namespace reeve::runner {

constexpr char word_ready = 'r';  // from the keeper: it waits at the gate
constexpr char word_go = 'g';
constexpr char word_stop = 's';

// Takes over the process; gives its exit status.
int keep(int order, int news, int status);

}  // namespace reeve::runner
