// See signals.h.
#include "server/doors/signals.h"

#include <algorithm>
#include "common/crypto/digest.h"

namespace reeve::server {

ItemId hash_item_id(std::string_view kind, BytesView text) {
  Bytes all;
  all.reserve(kind.size() + 1 + text.size());
  all.append(kind).push_back('\0');
  all.append(text);
  return *ItemId::from_bytes(BytesView(crypto::sha256(all)).substr(0, 16));
}

std::string_view TextArena::keep(std::string_view text) {
  if (text.empty()) return {};
  if (chunks_.empty() || chunks_.back().capacity() - chunks_.back().size() < text.size()) {
    const size_t room = std::max(chunks_.empty() ? chunk_bytes_first : chunk_bytes, text.size());
    chunks_.emplace_back().reserve(room);
    bytes_ += room;
  }
  std::string& chunk = chunks_.back();
  const size_t at = chunk.size();
  chunk.append(text);
  return std::string_view(chunk).substr(at);
}

uint32_t SignalBatch::add_id(const ItemId& id) {
  ids.push_back(id);
  return static_cast<uint32_t>(ids.size() - 1);
}

Span32 SignalBatch::finish_labels(size_t begin) {
  const auto first = fields.begin() + static_cast<std::ptrdiff_t>(begin);
  const auto by_key = [](const wire::Field& a, const wire::Field& b) { return a.key < b.key; };
  if (!std::is_sorted(first, fields.end(), by_key)) std::stable_sort(first, fields.end(), by_key);
  const auto last =
      std::unique(first, fields.end(), [](const wire::Field& a, const wire::Field& b) { return a.key == b.key; });
  fields.erase(last, fields.end());
  return finish_fields(begin);
}

Span32 SignalBatch::finish_fields(size_t begin) const {
  return {static_cast<uint32_t>(begin), static_cast<uint32_t>(fields.size() - begin)};
}

uint64_t SignalBatch::bytes() const {
  return text.bytes() + fields.size() * sizeof(wire::Field) + logs.size() * sizeof(LogSignal) +
         points.size() * sizeof(PointSignal) + ids.size() * sizeof(ItemId);
}

}  // namespace reeve::server
