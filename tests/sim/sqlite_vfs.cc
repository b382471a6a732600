// SQLite hands out memory for its file objects itself, so ours is a thin shell around an owned C++ object.
#include "tests/sim/sqlite_vfs.h"

#include <sqlite3.h>

#include <algorithm>
#include <vector>

#include "common/base/check.h"

namespace reeve::sim {
namespace {

constexpr int sector_size = 4096;  // what the unix VFS says
constexpr int path_bytes_max = 512;

// One connection's view of one file.
struct OpenFile {
  SimDisk* disk = nullptr;
  std::vector<OpenFile*>* all = nullptr;  // of the VFS
  std::unique_ptr<sys::File> file;
  std::string path;
  int lock = SQLITE_LOCK_NONE;
  bool directory_unsynced = false;  // a journal made now, whose name is not durable yet
  bool delete_on_close = false;
};

struct Shell {
  sqlite3_file base;  // must come first
  OpenFile* open;
};

OpenFile& opened(sqlite3_file* file) {
  return *reinterpret_cast<Shell*>(file)->open;
}

int code_of(const Error& error, int otherwise) {
  return error.code() == Code::exhausted ? SQLITE_FULL : otherwise;
}

int x_close(sqlite3_file* file) {
  auto* shell = reinterpret_cast<Shell*>(file);
  const std::unique_ptr<OpenFile> open(std::exchange(shell->open, nullptr));
  std::erase(*open->all, open.get());
  // A leftover of a crashed disk is found and removed by SQLite when it opens the database again.
  if (open->delete_on_close) (void)open->disk->remove(open->path);
  return SQLITE_OK;
}

int x_read(sqlite3_file* file, void* buffer, int count, sqlite3_int64 offset) {
  Bytes bytes;
  const auto got = opened(file).file->read_at(static_cast<uint64_t>(offset), static_cast<size_t>(count), bytes);
  if (!got.ok()) return SQLITE_IOERR_READ;
  const bool short_read = bytes.size() < static_cast<size_t>(count);
  bytes.resize(static_cast<size_t>(count), '\0');
  std::copy(bytes.begin(), bytes.end(), static_cast<char*>(buffer));
  return short_read ? SQLITE_IOERR_SHORT_READ : SQLITE_OK;
}

int x_write(sqlite3_file* file, const void* bytes, int count, sqlite3_int64 offset) {
  const BytesView view(static_cast<const char*>(bytes), static_cast<size_t>(count));
  const Status written = opened(file).file->write_at(static_cast<uint64_t>(offset), view);
  return written.ok() ? SQLITE_OK : code_of(written.error(), SQLITE_IOERR_WRITE);
}

int x_truncate(sqlite3_file* file, sqlite3_int64 size) {
  return opened(file).file->truncate(static_cast<uint64_t>(size)).ok() ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

int x_sync(sqlite3_file* file, int) {
  OpenFile& open = opened(file);
  if (!open.file->sync().ok()) return SQLITE_IOERR_FSYNC;
  if (open.directory_unsynced) {
    if (!open.disk->sync_directory(directory_of(open.path)).ok()) return SQLITE_IOERR_DIR_FSYNC;
    open.directory_unsynced = false;
  }
  return SQLITE_OK;
}

int x_file_size(sqlite3_file* file, sqlite3_int64* size) {
  const auto stat = opened(file).file->stat();
  if (!stat.ok()) return SQLITE_IOERR_FSTAT;
  *size = static_cast<sqlite3_int64>(stat->size);
  return SQLITE_OK;
}

int x_lock(sqlite3_file* file, int level) {
  OpenFile& mine = opened(file);
  for (const OpenFile* other : *mine.all) {
    if (other == &mine || other->path != mine.path) continue;
    const bool conflict = level == SQLITE_LOCK_SHARED     ? other->lock >= SQLITE_LOCK_PENDING
                          : level == SQLITE_LOCK_RESERVED ? other->lock >= SQLITE_LOCK_RESERVED
                                                          : other->lock >= SQLITE_LOCK_SHARED;
    if (conflict) return SQLITE_BUSY;
  }
  mine.lock = std::max(mine.lock, level);
  return SQLITE_OK;
}

int x_unlock(sqlite3_file* file, int level) {
  opened(file).lock = std::min(opened(file).lock, level);
  return SQLITE_OK;
}

int x_check_reserved_lock(sqlite3_file* file, int* reserved) {
  const OpenFile& mine = opened(file);
  *reserved = std::any_of(mine.all->begin(), mine.all->end(), [&](const OpenFile* other) {
    return other->path == mine.path && other->lock >= SQLITE_LOCK_RESERVED;
  });
  return SQLITE_OK;
}

int x_file_control(sqlite3_file*, int, void*) {
  return SQLITE_NOTFOUND;
}
int x_sector_size(sqlite3_file*) {
  return sector_size;
}
int x_device_characteristics(sqlite3_file*) {
  return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

// Version 1: no shared memory, no memory mapping.
constexpr sqlite3_io_methods file_methods{
    .iVersion = 1,
    .xClose = x_close,
    .xRead = x_read,
    .xWrite = x_write,
    .xTruncate = x_truncate,
    .xSync = x_sync,
    .xFileSize = x_file_size,
    .xLock = x_lock,
    .xUnlock = x_unlock,
    .xCheckReservedLock = x_check_reserved_lock,
    .xFileControl = x_file_control,
    .xSectorSize = x_sector_size,
    .xDeviceCharacteristics = x_device_characteristics,
    .xShmMap = nullptr,
    .xShmLock = nullptr,
    .xShmBarrier = nullptr,
    .xShmUnmap = nullptr,
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

}  // namespace

struct SqliteVfs::State {
  SimDisk& disk;
  Random& random;
  Clock& clock;
  std::string name;
  std::vector<OpenFile*> open_files;
  uint64_t temporary_files = 0;
  sqlite3_vfs vfs{};

  State(SimDisk& disk_in, Random& random_in, Clock& clock_in) : disk(disk_in), random(random_in), clock(clock_in) {}

  static State& of(sqlite3_vfs* vfs) { return *static_cast<State*>(vfs->pAppData); }

  static int x_open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* flags_out) {
    State& state = of(vfs);
    auto* shell = reinterpret_cast<Shell*>(file);
    shell->base.pMethods = nullptr;  // so that SQLite does not close what failed to open

    auto open = std::make_unique<OpenFile>();
    open->path = name == nullptr ? "/sqlite-temporary-" + std::to_string(state.temporary_files++) : name;
    open->disk = &state.disk;
    open->all = &state.open_files;
    open->delete_on_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;

    const bool existed = state.disk.stat(open->path).ok();
    const auto mode = (flags & SQLITE_OPEN_READONLY) != 0 ? sys::OpenMode::read
                      : (flags & SQLITE_OPEN_CREATE) != 0 ? sys::OpenMode::create
                                                          : sys::OpenMode::read_write;
    auto opened_file = state.disk.open(open->path, mode);
    if (!opened_file.ok()) return SQLITE_CANTOPEN;
    open->file = std::move(opened_file).value();

    constexpr int journals = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL;
    open->directory_unsynced = !existed && (flags & journals) != 0;
    if (flags_out != nullptr) *flags_out = flags;
    state.open_files.push_back(open.get());
    shell->open = open.release();
    shell->base.pMethods = &file_methods;
    return SQLITE_OK;
  }

  static int x_delete(sqlite3_vfs* vfs, const char* path, int sync_directory) {
    SimDisk& disk = of(vfs).disk;
    const Status removed = disk.remove(path);
    if (!removed.ok()) {
      return removed.error().code() == Code::not_found ? SQLITE_IOERR_DELETE_NOENT : SQLITE_IOERR_DELETE;
    }
    if (sync_directory != 0 && !disk.sync_directory(directory_of(normal_path(path))).ok()) {
      return SQLITE_IOERR_DIR_FSYNC;
    }
    return SQLITE_OK;
  }

  static int x_access(sqlite3_vfs* vfs, const char* path, int, int* exists) {
    const auto stat = of(vfs).disk.stat(path);
    if (!stat.ok() && stat.error().code() != Code::not_found) return SQLITE_IOERR_ACCESS;
    // As the unix VFS: an empty file beside a database is no journal.
    *exists = stat.ok() && (stat->size > 0 || stat->is_directory);
    return SQLITE_OK;
  }

  static int x_full_pathname(sqlite3_vfs*, const char* path, int count, char* out) {
    const std::string full = normal_path(path);
    if (full.size() >= static_cast<size_t>(count)) return SQLITE_CANTOPEN;
    out[full.copy(out, full.size())] = '\0';
    return SQLITE_OK;
  }

  static int x_randomness(sqlite3_vfs* vfs, int count, char* out) {
    const Bytes bytes = of(vfs).random.bytes(static_cast<size_t>(count));
    bytes.copy(out, bytes.size());
    return count;
  }

  static int x_sleep(sqlite3_vfs*, int microseconds) { return microseconds; }
  static int x_get_last_error(sqlite3_vfs*, int, char*) { return 0; }

  static int x_current_time_int64(sqlite3_vfs* vfs, sqlite3_int64* out) {
    constexpr int64_t unix_epoch_in_julian_ms = 210'866'760'000'000;
    *out = unix_epoch_in_julian_ms + of(vfs).clock.wall().ns / 1'000'000;
    return SQLITE_OK;
  }

  static int x_current_time(sqlite3_vfs* vfs, double* out) {
    sqlite3_int64 ms = 0;
    const int code = x_current_time_int64(vfs, &ms);
    *out = static_cast<double>(ms) / 86'400'000.0;
    return code;
  }
};

SqliteVfs::SqliteVfs(SimDisk& disk, Random& random, Clock& clock)
    : state_(std::make_unique<State>(disk, random, clock)) {
  // The registry is the process's: a name of its own for each.
  static uint64_t made = 0;
  state_->name = "reeve-sim-" + std::to_string(++made);

  sqlite3_vfs& vfs = state_->vfs;
  vfs.iVersion = 2;
  vfs.szOsFile = sizeof(Shell);
  vfs.mxPathname = path_bytes_max;
  vfs.zName = state_->name.c_str();
  vfs.pAppData = state_.get();
  vfs.xOpen = State::x_open;
  vfs.xDelete = State::x_delete;
  vfs.xAccess = State::x_access;
  vfs.xFullPathname = State::x_full_pathname;
  vfs.xRandomness = State::x_randomness;
  vfs.xSleep = State::x_sleep;
  vfs.xGetLastError = State::x_get_last_error;
  vfs.xCurrentTime = State::x_current_time;
  vfs.xCurrentTimeInt64 = State::x_current_time_int64;
  check(sqlite3_vfs_register(&vfs, 0) == SQLITE_OK, "a VFS can be registered");
}

SqliteVfs::~SqliteVfs() {
  check(state_->open_files.empty(), "a VFS outlives the connections that use it");
  sqlite3_vfs_unregister(&state_->vfs);
}

const std::string& SqliteVfs::name() const {
  return state_->name;
}

}  // namespace reeve::sim
