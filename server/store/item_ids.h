// The ids of items that programs pushed, in a day's file: each lies beside its block, and in a table to find it by.
//
// A block's row carries its ids, so whatever becomes of the file, they share the block's fate; the table only finds
// them, and is made from the rows. An id counts where its block is in the index: the caller asks that.
//
// Functions over a connection. Those that write belong inside the caller's transaction.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "common/base/result.h"
#include "server/store/sqlite.h"
#include "server/store/store.h"

namespace reeve::server {

// All ids of a block as one blob, and back. Nothing where its size is not a multiple of an id's.
Bytes join_item_ids(std::span<const ItemId> ids);
std::optional<std::vector<ItemId>> split_item_ids(BytesView joined);

// A later block takes an id over.
Status insert_item_ids(Database& database, uint64_t commit_id, std::span<const ItemId> ids);

struct FoundItem {
  ItemId id;
  uint64_t commit_id = 0;
};
Result<std::vector<FoundItem>> find_item_ids(Database& database, std::span<const ItemId> ids);

}  // namespace reeve::server
