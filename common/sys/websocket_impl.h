// The inside of a WebSocket, shared with the handshakes that make one. Inside common/sys only.
#pragma once

#include <memory>

#include "common/sys/websocket.h"

namespace reeve::sys {

enum class WebSocketRole { server, client };

// `received` are bytes that came behind the handshake.
std::unique_ptr<WebSocket> make_websocket(WebSocketRole role, std::unique_ptr<Stream> stream, Bytes received,
                                          WebSocketOptions options);

}  // namespace reeve::sys
