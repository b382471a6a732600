// One request's body on its way from the connection to memory, or to a sink: decoded where it is coded, bounded at what
// comes out. Inside common/sys only.
//
// It works in steps of step_bytes of plain bytes; where more is due it pauses, and asks to be called again in a later
// turn, so that a body that decodes to a thousand times its size does not hold the loop.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "common/sys/content_coding.h"
#include "common/sys/http_server.h"

namespace reeve::sys {

class RequestBody {
 public:
  static constexpr size_t step_bytes = 256_KiB;

  // None where the body should be gathered as it is. An error is what the request is refused with. A body that is
  // decoded loses its Content-Encoding in `head`. `resume` is called on the loop's thread when a pause may be over.
  static std::optional<HttpError> make(const HttpServerOptions& options, Loop& loop, HttpRequest& head,
                                       std::function<void()> resume, std::unique_ptr<RequestBody>& made);

  // The next piece; and once more, empty, whenever `resume` was called. While paused, give it nothing.
  std::optional<HttpError> put(BytesView piece);
  bool paused() const { return paused_; }
  uint64_t held_bytes() const { return plain_.size() + coded_.size(); }
  // The last piece has been put, and it is not paused.
  std::optional<HttpError> finish(HttpRequest& request);

 private:
  explicit RequestBody(Loop& loop) : loop_(loop) {}
  std::optional<HttpError> hand_on(BytesView plain);

  Loop& loop_;
  std::function<void()> resume_;
  std::unique_ptr<ContentDecoder> decoder_;  // none where it comes plain
  std::shared_ptr<BodySink> sink_;           // none where it is gathered
  uint64_t plain_bytes_max_ = 0;
  uint64_t plain_bytes_ = 0;
  Bytes coded_;  // of the last piece, not yet decoded
  Bytes plain_;
  bool any_ = false;  // of it has come
  bool paused_ = false;
};

}  // namespace reeve::sys
