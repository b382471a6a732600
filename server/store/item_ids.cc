// See item_ids.h.
#include "server/store/item_ids.h"

namespace reeve::server {
namespace {

constexpr size_t id_bytes = 16;

}  // namespace

Bytes join_item_ids(std::span<const ItemId> ids) {
  Bytes joined;
  joined.reserve(ids.size() * id_bytes);
  for (const ItemId& id : ids) joined.append(id.view());
  return joined;
}

std::optional<std::vector<ItemId>> split_item_ids(BytesView joined) {
  if (joined.size() % id_bytes != 0) return std::nullopt;
  std::vector<ItemId> ids;
  ids.reserve(joined.size() / id_bytes);
  for (; !joined.empty(); joined.remove_prefix(id_bytes))
    ids.push_back(*ItemId::from_bytes(joined.substr(0, id_bytes)));
  return ids;
}

Status insert_item_ids(Database& database, uint64_t commit_id, std::span<const ItemId> ids) {
  if (ids.empty()) return {};
  Statement insert = TRY(database.prepare("remember an item's id", R"sql(
      INSERT INTO item_ids (id, commit_id) VALUES (?1, ?2)
      ON CONFLICT (id) DO UPDATE SET commit_id = excluded.commit_id)sql"));
  for (const ItemId& id : ids) {
    insert.bind(id, commit_id);
    TRY(insert.run());
    insert.reset();
  }
  return {};
}

Result<std::vector<FoundItem>> find_item_ids(Database& database, std::span<const ItemId> ids) {
  Statement select = TRY(database.prepare("find an item's id", "SELECT commit_id FROM item_ids WHERE id = ?1"));
  std::vector<FoundItem> found;
  for (const ItemId& id : ids) {
    select.bind(id);
    const bool known = TRY(select.step());
    if (known) found.push_back({id, select.count(0)});
    select.reset();
  }
  return found;
}

}  // namespace reeve::server
