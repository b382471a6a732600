// A journal of a test's own: entries in a vector, cursors that name them, and failures on request.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/check.h"
#include "common/sys/journal.h"

namespace reeve::sys {

struct FakeJournal {
  struct Entry {
    uint64_t number;
    std::vector<std::pair<std::string, std::string>> fields;
  };

  void add(std::string message, std::string boot = "now", std::vector<std::pair<std::string, std::string>> more = {}) {
    more.insert(more.begin(), {{"MESSAGE", std::move(message)}, {"_BOOT_ID", std::move(boot)}});
    entries.push_back({++last_number, std::move(more)});
  }
  void vacuum_oldest() { entries.pop_front(); }

  std::deque<Entry> entries;
  uint64_t last_number = 0;
  bool present = true;
  uint64_t unreadable_number = 0;  // next() fails at this entry
  int opened = 0;
};

class FakeJournalReader : public JournalReader {
 public:
  explicit FakeJournalReader(FakeJournal& journal) : journal_(journal) {}

  Status seek_head() override {
    current_ = 0;
    return {};
  }
  Status seek_tail() override {
    current_ = journal_.last_number;
    between_ = true;
    return {};
  }
  Result<bool> seek(const std::string& cursor) override {
    if (!cursor.starts_with("entry ")) return Error(Code::invalid, "not a cursor: " + cursor);
    current_ = std::stoull(cursor.substr(6));
    return find(current_) != nullptr;
  }
  Result<bool> next() override {
    between_ = false;
    for (const FakeJournal::Entry& entry : journal_.entries) {
      if (entry.number <= current_) continue;
      if (entry.number == journal_.unreadable_number) return Error(Code::corrupt, "a damaged entry");
      current_ = entry.number;
      return true;
    }
    return false;
  }
  Result<bool> previous() override {
    for (auto entry = journal_.entries.rbegin(); entry != journal_.entries.rend(); ++entry) {
      if (entry->number > current_ || (entry->number == current_ && !between_)) continue;
      current_ = entry->number;
      between_ = false;
      return true;
    }
    return false;
  }
  Result<std::string> cursor() override { return "entry " + std::to_string(current_); }
  Result<WallTime> time() override { return WallTime{static_cast<int64_t>(current_) * 1'000'000'000}; }
  Status fields(std::vector<Field>& out) override {
    const FakeJournal::Entry* entry = find(current_);
    check(entry != nullptr, "fields are those of a current entry");
    for (const auto& [key, value] : entry->fields) out.emplace_back(key, value);
    return {};
  }
  std::vector<std::string> directories() override { return {"/var/log/journal/fake"}; }

 private:
  const FakeJournal::Entry* find(uint64_t number) const {
    for (const FakeJournal::Entry& entry : journal_.entries) {
      if (entry.number == number) return &entry;
    }
    return nullptr;
  }

  FakeJournal& journal_;
  uint64_t current_ = 0;
  bool between_ = false;  // behind the entry of that number, not at it
};

inline auto open_fake(FakeJournal& journal) {
  return [&journal]() -> Result<std::unique_ptr<JournalReader>> {
    ++journal.opened;
    if (!journal.present) return Error(Code::not_found, "no journal file can be read here");
    return std::unique_ptr<JournalReader>(std::make_unique<FakeJournalReader>(journal));
  };
}

}  // namespace reeve::sys
