// The part of the file collector that deals with files that are emptied in place, and with the copies made before.
//
// When a file got shorter than what was read of it, or begins with another content, it is a new source from its head.
// What had not been read of the old content is looked for in a copy: a neighbour with a rotation's name that begins
// alike and has the same bytes before the place that was read to.
//
// Where globs match the copies too, a copy must not be read as if it were new. So a file with a rotation's name that
// appears and has the same content as its original so far becomes a shadow: it is not read. When the original is
// emptied, reading goes on in the shadow; when nothing of the kind happens and the shadow is quiet, it was a plain
// copy, and what is appended to it later is its own.
#include <algorithm>
#include <array>

#include "collectors/file.h"
#include "collectors/file_source.h"
#include "collectors/rotation_names.h"
#include "common/base/check.h"
#include "common/base/log.h"

namespace reeve::collect {
namespace {

std::string_view name_of(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

std::string_view directory_of(std::string_view path) {
  return path.substr(0, path.rfind('/'));
}

}  // namespace

void FileCollector::on_content_replaced(FileSource& source, Instant now, Intake& intake) {
  ++counters_.truncated;
  log_info("file was emptied or replaced, reading it from its head", {{"path", source.path}});

  auto successor = std::make_unique<FileSource>();
  successor->path = source.path;
  successor->position.name = source.written_name();
  successor->set_identity(source.identity());
  successor->at_path = source.at_path;
  successor->last_growth = now;
  successor->size = source.size;
  successor->modified = source.modified;
  std::unique_ptr<sys::File> file = std::move(source.file);
  std::erase(open_order_, source.position.id);

  by_identity_.erase(source.identity());
  if (!continue_in_copy(source, now, intake)) {
    // The beginning of a line was there, and its end never came.
    if (source.looked_to > source.position.offset)
      intake.dropped("truncated", source.looked_to - source.position.offset);
    source.position.finished = true;
    intake.advance(source.handle, source.position);
    erase(source.position.id);
  }
  FileSource& added = add(std::move(successor), intake);
  attach(added, std::move(file));
  enqueue(added);
}

bool FileCollector::continue_in_copy(FileSource& source, Instant now, Intake& intake) {
  const wire::SourcePosition& position = source.position;
  const bool provable =
      position.offset > 0 && position.fingerprint_bytes == std::min<uint64_t>(position.offset, fingerprint_bytes_max);
  if (!provable) return false;

  std::vector<Seen> siblings = rotated_siblings(source.position.name);
  std::sort(siblings.begin(), siblings.end(),
            [](const Seen& a, const Seen& b) { return a.stat.modified > b.stat.modified; });
  for (const Seen& sibling : siblings) {
    if (sibling.stat.size < position.offset) continue;
    // One that is followed already may be taken over as long as nothing was read from it.
    const auto followed = by_identity_.find(sibling.stat.identity);
    FileSource* shadow = followed == by_identity_.end() ? nullptr : sources_.at(followed->second).get();
    if (shadow && !(shadow->maybe_copy && shadow->position.offset == 0)) continue;

    auto opened = disk_.open(sibling.path, sys::OpenMode::read);
    if (!opened.ok()) continue;
    const auto head = read_head(**opened);
    if (!head.ok() || !head_agrees(position, *head, sibling.stat.size) || !tail_agrees(source, **opened)) continue;

    const bool at_path = shadow && shadow->at_path;
    if (shadow) {
      shadow->position.finished = true;
      intake.advance(shadow->handle, shadow->position);
      erase(shadow->position.id);
    }
    move_into(source, std::move(*opened), sibling, at_path, now, intake);
    return true;
  }
  return false;
}

// The source goes on in another file, which holds what its own held.
void FileCollector::move_into(FileSource& source, std::unique_ptr<sys::File> file, const Seen& seen, bool at_path,
                              Instant now, Intake& intake) {
  log_info("file was copied and emptied, reading on in the copy", {{"path", source.path}, {"copy", seen.path}});
  const uint64_t id = source.position.id;
  const auto own = by_identity_.find(source.identity());
  if (own != by_identity_.end() && own->second == id) by_identity_.erase(own);
  source.set_identity(seen.stat.identity);
  check(by_identity_.emplace(source.identity(), id).second, "a copy that is read on in was nobody's file");
  // Generations after this one may have been made and copied, or renamed, unseen.
  rotations_.push_back({source.position.name, seen.stat.identity, seen.stat.modified});
  scan_wanted_ = true;
  source.path = seen.path;
  source.size = seen.stat.size;
  source.modified = seen.stat.modified;
  source.looked_to = 0;
  source.last_growth = now;
  source.at_path = at_path;
  if (at_path)
    gone_.erase(id);
  else
    gone_.insert(id);
  attach(source, std::move(file));
  enqueue(source);
  // Before the successor says that it has the file: after a restart one file must not belong to two positions.
  intake.advance(source.handle, source.position);
}

bool FileCollector::check_for_copy(FileSource& source, Instant now) {
  const auto head = read_head(*source.file);
  if (!head.ok() || head->empty()) return false;  // asked again when it holds something
  const auto stat = source.file->stat();
  if (!stat.ok()) return false;
  source.size = stat->size;
  source.modified = stat->modified;

  for (const auto& [id, original] : sources_) {
    if (id == source.position.id || !is_copy(source, *original, *head)) continue;
    source.shadow_of = id;
    source.last_growth = now;
    shadows_.insert(source.position.id);
    return true;
  }
  source.maybe_copy = false;
  return false;
}

bool FileCollector::is_copy(FileSource& candidate, FileSource& original, BytesView head) {
  const wire::SourcePosition& position = original.position;
  if (original.shadow_of != 0 || directory_of(candidate.path) != directory_of(position.name)) return false;
  if (!is_rotation_of(name_of(position.name), name_of(candidate.path))) return false;

  if (head.size() >= position.fingerprint_bytes && position.fingerprint_bytes > 0 &&
      fingerprint_of(head.substr(0, position.fingerprint_bytes)) != position.fingerprint) {
    return false;
  }
  if (candidate.size >= position.offset && original.tail_bytes > 0) return tail_agrees(original, *candidate.file);
  return agrees_with_file(candidate, original, head);
}

// Of an original that was not read yet, or not as far as its copy reaches already, the bytes themselves must speak.
bool FileCollector::agrees_with_file(FileSource& candidate, FileSource& original, BytesView head) {
  // Opened for the moment alone: making room among the descriptors might close the very copy.
  auto opened = disk_.open(original.path, sys::OpenMode::read);
  if (!opened.ok()) return false;
  sys::File& file = **opened;
  const auto stat = file.stat();
  const auto own_head = read_head(file);
  if (!stat.ok() || !own_head.ok() || stat->identity != original.identity()) return false;
  // A copy lags behind its original. What is longer than the original is all that is left of something else, however
  // alike the two begin: the beginning of a line may be all that the original holds yet.
  if (candidate.size > stat->size) return false;

  const size_t comparable = std::min(head.size(), own_head->size());
  if (comparable == 0 || head.substr(0, comparable) != BytesView(*own_head).substr(0, comparable)) return false;
  const uint64_t end = std::min(candidate.size, stat->size);
  const uint64_t count = std::min<uint64_t>(end, fingerprint_bytes_max);
  Bytes ours;
  Bytes theirs;
  return file.read_at(end - count, count, ours).ok() && candidate.file->read_at(end - count, count, theirs).ok() &&
         ours.size() == count && ours == theirs;
}

void FileCollector::promote_quiet_shadows(Instant now, Intake& intake) {
  for (const uint64_t id : std::set<uint64_t>(shadows_)) {
    FileSource& shadow = *sources_.at(id);
    const auto original = sources_.find(shadow.shadow_of);
    const bool caught_up = original == sources_.end() || original->second->position.offset >= shadow.size;
    if (!caught_up || now < shadow.last_growth + config_.gone_wait || !ensure_open(shadow)) continue;
    const auto head = read_head(*shadow.file);
    if (!head.ok()) {
      complain(shadow, head.error());
      continue;
    }
    shadows_.erase(id);
    shadow.shadow_of = 0;
    shadow.maybe_copy = false;
    shadow.position.offset = shadow.size;
    extend_fingerprint(shadow.position, *head);
    intake.advance(shadow.handle, shadow.position);
  }
}

}  // namespace reeve::collect
