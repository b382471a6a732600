#include "tests/sim/runner_journal_model.h"

#include <algorithm>

#include "common/base/crc32c.h"
#include "common/crypto/digest.h"

namespace reeve::sim {

using runner::JournalEntry;
using warrant::Phase;
using warrant::StepState;
using Kind = JournalVerb::Kind;

Status perform(runner::Journal& journal, const JournalVerb& verb) {
  const JournalEntry& entry = verb.entry;
  switch (verb.kind) {
    case Kind::intend:
      return journal.intend(entry);
    case Kind::start:
      return journal.start(entry.step_id, entry.phase, entry.boot, entry.started_ms);
    case Kind::end:
      return journal.end(entry.step_id, entry.phase, entry.state, entry.ended_ms, entry.keep_until_ms, verb.result,
                         verb.result_body);
    case Kind::keep:
      return journal.keep(entry.step_id);
    case Kind::acknowledge:
      return journal.acknowledge(verb.through);
    case Kind::note_signed_time:
      return journal.note_signed_time(verb.ms);
    case Kind::forget:
      return journal.forget(verb.ms);
  }
  return {};
}

std::string to_text(const JournalVerb& verb) {
  static constexpr const char* names[] = {"intend",           "start", "end", "keep", "acknowledge",
                                          "note_signed_time", "forget"};
  return std::string(names[static_cast<int>(verb.kind)]) + " of " + to_hex(verb.entry.step_id.substr(0, 4)) +
         (verb.entry.phase == Phase::rollback ? " (rollback)" : "") + ", through " + std::to_string(verb.through) +
         ", at " + std::to_string(verb.ms);
}

const JournalEntry* RunnerJournalModel::find(BytesView step_id, Phase phase) const {
  for (const JournalEntry& entry : entries) {
    if (entry.step_id == step_id && entry.phase == phase) return &entry;
  }
  return nullptr;
}

bool RunnerJournalModel::awaits_keep(const JournalEntry& entry) const {
  return entry.phase == Phase::exec && entry.ended && entry.keep_until_ms != 0 && !entry.kept &&
         find(entry.step_id, Phase::rollback) == nullptr;
}

bool RunnerJournalModel::allows(const JournalVerb& verb) const {
  const JournalEntry* entry = find(verb.entry.step_id, verb.entry.phase);
  const JournalEntry* exec = find(verb.entry.step_id, Phase::exec);
  switch (verb.kind) {
    case Kind::intend:
      if (entry != nullptr) return false;
      if (verb.entry.phase == Phase::exec) return verb.entry.sequence > sequence;
      return verb.entry.sequence == 0 && exec != nullptr && exec->ended;
    case Kind::start:
      return entry != nullptr && !entry->started && !entry->ended;
    case Kind::end:
      return entry != nullptr && !entry->ended && verb.result.sequence == result_sequence + 1 &&
             (entry->started || verb.entry.state == StepState::not_started);
    case Kind::keep:
      return exec != nullptr && find(verb.entry.step_id, Phase::rollback) == nullptr &&
             (!exec->ended || exec->keep_until_ms != 0);
    case Kind::acknowledge:
      return verb.through <= result_sequence;
    case Kind::note_signed_time:
    case Kind::forget:
      return true;
  }
  return false;
}

void RunnerJournalModel::apply(const JournalVerb& verb) {
  auto* entry = const_cast<JournalEntry*>(find(verb.entry.step_id, verb.entry.phase));
  switch (verb.kind) {
    case Kind::intend:
      entries.push_back(verb.entry);
      sequence = std::max(sequence, verb.entry.sequence);
      if (verb.entry.phase == Phase::rollback) entries.back().step = find(verb.entry.step_id, Phase::exec)->step;
      return;
    case Kind::start:
      entry->started = true;
      entry->boot = verb.entry.boot;
      entry->started_ms = verb.entry.started_ms;
      return;
    case Kind::end:
      entry->ended = true;
      entry->state = verb.entry.state;
      entry->ended_ms = verb.entry.ended_ms;
      entry->keep_until_ms = verb.entry.keep_until_ms;
      entry->result_sequence = result_sequence = verb.result.sequence;
      last_result_hash = crypto::sha256(verb.result_body);
      waiting.push_back(verb.result);
      return;
    case Kind::keep:
      const_cast<JournalEntry*>(find(verb.entry.step_id, Phase::exec))->kept = true;
      return;
    case Kind::acknowledge:
      std::erase_if(waiting, [&verb](const runner::JournalResult& one) { return one.sequence <= verb.through; });
      return;
    case Kind::note_signed_time:
      signed_ms = std::max(signed_ms, verb.ms);
      return;
    case Kind::forget: {
      const auto old = entries;
      std::erase_if(entries, [&old, &verb, this](const JournalEntry& one) {
        return std::all_of(old.begin(), old.end(),
                           [&one, &verb](const JournalEntry& other) {
                             return other.step_id != one.step_id || (other.ended && other.forget_after_ms <= verb.ms);
                           }) &&
               std::none_of(old.begin(), old.end(), [&one, &old, this](const JournalEntry& other) {
                 if (other.step_id != one.step_id) return false;
                 RunnerJournalModel before;
                 before.entries = old;
                 return before.awaits_keep(other);
               });
      });
      return;
    }
  }
}

namespace {

std::string picture_of(const JournalEntry& entry) {
  std::string text = to_hex(entry.step_id.substr(0, 4));
  for (const int64_t number :
       {int64_t{crc32c(entry.step_id)}, int64_t{crc32c(entry.step)}, static_cast<int64_t>(entry.step.size()),
        static_cast<int64_t>(entry.phase), static_cast<int64_t>(entry.sequence), entry.forget_after_ms,
        int64_t{entry.started}, entry.started_ms, int64_t{entry.ended}, static_cast<int64_t>(entry.state),
        entry.ended_ms, int64_t{entry.kept}, entry.keep_until_ms, static_cast<int64_t>(entry.result_sequence)}) {
    text += " " + std::to_string(number);
  }
  return text + " " + entry.launch_id + " " + entry.boot + "\n";
}

std::string picture_of(const std::vector<runner::JournalResult>& waiting) {
  std::string text;
  for (const auto& one : waiting) {
    text += "result " + std::to_string(one.sequence) + " " + std::to_string(one.envelope.size()) + " " +
            std::to_string(crc32c(one.envelope)) + "\n";
  }
  return text;
}

// Lists in an order of their own: where a rollback stands among other steps is not promised.
std::string picture_of(std::string_view name, const std::vector<const JournalEntry*>& entries) {
  std::vector<std::string> names;
  for (const JournalEntry* entry : entries) {
    names.push_back(to_hex(entry->step_id.substr(0, 4)) + (entry->phase == Phase::exec ? "e" : "r"));
  }
  std::sort(names.begin(), names.end());
  std::string text(name);
  for (const std::string& one : names) text += " " + one;
  return text + "\n";
}

std::string picture_of_sums(uint64_t sequence, uint64_t result_sequence, const Bytes& hash, int64_t signed_ms,
                            uint64_t started) {
  return std::to_string(sequence) + " " + std::to_string(result_sequence) + " " + to_hex(hash) + " " +
         std::to_string(signed_ms) + " " + std::to_string(started) + "\n";
}

constexpr int64_t some_ms = 300;  // about the middle of a history

}  // namespace

std::string picture(const runner::Journal& journal, const std::vector<Bytes>& ids) {
  std::string text;
  for (const Bytes& id : ids) {
    for (const Phase phase : {Phase::exec, Phase::rollback}) {
      if (const JournalEntry* entry = journal.find(id, phase)) text += picture_of(*entry);
    }
  }
  return text + picture_of(journal.results_after(0)) + picture_of("unfinished", journal.unfinished()) +
         picture_of("awaiting", journal.awaiting_keep()) +
         picture_of_sums(journal.sequence(), journal.result_sequence(), journal.last_result_hash(), journal.signed_ms(),
                         journal.started_since(some_ms));
}

std::string picture(const RunnerJournalModel& model, const std::vector<Bytes>& ids) {
  std::string text;
  for (const Bytes& id : ids) {
    for (const Phase phase : {Phase::exec, Phase::rollback}) {
      if (const JournalEntry* entry = model.find(id, phase)) text += picture_of(*entry);
    }
  }
  std::vector<const JournalEntry*> unfinished;
  std::vector<const JournalEntry*> awaiting;
  uint64_t started = 0;
  for (const JournalEntry& entry : model.entries) {
    if (!entry.ended) unfinished.push_back(&entry);
    if (model.awaits_keep(entry)) awaiting.push_back(&entry);
    if (entry.phase == Phase::exec && entry.started && entry.started_ms >= some_ms) ++started;
  }
  return text + picture_of(model.waiting) + picture_of("unfinished", unfinished) + picture_of("awaiting", awaiting) +
         picture_of_sums(model.sequence, model.result_sequence, model.last_result_hash, model.signed_ms, started);
}

}  // namespace reeve::sim
