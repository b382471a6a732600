// The audit in org.db: its entries, the Merkle tree over them and its signed checkpoints.
//
// Every entry of every verb goes through append_audit, which writes leaf and nodes in the same transaction. Functions
// over a connection; those that write belong inside the caller's transaction.
#pragma once

#include <vector>

#include "common/base/result.h"
#include "server/store/accounts.h"
#include "server/store/audit_tree.h"
#include "server/store/sqlite.h"

namespace reeve::server {

constexpr const char* number_last_audit = "last_audit_id";
constexpr uint64_t audit_copy_step = 64;

Result<uint64_t> append_audit(Database& database, const AuditEntry& entry);  // gives its id
Result<std::vector<AuditEntry>> list_audit(Database& database, const AuditQuery& query);

// What a file of an older release needs: whether there are entries and no leaf, and the leaves of all of them.
Result<bool> lacks_audit_tree(Database& database);
Status make_audit_tree(Database& database);

Result<AuditTree> read_audit_tree(Database& database);
Result<AuditSlice> read_audit_slice(Database& database, uint64_t from, size_t count);
Result<std::vector<warrant::Hash>> read_audit_subtrees(Database& database, uint64_t size);
Result<std::vector<warrant::Hash>> prove_audit_from(Database& database, uint64_t old_size, uint64_t size);

Status save_checkpoint(Database& database, const AuditCheckpoint& checkpoint);
Result<AuditCheckpoint> find_newest_checkpoint(Database& database);

}  // namespace reeve::server
