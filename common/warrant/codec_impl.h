// The one encoding of what is signed: Protobuf's wire format with no freedom left.
//
// A message is described once, field by field in ascending order, by a template `describe(codec, value)`. The Encoder
// writes it; the Decoder takes the very same fields and refuses whatever the Encoder would not have written: another
// order, a field twice, a default spelt out, a longer varint, a field that is not described, a value beyond its bounds.
// So encode(decode(bytes)) == bytes needs no second look. proto/*.proto say the same to other languages, and a test
// compares the two.
//
// For the .cc files of common/warrant alone.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/warrant/envelope.h"
#include "common/warrant/step.h"

namespace reeve::warrant {

// The described type, const where it is written and not where it is read.
template <typename Value, typename T>
concept Of = std::same_as<std::remove_const_t<Value>, T>;

// What a field of bytes or text may hold.
struct Size {
  size_t min = 0;
  size_t max = 0;
  bool text = false;  // UTF-8 without NUL
};
constexpr Size name_size{1, name_bytes_max, true};
constexpr Size text_size{0, text_bytes_max, true};
constexpr Size exactly(size_t bytes) {
  return {bytes, bytes};
}
constexpr Size hash_size = exactly(32);
constexpr Size plan_id_size = exactly(16);

constexpr int64_t time_ms_max = 253'402'300'799'999;  // the year 9999
constexpr const char* bad_time = "a time is before 1970, or after 9999";

// Absolute, with no empty, "." or ".." component.
bool is_plain_path(std::string_view path);

class Encoder {
 public:
  template <typename T>
  void number(uint32_t tag, T value, uint64_t, uint64_t, const char*) {
    if (value != T{}) write(tag, static_cast<uint64_t>(value));
  }
  void time(uint32_t tag, int64_t value) { signed_number(tag, value); }
  template <typename T>
  void signed_number(uint32_t tag, T value) {
    if (value != 0) write(tag, zigzag(value));
  }
  void bytes(uint32_t tag, BytesView value, Size, const char*) {
    if (!value.empty()) write_bytes(tag, value);
  }
  void list(uint32_t tag, const std::vector<Bytes>& values, Size, size_t, const char*) {
    for (const Bytes& each : values) write_bytes(tag, each);
  }
  template <typename T>
  void messages(uint32_t tag, const std::vector<T>& values, size_t, const char*) {
    for (const T& each : values) message(tag, each);
  }
  template <typename T>
  void message(uint32_t tag, const T& value) {
    Encoder inner;
    describe(inner, value);
    write_bytes(tag, inner.out_);
  }
  template <typename T>
  void message(uint32_t tag, const std::optional<T>& value) {
    if (value) message(tag, *value);
  }
  // The alternative's index + 1 is its tag.
  template <typename... Alternatives>
  void choice(const std::variant<Alternatives...>& value) {
    std::visit([&](const auto& each) { message(static_cast<uint32_t>(value.index() + 1), each); }, value);
  }
  void text_or_number(uint32_t tag, const Action::Value& value, const char*) {
    if (const auto* text = std::get_if<std::string>(&value)) return write_bytes(tag, *text);
    write(tag + 1, zigzag(std::get<int64_t>(value)));
  }
  void numbers(uint32_t tag, const std::vector<uint32_t>& values, size_t, uint32_t, const char*) {
    Bytes packed;
    for (const uint32_t each : values) append_varint(packed, each);
    bytes(tag, packed, {}, "");
  }
  void require(bool, const char*) {}
  Bytes take() { return std::move(out_); }

 private:
  void write(uint32_t tag, uint64_t value) {
    append_varint(out_, tag << 3);
    append_varint(out_, value);
  }
  void write_bytes(uint32_t tag, BytesView value) {
    append_varint(out_, tag << 3 | 2);
    append_varint(out_, value.size());
    out_.append(value);
  }

  Bytes out_;
};

class Decoder {
 public:
  explicit Decoder(BytesView bytes) : left_(bytes) {}

