// Making, writing and reading UUIDs.
#include "common/base/ids.h"

#include <algorithm>

namespace reeve {

namespace {

void set_version(Uuid& id, uint8_t version) {
  id.bytes[6] = static_cast<uint8_t>((id.bytes[6] & 0x0f) | version << 4);
  id.bytes[8] = static_cast<uint8_t>((id.bytes[8] & 0x3f) | 0x80);
}

}  // namespace

std::optional<Uuid> Uuid::from_bytes(BytesView view) {
  if (view.size() != 16) return std::nullopt;
  Uuid id;
  std::copy(view.begin(), view.end(), id.bytes.begin());
  return id;
}

Uuid make_uuid_v4(Random& random) {
  Uuid id = *Uuid::from_bytes(random.bytes(16));
  set_version(id, 4);
  return id;
}

Uuid make_uuid_v7(WallTime now, Random& random) {
  Uuid id = *Uuid::from_bytes(random.bytes(16));
  const auto ms = static_cast<uint64_t>(now.ns / 1'000'000);
  for (size_t i = 0; i < 6; ++i) id.bytes[i] = static_cast<uint8_t>(ms >> (40 - 8 * i));
  set_version(id, 7);
  return id;
}

std::string to_string(const Uuid& id) {
  std::string text = to_hex(id.view());
  for (size_t at : {20, 16, 12, 8}) text.insert(at, 1, '-');
  return text;
}

std::optional<Uuid> parse_uuid(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  std::string digits;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash_place = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash_place != (text[i] == '-')) return std::nullopt;
    if (!dash_place) digits.push_back(text[i]);
  }
  const std::optional<Bytes> bytes = from_hex(digits);
  if (!bytes) return std::nullopt;
  return Uuid::from_bytes(*bytes);
}

}  // namespace reeve
