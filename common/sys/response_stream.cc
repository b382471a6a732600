// Answers on their way from a handler's thread to the loop: what was written gathers under a lock, the connection is
// told once, and takes all of it when it looks. So a hundred small writes cost one wake-up.
#include "common/base/check.h"
#include "common/sys/content_coding.h"
#include "common/sys/http_exchange.h"
#include "common/sys/http_text.h"

namespace reeve::sys {
namespace {

constexpr size_t compress_bytes_min = 1_KiB;
constexpr size_t compress_on_loop_bytes_max = 64_KiB;  // about a millisecond
constexpr int compress_level = 3;

bool is_compressible(const HttpResponse& response) {
  if (response.compress != HttpResponse::Compress::by_type) {
    return response.compress == HttpResponse::Compress::always;
  }
  std::string_view type = response.header("Content-Type");
  type = type.substr(0, type.find(';'));
  return equal_ignoring_case(type.substr(0, 5), "text/") || equal_ignoring_case(type, "application/json");
}

}  // namespace

// -- From the handler to the connection ------------------------------------------------------------------------------

// The connection belongs to the loop's thread, and so does its last reference.
template <typename Call>
void Exchange::tell(Call call, const char* stage) {
  if (loop_.on_loop_thread()) {
    if (const auto alive = sink_.lock()) call(*alive);
    return;
  }
  loop_.post(
      [to = sink_, call = std::move(call)]() mutable {
        if (const auto alive = to.lock()) call(*alive);
      },
      stage);
}

// On the handler's thread: the loop's has no time for large ones.
void Exchange::compress(HttpResponse& response) const {
  if (response.body.size() < compress_bytes_min || response.status != 200 || !is_compressible(response)) return;
  if (find_header(response.headers, "Content-Encoding") != nullptr) return;
  if (find_header(response.headers, "ETag") != nullptr) return;  // it names these bytes, not others
  response.headers.push_back({"Vary", "Accept-Encoding"});
  if (!gzip_ || (loop_.on_loop_thread() && response.body.size() > compress_on_loop_bytes_max)) return;
  response.body = gzip(response.body, compress_level);
  response.headers.push_back({"Content-Encoding", "gzip"});
}

void Exchange::respond(HttpResponse response) {
  if (answered_.exchange(true)) return;
  compress(response);
  tell([id = id_, answer = std::move(response)](AnswerSink& sink) mutable { sink.on_answer(id, std::move(answer)); },
       "http answer");
}

bool Exchange::start(HttpResponse head) {
  if (answered_.exchange(true)) return false;
  head.body.clear();
  tell([id = id_, answer = std::move(head)](AnswerSink& sink) mutable { sink.on_start(id, std::move(answer)); },
       "http answer");
  return true;
}

void Exchange::upgrade(const WebSocketOptions& options, Responder::OnSocket on_socket) {
  if (answered_.exchange(true)) return;
  tell([id = id_, options, callback = std::move(on_socket)](
           AnswerSink& sink) mutable { sink.on_upgrade(id, options, std::move(callback)); },
       "http upgrade");
}

// Called with the lock held. Never from here into the connection: the writer may be inside of one of its callbacks.
void Exchange::wake() {
  if (woken_ || gone_) return;
  woken_ = true;
  auto look = [to = sink_, id = id_] {
    if (const auto alive = to.lock()) alive->on_body(id);
  };
  if (loop_.on_loop_thread()) {
    loop_.at_turn_end(std::move(look));
  } else {
    loop_.post(std::move(look), "http body");
  }
}

bool Exchange::try_write(Bytes&& bytes) {
  const std::lock_guard lock(mutex_);
  if (gone_ || ended_ || waiting_.size() + handed_ >= ResponseStream::unsent_bytes_max) return false;
  if (bytes.empty()) return true;
  if (waiting_.empty()) {
    waiting_ = std::move(bytes);
  } else {
    waiting_ += bytes;
  }
  wake();
  return true;
}

Status Exchange::write(Bytes&& bytes) {
  check(!loop_.on_loop_thread(), "the loop's thread never waits for a client");
  while (!try_write(std::move(bytes))) {  // it takes all or nothing
    std::unique_lock lock(mutex_);
    if (ended_) return Error(Code::invalid, "write a response: it has been ended");
    if (gone_) return Error(Code::cancelled, "write a response: the client is gone, or took nothing for too long");
    room_.wait(lock,
               [this] { return gone_ || ended_ || waiting_.size() + handed_ < ResponseStream::unsent_bytes_max; });
  }
  return {};
}

uint64_t Exchange::unsent_bytes() const {
  const std::lock_guard lock(mutex_);
  return waiting_.size() + handed_;
}

bool Exchange::gone() const {
  const std::lock_guard lock(mutex_);
  return gone_;
}

void Exchange::end() {
  const std::lock_guard lock(mutex_);
  if (ended_) return;
  ended_ = true;
  room_.notify_all();
  wake();
}

void Exchange::abandon() {
  const std::lock_guard lock(mutex_);
  if (ended_) return;
  ended_ = abandoned_ = true;
  wake();
}

void Exchange::on_closed(std::function<void()> closed) {
  const std::lock_guard lock(mutex_);
  if (gone_) {
    loop_.post(std::move(closed), "http answer closed");
  } else {
    closed_ = std::move(closed);
  }
}

// -- From the connection to the handler ------------------------------------------------------------------------------

Exchange::Piece Exchange::take() {
  const std::lock_guard lock(mutex_);
  woken_ = false;
  if (abandoned_) return {.bytes = {}, .then = Then::cut};
  if (handed_ > 0) return {};
  Piece piece{.bytes = std::move(waiting_), .then = ended_ ? Then::end : Then::wait};
  waiting_.clear();
  handed_ = piece.bytes.size();
  return piece;
}

void Exchange::sent() {
  const std::lock_guard lock(mutex_);
  handed_ = 0;
  room_.notify_all();
}

void Exchange::close() {
  const std::lock_guard lock(mutex_);
  if (gone_) return;
  gone_ = true;
  waiting_ = Bytes();
  handed_ = 0;
  room_.notify_all();
  if (closed_) loop_.at_turn_end(std::move(closed_));
  closed_ = nullptr;
}

// -- The handler's views ---------------------------------------------------------------------------------------------

struct Responder::State {
  explicit State(std::shared_ptr<Exchange> one) : exchange(std::move(one)) {}
  ~State() {
    if (!exchange->answered()) exchange->respond(make_problem(500, "the request was given up"));
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  const std::shared_ptr<Exchange> exchange;
};

Responder make_responder(std::shared_ptr<Exchange> exchange) {
  return Responder(std::make_shared<Responder::State>(std::move(exchange)));
}

void Responder::respond(HttpResponse response) const {
  state_->exchange->respond(std::move(response));
}

void Responder::upgrade(const WebSocketOptions& options, OnSocket on_socket) const {
  state_->exchange->upgrade(options, std::move(on_socket));
}

struct ResponseStream::State {
  explicit State(std::shared_ptr<Exchange> one) : exchange(std::move(one)) {}
  ~State() {
    if (exchange != nullptr) exchange->abandon();
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  const std::shared_ptr<Exchange> exchange;  // none where the request had its answer already
};

ResponseStream Responder::start(HttpResponse head) const {
  const bool first = state_->exchange->start(std::move(head));
  return ResponseStream(std::make_shared<ResponseStream::State>(first ? state_->exchange : nullptr));
}

bool ResponseStream::try_write(Bytes bytes) const {
  return state_->exchange != nullptr && state_->exchange->try_write(std::move(bytes));
}

Status ResponseStream::write(Bytes bytes) const {
  if (state_->exchange == nullptr) return Error(Code::cancelled, "write a response: the request was answered before");
  return state_->exchange->write(std::move(bytes));
}

uint64_t ResponseStream::unsent_bytes() const {
  return state_->exchange == nullptr ? 0 : state_->exchange->unsent_bytes();
}

bool ResponseStream::gone() const {
  return state_->exchange == nullptr || state_->exchange->gone();
}

void ResponseStream::end() const {
  if (state_->exchange != nullptr) state_->exchange->end();
}

void ResponseStream::on_closed(std::function<void()> closed) const {
  if (state_->exchange != nullptr) state_->exchange->on_closed(std::move(closed));
}

}  // namespace reeve::sys
