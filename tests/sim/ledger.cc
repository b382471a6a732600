// A line reads "h0 l1 n17 ..." so that it can be told apart at a glance in a failing run.
#include "tests/sim/ledger.h"

#include <algorithm>
#include <cstdio>

#include "common/base/check.h"
#include "common/base/random.h"

namespace reeve::sim {

std::string line_text(LogName log, uint64_t number) {
  SeededRandom random(((uint64_t{log.host} << 40) | (uint64_t{log.log} << 32)) + number);
  static constexpr const char* words[] = {"order", "user", "queue", "GET", "/cart", "timeout", "10.0.0.7", "ok", "503"};
  std::string text =
      "h" + std::to_string(log.host) + " l" + std::to_string(log.log) + " n" + std::to_string(number) + " ";
  text += random.one_in(20) ? "ERROR" : "INFO";
  for (uint64_t count = random.below(12); count > 0; --count) {
    text += ' ';
    text += words[random.below(std::size(words))];
  }
  if (random.one_in(8)) text += " id=" + to_hex(random.bytes(8));
  if (random.one_in(40)) text += " " + to_hex(random.bytes(random.below(600)));
  return text;
}

void Ledger::begin_file(LogName name) {
  Log& log = logs_[name];
  if (log.file_starts.back() != log.written) log.file_starts.push_back(log.written);
}

void Ledger::note_written(LogName name) {
  Log& log = logs_[name];
  ++log.written;
  log.stored.resize(log.written);
  ++written_total_;
}

uint64_t Ledger::written(LogName name) const {
  const auto found = logs_.find(name);
  return found == logs_.end() ? 0 : found->second.written;
}

bool Ledger::is_stored(LogName name, uint64_t number) const {
  const auto found = logs_.find(name);
  return found != logs_.end() && number < found->second.written && found->second.stored[number];
}

bool Ledger::all_stored_before(LogName name, uint64_t number) const {
  const auto& stored = logs_.at(name).stored;
  return std::find(stored.begin(), stored.begin() + static_cast<ptrdiff_t>(number), false) ==
         stored.begin() + static_cast<ptrdiff_t>(number);
}

Status Ledger::note_stored(BytesView body) {
  LogName name;
  unsigned long long number = 0;
  const std::string text(body);
  if (std::sscanf(text.c_str(), "h%u l%u n%llu ", &name.host, &name.log, &number) != 3) {
    return Error(Code::corrupt, "stored and never written: " + printable(body));
  }
  const auto found = logs_.find(name);
  if (found == logs_.end() || number >= found->second.written || line_text(name, number) != body) {
    return Error(Code::corrupt, "stored and never written so: " + printable(body));
  }

  Log& log = found->second;
  if (log.stored[number]) return Error(Code::corrupt, "stored twice: " + printable(body));
  log.stored[number] = true;
  ++stored_total_;

  const uint64_t file = *std::prev(std::upper_bound(log.file_starts.begin(), log.file_starts.end(), number));
  const auto [newest, first] = log.newest_of_file.emplace(file, number);
  if (!first && newest->second > number) {
    return Error(Code::corrupt,
                 "stored after line " + std::to_string(newest->second) + " of the same file: " + printable(body));
  }
  newest->second = number;
  return {};
}

void Ledger::forget_stored() {
  stored_total_ = 0;
  for (auto& [name, log] : logs_) {
    log.stored.assign(log.written, false);
    log.newest_of_file.clear();
  }
}

std::string Ledger::describe_missing() const {
  std::string text;
  for (const auto& [name, log] : logs_) {
    const auto missing = static_cast<uint64_t>(std::count(log.stored.begin(), log.stored.end(), false));
    if (missing == 0) continue;
    const auto first =
        static_cast<uint64_t>(std::find(log.stored.begin(), log.stored.end(), false) - log.stored.begin());
    text += "host " + std::to_string(name.host) + " log " + std::to_string(name.log) + ": " + std::to_string(missing) +
            " of " + std::to_string(log.written) + " lines missing, the first is " + std::to_string(first) + "\n";
  }
  return text;
}

}  // namespace reeve::sim
