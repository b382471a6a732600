// The audit's statements.
#include "server/store/audit_log.h"

#include <algorithm>
#include <array>

#include "server/store/account_rules.h"
#include "server/store/block_index.h"

namespace reeve::server {

namespace {

using warrant::Hash;

#define AUDIT_COLUMNS "id, time, actor_kind, actor_id, actor_name, action, target, detail, request_id, peer"

AuditEntry read_entry(const Statement& row) {
  return {.id = row.count(0),
          .time = row.time(1),
          .actor_kind = row.bytes(2),
          .actor_id = row.bytes(3),
          .actor_name = row.bytes(4),
          .action = row.bytes(5),
          .target = row.bytes(6),
          .detail = row.bytes(7),
          .request_id = row.bytes(8),
          .peer = row.bytes(9)};
}

Result<Hash> find_node(Database& database, uint32_t level, uint64_t position) {
  Statement select =
      TRY(level == 0 ? database.prepare("find a leaf of the audit", "SELECT hash FROM audit_leaves WHERE leaf = ?1")
                     : database.prepare("find a node of the audit",
                                        "SELECT hash FROM audit_nodes WHERE position = ?1 AND level = ?2"));
  level == 0 ? select.bind(position) : select.bind(position, level);
  const bool found = TRY(select.step());
  if (found) return select.bytes(0);
  return Error(Code::not_found,
               "the audit's tree has no node " + std::to_string(position) + " of level " + std::to_string(level));
}

AuditNodeAt nodes_of(Database& database) {
  return [&database](uint32_t level, uint64_t position) { return find_node(database, level, position); };
}

struct LastLeaf {
  uint64_t size = 0;
  uint64_t entry = 0;
};

Result<LastLeaf> find_last_leaf(Database& database) {
  Statement select = TRY(database.prepare("find the newest leaf of the audit",
                                          "SELECT leaf, entry FROM audit_leaves ORDER BY leaf DESC LIMIT 1"));
  const bool found = TRY(select.step());
  if (!found) return LastLeaf();
  return LastLeaf{.size = select.count(0) + 1, .entry = select.count(1)};
}

Status save_leaf(Database& database, uint64_t leaf, const AuditEntry& entry, const AuditNodeAt& node_at) {
  const Hash hash = warrant::leaf_hash(audit_leaf(entry));
  {
    Statement write = TRY(database.prepare("add a leaf to the audit",
                                           "INSERT INTO audit_leaves (leaf, entry, hash) VALUES (?1, ?2, ?3)"));
    write.bind(leaf, entry.id, Blob{hash});
    TRY(write.run());
  }
  const std::vector<AuditNode> nodes = TRY(nodes_above(leaf, hash, node_at));
  for (const AuditNode& node : nodes) {
    Statement write = TRY(database.prepare("add a node to the audit",
                                           "INSERT INTO audit_nodes (level, position, hash) VALUES (?1, ?2, ?3)"));
    write.bind(node.level, node.position, Blob{node.hash});
    TRY(write.run());
  }
  return {};
}

Status append_numbered(Database& database, uint64_t leaf, const AuditEntry& entry) {
  {
    Statement write =
        TRY(database.prepare("append to the audit",
                             "INSERT INTO audit (" AUDIT_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"));
    write.bind(entry.id, entry.time, entry.actor_kind, entry.actor_id, entry.actor_name, entry.action, entry.target,
               entry.detail, entry.request_id, entry.peer);
    TRY(write.run());
  }
  return save_leaf(database, leaf, entry, nodes_of(database));
}

}  // namespace

// -- Entries ---------------------------------------------------------------------------------------------------------

Result<uint64_t> append_audit(Database& database, const AuditEntry& entry) {
  const bool lacks_tree = TRY(lacks_audit_tree(database));
  if (lacks_tree) TRY(make_audit_tree(database));
  LastLeaf last = TRY(find_last_leaf(database));
  const auto number = static_cast<uint64_t>(TRY(read_number(database, number_last_audit)));
  AuditEntry numbered = entry;
  numbered.id = std::max(number, last.entry) + 1;
  if (last.size > 0 && numbered.id > last.entry + 1) {
    TRY(append_numbered(database, last.size++, skipped_numbers(last.entry, numbered)));
    ++numbered.id;
  }
  TRY(append_numbered(database, last.size, numbered));
  if (numbered.id > audit_entries_max) {
    Statement forget = TRY(database.prepare("forget the oldest of the audit", "DELETE FROM audit WHERE id <= ?1"));
    forget.bind(numbered.id - audit_entries_max);
    TRY(forget.run());
  }
  TRY(write_number(database, number_last_audit, static_cast<int64_t>(numbered.id)));
  return numbered.id;
}

Result<std::vector<AuditEntry>> list_audit(Database& database, const AuditQuery& query) {
  Statement select = TRY(database.prepare("list the audit", "SELECT " AUDIT_COLUMNS R"sql( FROM audit
      WHERE id < ?1 AND time >= ?2 AND time < ?3 AND (?4 = '' OR action = ?4) ORDER BY id DESC LIMIT ?5)sql"));
  select.bind(query.before_id, query.from, query.to, query.action, query.limit);
  std::vector<AuditEntry> entries;
  while (TRY(select.step())) entries.push_back(read_entry(select));
  return entries;
}

// -- The tree --------------------------------------------------------------------------------------------------------

Result<bool> lacks_audit_tree(Database& database) {
  const int64_t lacks = TRY(database.query_integer(
      "look for the audit's tree", "SELECT NOT EXISTS (SELECT 1 FROM audit_leaves) AND EXISTS (SELECT 1 FROM audit)"));
  return lacks != 0;
}

Status make_audit_tree(Database& database) {
  // The newest node of each level: the only ones that the next leaf may need.
  std::array<Hash, warrant::proof_hashes_max> newest{};
  const AuditNodeAt node_at = [&newest](uint32_t level, uint64_t) -> Result<Hash> { return newest[level]; };
  Statement erase = TRY(database.prepare("make the audit's tree", "DELETE FROM audit_nodes"));
  TRY(erase.run());
  Statement select = TRY(database.prepare("make the audit's tree", "SELECT " AUDIT_COLUMNS " FROM audit ORDER BY id"));
  for (uint64_t leaf = 0; TRY(select.step()); ++leaf) {
    const AuditEntry entry = read_entry(select);
    TRY(save_leaf(database, leaf, entry, node_at));
    const Hash hash = warrant::leaf_hash(audit_leaf(entry));
    const std::vector<AuditNode> nodes = TRY(nodes_above(leaf, hash, node_at));
    newest[0] = hash;
    for (const AuditNode& node : nodes) newest[node.level] = node.hash;
  }
  return {};
}

// Entries' ids ascend with their leaves, so the first that must be there is found by halving.
Result<AuditTree> read_audit_tree(Database& database) {
  const LastLeaf last = TRY(find_last_leaf(database));
  AuditTree tree{.size = last.size, .first_kept = 0, .last_entry = last.entry};
  if (last.entry <= audit_entries_max) return tree;
  uint64_t low = 0;
  uint64_t high = last.size - 1;  // the last one's entry is there
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    Statement select = TRY(database.prepare("find a leaf's entry", "SELECT entry FROM audit_leaves WHERE leaf = ?1"));
    select.bind(middle);
    const bool found = TRY(select.step());
    if (found && select.count(0) > last.entry - audit_entries_max) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  tree.first_kept = low;
  return tree;
}

Result<AuditSlice> read_audit_slice(Database& database, uint64_t from, size_t count) {
  AuditSlice slice;
  int64_t before = INT64_MIN;  // the id of the leaf before
  {
    Statement select = TRY(database.prepare("read leaves of the audit", R"sql(
        SELECT leaf, entry, hash FROM audit_leaves WHERE leaf >= ?1 ORDER BY leaf LIMIT ?2)sql"));
    const bool with_one_before = from > 0;
    select.bind(with_one_before ? from - 1 : from, with_one_before ? count + 1 : count);
    while (TRY(select.step())) {
      if (select.count(0) < from) {
        before = select.integer(1);
      } else {
        slice.leaves.push_back({.leaf = select.count(0), .entry_id = select.count(1), .hash = select.bytes(2)});
      }
    }
  }
  if (!slice.leaves.empty()) {
    Statement select = TRY(database.prepare("read entries of the audit", "SELECT " AUDIT_COLUMNS R"sql( FROM audit
        WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3)sql"));
    select.bind(before, slice.leaves.back().entry_id, count + audit_strays_max);
    auto leaf = slice.leaves.begin();
    while (TRY(select.step())) {
      AuditEntry entry = read_entry(select);
      while (leaf != slice.leaves.end() && leaf->entry_id < entry.id) ++leaf;
      if (leaf != slice.leaves.end() && leaf->entry_id == entry.id) {
        leaf->entry = std::move(entry);
      } else {
        slice.strays.push_back(std::move(entry));
      }
    }
  }
  if (slice.leaves.size() == count) return slice;
  Statement select = TRY(database.prepare("look behind the audit's end", "SELECT " AUDIT_COLUMNS R"sql( FROM audit
      WHERE id > (SELECT entry FROM audit_leaves ORDER BY leaf DESC LIMIT 1) ORDER BY id LIMIT ?1)sql"));
  select.bind(audit_strays_max);
  while (TRY(select.step())) slice.strays.push_back(read_entry(select));
  return slice;
}

namespace {

Status check_tree_has(Database& database, uint64_t size) {
  const LastLeaf last = TRY(find_last_leaf(database));
  return check_audit_size(size, last.size);
}

}  // namespace

Result<std::vector<Hash>> read_audit_subtrees(Database& database, uint64_t size) {
  TRY(check_tree_has(database, size));
  return perfect_subtrees(size, nodes_of(database));
}

Result<std::vector<Hash>> prove_audit_from(Database& database, uint64_t old_size, uint64_t size) {
  TRY(check_tree_has(database, size));
  return prove_from_nodes(old_size, size, nodes_of(database));
}

// -- Checkpoints -----------------------------------------------------------------------------------------------------

Status save_checkpoint(Database& database, const AuditCheckpoint& checkpoint) {
  {
    Statement replace = TRY(database.prepare("replace a checkpoint", R"sql(
        DELETE FROM audit_checkpoints WHERE size = ?1 AND root = ?2
          AND id = (SELECT max(id) FROM audit_checkpoints))sql"));
    replace.bind(checkpoint.size, Blob{checkpoint.root});
    TRY(replace.run());
  }
  Statement write = TRY(database.prepare(
      "save a checkpoint", "INSERT INTO audit_checkpoints (size, root, time, envelope) VALUES (?1, ?2, ?3, ?4)"));
  write.bind(checkpoint.size, Blob{checkpoint.root}, checkpoint.time, Blob{checkpoint.envelope});
  TRY(write.run());
  Statement forget = TRY(database.prepare("forget the oldest checkpoints", R"sql(
      DELETE FROM audit_checkpoints WHERE id <= (SELECT max(id) FROM audit_checkpoints) - ?1)sql"));
  forget.bind(audit_checkpoints_max);
  return forget.run();
}

Result<AuditCheckpoint> find_newest_checkpoint(Database& database) {
  Statement select =
      TRY(database.prepare("find the newest checkpoint",
                           "SELECT size, root, time, envelope FROM audit_checkpoints ORDER BY id DESC LIMIT 1"));
  const bool found = TRY(select.step());
  if (!found) return no_checkpoint();
  return AuditCheckpoint{
      .size = select.count(0), .root = select.bytes(1), .time = select.time(2), .envelope = select.bytes(3)};
}

}  // namespace reeve::server
