// What names, texts, paths and spans of time may be.
#include "common/warrant/proto_impl.h"

namespace reeve::warrant {
namespace {

constexpr int64_t year_9999_ms = 253'402'300'799'999;

bool has_nul(std::string_view text) {
  return text.find('\0') != std::string_view::npos;
}

bool is_plain_path(std::string_view path) {
  if (path.empty() || path[0] != '/' || path.size() > text_bytes_max || has_nul(path)) return false;
  if (path == "/") return true;
  for (size_t at = 0; at < path.size();) {
    const size_t end = std::min(path.find('/', at + 1), path.size());
    const std::string_view part = path.substr(at + 1, end - at - 1);
    if (part.empty() || part == "." || part == "..") return false;
    at = end;
  }
  return true;
}

}  // namespace

void Bounds::name(std::string_view text, const char* complaint) {
  require(!text.empty() && text.size() <= name_bytes_max && !has_nul(text), complaint);
}

void Bounds::text(std::string_view text, const char* complaint) {
  require(text.size() <= text_bytes_max && !has_nul(text), complaint);
}

void Bounds::path(std::string_view text, const char* complaint) {
  require(is_plain_path(text), complaint);
}

void Bounds::size(BytesView bytes, size_t size, const char* complaint) {
  require(bytes.size() == size, complaint);
}

void Bounds::life(int64_t from_ms, int64_t to_ms, int64_t life_ms_max, const char* complaint) {
  require(from_ms >= 0 && to_ms <= year_9999_ms && from_ms < to_ms && to_ms - from_ms <= life_ms_max, complaint);
}

}  // namespace reeve::warrant
