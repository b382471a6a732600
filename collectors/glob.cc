#include "collectors/glob.h"

#include <algorithm>
#include <map>
#include <set>

namespace reeve::collect {
namespace {

constexpr size_t depth_max = 32;
constexpr size_t entries_max = 200'000;

constexpr size_t no_set = std::string_view::npos;

// Matches one character against the set that opens at pattern[0]; gives the set's length, or no_set where it is
// unclosed.
size_t match_set(std::string_view pattern, char c, bool& matched) {
  size_t at = 1;
  const bool negated = at < pattern.size() && (pattern[at] == '!' || pattern[at] == '^');
  if (negated) ++at;
  matched = false;
  for (bool first = true; at < pattern.size(); first = false) {
    if (pattern[at] == ']' && !first) {
      matched = matched != negated;
      return at + 1;
    }
    const auto low = static_cast<unsigned char>(pattern[at]);
    auto high = low;
    if (at + 2 < pattern.size() && pattern[at + 1] == '-' && pattern[at + 2] != ']') {
      high = static_cast<unsigned char>(pattern[at + 2]);
      at += 2;
    }
    const auto value = static_cast<unsigned char>(c);
    if (low <= value && value <= high) matched = true;
    ++at;
  }
  return no_set;
}

// How many characters of the pattern match `c`; 0 for none.
size_t match_one(std::string_view pattern, char c) {
  switch (pattern[0]) {
    case '?':
      return 1;
    case '[': {
      bool matched = false;
      const size_t length = match_set(pattern, c, matched);
      if (length != no_set) return matched ? length : 0;
      return c == '[' ? 1 : 0;
    }
    case '\\':
      if (pattern.size() > 1) return pattern[1] == c ? 2 : 0;
      return c == '\\' ? 1 : 0;
    default:
      return pattern[0] == c ? 1 : 0;
  }
}

bool is_wild(std::string_view pattern) {
  return pattern.find_first_of("*?[\\") != std::string_view::npos;
}

// Takes the first name off the front of a path or pattern, with the slashes around it.
std::string_view take_name(std::string_view& path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  const std::string_view name = path.substr(0, path.find('/'));
  path.remove_prefix(name.size());
  while (path.starts_with('/')) path.remove_prefix(1);
  return name;
}

std::string join(const std::string& directory, std::string_view name) {
  std::string path = directory;
  if (!path.ends_with('/')) path += '/';
  return path += name;
}

// One pattern's walk; the results of several gather in one Walk.
class Walker {
 public:
  Walker(sys::Disk& disk, const Globs& globs, Globs::Walk& walk) : disk_(disk), globs_(globs), walk_(walk) {}

  void visit(const std::string& directory, std::string_view pattern, size_t depth) {
    if (depth > depth_max) {
      walk_.cut_short = true;
      return;
    }
    const std::string_view whole = pattern;
    const std::string_view name = take_name(pattern);
    if (name == "**") {
      if (pattern.empty()) pattern = "*";  // "/var/log/**" means the files below
      visit(directory, pattern, depth);
      enter_every_directory(directory, whole, depth);
    } else if (is_wild(name)) {
      match_entries(directory, name, pattern, depth);
    } else if (pattern.empty()) {
      // Seen even when the directory may be searched but not listed.
      directories_.insert(directory);
      add(join(directory, name));
    } else {
      visit(join(directory, name), pattern, depth + 1);
    }
  }

  std::set<std::string>& paths() { return paths_; }
  std::set<std::string>& directories() { return directories_; }

 private:
  void enter_every_directory(const std::string& directory, std::string_view pattern, size_t depth) {
    for (const sys::DirectoryEntry& entry : list(directory)) {
      if (entry.is_directory && !entry.name.starts_with('.')) visit(join(directory, entry.name), pattern, depth + 1);
    }
  }

  void match_entries(const std::string& directory, std::string_view name, std::string_view rest, size_t depth) {
    for (const sys::DirectoryEntry& entry : list(directory)) {
      if (!matches_name(name, entry.name, false)) continue;
      const std::string path = join(directory, entry.name);
      if (rest.empty()) {
        if (!entry.is_directory) add(path);
      } else if (entry.is_directory || is_link_to_directory(path)) {
        visit(path, rest, depth + 1);
      }
    }
  }

