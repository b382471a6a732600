// Between our structs and their Protobuf messages, for the .cc files of common/warrant alone.
#pragma once

#include <string>
#include <utility>

#include "common/base/result.h"
#include "common/warrant/messages.h"
#include "proto/trust.pb.h"
#include "proto/warrant.pb.h"

namespace reeve::warrant {

// Looks at one decoded value; keeps the first thing that is wrong with it.
class Bounds {
 public:
  void require(bool holds, const char* complaint) {
    if (!holds && complaint_.empty()) complaint_ = complaint;
  }
  void name(std::string_view text, const char* complaint);         // 1 to name_bytes_max bytes, no NUL
  void text(std::string_view text, const char* complaint);         // at most text_bytes_max bytes, no NUL
  void path(std::string_view text, const char* complaint);         // absolute, plain components
  void size(BytesView bytes, size_t size, const char* complaint);  // exactly
  void life(int64_t from_ms, int64_t to_ms, int64_t life_ms_max, const char* complaint);  // from < to <= from + max
  const std::string& complaint() const { return complaint_; }

 private:
  std::string complaint_;
};

// The one way foreign bytes become a value: parse, encode again, require the same bytes, look at the bounds.
template <typename T, typename Proto>
Result<T> decode_strictly(BytesView bytes, size_t bytes_max, const char* noun, T (*from_proto)(const Proto&),
                          void (*look)(const T&, Bounds&)) {
  const auto bad = [noun](const std::string& what) { return Error(Code::invalid, std::string(noun) + ": " + what); };
  if (bytes.size() > bytes_max) {
    return bad(std::to_string(bytes.size()) + " bytes; at most " + std::to_string(bytes_max) + " are allowed");
  }
  Proto proto;
  if (!proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return bad("not such a message");
  T value = from_proto(proto);
  if (encode(value) != bytes) return bad("not the one encoding of what it says");
  Bounds bounds;
  look(value, bounds);
  if (!bounds.complaint().empty()) return bad(bounds.complaint());
  return value;
}

void fill(proto::Envelope& out, const Envelope& envelope);
Envelope from_proto(const proto::Envelope& proto);
void look(const Envelope& envelope, Bounds& bounds);

void fill(proto::TrustUpdate& out, const TrustUpdate& update);
TrustUpdate from_proto(const proto::TrustUpdate& proto);

}  // namespace reeve::warrant
