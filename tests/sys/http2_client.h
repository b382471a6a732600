// An HTTP/2 client for tests: nghttp2's client session on our stream, and raw frames where no client would send them.
#pragma once

#include <nghttp2/nghttp2.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/sys/http_fixture.h"

namespace reeve::sys {

struct Http2Answer {
  int status = 0;
  HttpHeaders headers{};
  Bytes body{};
  bool closed = false;
  uint32_t error = 0;
};

struct Http2Fixture : HttpFixture {
  nghttp2_session* session = nullptr;
  std::map<int32_t, Http2Answer> answers;
  std::map<int32_t, Bytes> bodies;  // to send
  std::optional<uint32_t> goaway;
  bool hold_windows = false;  // take what comes, and do not say so
  uint32_t window_bytes = 65535;

  ~Http2Fixture() {
    client.reset();
    nghttp2_session_del(session);
  }

  static Http2Fixture* from(void* self) { return static_cast<Http2Fixture*>(self); }

  void make_session() {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name, size_t name_bytes,
                      const uint8_t* value, size_t value_bytes, uint8_t, void* self) {
          Http2Answer& answer = from(self)->answers[frame->hd.stream_id];
          const std::string key(reinterpret_cast<const char*>(name), name_bytes);
          const std::string text(reinterpret_cast<const char*>(value), value_bytes);
          if (key == ":status") {
            answer.status = std::stoi(text);
          } else {
            answer.headers.push_back({key, text});
          }
          return 0;
        });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        callbacks, [](nghttp2_session*, uint8_t, int32_t id, const uint8_t* bytes, size_t count, void* self) {
          from(self)->answers[id].body.append(reinterpret_cast<const char*>(bytes), count);
          if (!from(self)->hold_windows) nghttp2_session_consume(from(self)->session, id, count);
          return 0;
        });
    nghttp2_session_callbacks_set_on_stream_close_callback(
        callbacks, [](nghttp2_session*, int32_t id, uint32_t error, void* self) {
          from(self)->answers[id].closed = true;
          from(self)->answers[id].error = error;
          return 0;
        });
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks,
                                                         [](nghttp2_session*, const nghttp2_frame* frame, void* self) {
                                                           if (frame->hd.type == NGHTTP2_GOAWAY)
                                                             from(self)->goaway = frame->goaway.error_code;
                                                           return 0;
                                                         });
    nghttp2_option* option = nullptr;
    nghttp2_option_new(&option);
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_session_client_new2(&session, callbacks, this, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
  }

  // Preface and settings are sent. Plain TCP, or TLS where `tls` is given.
  void dial2(std::shared_ptr<TlsContext> tls = nullptr) {
    ConnectOptions connect_options;
    connect_options.host = "127.0.0.1";
    connect_options.port = server->port();
    connect_options.tls = std::move(tls);
    connect_options.protocols = {"h2"};
    connecting = connect(loop, connect_options, [this](Result<std::unique_ptr<Stream>> made) {
      client = must(std::move(made));
      client->start({.on_data =
                         [this](BytesView bytes) {
                           received += bytes;
                           nghttp2_session_mem_recv(session, reinterpret_cast<const uint8_t*>(bytes.data()),
                                                    bytes.size());
                           flush();
                         },
                     .on_drained = [this] { flush(); },
                     .on_closed = [this](const Status&) { closed = true; }});
    });
    REQUIRE(loop.run_until([this] { return client != nullptr; }, 5s));
    make_session();
    const nghttp2_settings_entry window{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window_bytes};
    nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, &window, 1);
    flush();
  }

  void flush() {
    const uint8_t* bytes = nullptr;
    while (client != nullptr && !closed && client->pending_bytes() < 256_KiB) {
      const ssize_t count = nghttp2_session_mem_send(session, &bytes);
      if (count <= 0) return;
      if (!client->write(BytesView(reinterpret_cast<const char*>(bytes), static_cast<size_t>(count)))) return;
    }
  }

  int32_t send(const std::string& method, const std::string& path, const HttpHeaders& more = {},
               std::optional<Bytes> body = std::nullopt) {
    HttpHeaders all = {{":method", method}, {":scheme", "https"}, {":authority", "h"}, {":path", path}};
    all.insert(all.end(), more.begin(), more.end());
    std::vector<nghttp2_nv> values;
    for (HttpHeader& header : all) {
      values.push_back({reinterpret_cast<uint8_t*>(header.name.data()), reinterpret_cast<uint8_t*>(header.value.data()),
                        header.name.size(), header.value.size(), NGHTTP2_NV_FLAG_NONE});
    }
    nghttp2_data_provider provider{};
    provider.read_callback = [](nghttp2_session*, int32_t id, uint8_t* buffer, size_t capacity, uint32_t* flags,
                                nghttp2_data_source*, void* self) -> ssize_t {
      Bytes& left = from(self)->bodies[id];
      const size_t count = std::min(capacity, left.size());
      std::copy_n(left.data(), count, buffer);
      left.erase(0, count);
      if (left.empty()) *flags |= NGHTTP2_DATA_FLAG_EOF;
      return static_cast<ssize_t>(count);
    };
    const int32_t id =
        nghttp2_submit_request(session, nullptr, values.data(), values.size(), body ? &provider : nullptr, nullptr);
    REQUIRE(id > 0);
    if (body) bodies[id] = std::move(*body);
    flush();
    return id;
  }

  const Http2Answer& answer(int32_t id) {
    REQUIRE(loop.run_until([this, id] { return answers[id].closed || closed; }, 10s));
    return answers[id];
  }

  // A frame as it is on the wire (RFC 9113 section 4.1).
  static Bytes frame(uint8_t type, uint8_t flags, uint32_t id, BytesView payload) {
    Bytes out;
    for (const int shift : {16, 8, 0}) out += static_cast<char>(payload.size() >> shift & 0xff);
    out += static_cast<char>(type);
    out += static_cast<char>(flags);
    for (const int shift : {24, 16, 8, 0}) out += static_cast<char>(id >> shift & 0xff);
    return out + Bytes(payload);
  }
};

}  // namespace reeve::sys
