// SQLite as values: a connection, statements prepared once, transactions that roll back unless committed.
//
// Every failure becomes an Error that names the file, what was being done and SQLite's own words. Code::corrupt means
// that the file's bytes are wrong, Code::exhausted that the disk is full. A connection and its statements belong to one
// thread at a time.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/base/bytes.h"
#include "common/base/ids.h"
#include "common/base/result.h"
#include "common/base/time.h"

struct sqlite3;
struct sqlite3_stmt;

namespace reeve::server {

struct DatabaseOptions {
  std::string path;
  std::string vfs;         // a ChecksumVfs
  bool read_only = false;  // else made where absent
  // One connection alone, held locked, so that WAL needs no shared memory: for file systems that have none.
  bool exclusive = false;
  uint32_t page_bytes = 4096;  // of a file made now
  // Called, on the connection's thread, whenever an error means that the file is damaged.
  std::function<void()> on_damage = nullptr;
};

// A blob that the caller keeps alive and unchanged until the statement ran; saves copying a block.
struct Borrowed {
  BytesView bytes;
};
struct Blob {
  BytesView bytes;
};

// A prepared statement, lent by its connection; given back, reset, when it goes.
class Statement {
 public:
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  // Binds ?1, ?2, ... in order. An error is kept and comes from the next step().
  template <typename... Values>
  Statement& bind(const Values&... values) {
    int index = 0;
    (bind_one(++index, values), ...);
    return *this;
  }

  Result<bool> step();  // true: there is a row
  Status run();         // for a statement whose rows do not matter
  void reset();         // to bind and step again

  int64_t integer(int column) const;
  uint64_t count(int column) const { return static_cast<uint64_t>(integer(column)); }
  WallTime time(int column) const { return WallTime{integer(column)}; }
  Bytes bytes(int column) const;
  void append_bytes(int column, Bytes& out) const;
  Uuid uuid(int column) const;  // nil where the column is none
  bool is_null(int column) const;

 private:
  friend class Database;
  struct Slot {
    sqlite3_stmt* handle = nullptr;
    bool lent = false;
  };
  Statement(class Database& database, Slot& slot, const char* purpose)
      : database_(&database), slot_(&slot), purpose_(purpose) {}

  void bind_one(int index, std::string_view text);
  void bind_one(int index, Blob blob);
  void bind_one(int index, Borrowed blob);
  void bind_one(int index, const Uuid& id) { bind_one(index, Blob{id.view()}); }
  void bind_one(int index, WallTime time) { bind_integer(index, time.ns); }
  void bind_one(int index, std::nullptr_t);
  template <std::integral T>
  void bind_one(int index, T value) {
    bind_integer(index, static_cast<int64_t>(value));
  }
  void bind_integer(int index, int64_t value);

  Database* database_;
  Slot* slot_;
  const char* purpose_;
  int bind_error_ = 0;
};

class Database {
 public:
  static Result<std::unique_ptr<Database>> open(const DatabaseOptions& options);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // `sql` and `purpose` ("read a block") are literals. The statement is compiled once per connection.
  Result<Statement> prepare(const char* purpose, const char* sql);
  // One or more statements without parameters or rows.
  Status execute(const char* purpose, const char* sql);
  Result<int64_t> query_integer(const char* purpose, const char* sql);

  uint64_t changes() const;  // rows changed by the last statement
  bool in_transaction() const;
  const std::string& path() const { return path_; }

 private:
  friend class Statement;
  Database(const DatabaseOptions& options, sqlite3* handle)
      : path_(options.path), on_damage_(options.on_damage), handle_(handle) {}
  Status configure(const DatabaseOptions& options);
  Error error(const char* purpose, int code) const;

  const std::string path_;
  const std::function<void()> on_damage_;
  sqlite3* handle_;
  std::unordered_map<const char*, Statement::Slot> statements_;
};

// Begins at once as a writer; rolled back when it goes uncommitted.
class Transaction {
 public:
  static Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  // Durable when ok. After an error nothing of it is there.
  Status commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace reeve::server