  bool is_link_to_directory(const std::string& path) {
    const auto found = disk_.stat(path);
    return found.ok() && found->is_directory;
  }

  // Remembered for this walk: '**' asks twice, and several patterns often share their directories.
  const std::vector<sys::DirectoryEntry>& list(const std::string& directory) {
    static const std::vector<sys::DirectoryEntry> nothing;
    if (entries_ >= entries_max) {
      walk_.cut_short = true;
      return nothing;
    }
    const auto [known, fresh] = listed_.try_emplace(directory);
    if (fresh) {
      auto entries = disk_.list(directory);
      if (entries.ok()) {
        directories_.insert(directory);
        known->second = std::move(*entries);
      } else if (entries.error().code() != Code::not_found) {
        walk_.errors.push_back(entries.error());
      }
    }
    entries_ += known->second.size() + 1;
    return known->second;
  }

  void add(const std::string& path) {
    if (!globs_.excluded(path)) paths_.insert(path);
  }

  sys::Disk& disk_;
  const Globs& globs_;
  Globs::Walk& walk_;
  size_t entries_ = 0;
  std::map<std::string, std::vector<sys::DirectoryEntry>> listed_;
  std::set<std::string> paths_;
  std::set<std::string> directories_;
};

}  // namespace

bool matches_name(std::string_view pattern, std::string_view name, bool dots) {
  if (!dots && name.starts_with('.') && !pattern.starts_with('.')) return false;

  // Greedy with one step back: a later '*' makes every earlier choice irrelevant, so this is linear in practice and
  // quadratic at worst.
  size_t p = 0;
  size_t n = 0;
  size_t star = std::string_view::npos;
  size_t star_n = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_n = n;
      continue;
    }
    const size_t step = p < pattern.size() ? match_one(pattern.substr(p), name[n]) : 0;
    if (step > 0) {
      p += step;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++star_n;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool matches_path(std::string_view pattern, std::string_view path) {
  while (!pattern.empty()) {
    const std::string_view name = take_name(pattern);
    if (name == "**") {
      if (pattern.empty()) return true;
      for (std::string_view rest = path;; take_name(rest)) {
        if (matches_path(pattern, rest)) return true;
        if (rest.empty()) return false;
      }
    }
    if (path.empty() || !matches_name(name, take_name(path), true)) return false;
  }
  return path.empty();
}

Globs::Globs(std::vector<std::string> include, std::vector<std::string> exclude)
    : include_(std::move(include)), exclude_(std::move(exclude)) {}

Status Globs::validate(std::string_view pattern) {
  if (!pattern.starts_with('/') || pattern.ends_with('/')) {
    return Error(Code::invalid, "the pattern \"" + std::string(pattern) +
                                    "\" is not the absolute path of a file, like \"/var/log/*.log\"");
  }
  for (std::string_view rest = pattern; !rest.empty();) {
    const std::string_view name = take_name(rest);
    for (size_t at = 0; at < name.size(); ++at) {
      bool matched = false;
      if (name[at] == '\\') {
        ++at;
      } else if (name[at] == '[') {
        const size_t length = match_set(name.substr(at), 'a', matched);
        if (length == no_set) {
          return Error(Code::invalid, "the pattern \"" + std::string(pattern) + "\" has a '[' without its ']'");
        }
        at += length - 1;
      }
    }
  }
  return {};
}

bool Globs::includes(std::string_view path) const {
  return std::any_of(include_.begin(), include_.end(),
                     [&](const std::string& pattern) { return matches_path(pattern, path); });
}

bool Globs::excluded(std::string_view path) const {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  return std::any_of(exclude_.begin(), exclude_.end(), [&](const std::string& pattern) {
    return pattern.find('/') == std::string::npos ? matches_name(pattern, name, true) : matches_path(pattern, path);
  });
}

Globs::Walk Globs::walk(sys::Disk& disk) const {
  Walk walk;
  Walker walker(disk, *this, walk);
  for (const std::string& pattern : include_) walker.visit("/", pattern, 0);
  walk.paths.assign(walker.paths().begin(), walker.paths().end());
  walk.directories.assign(walker.directories().begin(), walker.directories().end());
  return walk;
}

}  // namespace reeve::collect
