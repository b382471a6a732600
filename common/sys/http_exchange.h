// What stands between a handler on any thread and the connection that owes an answer. Inside common/sys only.
//
// A connection makes one Exchange for each request and keeps it until the answer is over. Responder and ResponseStream
// are views on it: they claim it, write into it from any thread and wait here for room; the connection, on the loop's
// thread, takes what was written when the client has room. A connection that dies closes its exchanges, which wakes
// whoever waits; so a handler never waits for a client that is gone.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>

#include "common/sys/http_server.h"

namespace reeve::sys {

// The connection's side of an answer: HTTP/1.1 knows requests by number, HTTP/2 by stream. Loop thread. A call for a
// request that is no longer open does nothing.
class AnswerSink {
 public:
  virtual void on_answer(uint64_t id, HttpResponse response) = 0;
  virtual void on_start(uint64_t id, HttpResponse head) = 0;
  virtual void on_body(uint64_t id) = 0;  // more was written, or it ended, or it was given up
  virtual void on_upgrade(uint64_t id, const WebSocketOptions& options, Responder::OnSocket on_socket) = 0;

 protected:
  ~AnswerSink() = default;
};

class Exchange final : public std::enable_shared_from_this<Exchange> {
 public:
  // `gzip`: the client accepts it, and the server offers it.
  Exchange(Loop& loop, std::weak_ptr<AnswerSink> sink, uint64_t id, bool gzip)
      : loop_(loop), sink_(std::move(sink)), id_(id), gzip_(gzip) {}

  // -- The handler's side; any thread. respond, start and upgrade: the first one counts.
  void respond(HttpResponse response);
  bool answered() const { return answered_; }
  bool start(HttpResponse head);
  void upgrade(const WebSocketOptions& options, Responder::OnSocket on_socket);

  bool try_write(Bytes&& bytes);
  Status write(Bytes&& bytes);
  uint64_t unsent_bytes() const;
  bool gone() const;
  void end();
  void abandon();  // nobody will write or end it any more
  void on_closed(std::function<void()> closed);

  // -- The connection's side; loop thread.
  enum class Then { wait, end, cut };
  struct Piece {
    Bytes bytes;
    Then then = Then::wait;
  };
  // All that was written since, unless what was taken before is still on its way; and what comes after it.
  Piece take();
  void sent();   // what was taken is out of our hands
  void close();  // no more: the answer is over, or the client is gone

 private:
  template <typename Call>
  void tell(Call call, const char* stage);
  void wake();
  void compress(HttpResponse& response) const;

  Loop& loop_;
  const std::weak_ptr<AnswerSink> sink_;
  const uint64_t id_;
  const bool gzip_;
  std::atomic<bool> answered_ = false;

  mutable std::mutex mutex_;
  std::condition_variable room_;
  Bytes waiting_;        // written and not yet taken
  uint64_t handed_ = 0;  // taken and not yet sent
  bool woken_ = false;   // the connection has been told, and has not looked yet
  bool ended_ = false;
  bool abandoned_ = false;
  bool gone_ = false;
  std::function<void()> closed_;
};

// Makes the handle that is given to the handler.
Responder make_responder(std::shared_ptr<Exchange> exchange);

}  // namespace reeve::sys
