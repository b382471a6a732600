// A whole server on loopback with its store in memory, and clients for its two doors; everything in one thread's loop
// but the server's own writer and pool.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/json.h"
#include "common/base/random.h"
#include "common/sys/crypto.h"
#include "common/sys/http1.h"
#include "common/sys/loop.h"
#include "common/sys/websocket.h"
#include "common/wire/frames.h"
#include "server/config.h"
#include "server/pipeline.h"
#include "server/store/store.h"

namespace reeve::server {

// A folder that is gone afterwards.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct HttpAnswer {
  int status = 0;
  sys::HttpResponse response;
  Json json;  // null where the body is none

  std::string code() const { return json.string_or("code"); }
  std::string detail() const { return json.string_or("detail"); }
};

struct Asked {
  std::string method = "GET";
  std::string target = "/";
  std::string key;  // empty: no Authorization
  Bytes body;
  sys::HttpHeaders headers;
};

// Who an agent is: what enrolment gave it.
struct Identity {
  Uuid agent;
  Bytes key_pem;
  Bytes certificate_pem;
};

class ApiHarness {
 public:
  // `store` null: a memory store. The API is plain HTTP, the link is TLS.
  explicit ApiHarness(std::unique_ptr<Store> store = nullptr, bool api_tls = false);
  ~ApiHarness();

  HttpAnswer ask(const Asked& asked);
  HttpAnswer get(const std::string& target) { return ask({.target = target, .key = admin_key}); }
  HttpAnswer post(const std::string& target, const Bytes& body) {
    return ask({.method = "POST", .target = target, .key = admin_key, .body = body});
  }

  std::string make_token(const std::string& key);
  std::string make_token() { return make_token(admin_key); }
  Identity enrol(const std::string& host = "web-1") { return enrol_with(make_token(), host); }
  Identity enrol_with(const std::string& token, const std::string& host);

  // Runs the loop until `done`; fails the test after ten seconds.
  void wait_for(const char* what, const std::function<bool()>& done);

  TempFolder folder;
  SystemClock clock;
  SystemRandom random;
  sys::Loop loop;
  sys::KeyAndCertificate ca;
  std::unique_ptr<Store> store;
  std::unique_ptr<Store> foreign_store;  // of the org "foreign", which is served beside ours
  ServerConfig config;
  std::unique_ptr<Pipeline> pipeline;
  std::string admin_key = "rvk_admin-key-of-the-tests";
  std::string viewer_key = "rvk_viewer-key-of-the-tests";
  std::string foreign_key = "rvk_foreign_admin-key-of-the-other-org";
  bool api_tls;
};

// The agent's end of a link, frame by frame.
class TestLink {
 public:
  // Presents `identity`; a default one presents nothing.
  TestLink(ApiHarness& harness, const Identity& identity);

  bool connected() const { return socket_ != nullptr; }
  bool finished() const { return finished_; }  // refused, or closed after it was open
  const std::optional<Error>& refusal() const { return refusal_; }
  const std::optional<sys::WebSocketClosed>& closed() const { return closed_; }

  // Connects, says Hello and waits for the Welcome.
  void open(const Uuid& epoch, uint64_t next);
  void send(const wire::AgentFrame& frame);
  // The oldest frame of that kind that was not taken yet, waited for.
  template <typename Frame>
  Frame take() {
    std::optional<Frame> found;
    harness_.wait_for("a frame of the server", [&] {
      for (auto each = frames_.begin(); each != frames_.end() && !found; ++each) {
        if (const auto* frame = std::get_if<Frame>(&*each)) {
          found = *frame;
          frames_.erase(each);
          break;
        }
      }
      return found.has_value();
    });
    return *found;
  }

 private:
  ApiHarness& harness_;
  std::shared_ptr<sys::TlsContext> tls_;
  std::unique_ptr<sys::WebSocketConnecting> connecting_;
  std::unique_ptr<sys::WebSocket> socket_;
  std::vector<wire::ServerFrame> frames_;
  std::optional<Error> refusal_;
  std::optional<sys::WebSocketClosed> closed_;
  bool finished_ = false;
};

// One line in a block of its own, stamped.
Bytes make_line_block(const wire::BlockIdentity& identity, WallTime time, std::string_view body);
wire::BlockChunk whole_block(const wire::BlockIdentity& identity, const Bytes& block);

}  // namespace reeve::server
