// Byte strings, and the little-endian integers and text encodings that our formats are made of.
//
// Bytes is std::string because everything we stand on (Protobuf, zstd, SQLite, sockets, RE2) takes and gives it without
// a copy. It holds any byte, NUL included; nothing may treat it as text unless it has said why.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace reeve {

using Bytes = std::string;
using BytesView = std::string_view;

constexpr uint64_t operator""_KiB(unsigned long long n) {
  return n << 10;
}
constexpr uint64_t operator""_MiB(unsigned long long n) {
  return n << 20;
}
constexpr uint64_t operator""_GiB(unsigned long long n) {
  return n << 30;
}

// Little-endian, unaligned. The caller guarantees sizeof(T) bytes at `at`.
template <typename T>
T load_le(const char* at) {
  static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "written for little-endian hosts");
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

template <typename T>
void store_le(char* at, T value) {
  std::memcpy(at, &value, sizeof value);
}

template <typename T>
void append_le(Bytes& out, T value) {
  char buffer[sizeof value];
  store_le(buffer, value);
  out.append(buffer, sizeof buffer);
}

// LEB128 of an unsigned integer, at most 10 bytes.
void append_varint(Bytes& out, uint64_t value);

// Takes a varint off the front of `in`; nothing when it is cut or longer than 10 bytes.
std::optional<uint64_t> take_varint(BytesView& in);

// Signed values of small magnitude as small unsigned ones, for varints.
constexpr uint64_t zigzag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}
constexpr int64_t unzigzag(uint64_t value) {
  return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
}

std::string to_hex(BytesView bytes);
std::optional<Bytes> from_hex(std::string_view text);  // an even number of hex digits, either case

std::string to_base64url(BytesView bytes);  // RFC 4648 section 5, without padding
std::optional<Bytes> from_base64url(std::string_view text);

// Makes any bytes safe to print on a terminal or a log line: control bytes and invalid UTF-8 become \xNN.
std::string printable(BytesView bytes, size_t chars_max = 200);

// Makes any bytes valid UTF-8: each byte that is not part of a valid sequence becomes U+FFFD.
std::string to_utf8(BytesView bytes);
bool is_utf8(BytesView bytes);

// Compares without telling by its duration where the two differ; for secrets.
bool equal_constant_time(BytesView a, BytesView b);

}  // namespace reeve
