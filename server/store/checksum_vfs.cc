// SQLite's file interface, forwarded; only reads and writes of whole pages of a database file are looked at.
#include "server/store/checksum_vfs.h"

#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <new>

#include "common/base/bytes.h"
#include "common/base/crc32c.h"

namespace reeve::server {

namespace {

constexpr char page_mark[] = {'R', 'v', 'C', '1'};  // behind the CRC, at the page's very end
constexpr int page_bytes_min = 512;
constexpr int page_bytes_max = 65536;

// The memory that SQLite gives us for a file: ours, then the real one's.
struct CheckedFile {
  sqlite3_file base;  // what SQLite sees; first, so that the pointers are the same
  sqlite3_file* real;
  bool has_pages;
  Bytes* scratch;  // a page on its way out
};

CheckedFile& checked(sqlite3_file* file) {
  return *reinterpret_cast<CheckedFile*>(file);
}
sqlite3_file* real(sqlite3_file* file) {
  return checked(file).real;
}
sqlite3_vfs* below(sqlite3_vfs* vfs) {
  return static_cast<sqlite3_vfs*>(vfs->pAppData);
}

bool is_page(int count, sqlite3_int64 offset) {
  return count >= page_bytes_min && count <= page_bytes_max && (count & (count - 1)) == 0 && offset % count == 0;
}

// The page's place goes in, so that a page written elsewhere does not match either.
uint32_t page_crc(const char* page, int count, sqlite3_int64 offset) {
  char place[8];
  store_le(place, static_cast<uint64_t>(offset));
  return crc32c({page, static_cast<size_t>(count - page_reserved_bytes)}, crc32c({place, sizeof place}));
}

bool page_matches(const char* page, int count, sqlite3_int64 offset) {
  const char* end = page + count - page_reserved_bytes;
  return std::memcmp(end + 4, page_mark, sizeof page_mark) == 0 &&
         load_le<uint32_t>(end) == page_crc(page, count, offset);
}

// -- A file's methods ------------------------------------------------------------------------------------------------

int file_close(sqlite3_file* file) {
  const int code = real(file)->pMethods->xClose(real(file));
  delete checked(file).scratch;
  return code;
}

int file_read(sqlite3_file* file, void* to, int count, sqlite3_int64 offset) {
  const int code = real(file)->pMethods->xRead(real(file), to, count, offset);
  if (code != SQLITE_OK || !checked(file).has_pages || !is_page(count, offset)) return code;
  return page_matches(static_cast<const char*>(to), count, offset) ? SQLITE_OK : SQLITE_IOERR_DATA;
}

int file_write(sqlite3_file* file, const void* from, int count, sqlite3_int64 offset) {
  CheckedFile& self = checked(file);
  if (!self.has_pages || !is_page(count, offset)) return real(file)->pMethods->xWrite(real(file), from, count, offset);

  // A copy: SQLite's own page is not ours to change.
  self.scratch->assign(static_cast<const char*>(from), static_cast<size_t>(count));
  char* end = self.scratch->data() + count - page_reserved_bytes;
  store_le(end, page_crc(self.scratch->data(), count, offset));
  std::memcpy(end + 4, page_mark, sizeof page_mark);
  return real(file)->pMethods->xWrite(real(file), self.scratch->data(), count, offset);
}

int file_truncate(sqlite3_file* file, sqlite3_int64 size) {
  return real(file)->pMethods->xTruncate(real(file), size);
}
int file_sync(sqlite3_file* file, int flags) {
  return real(file)->pMethods->xSync(real(file), flags);
}
int file_size(sqlite3_file* file, sqlite3_int64* size) {
  return real(file)->pMethods->xFileSize(real(file), size);
}
int file_lock(sqlite3_file* file, int level) {
  return real(file)->pMethods->xLock(real(file), level);
}
int file_unlock(sqlite3_file* file, int level) {
  return real(file)->pMethods->xUnlock(real(file), level);
}
int file_reserved(sqlite3_file* file, int* out) {
  return real(file)->pMethods->xCheckReservedLock(real(file), out);
}
int file_control(sqlite3_file* file, int what, void* argument) {
  return real(file)->pMethods->xFileControl(real(file), what, argument);
}
int file_sector_size(sqlite3_file* file) {
  return real(file)->pMethods->xSectorSize(real(file));
}
int file_characteristics(sqlite3_file* file) {
  return real(file)->pMethods->xDeviceCharacteristics(real(file));
}
int shm_map(sqlite3_file* file, int page, int bytes, int extend, void volatile** out) {
  return real(file)->pMethods->xShmMap(real(file), page, bytes, extend, out);
}
int shm_lock(sqlite3_file* file, int offset, int count, int flags) {
  return real(file)->pMethods->xShmLock(real(file), offset, count, flags);
}
void shm_barrier(sqlite3_file* file) {
  real(file)->pMethods->xShmBarrier(real(file));
}
int shm_unmap(sqlite3_file* file, int remove) {
  return real(file)->pMethods->xShmUnmap(real(file), remove);
}

// Without shared memory (version 1) and with it (2). Never 3: mapped pages would pass by us.
constexpr sqlite3_io_methods make_methods(int version) {
  return {.iVersion = version,
          .xClose = file_close,
          .xRead = file_read,
          .xWrite = file_write,
          .xTruncate = file_truncate,
          .xSync = file_sync,
          .xFileSize = file_size,
          .xLock = file_lock,
          .xUnlock = file_unlock,
          .xCheckReservedLock = file_reserved,
          .xFileControl = file_control,
          .xSectorSize = file_sector_size,
          .xDeviceCharacteristics = file_characteristics,
          .xShmMap = shm_map,
          .xShmLock = shm_lock,
          .xShmBarrier = shm_barrier,
          .xShmUnmap = shm_unmap,
          .xFetch = nullptr,
          .xUnfetch = nullptr};
}
constexpr sqlite3_io_methods methods_1 = make_methods(1);
constexpr sqlite3_io_methods methods_2 = make_methods(2);

// -- The file system's methods ---------------------------------------------------------------------------------------

int vfs_open(sqlite3_vfs* vfs, sqlite3_filename name, sqlite3_file* file, int flags, int* flags_out) {
  auto* self = new (file) CheckedFile{};
  self->real = reinterpret_cast<sqlite3_file*>(self + 1);
  self->has_pages = (flags & SQLITE_OPEN_MAIN_DB) != 0;
  const int code = below(vfs)->xOpen(below(vfs), name, self->real, flags, flags_out);
  if (self->real->pMethods == nullptr) return code;  // then SQLite calls no close
  self->scratch = new Bytes();
  self->base.pMethods = self->real->pMethods->iVersion >= 2 ? &methods_2 : &methods_1;
  return code;
}

int vfs_delete(sqlite3_vfs* vfs, const char* name, int sync) {
  return below(vfs)->xDelete(below(vfs), name, sync);
}
int vfs_access(sqlite3_vfs* vfs, const char* name, int flags, int* out) {
  return below(vfs)->xAccess(below(vfs), name, flags, out);
}
int vfs_full_path(sqlite3_vfs* vfs, const char* name, int size, char* out) {
  return below(vfs)->xFullPathname(below(vfs), name, size, out);
}
int vfs_randomness(sqlite3_vfs* vfs, int size, char* out) {
  return below(vfs)->xRandomness(below(vfs), size, out);
}
int vfs_sleep(sqlite3_vfs* vfs, int us) {
  return below(vfs)->xSleep(below(vfs), us);
}
int vfs_time(sqlite3_vfs* vfs, double* out) {
  return below(vfs)->xCurrentTime(below(vfs), out);
}
int vfs_time_ms(sqlite3_vfs* vfs, sqlite3_int64* out) {
  return below(vfs)->xCurrentTimeInt64(below(vfs), out);
}
int vfs_last_error(sqlite3_vfs* vfs, int size, char* out) {
  return below(vfs)->xGetLastError == nullptr ? 0 : below(vfs)->xGetLastError(below(vfs), size, out);
}

std::string make_name() {
  static std::atomic<uint64_t> made = 0;
  return "reeve-checksum-" + std::to_string(++made);
}

}  // namespace

bool page_is_whole(BytesView page, uint64_t offset) {
  return page_matches(page.data(), static_cast<int>(page.size()), static_cast<sqlite3_int64>(offset));
}

Result<std::unique_ptr<ChecksumVfs>> ChecksumVfs::make(const std::string& base) {
  sqlite3_initialize();
  sqlite3_vfs* found = sqlite3_vfs_find(base.empty() ? nullptr : base.c_str());
  if (found == nullptr) return Error(Code::not_found, "SQLite knows no file system named \"" + base + "\"");
  return std::unique_ptr<ChecksumVfs>(new ChecksumVfs(make_name(), found));
}

ChecksumVfs::ChecksumVfs(std::string name, sqlite3_vfs* base) : name_(std::move(name)), vfs_(new sqlite3_vfs{}) {
  vfs_->iVersion = base->iVersion >= 2 ? 2 : 1;
  vfs_->szOsFile = static_cast<int>(sizeof(CheckedFile)) + base->szOsFile;
  vfs_->mxPathname = base->mxPathname;
  vfs_->zName = name_.c_str();
  vfs_->pAppData = base;
  vfs_->xOpen = vfs_open;
  vfs_->xDelete = vfs_delete;
  vfs_->xAccess = vfs_access;
  vfs_->xFullPathname = vfs_full_path;
  vfs_->xRandomness = vfs_randomness;
  vfs_->xSleep = vfs_sleep;
  vfs_->xCurrentTime = vfs_time;
  vfs_->xGetLastError = vfs_last_error;
  if (base->iVersion >= 2 && base->xCurrentTimeInt64 != nullptr) vfs_->xCurrentTimeInt64 = vfs_time_ms;
  check(sqlite3_vfs_register(vfs_.get(), 0) == SQLITE_OK, "a file system can be registered");
}

ChecksumVfs::~ChecksumVfs() {
  (void)sqlite3_vfs_unregister(vfs_.get());
}  // always SQLITE_OK

}  // namespace reeve::server
