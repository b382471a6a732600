// WebSocket: a server's end whose client says any frames; and one that pauses between messages.
#include "common/sys/websocket.h"

#include "tests/fuzz/connection.h"
#include "tests/fuzz/fuzz.h"

using namespace reeve;
using namespace reeve::sys;

FUZZ_TARGET(websocket, bytes) {
  if (bytes.empty()) return;
  const bool pauses = bytes.front() % 2 != 0;
  const bool behind_handshake = bytes.front() % 4 > 1;
  bytes.remove_prefix(1);
  FuzzPeer peer;
  const BytesView early = behind_handshake ? bytes.substr(0, bytes.size() / 2) : BytesView();
  auto socket = make_server_websocket(std::move(peer.stream), Bytes(early),
                                      {.message_bytes_max = 4_KiB, .pending_bytes_max = 64_KiB, .text = true});
  bool closed = false;
  const auto on_message = [&](BytesView message) {
    check(message.size() <= 4_KiB, "a message stays below its limit");
    (void)socket->send(message);  // a full socket drops the echo
    if (pauses) {
      socket->pause();
      fuzz_loop().at_turn_end([&] {
        if (socket != nullptr) socket->resume();
      });
    }
  };
  socket->start({.on_message = on_message,
                 .on_text =
                     [&](BytesView text) {
                       check(is_utf8(text), "text is UTF-8");
                       (void)socket->send_text(text);
                     },
                 .on_drained = {},
                 .on_closed = [&](const WebSocketClosed&) { closed = true; }});
  peer.say(bytes.substr(early.size()));
  peer.run([&] { return closed; });
  socket.reset();
  peer.run([] { return false; }, 3);
}
