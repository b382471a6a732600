// 26 bytes: kind, version, time, commit_id, row, CRC32C of these.
#include "server/query/cursor.h"

#include "common/base/bytes.h"
#include "common/base/crc32c.h"
#include "server/query/logs.h"

namespace reeve::server {

namespace {

constexpr uint8_t cursor_version = 1;
constexpr size_t body_bytes = 2 + 8 + 8 + 4;
constexpr size_t cursor_bytes = body_bytes + 4;

}  // namespace

std::string format_cursor(CursorKind kind, const Cursor& cursor) {
  Bytes bytes;
  append_le(bytes, static_cast<uint8_t>(kind));
  append_le(bytes, cursor_version);
  append_le(bytes, cursor.time.ns);
  append_le(bytes, cursor.commit_id);
  append_le(bytes, cursor.row);
  append_le(bytes, crc32c(bytes));
  return to_base64url(bytes);
}

Result<Cursor> parse_cursor(CursorKind kind, std::string_view text) {
  const Error refused(Code::invalid, "the cursor is none that this route gave: " + printable(text, 64));
  if (text.size() > cursor_chars_max) return refused;
  const std::optional<Bytes> bytes = from_base64url(text);
  if (!bytes || bytes->size() != cursor_bytes) return refused;
  const char* at = bytes->data();
  if (load_le<uint32_t>(at + body_bytes) != crc32c(BytesView(*bytes).substr(0, body_bytes))) return refused;
  if (load_le<uint8_t>(at) != static_cast<uint8_t>(kind) || load_le<uint8_t>(at + 1) != cursor_version) return refused;
  return Cursor{WallTime{load_le<int64_t>(at + 2)}, load_le<uint64_t>(at + 10), load_le<uint32_t>(at + 18)};
}

}  // namespace reeve::server