  template <typename T>
  void number(uint32_t tag, T& value, uint64_t min, uint64_t max, const char* complaint) {
    const uint64_t read = take_number(tag);
    if (read < min || read > max) return fail(complaint);
    value = static_cast<T>(read);
  }
  void time(uint32_t tag, int64_t& value) {
    value = unzigzag(take_number(tag));
    require(value >= 0 && value <= time_ms_max, bad_time);
  }
  template <typename T>
  void signed_number(uint32_t tag, T& value) {
    const int64_t read = unzigzag(take_number(tag));
    value = static_cast<T>(read);
    require(value == read, "a number is too large");
  }
  void bytes(uint32_t tag, Bytes& value, Size size, const char* complaint) {
    if (next_is(tag << 3 | 2)) {
      value = take_bytes();
      require(!value.empty(), "a default is spelt out");
    }
    look(value, size, complaint);
  }
  void list(uint32_t tag, std::vector<Bytes>& values, Size size, size_t count_max, const char* complaint) {
    while (next_is(tag << 3 | 2)) {
      values.emplace_back(take_bytes());
      look(values.back(), size, complaint);
      require(values.size() <= count_max, complaint);
    }
  }
  template <typename T>
  void messages(uint32_t tag, std::vector<T>& values, size_t count_max, const char* complaint) {
    while (next_is(tag << 3 | 2)) {
      inside(values.emplace_back());
      require(values.size() <= count_max, complaint);
    }
  }
  template <typename T>
  void message(uint32_t tag, T& value) {
    if (!next_is(tag << 3 | 2)) return fail("a part is missing");
    inside(value);
  }
  template <typename T>
  void message(uint32_t tag, std::optional<T>& value) {
    if (next_is(tag << 3 | 2)) inside(value.emplace());
  }
  template <typename... Alternatives>
  void choice(std::variant<Alternatives...>& value) {
    const bool found = take_choice(value, std::index_sequence_for<Alternatives...>());
    require(found, "a part is missing, or of a kind from the future");
  }
  void text_or_number(uint32_t tag, Action::Value& value, const char* complaint) {
    if (next_is(tag << 3 | 2)) {
      look(value.emplace<std::string>(take_bytes()), text_size, complaint);
    } else {
      require(next_is((tag + 1) << 3), complaint);
      value = unzigzag(take_varint_strictly());
    }
  }
  void numbers(uint32_t tag, std::vector<uint32_t>& values, size_t count, uint32_t max, const char* complaint) {
    if (!next_is(tag << 3 | 2)) return fail(complaint);
    Decoder inner(take_bytes());
    while (!inner.left_.empty() && values.size() < count) {
      const uint64_t each = inner.take_varint_strictly();
      require(each <= max, complaint);
      values.push_back(static_cast<uint32_t>(each));
    }
    inner.finish();
    require(inner.ok() && values.size() == count, complaint);
  }
  void require(bool holds, const char* complaint) {
    if (!holds) fail(complaint);
  }

  bool ok() const { return complaint_ == nullptr; }
  const char* complaint() const { return complaint_; }
  void finish() { require(left_.empty(), "something is left that does not belong here"); }

 private:
  void fail(const char* complaint) {
    if (ok()) complaint_ = complaint;
    left_ = {};
  }
  // Takes the key of the next field if it is this one, in its shortest spelling.
  bool next_is(uint32_t key) {
    Bytes spelt;
    append_varint(spelt, key);
    if (!left_.starts_with(spelt)) return false;
    left_.remove_prefix(spelt.size());
    return true;
  }
  uint64_t take_varint_strictly() {
    const size_t before = left_.size();
    const std::optional<uint64_t> value = take_varint(left_);
    Bytes shortest;
    append_varint(shortest, value.value_or(0));
    if (value && before - left_.size() == shortest.size()) return *value;
    fail("a number is cut, or longer than it need be");
    return 0;
  }
  // The field's value, or 0 where it is absent.
  uint64_t take_number(uint32_t tag) {
    if (!next_is(tag << 3)) return 0;
    const uint64_t value = take_varint_strictly();
    require(value != 0, "a default is spelt out");
    return value;
  }
  BytesView take_bytes() {
    const uint64_t size = take_varint_strictly();
    if (size > left_.size()) {
      fail("it is cut");
      return {};
    }
    const BytesView taken = left_.substr(0, size);
    left_.remove_prefix(size);
    return taken;
  }
  template <typename T>
  void inside(T& value) {
    Decoder inner(take_bytes());
    describe(inner, value);
    inner.finish();
    if (!inner.ok()) fail(inner.complaint_);
  }
  template <typename Variant, size_t... indexes>
  bool take_choice(Variant& value, std::index_sequence<indexes...>) {
    return ((next_is((indexes + 1) << 3 | 2) && (inside(value.template emplace<indexes>()), true)) || ...);
  }
  void look(BytesView value, Size size, const char* complaint) {
    const bool sized = value.size() >= size.min && value.size() <= size.max;
    require(sized && (!size.text || (is_utf8(value) && value.find('\0') == BytesView::npos)), complaint);
  }

