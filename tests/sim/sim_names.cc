// Names are kept flat, by whole path: simulated trees are small, and a flat map shows the two sides of a cut at once.
#include "tests/sim/sim_names.h"

#include <utility>

#include "common/base/check.h"

namespace reeve::sim {

std::string normal_path(const std::string& path) {
  std::string normal;
  for (const char c : path) {
    if (c != '/' || normal.empty() || normal.back() != '/') normal += c;
  }
  if (normal.size() > 1 && normal.back() == '/') normal.pop_back();
  if (normal.empty() || normal[0] != '/') normal.insert(0, "/");
  return normal;
}

std::string directory_of(const std::string& normal) {
  const size_t slash = normal.rfind('/');
  return slash == 0 ? "/" : normal.substr(0, slash);
}

SimNames::SimNames() {
  now_["/"] = Entry{};
  durable_ = now_;
}

const SimNames::Entry* SimNames::find(const std::string& path) const {
  const auto found = now_.find(path);
  return found == now_.end() ? nullptr : &found->second;
}

bool SimNames::is_directory(const std::string& path) const {
  const Entry* entry = find(path);
  return entry != nullptr && entry->node == nullptr;
}

std::vector<std::pair<std::string, SimNames::Entry>> SimNames::children(const std::string& directory) const {
  std::vector<std::pair<std::string, Entry>> found;
  const std::string prefix = directory == "/" ? "/" : directory + "/";
  for (auto at = now_.lower_bound(prefix); at != now_.end() && at->first.starts_with(prefix); ++at) {
    const std::string name = at->first.substr(prefix.size());
    if (!name.empty() && name.find('/') == std::string::npos) found.emplace_back(name, at->second);
  }
  return found;
}

void SimNames::add(uint64_t number, const std::string& path, std::shared_ptr<SimNode> node) {
  check(is_directory(directory_of(path)), "a new name lies in a directory that exists");
  change({.number = number, .from = {}, .to = path, .entry = {std::move(node)}});
}

void SimNames::rename(uint64_t number, const std::string& from, const std::string& to) {
  change({.number = number, .from = from, .to = to, .entry = now_.at(from)});
}

void SimNames::remove(uint64_t number, const std::string& path) {
  change({.number = number, .from = path, .to = {}, .entry = now_.at(path)});
}

void SimNames::change(Change change) {
  apply(change, now_);
  pending_.push_back(std::move(change));
}

void SimNames::apply(const Change& change, std::map<std::string, Entry>& names) {
  if (!change.from.empty()) names.erase(change.from);
  if (!change.to.empty()) names[change.to] = change.entry;
}

bool SimNames::builds_on(const Change& later, const Change& earlier) {
  if (later.entry.node != nullptr && later.entry.node == earlier.entry.node) return true;
  for (const std::string& name : {later.from, later.to}) {
    if (name.empty()) continue;
    if (name == earlier.from || name == earlier.to) return true;
    const bool earlier_is_directory = earlier.entry.node == nullptr;
    if (earlier_is_directory && name.starts_with(earlier.to + "/")) return true;
  }
  return false;
}

void SimNames::sync_directory(const std::string& directory) {
  std::vector<bool> wanted(pending_.size());
  for (size_t i = 0; i < pending_.size(); ++i) {
    const Change& change = pending_[i];
    const bool inside = (!change.from.empty() && directory_of(change.from) == directory) ||
                        (!change.to.empty() && directory_of(change.to) == directory);
    const bool leads_here = change.entry.node == nullptr && (directory + "/").starts_with(change.to + "/");
    wanted[i] = inside || leads_here;
  }
  for (size_t later = pending_.size(); later-- > 0;) {
    if (!wanted[later]) continue;
    for (size_t earlier = 0; earlier < later; ++earlier) {
      if (builds_on(pending_[later], pending_[earlier])) wanted[earlier] = true;
    }
  }

  std::vector<Change> still_pending;
  for (size_t i = 0; i < pending_.size(); ++i) {
    if (wanted[i]) {
      apply(pending_[i], durable_);
    } else {
      still_pending.push_back(std::move(pending_[i]));
    }
  }
  pending_ = std::move(still_pending);
}

void SimNames::cut_power(PowerCut& cut) {
  std::vector<bool> kept(pending_.size());
  for (size_t i = 0; i < pending_.size(); ++i) {
    kept[i] = cut.survivors(1, [&](size_t) { return pending_[i].number; }) == 1;
    for (size_t earlier = 0; kept[i] && earlier < i; ++earlier) {
      if (!kept[earlier] && builds_on(pending_[i], pending_[earlier])) kept[i] = false;
    }
    if (kept[i]) apply(pending_[i], durable_);
  }
  pending_.clear();
  now_ = durable_;
}

}  // namespace reeve::sim
