#include "collectors/file.h"

#include <algorithm>

#include "collectors/file_source.h"
#include "collectors/line_splitter.h"
#include "common/base/check.h"
#include "common/base/log.h"

namespace reeve::collect {
namespace {

constexpr size_t slice_bytes = 256_KiB;
constexpr size_t poll_bytes_max = 1_MiB;
// What a turn costs however little it reads, so that thousands of small files do not make one poll long.
constexpr size_t slice_cost_bytes = 4_KiB;
// Looking at one file costs about a microsecond; at this pace it costs a hundredth of a core, however many there are.
constexpr Duration look_pause_per_file = 100us;
// A run of NULs this long at the beginning of a file is what truncation leaves under a writer that does not append.
constexpr size_t hole_bytes_min = 4_KiB;

}  // namespace

FileCollector::FileCollector(FileConfig config, sys::Disk& disk, Random& random,
                             std::vector<wire::SourcePosition> restored)
    : config_(std::move(config)),
      globs_(config_.include, config_.exclude),
      disk_(disk),
      random_(random),
      restored_(std::move(restored)) {
  check(config_.line_bytes_max >= 16, "a line may be long enough for a cut between two characters");
  std::erase_if(restored_, [this](const wire::SourcePosition& p) { return p.finished || !claims(config_, p); });
}

bool FileCollector::claims(const FileConfig& config, const wire::SourcePosition& position) {
  const Globs globs(config.include, config.exclude);
  return position.kind == "file" && globs.includes(position.name) && !globs.excluded(position.name);
}

FileCollector::~FileCollector() = default;

Poll FileCollector::poll(Instant now, WallTime wall, Intake& intake) {
  const Duration look_pause = look_pause_per_file * sources_.size();
  const bool look = !scanned_ || now >= last_look_ + look_pause;

  if (look) look_at_directories();
  if (!scanned_ || scan_wanted_ || now >= last_scan_ + config_.scan_interval) scan(now, wall, intake);
  if (look) look_at_files(now);
  read_some(now, intake);
  finish_gone(now, intake);
  promote_quiet_shadows(now, intake);

  Poll poll;
  poll.more = !ready_.empty() && !intake.full();
  poll.at_end = look && ready_.empty() && !scan_wanted_;
  // Woken in the pause between two looks, probably by a change: the next look is due as early as it may be.
  poll.next = last_look_ + (look ? std::max(config_.look_interval, look_pause) : look_pause);
  return poll;
}

void FileCollector::look_at_directories() {
  for (const auto& [directory, modified] : directories_) {
    const auto found = disk_.stat(directory);
    if (!found.ok() || found->modified != modified) scan_wanted_ = true;
  }
}

void FileCollector::look_at_files(Instant now) {
  last_look_ = now;
  for (const auto& [id, source] : sources_) look_at(*source, now);
}

void FileCollector::look_at(FileSource& source, Instant now) {
  if (source.position.finished) return;
  const auto found = source.file ? source.file->stat() : disk_.stat(source.path);
  if (!found.ok() || found->identity != source.identity()) {
    scan_wanted_ = true;
    return;
  }
  // The time alone changes when a file is emptied and filled again to the size it had.
  const bool changed = found->size != source.size || found->modified != source.modified;
  if (changed) source.last_growth = now;
  source.size = found->size;
  source.modified = found->modified;
  if (changed || source.unread()) enqueue(source);
}

void FileCollector::enqueue(FileSource& source) {
  if (source.queued || source.shadow_of != 0 || source.position.finished) return;
  source.queued = true;
  ready_.push_back(source.position.id);
}

void FileCollector::read_some(Instant now, Intake& intake) {
  // Those that fail put themselves aside until the next look, so this ends.
  size_t left = poll_bytes_max;
  while (!ready_.empty() && left > 0 && !intake.full()) {
    const auto found = sources_.find(ready_.front());
    ready_.pop_front();
    if (found == sources_.end()) continue;
    found->second->queued = false;
    const size_t cost = read_slice(*found->second, now, intake, false) + slice_cost_bytes;
    if (open_order_.size() > config_.open_files_max) close_oldest();
    left -= std::min(left, cost);
  }
}

size_t FileCollector::read_slice(FileSource& source, Instant now, Intake& intake, bool last) {
  if (!ensure_open(source)) return 0;
  if (source.maybe_copy && check_for_copy(source, now)) return 0;

  wire::SourcePosition& position = source.position;
  const uint64_t expected = source.size > position.offset ? source.size - position.offset : 0;
  const size_t slice_max = std::max<size_t>(slice_bytes, config_.line_bytes_max + size_t{1});
  const size_t wanted = std::min<uint64_t>(slice_max, expected + 4_KiB);
  chunk_.clear();
  const auto got = source.file->read_at(position.offset, wanted, chunk_);

  // Checked after the reading: had the file been emptied and filled again before it, this would show, and what was read
  // is thrown away.
  const auto head = got.ok() ? read_head(*source.file) : Result<Bytes>(got.error());
  const auto stat = head.ok() ? source.file->stat() : Result<sys::FileStat>(head.error());
  if (!stat.ok()) {
    complain(source, stat.error());
    return 0;
  }
  source.size = stat->size;
  source.modified = stat->modified;
  if (!head_agrees(position, *head, stat->size)) {
    on_content_replaced(source, now, intake);
    return *got;
  }
  source.complained = false;
  remember_tail(source);

  BytesView bytes = chunk_;
  const size_t hole = skip_hole(source, bytes, *head, intake);
  const bool at_end = *got < wanted;
  const auto hand_on = [&](BytesView row) {
    intake.line_at(source.handle, row, position.offset + static_cast<uint64_t>(row.data() - bytes.data()));
  };
  const Split split = split_lines(bytes.substr(hole), config_.line_bytes_max, last && at_end, hand_on);
  counters_.line_cuts += split.cuts;
  source.looked_to = at_end ? position.offset + *got : 0;
  move_on(source, bytes.substr(0, hole + split.consumed), *head, intake);
  if (!at_end) enqueue(source);
  return *got;
}

size_t FileCollector::skip_hole(FileSource& source, BytesView bytes, BytesView head, Intake& intake) {
  const size_t nuls = std::min(bytes.find_first_not_of('\0'), bytes.size());
  const bool begins_with_hole = head.find_first_not_of('\0') == BytesView::npos && nuls >= hole_bytes_min;
  if (nuls == 0 || !(begins_with_hole || source.in_hole)) {
    source.in_hole = false;
    return 0;
  }
  source.in_hole = nuls == bytes.size();
  intake.dropped("hole", nuls);
  return nuls;
}

// After a restart, what lies before the offset has to be read again to be known.
void FileCollector::remember_tail(FileSource& source) {
  const uint64_t offset = source.position.offset;
  if (source.tail_bytes > 0 || offset == 0) return;
  const uint64_t count = std::min<uint64_t>(offset, fingerprint_bytes_max);
  Bytes tail;
  const auto got = source.file->read_at(offset - count, count, tail);
  if (!got.ok() || *got < count) return;
  source.tail_hash = fingerprint_of(tail);
  source.tail_bytes = static_cast<uint32_t>(count);
}

void FileCollector::move_on(FileSource& source, BytesView over, BytesView head, Intake& intake) {
  if (over.empty()) return;
  source.position.offset += over.size();
  const BytesView tail = over.substr(over.size() - std::min<size_t>(over.size(), fingerprint_bytes_max));
  source.tail_hash = fingerprint_of(tail);
  source.tail_bytes = static_cast<uint32_t>(tail.size());
  extend_fingerprint(source.position, head);
  intake.advance(source.handle, source.position);
}

bool FileCollector::ensure_open(FileSource& source) {
  if (source.file) return true;
  auto opened = disk_.open(source.path, sys::OpenMode::read);
  if (!opened.ok()) {
    if (opened.error().code() == Code::not_found)
      scan_wanted_ = true;
    else
      complain(source, opened.error());
    return false;
  }
  const auto found = (*opened)->stat();
  if (!found.ok() || found->identity != source.identity()) {
    scan_wanted_ = true;  // another file has taken the name since
    return false;
  }
  attach(source, std::move(*opened));
  return true;
}

void FileCollector::attach(FileSource& source, std::unique_ptr<sys::File> file) {
  if (!source.file) open_order_.push_back(source.position.id);
  source.file = std::move(file);
}

// One that was renamed or deleted stays open, also beyond the cap: its descriptor may be all that is left of it.
void FileCollector::close_oldest() {
  for (size_t tries = open_order_.size(); tries > 0; --tries) {
    const uint64_t id = open_order_.front();
    open_order_.pop_front();
    FileSource& source = *sources_.at(id);
    if (source.at_path) {
      source.file.reset();
      return;
    }
    open_order_.push_back(id);
  }
}

void FileCollector::complain(FileSource& source, const Error& error) {
  ++counters_.unreadable;
  if (!source.complained)
    log_warn("file cannot be read, trying again", {{"path", source.path}, {"error", error.text()}});
  source.complained = true;
}

void FileCollector::finish_gone(Instant now, Intake& intake) {
  // The oldest first, and a younger generation of a name never before an older one: after a restart, what is younger
  // than a position and has none itself is taken for unread.
  std::vector<FileSource*> oldest_first;
  for (const uint64_t id : gone_) oldest_first.push_back(sources_.at(id).get());
  std::sort(oldest_first.begin(), oldest_first.end(), [](const FileSource* a, const FileSource* b) {
    return std::pair(a->modified, a->position.id) < std::pair(b->modified, b->position.id);
  });

  std::vector<uint64_t> ready;
  std::set<std::string_view> unfinished;
  for (const FileSource* source : oldest_first) {
    if (source->position.finished) continue;
    const bool quiet = !source->queued && source->shadow_of == 0 && !source->unread() &&
                       now >= source->last_growth + config_.gone_wait;
    if (quiet && !unfinished.contains(source->position.name))
      ready.push_back(source->position.id);
    else
      unfinished.insert(source->position.name);
  }

  for (const uint64_t id : ready) {
    if (intake.full()) return;
    const auto found = sources_.find(id);
    if (found == sources_.end()) continue;  // the copy in which another went on just now
    if (found->second->position.offset >= found->second->size) {
      finish(*found->second, intake);
    } else {
      read_slice(*found->second, now, intake, true);  // nobody will end the last line now
    }
  }
}

void FileCollector::finish(FileSource& source, Intake& intake) {
  source.position.finished = true;
  intake.advance(source.handle, source.position);
  if (source.durable_offset >= source.position.offset) erase(source.position.id);
}

void FileCollector::erase(uint64_t id) {
  const auto found = sources_.find(id);
  check(found != sources_.end(), "a source is erased once");
  const auto by_identity = by_identity_.find(found->second->identity());
  if (by_identity != by_identity_.end() && by_identity->second == id) by_identity_.erase(by_identity);
  gone_.erase(id);
  shadows_.erase(id);
  std::erase(open_order_, id);
  sources_.erase(found);
}

void FileCollector::on_durable(std::span<const wire::SourcePosition> positions) {
  for (const wire::SourcePosition& position : positions) {
    const auto found = sources_.find(position.id);
    if (found == sources_.end()) continue;
    FileSource& source = *found->second;
    source.durable_offset = std::max(source.durable_offset, position.offset);
    if (source.position.finished && source.durable_offset >= source.position.offset) erase(position.id);
  }
}

void FileCollector::flush(Intake& intake) {
  std::vector<uint64_t> ids;
  for (const auto& [id, source] : sources_) {
    if (!source->position.finished && source->shadow_of == 0 && source->size > source->position.offset)
      ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());
  for (const uint64_t id : ids) {
    if (intake.full()) return;
    const auto found = sources_.find(id);
    if (found != sources_.end()) read_slice(*found->second, last_look_, intake, true);
  }
}

std::vector<std::string> FileCollector::watched_directories() const {
  std::vector<std::string> directories;
  for (const auto& [directory, modified] : directories_) directories.push_back(directory);
  return directories;
}

FileCounters FileCollector::counters() const {
  FileCounters counters = counters_;
  counters.files = sources_.size();
  counters.open_files = open_order_.size();
  return counters;
}

}  // namespace reeve::collect
