#include "collectors/file_source.h"

#include <algorithm>
#include <cctype>

#include "collectors/rotation_names.h"

namespace reeve::collect {

uint64_t fingerprint_of(BytesView bytes, uint64_t seed) {
  for (const char byte : bytes) {
    seed ^= static_cast<unsigned char>(byte);
    seed *= 0x100000001b3;
  }
  return seed;
}

std::string FileSource::written_name() const {
  const size_t name = position.name.rfind('/') + 1;
  const size_t now = path.rfind('/') + 1;
  const bool renamed = std::string_view(path).substr(0, now) == std::string_view(position.name).substr(0, name) &&
                       is_rotation_of(std::string_view(position.name).substr(name), std::string_view(path).substr(now));
  return renamed ? position.name : path;
}

Result<Bytes> read_head(sys::File& file) {
  Bytes head;
  TRY(file.read_at(0, fingerprint_bytes_max, head));
  return head;
}

bool head_agrees(const wire::SourcePosition& position, BytesView head, uint64_t size) {
  return size >= position.offset && head.size() >= position.fingerprint_bytes &&
         (position.fingerprint_bytes == 0 ||
          fingerprint_of(head.substr(0, position.fingerprint_bytes)) == position.fingerprint);
}

void extend_fingerprint(wire::SourcePosition& position, BytesView head) {
  const auto wanted = static_cast<uint32_t>(std::min<uint64_t>({fingerprint_bytes_max, position.offset, head.size()}));
  if (position.fingerprint_bytes >= wanted) return;
  const uint64_t seed = position.fingerprint_bytes > 0 ? position.fingerprint : fingerprint_seed;
  position.fingerprint =
      fingerprint_of(head.substr(position.fingerprint_bytes, wanted - position.fingerprint_bytes), seed);
  position.fingerprint_bytes = wanted;
}

bool tail_agrees(const FileSource& source, sys::File& file) {
  if (source.tail_bytes == 0) return true;  // nothing is known of it since the restart
  Bytes tail;
  const auto got = file.read_at(source.position.offset - source.tail_bytes, source.tail_bytes, tail);
  return got.ok() && *got == source.tail_bytes && fingerprint_of(tail) == source.tail_hash;
}

Result<uint64_t> find_start_near_end(sys::File& file, uint64_t size, uint64_t bytes_max) {
  if (size <= bytes_max) return uint64_t{0};
  // One byte earlier: where a line begins exactly at the place, the newline before it says so.
  uint64_t at = size - bytes_max - 1;
  Bytes chunk;
  while (at < size) {
    chunk.clear();
    const size_t got = TRY(file.read_at(at, std::min<uint64_t>(64_KiB, size - at), chunk));
    if (got == 0) break;
    const size_t line_end = chunk.find('\n');
    if (line_end != Bytes::npos) return at + line_end + 1;
    at += got;
  }
  return std::min(at, size);
}

Result<uint64_t> find_start_of_last_line(sys::File& file, uint64_t size, uint32_t line_bytes_max) {
  const uint64_t from = size > line_bytes_max ? size - line_bytes_max : 0;
  Bytes chunk;
  TRY(file.read_at(from, size - from, chunk));
  const size_t line_end = chunk.rfind('\n');
  if (line_end != Bytes::npos) return from + line_end + 1;
  return from == 0 ? uint64_t{0} : size;  // a longer one is not begun in its middle
}

std::string service_of_path(std::string_view path) {
  constexpr std::string_view log_directory = "/log/";
  if (const size_t log = path.rfind(log_directory); log != std::string_view::npos) {
    const std::string_view below = path.substr(log + log_directory.size());
    const size_t slash = below.find('/');
    if (slash != std::string_view::npos && slash > 0) return std::string(below.substr(0, slash));
  }
  std::string_view name = path.substr(path.rfind('/') + 1);
  const size_t dot = name.find('.', 1);
  name = name.substr(0, dot);
  // "shop-20261121.log" is what rotation makes of "shop.log".
  size_t end = name.size();
  while (end > 1 && (std::isdigit(static_cast<unsigned char>(name[end - 1])) || name[end - 1] == '-')) --end;
  if (end < name.size() && name[end] == '-') name = name.substr(0, end);
  return std::string(name);
}

}  // namespace reeve::collect
