// Passes messages between the link and the runner's UNIX socket, and understands none of them: whoever holds the agent
// can hold them back or repeat them, and nothing else.
//
// The runner's socket is open as long as the link is: when either ends, so does the other's conversation, and both
// sides send again what was not answered. There need be no runner: then it is tried again now and then, quietly. A
// frame on the socket is its length (4 bytes, little-endian) and a message of 1 byte to 256 KiB; a longer one ends the
// connection. While the link takes no more, the runner is not read; a runner that does not read is left and called
// again.
//
// Lives on the loop thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/base/bytes.h"
#include "common/base/random.h"
#include "common/base/time.h"
#include "common/sys/loop.h"

namespace reeve::agent {

class RunnerBridge {
 public:
  struct Options {
    std::string path = "/run/reeve-runner/runner.sock";
    Backoff::Limits retry{.min = 250ms, .max = 10s};
    uint64_t unread_bytes_max = 1_MiB;  // written to a runner that does not read
  };
  // Everything here outlives the bridge. `try_send` hands a message to the link: false where it takes none right now.
  struct World {
    sys::Loop& loop;
    Random& random;
    std::function<bool(BytesView message)> try_send;
  };

  RunnerBridge(World world, Options options);
  ~RunnerBridge();

  void on_link(bool open);                  // again with what is so already: nothing
  void on_link_room();                      // the link may take messages again
  void on_link_message(BytesView message);  // for the runner; dropped where there is none

  bool connected() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace reeve::agent
