// Opens connections as they are needed, up to the bound.
#include "server/store/store_file.h"

#include <algorithm>

namespace reeve::server {

StoreFile::Reader::~Reader() {
  if (file_ != nullptr) file_->give_back(*database_);
}

Result<Database*> StoreFile::writer() {
  if (writer_) return writer_.get();

  DatabaseOptions options = options_.database;
  options.read_only = false;
  std::unique_ptr<Database> database = TRY(Database::open(options));
  const int64_t format = TRY(database->query_integer("read the format", "PRAGMA user_version"));
  if (format > options_.format) {
    return Error(Code::invalid, path() + ": written in format " + std::to_string(format) +
                                    " by a newer release; this one reads up to " + std::to_string(options_.format));
  }
  if (format < options_.format) {
    // One transaction: a crash leaves the whole schema, or the file as it was.
    Transaction transaction = TRY(Transaction::begin(*database));
    if (format == 0) TRY(database->execute("make the tables", options_.schema));
    for (size_t i = static_cast<size_t>(std::max<int64_t>(format - 1, 0)); i < options_.upgrades.size(); ++i) {
      TRY(database->execute("bring the tables to this release", options_.upgrades[i]));
    }
    TRY(database->execute("make the tables", ("PRAGMA user_version=" + std::to_string(options_.format)).c_str()));
    TRY(transaction.commit());
    made_ = format == 0;
  }
  writer_ = std::move(database);
  return writer_.get();
}

Result<StoreFile::Reader> StoreFile::borrow() {
  std::unique_lock lock(mutex_);
  if (options_.database.exclusive) {
    Database* database = TRY(writer());
    ++lent_;
    return Reader(*this, *database);
  }

  returned_.wait(lock, [this] { return closed_ || !idle_.empty() || readers_.size() < options_.readers_max; });
  if (closed_) return Error(Code::unavailable, path() + ": is being closed");
  if (idle_.empty()) {
    DatabaseOptions options = options_.database;
    options.read_only = true;
    readers_.push_back(TRY(Database::open(options)));
    idle_.push_back(readers_.back().get());
  }
  Database* database = idle_.back();
  idle_.pop_back();
  ++lent_;
  return Reader(*this, *database);
}

void StoreFile::give_back(Database& database) {
  std::lock_guard lock(mutex_);
  --lent_;
  if (!options_.database.exclusive) idle_.push_back(&database);
  returned_.notify_all();
}

void StoreFile::close() {
  std::unique_lock lock(mutex_);
  closed_ = true;
  returned_.notify_all();
  returned_.wait(lock, [this] { return lent_ == 0; });
  idle_.clear();
  readers_.clear();
  writer_.reset();
}

}  // namespace reeve::server