  BytesView left_;
  const char* complaint_ = nullptr;
};

template <typename T>
Bytes encode_value(const T& value) {
  Encoder encoder;
  describe(encoder, value);
  return encoder.take();
}

template <typename T>
Result<T> decode_value(BytesView bytes, size_t bytes_max, const char* noun) {
  if (bytes.size() > bytes_max) {
    return Error(Code::invalid, std::string(noun) + ": " + std::to_string(bytes.size()) + " bytes; at most " +
                                    std::to_string(bytes_max) + " are allowed");
  }
  Decoder decoder(bytes);
  T value{};
  describe(decoder, value);
  decoder.finish();
  if (!decoder.ok()) return Error(Code::invalid, std::string(noun) + ": " + decoder.complaint());
  return value;
}

// -- What several messages share --------------------------------------------------------------------------------------

template <typename Codec>
void describe_schema(Codec& codec) {
  uint32_t schema = 1;
  codec.number(1, schema, 1, 1, "it is of another schema");
}

// Both ends of a span of time: from < to <= from + life.
template <typename Codec, typename Time>
void describe_life(Codec& codec, uint32_t tag, Time& from_ms, Time& to_ms, int64_t life_ms_max, const char* complaint) {
  codec.time(tag, from_ms);
  codec.time(tag + 1, to_ms);
  codec.require(from_ms < to_ms && to_ms - from_ms <= life_ms_max, complaint);
}

template <typename Codec, Of<Signature> Value>
void describe(Codec& codec, Value& signature) {
  codec.bytes(1, signature.key_id, hash_size, "a key id has not 32 bytes");
  codec.bytes(2, signature.signature, exactly(crypto::signature_bytes), "a signature has not 64 bytes");
}

// An environment variable, and an action's argument.
template <typename Codec, Of<std::pair<std::string, std::string>> Value>
void describe(Codec& codec, Value& variable) {
  codec.bytes(1, variable.first, name_size, "an environment variable's name is not 1 to 256 bytes");
  codec.require(variable.first.find('=') == std::string::npos, "an environment variable's name holds \"=\"");
  codec.bytes(2, variable.second, text_size, "an environment variable is longer than 4096 bytes");
}
template <typename Codec, Of<std::pair<std::string, Action::Value>> Value>
void describe(Codec& codec, Value& argument) {
  codec.bytes(1, argument.first, name_size, "an argument's name is not 1 to 256 bytes");
  codec.text_or_number(2, argument.second, "an argument is neither a number nor a text of at most 4096 bytes");
}

bool is_printable(std::string_view text);
bool are_distinct(const std::vector<Signature>& signatures);

template <typename Codec, Of<Envelope> Value>
void describe(Codec& codec, Value& envelope) {
  codec.bytes(1, envelope.payload_type, {1, 128}, "the payload type is not 1 to 128 printable characters");
  codec.require(is_printable(envelope.payload_type), "the payload type is not 1 to 128 printable characters");
  codec.bytes(2, envelope.payload, {0, payload_bytes_max}, "the payload is longer than 40 KiB");
  codec.messages(3, envelope.signatures, signatures_max, "not 1 to 16 signatures");
  codec.require(!envelope.signatures.empty(), "not 1 to 16 signatures");
  codec.require(are_distinct(envelope.signatures), "a signature stands in it twice");
}

}  // namespace reeve::warrant
