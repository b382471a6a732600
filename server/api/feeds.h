// Those who watch live: after each commit everybody is told what is new for him, as server-sent events or over a
// WebSocket.
//
// One thread of its own asks the watches, one after the other, so that searches never keep news waiting and news never
// take the pool from searches. A turn that comes too late for one commit serves the next as well.
//
// A client that takes less than comes is given `slow_max` to catch up, which costs nothing, because the store keeps
// its place. After that its events are dropped and counted until it stands at the present, and it is told how many it
// missed: {"type":"skipped","count":n}. Each ping carries the cursor, and so does each turn's last event: who comes
// back with it misses nothing. A credential is looked at again every minute, and a watch ends with it.
//
// At most watchers_max; beyond, 503. Lives on the loop thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/sys/http_server.h"
#include "common/sys/loop.h"
#include "server/api/gate.h"
#include "server/api/request.h"
#include "server/api/routes.h"

namespace reeve::server {

class Feeds {
 public:
  struct Options {
    size_t watchers_max = 256;
    Duration turn_pause = 10ms;  // commits come in flurries; between the starts of two rounds of turns
    Duration ping_interval = 15s;
    Duration check_interval = 60s;  // of the credential
    Duration slow_max = 5s;
    uint64_t unsent_bytes_slow = 256_KiB;
  };

  // One who wants to watch: let in, and with the first turn taken.
  struct Asked {
    const Route* route = nullptr;
    ApiContext* context = nullptr;
    ApiRequest request;
    Watch watch;
    FeedTurn first;
    sys::HttpHeaders headers;  // of the answer
    sys::Responder responder;
    bool wants_websocket = false;
  };

  // All outlive the feeds; `gate` is asked on the feeds' thread.
  Feeds(sys::Loop& loop, const Gate& gate) : Feeds(loop, gate, Options()) {}
  Feeds(sys::Loop& loop, const Gate& gate, Options options);
  ~Feeds();  // as stop()

  // False where there is no room, or after stop(); the responder is then still to be answered.
  [[nodiscard]] bool try_open(const Asked& asked);
  void on_commit();
  size_t watchers() const;
  void stop();  // ends every stream and waits for the turn that runs

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

// Where a client wants to go on from: Last-Event-ID, or the parameter "cursor"; empty: from now.
std::string first_cursor(const ApiRequest& request);

}  // namespace reeve::server
