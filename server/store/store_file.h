// The connections to one database file: one that writes, and a few that read beside it.
//
// A reader is borrowed for a moment and given back; when all are out, the next borrower waits. Nobody holds one while
// it calls back into foreign code, so the wait is short. close() waits for all of them, and afterwards the file may be
// moved or removed.
//
// writer() belongs to the store's writer thread; borrow() is for any.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "server/store/sqlite.h"

namespace reeve::server {

class StoreFile {
 public:
  struct Options {
    DatabaseOptions database;                    // `read_only` is set here
    const char* schema = nullptr;                // makes a new file's tables in format 1, when the writer opens
    int64_t format = 0;                          // PRAGMA user_version; a higher one in the file is refused
    std::span<const char* const> upgrades = {};  // the first brings format 1 to 2; a new file gets them all
    uint32_t readers_max = 4;
  };

  explicit StoreFile(Options options) : options_(std::move(options)) {}

  // A borrowed connection.
  class Reader {
   public:
    Reader(Reader&& other) noexcept
        : file_(std::exchange(other.file_, nullptr)), database_(std::exchange(other.database_, nullptr)) {}
    Reader& operator=(Reader&&) = delete;
    ~Reader();
    Database* operator->() const { return database_; }

   private:
    friend class StoreFile;
    Reader(StoreFile& file, Database& database) : file_(&file), database_(&database) {}
    StoreFile* file_;
    Database* database_;
  };

  Result<Database*> writer();
  Result<Reader> borrow();  // Code::unavailable once closed
  void close();

  bool made() const { return made_; }  // the writer found an empty file and made the tables

  const std::string& path() const { return options_.database.path; }

 private:
  void give_back(Database& database);

  const Options options_;
  std::unique_ptr<Database> writer_;
  bool made_ = false;

  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<Database>> readers_;
  std::vector<Database*> idle_;
  size_t lent_ = 0;
  bool closed_ = false;
};

}  // namespace reeve::server
