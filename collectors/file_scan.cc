// The part of the file collector that finds files: it matches what lies on the disk with what is followed already.
//
// First by identity, so that a renamed file is no news. Then, at the first scan, what was read before the restart. What
// is left is new. A followed file that no glob finds any more is followed to its end.
#include <algorithm>

#include "collectors/file.h"
#include "collectors/file_source.h"
#include "collectors/rotation_names.h"
#include "common/base/check.h"
#include "common/base/log.h"

namespace reeve::collect {
namespace {

// A directory whose time is younger than this may change again without its time changing.
constexpr Duration directory_time_settles = 50ms;
constexpr size_t complaints_max = 1000;
// Neighbours looked at for a renamed file or a copy.
constexpr size_t siblings_max = 10'000;

std::string name_of(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

}  // namespace

void FileCollector::scan(Instant now, WallTime wall, Intake& intake) {
  scan_wanted_ = false;
  last_scan_ = now;
  const std::vector<Seen> seen = list_seen(wall);
  if (!scanned_) adopt_restored(seen, now, intake);

  std::set<uint64_t> present;
  for (const Seen& file : seen) {
    const auto known = by_identity_.find(file.stat.identity);
    if (known == by_identity_.end()) continue;
    left_.erase(file.path);
    if (!present.insert(known->second).second) continue;
    FileSource& source = *sources_.at(known->second);
    source.path = file.path;
    source.at_path = true;
    if (source.position.finished) {  // it was gone, and somebody has put it back
      source.position.finished = false;
      source.handle = open_at(source.position, intake);
    }
    gone_.erase(known->second);
  }

  std::vector<uint64_t> missing;
  for (const auto& [id, source] : sources_) {
    if (source->at_path && !present.contains(id)) missing.push_back(id);
  }
  std::sort(missing.begin(), missing.end());
  for (const uint64_t id : missing) {
    // One of them may be the copy that another is now read from.
    const auto source = sources_.find(id);
    if (source != sources_.end() && source->second->at_path) note_gone(*source->second, now, intake);
  }

  for (const Seen& file : seen) {
    if (!by_identity_.contains(file.stat.identity)) add_new(file, now, intake);
  }
  scanned_ = true;

  const std::vector<Rotation> rotations = std::exchange(rotations_, {});
  for (const Rotation& rotation : rotations) follow_missed_generations(rotation, now, intake);
}

std::vector<FileCollector::Seen> FileCollector::list_seen(WallTime wall) {
  const Globs::Walk walk = globs_.walk(disk_);
  for (const Error& error : walk.errors) complain_once(error.text(), "directory cannot be listed", error);
  if (walk.cut_short) {
    complain_once("walk", "the file patterns reach too far, some files are not followed",
                  Error(Code::exhausted, "more than 32 levels or 200000 entries"));
  }

  directories_.clear();
  for (const std::string& directory : walk.directories) {
    const auto found = disk_.stat(directory);
    // The time was taken after the listing: only when it is clearly older was nothing missed in between.
    const bool settled = found.ok() && wall - found->modified >= directory_time_settles;
    directories_[directory] = settled ? found->modified : WallTime{};
  }

  std::vector<Seen> seen;
  for (const std::string& path : walk.paths) {
    const auto found = disk_.stat(path);
    if (found.ok() && found->is_regular) seen.push_back({.path = path, .stat = *found});
  }
  return seen;
}

void FileCollector::complain_once(const std::string& about, const char* sentence, const Error& error) {
  if (complaints_.size() >= complaints_max) complaints_.clear();
  if (complaints_.insert(about).second) log_warn(sentence, {{"error", error.text()}});
}

void FileCollector::adopt_restored(const std::vector<Seen>& seen, Instant now, Intake& intake) {
  std::map<sys::FileIdentity, const Seen*> by_identity;
  for (const Seen& file : seen) by_identity.emplace(file.stat.identity, &file);

  // What was read from comes first: a file that was not may turn out to be the copy in which another goes on.
  std::stable_partition(restored_.begin(), restored_.end(), [](const auto& position) { return position.offset > 0; });
  for (wire::SourcePosition& position : restored_) {
    known_directories_.insert(sys::parent_directory(position.name));
    const sys::FileIdentity identity{.device = position.device, .inode = position.inode};
    if (by_identity_.contains(identity) || sources_.contains(position.id)) continue;

    auto source = std::make_unique<FileSource>();
    source->position = std::move(position);
    source->path = source->position.name;
    source->durable_offset = source->position.offset;
    source->maybe_copy = source->position.offset == 0;
    const auto found = by_identity.find(identity);
    if (found != by_identity.end()) source->path = found->second->path;
    // Nothing read of it proves that it is the same file.
    if (source->position.offset == 0) source->position.name = source->written_name();
    // Whether the content is still the same shows when it is read: as with any other file.
    FileSource& added = add(std::move(source), intake);
    enqueue(added);

    // A generation may have come and gone while we were stopped, also when this one still matches a glob.
    if (found != by_identity.end() && added.path != added.position.name) {
      rotations_.push_back({added.position.name, identity, found->second->stat.modified});
    }
  }
  restored_.clear();
  restored_.shrink_to_fit();
  last_look_ = now;
}

void FileCollector::note_gone(FileSource& source, Instant now, Intake& intake) {
  ++counters_.rotated;
  source.at_path = false;
  source.last_growth = now;
  gone_.insert(source.position.id);
  const std::string path = source.path;

  if (source.file || find_renamed(source)) {
    const auto found = source.file->stat();
    if (!found.ok()) return complain(source, found.error());
    source.size = found->size;
    source.modified = found->modified;
    note_rotation({path, source.identity(), source.modified});
    enqueue(source);  // even where it has not grown: it may have been emptied before
  } else if (continue_in_copy(source, now, intake)) {
    note_rotation({path, source.identity(), source.modified});
  } else {
    note_rotation({path, source.identity(), source.modified});
    give_up(source, intake);
  }
}

void FileCollector::note_rotation(const Rotation& rotation) {
  if (rotation.modified == WallTime{}) return;  // not seen since the restart: nothing to compare others with
  rotations_.push_back(rotation);
  const auto left = left_.find(rotation.path);
  if (left == left_.end() && left_.size() >= config_.files_max) return;
  if (left == left_.end() || left->second.modified < rotation.modified) left_.insert_or_assign(rotation.path, rotation);
}

// Looks for the file among the neighbours of where it was. Opens it beyond the cap of descriptors, if need be: its new
// name is no better known than its next one.
bool FileCollector::find_renamed(FileSource& source) {
  const std::string directory = sys::parent_directory(source.path);
  const auto entries = disk_.list(directory);
  if (!entries.ok()) return false;
  size_t looked = 0;
  for (const sys::DirectoryEntry& entry : *entries) {
    if (entry.is_directory || ++looked > siblings_max) continue;
    const std::string path = directory + "/" + entry.name;
    const auto found = disk_.stat(path);
    if (!found.ok() || found->identity != source.identity()) continue;

    auto opened = disk_.open(path, sys::OpenMode::read);
    const auto stat = opened.ok() ? (*opened)->stat() : Result<sys::FileStat>(opened.error());
    const auto head = opened.ok() ? read_head(**opened) : Result<Bytes>(opened.error());
    if (!stat.ok() || stat->identity != source.identity() || !head.ok()) continue;
    if (!head_agrees(source.position, *head, stat->size)) return false;  // the inode is another file's by now
    attach(source, std::move(*opened));
    return true;
  }
  return false;
}

void FileCollector::give_up(FileSource& source, Intake& intake) {
  // Of a file that was last seen before a restart the size is not known.
  const uint64_t unread = source.size > source.position.offset ? source.size - source.position.offset : 0;
  if (source.size != source.position.offset) {
    ++counters_.lost;
    log_warn("file is gone and cannot be read further",
             {{"path", source.path}, {"offset", source.position.offset}, {"unread_bytes_known", unread}});
  }
  if (unread > 0) intake.dropped("file_gone", unread);
  source.position.finished = true;
  intake.advance(source.handle, source.position);
  erase(source.position.id);  // nothing is left that could be read again
}

void FileCollector::add_new(const Seen& seen, Instant now, Intake& intake) {
  if (sources_.size() >= config_.files_max) {
    ++counters_.refused;
    complain_once("files_max", "too many files, further ones are not followed",
                  Error(Code::exhausted, "files_max is " + std::to_string(config_.files_max)));
    return;
  }
  auto opened = disk_.open(seen.path, sys::OpenMode::read);
  const auto stat = opened.ok() ? (*opened)->stat() : Result<sys::FileStat>(opened.error());
  if (!stat.ok()) {
    if (stat.error().code() == Code::not_found) {
      scan_wanted_ = true;
    } else {
      ++counters_.unreadable;
      complain_once(seen.path, "file cannot be read, trying again", stat.error());
    }
    return;
  }
  if (stat->identity != seen.stat.identity) {
    scan_wanted_ = true;
    return;
  }

  auto source = std::make_unique<FileSource>();
  source->path = source->position.name = seen.path;
  source->set_identity(stat->identity);
  source->size = stat->size;
  source->modified = stat->modified;
  source->last_growth = now;
  const bool young = scanned_ || known_directories_.contains(sys::parent_directory(seen.path));
  source->maybe_copy = young;
  if (!young) {
    const auto start = find_start(**opened, stat->size);
    const auto head = start.ok() ? read_head(**opened) : Result<Bytes>(start.error());
    if (!head.ok()) {
      ++counters_.unreadable;
      complain_once(seen.path, "file cannot be read, trying again", head.error());
      return;
    }
    source->position.offset = *start;
    extend_fingerprint(source->position, *head);
  }

  FileSource& added = add(std::move(source), intake);
  // While nothing lay here, or between this look and the last, a generation may have come and gone.
  if (const auto left = left_.extract(seen.path)) rotations_.push_back(left.mapped());
  if (open_order_.size() < config_.open_files_max) attach(added, std::move(*opened));
  if (added.unread()) enqueue(added);
}

FileSource& FileCollector::add(std::unique_ptr<FileSource> source, Intake& intake) {
  wire::SourcePosition& position = source->position;
  while (position.id == 0 || sources_.contains(position.id)) position.id = random_.next();
  position.kind = "file";
  source->handle = open_at(position, intake);
  // Said before the first row, so that what begins at the end does not begin at a later end after a restart.
  intake.advance(source->handle, position);

  check(by_identity_.emplace(source->identity(), position.id).second, "a file is followed once");
  if (!source->at_path) gone_.insert(position.id);
  FileSource& added = *source;
  sources_.emplace(position.id, std::move(source));
  return added;
}

SourceHandle FileCollector::open_at(const wire::SourcePosition& position, Intake& intake) const {
  const SourceHandle handle =
      intake.open_source(position, config_.service.empty() ? service_of_path(position.name) : config_.service);
  if (config_.line_rules != 0) intake.use_line_rules(handle, config_.line_rules);
  return handle;
}

Result<uint64_t> FileCollector::find_start(sys::File& file, uint64_t size) const {
  if (config_.start == FileConfig::Start::end) return find_start_of_last_line(file, size, config_.line_bytes_max);
  if (config_.head_bytes_max == 0) return uint64_t{0};
  return find_start_near_end(file, size, config_.head_bytes_max);
}

std::vector<FileCollector::Seen> FileCollector::rotated_siblings(const std::string& path) {
  const std::string directory = sys::parent_directory(path);
  const std::string base = name_of(path);
  std::vector<Seen> siblings;
  const auto entries = disk_.list(directory);
  if (!entries.ok()) return siblings;
  for (const sys::DirectoryEntry& entry : *entries) {
    if (entry.is_directory || !is_rotation_of(base, entry.name) || siblings.size() >= siblings_max) continue;
    const auto found = disk_.stat(directory + "/" + entry.name);
    if (found.ok() && found->is_regular) siblings.push_back({.path = directory + "/" + entry.name, .stat = *found});
  }
  return siblings;
}

void FileCollector::follow_missed_generations(const Rotation& rotation, Instant now, Intake& intake) {
  std::vector<Seen> siblings = rotated_siblings(rotation.path);
  const auto self = std::find_if(siblings.begin(), siblings.end(),
                                 [&](const Seen& s) { return s.stat.identity == rotation.identity; });
  const std::string base = name_of(rotation.path);
  const std::string own_name = self == siblings.end() ? "" : name_of(self->path);
  std::erase_if(siblings, [&](const Seen& s) {
    if (by_identity_.contains(s.stat.identity) || s.stat.identity == rotation.identity) return true;
    if (s.stat.modified != rotation.modified) return s.stat.modified < rotation.modified;
    return own_name.empty() || !is_younger_rotation(base, name_of(s.path), own_name);
  });
  std::sort(siblings.begin(), siblings.end(), [&](const Seen& a, const Seen& b) {
    if (a.stat.modified != b.stat.modified) return a.stat.modified < b.stat.modified;
    return is_younger_rotation(base, name_of(b.path), name_of(a.path));
  });

  for (const Seen& sibling : siblings) {
    if (sources_.size() >= config_.files_max) return;
    if (by_identity_.contains(sibling.stat.identity)) continue;  // a second name of the one before
    auto source = std::make_unique<FileSource>();
    source->path = sibling.path;
    source->position.name = rotation.path;  // the name under which it was written
    source->set_identity(sibling.stat.identity);
    source->at_path = false;
    source->maybe_copy = true;
    source->last_growth = now;
    source->size = sibling.stat.size;
    log_info("file was made and renamed unseen, reading it now", {{"path", sibling.path}});
    enqueue(add(std::move(source), intake));
  }
}

}  // namespace reeve::collect
