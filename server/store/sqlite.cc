// The one place where SQLite's result codes become ours.
#include "server/store/sqlite.h"

#include <sqlite3.h>

#include "server/store/checksum_vfs.h"

namespace reeve::server {

namespace {

Code code_of(int code) {
  if (code == SQLITE_IOERR_DATA || code == SQLITE_IOERR_CORRUPTFS) return Code::corrupt;
  if (code == SQLITE_IOERR_SHMSIZE || code == SQLITE_IOERR_NOMEM) return Code::exhausted;
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_SCHEMA:
    case SQLITE_FORMAT:
      return Code::corrupt;
    case SQLITE_FULL:
    case SQLITE_NOMEM:
      return Code::exhausted;
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_READONLY:
      return Code::denied;
    case SQLITE_CONSTRAINT:
    case SQLITE_TOOBIG:
    case SQLITE_MISMATCH:
    case SQLITE_RANGE:
      return Code::invalid;
    case SQLITE_INTERRUPT:
    case SQLITE_ABORT:
      return Code::cancelled;
    default:
      return Code::unavailable;
  }
}

constexpr int busy_wait_ms = 5'000;  // only ever met while another process looks at the files

}  // namespace

// -- Database --------------------------------------------------------------------------------------------------------

Result<std::unique_ptr<Database>> Database::open(const DatabaseOptions& options) {
  sqlite3* handle = nullptr;
  const int mode = options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  const int code = sqlite3_open_v2(options.path.c_str(), &handle, mode | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                                   options.vfs.empty() ? nullptr : options.vfs.c_str());
  if (handle == nullptr) return Error(Code::exhausted, options.path + ": open: out of memory");
  std::unique_ptr<Database> database(new Database(options, handle));
  if (code != SQLITE_OK) return database->error("open", code);
  TRY(database->configure(options));
  return database;
}

Status Database::configure(const DatabaseOptions& options) {
  sqlite3_busy_timeout(handle_, busy_wait_ms);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  TRY(execute("configure", "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY"));
  if (options.exclusive) TRY(execute("lock", "PRAGMA locking_mode=EXCLUSIVE"));
  if (options.read_only) {
    // A reader that closes last must not remove a log that the writer may have begun anew.
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    return {};
  }

  const std::string page_size = "PRAGMA page_size=" + std::to_string(options.page_bytes);
  TRY(execute("configure", page_size.c_str()));
  int reserved = page_reserved_bytes;
  const int code = sqlite3_file_control(handle_, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
  if (code != SQLITE_OK) return error("reserve room for checksums", code);
  // FULL syncs the log in every commit: what is acknowledged survives a power cut.
  return execute("configure", "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA journal_size_limit=67108864");
}

Database::~Database() {
  for (auto& [sql, slot] : statements_) {
    check(!slot.lent, "a connection outlives the statements it lent");
    sqlite3_finalize(slot.handle);
  }
  sqlite3_close(handle_);
}

Error Database::error(const char* purpose, int code) const {
  if (code_of(code) == Code::corrupt && on_damage_) on_damage_();
  return Error(code_of(code),
               path_ + ": " + purpose + ": " + sqlite3_errmsg(handle_) + " (SQLite code " + std::to_string(code) + ")");
}

Result<Statement> Database::prepare(const char* purpose, const char* sql) {
  Statement::Slot& slot = statements_[sql];
  check(!slot.lent, "a statement is lent once at a time");
  if (slot.handle == nullptr) {
    const int code = sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &slot.handle, nullptr);
    if (code != SQLITE_OK) return error(purpose, code);
  }
  slot.lent = true;
  return Statement(*this, slot, purpose);
}

Status Database::execute(const char* purpose, const char* sql) {
  const int code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return error(purpose, code);
  return {};
}

Result<int64_t> Database::query_integer(const char* purpose, const char* sql) {
  Statement statement = TRY(prepare(purpose, sql));
  const bool row = TRY(statement.step());
  return row ? statement.integer(0) : int64_t{0};
}

uint64_t Database::changes() const {
  return static_cast<uint64_t>(sqlite3_changes64(handle_));
}
bool Database::in_transaction() const {
  return sqlite3_get_autocommit(handle_) == 0;
}

// -- Statement -------------------------------------------------------------------------------------------------------

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_),
      slot_(std::exchange(other.slot_, nullptr)),
      purpose_(other.purpose_),
      bind_error_(other.bind_error_) {}

Statement::~Statement() {
  if (slot_ == nullptr) return;
  reset();
  slot_->lent = false;
}

void Statement::reset() {
  // The result repeats the last step's error, which step() has returned already.
  (void)sqlite3_reset(slot_->handle);
  (void)sqlite3_clear_bindings(slot_->handle);  // always SQLITE_OK
  bind_error_ = 0;
}

Result<bool> Statement::step() {
  if (bind_error_ != SQLITE_OK) return database_->error(purpose_, bind_error_);
  const int code = sqlite3_step(slot_->handle);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return database_->error(purpose_, code);
}

Status Statement::run() {
  bool more = true;
  while (more) more = TRY(step());
  return {};
}

int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(slot_->handle, column);
}
bool Statement::is_null(int column) const {
  return sqlite3_column_type(slot_->handle, column) == SQLITE_NULL;
}

Bytes Statement::bytes(int column) const {
  Bytes out;
  append_bytes(column, out);
  return out;
}

void Statement::append_bytes(int column, Bytes& out) const {
  const void* blob = sqlite3_column_blob(slot_->handle, column);
  const int size = sqlite3_column_bytes(slot_->handle, column);
  if (blob != nullptr && size > 0) out.append(static_cast<const char*>(blob), static_cast<size_t>(size));
}

Uuid Statement::uuid(int column) const {
  return Uuid::from_bytes(bytes(column)).value_or(Uuid{});
}

void Statement::bind_one(int index, std::string_view text) {
  bind_error_ |= sqlite3_bind_text64(slot_->handle, index, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

void Statement::bind_one(int index, Blob blob) {
  // A null pointer would bind NULL, which is not an empty blob.
  const char* data = blob.bytes.empty() ? "" : blob.bytes.data();
  bind_error_ |= sqlite3_bind_blob64(slot_->handle, index, data, blob.bytes.size(), SQLITE_TRANSIENT);
}

void Statement::bind_one(int index, Borrowed blob) {
  const char* data = blob.bytes.empty() ? "" : blob.bytes.data();
  bind_error_ |= sqlite3_bind_blob64(slot_->handle, index, data, blob.bytes.size(), SQLITE_STATIC);
}

void Statement::bind_one(int index, std::nullptr_t) {
  bind_error_ |= sqlite3_bind_null(slot_->handle, index);
}
void Statement::bind_integer(int index, int64_t value) {
  bind_error_ |= sqlite3_bind_int64(slot_->handle, index, value);
}

// -- Transaction -----------------------------------------------------------------------------------------------------

Result<Transaction> Transaction::begin(Database& database) {
  TRY(database.execute("begin", "BEGIN IMMEDIATE"));
  return Transaction(database);
}

Status Transaction::commit() {
  Database* database = std::exchange(database_, nullptr);
  Status committed = database->execute("commit", "COMMIT");
  // A commit that failed leaves the transaction open, or SQLite has rolled it back itself.
  if (!committed.ok() && database->in_transaction()) TRY(database->execute("roll back", "ROLLBACK"));
  return committed;
}

Transaction::~Transaction() {
  if (database_ == nullptr || !database_->in_transaction()) return;
  // What a failed rollback leaves behind, the next begin reports.
  (void)database_->execute("roll back", "ROLLBACK");
}

}  // namespace reeve::server
