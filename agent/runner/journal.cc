// See journal.h. Every verb asks whether the state allows it, writes its record, changes the state. Replay calls the
// same verbs, while `replaying` keeps them from writing.
#include "agent/runner/journal.h"

#include <algorithm>
#include <deque>
#include <list>
#include <optional>
#include <utility>

#include "agent/runner/journal_file.h"
#include "agent/runner/journal_record.h"
#include "common/crypto/digest.h"

namespace reeve::runner {
namespace {

using Type = JournalRecord::Type;
using warrant::Phase;
using warrant::StepState;

// Of records without a step or a result, and of those that end an entry.
const uint64_t small_room = JournalFile::room_of(record_fields_bytes_max);
const uint64_t end_room = JournalFile::room_of(record_fields_bytes_max + result_envelope_bytes_max);
// An intent leaves it free beyond all that is promised, so that an acknowledgement fits after any compaction.
const uint64_t spare_room = 2 * small_room;

struct Known {
  JournalEntry exec{};
  std::optional<JournalEntry> rollback{};

  bool awaits_keep() const { return exec.ended && exec.keep_until_ms != 0 && !exec.kept && !rollback; }
  bool forgettable(int64_t judged_ms) const {
    const auto past = [judged_ms](const JournalEntry& one) { return one.ended && one.forget_after_ms <= judged_ms; };
    return past(exec) && (!rollback || past(*rollback)) && !awaits_keep();
  }
};

// What may still be written without being asked for again.
struct Promise {
  uint64_t room = 0;
  uint64_t results = 0;

  void add_end(const JournalEntry& entry) {
    if (entry.ended) return;
    room += end_room + (entry.started ? 0 : small_room);
    results += 1;
  }
  void add(const Known& step) {
    add_end(step.exec);
    if (step.rollback) {
      add_end(*step.rollback);
    } else if (!step.exec.ended || step.awaits_keep()) {
      room += (step.exec.kept ? 0 : small_room) + small_room;  // the keep; the rollback's intent
      add_end(JournalEntry{});
    }
  }
};

Error not_so(BytesView step_id, const std::string& why) {
  return Error(Code::invalid, "journal: step " + to_hex(step_id) + " " + why);
}

}  // namespace

struct Journal::Impl {
  sys::Disk& disk;
  const Options options;
  std::unique_ptr<JournalFile> file{};
  bool replaying = true;
  bool broken = false;
  uint64_t head_bytes = 0;  // as the first record says; 0: before it

  std::list<Known> known{};  // oldest first
  std::deque<JournalResult> waiting{};
  uint64_t sequence = 0;
  uint64_t result_sequence = 0;
  Bytes last_result_hash{};
  int64_t signed_ms = 0;

  Known* find(BytesView step_id) {
    const auto is_it = [step_id](const Known& one) { return one.exec.step_id == step_id; };
    const auto found = std::find_if(known.rbegin(), known.rend(), is_it);
    return found == known.rend() ? nullptr : &*found;
  }
  JournalEntry* find(BytesView step_id, Phase phase) {
    Known* step = find(step_id);
    if (step == nullptr || (phase == Phase::rollback && !step->rollback)) return nullptr;
    return phase == Phase::exec ? &step->exec : &*step->rollback;
  }
  void add(JournalEntry entry);
  Promise promised(BytesView except = {}) const;  // for all steps but this one

  Status replay(Journal& journal, const JournalRecord& record);
  Status make_file(uint64_t bytes, const std::vector<Bytes>& bodies);
  Status compact(uint64_t room);
  Status write(const JournalRecord& record, uint64_t room_behind);
};

// A rollback is added behind its exec.
void Journal::Impl::add(JournalEntry entry) {
  if (entry.phase == Phase::exec) {
    known.push_back({.exec = std::move(entry)});
    return;
  }
  Known* step = find(entry.step_id);
  entry.step = step->exec.step;
  step->rollback = std::move(entry);
}

Promise Journal::Impl::promised(BytesView except) const {
  Promise all;
  for (const Known& one : known) {
    if (one.exec.step_id != except) all.add(one);
  }
  return all;
}

Status Journal::Impl::replay(Journal& journal, const JournalRecord& record) {
  const JournalEntry& entry = record.entry;
  const bool is_head = record.type == Type::head;
  if (is_head != (head_bytes == 0)) return Error(Code::corrupt, "the first record alone is a head");
  switch (record.type) {
    case Type::head:
      head_bytes = record.number;
      sequence = entry.sequence;
      result_sequence = record.result.sequence;
      last_result_hash = record.result_hash;
      signed_ms = record.time_ms;
      return {};
    case Type::entry:
      if (find(entry.step_id, entry.phase) != nullptr) return not_so(entry.step_id, "is there twice");
      if (entry.phase == Phase::rollback && find(entry.step_id) == nullptr) return not_so(entry.step_id, "is missing");
      add(entry);
      return {};
    case Type::result:
      waiting.push_back(record.result);
      return {};
    case Type::intent:
      return journal.intend(entry);
    case Type::start:
      return journal.start(entry.step_id, entry.phase, entry.boot, entry.started_ms);
    case Type::end:
      TRY(journal.end(entry.step_id, entry.phase, entry.state, entry.ended_ms, entry.keep_until_ms, record.result, {}));
      last_result_hash = record.result_hash;
      return {};
    case Type::keep:
      return journal.keep(entry.step_id);
    case Type::acknowledge:
      return journal.acknowledge(record.number);
    case Type::signed_time:
      return journal.note_signed_time(record.time_ms);
    case Type::forget:
      return journal.forget(record.time_ms);
  }
  return {};
}

// On success `file` is the new one, in place.
Status Journal::Impl::make_file(uint64_t bytes, const std::vector<Bytes>& bodies) {
  std::unique_ptr<JournalFile> made = TRY(JournalFile::make(disk, options.path, bytes, bodies));
  const Status placed = made->put_in_place();
  // Which of the two is in place only a new open can tell, so this is never "exhausted", after which one goes on.
  if (!placed.ok()) return Error(Code::unavailable, placed.error().text());
  file = std::move(made);
  return {};
}

// Writes what still matters to a new file, if that leaves `room` in it.
Status Journal::Impl::compact(uint64_t room) {
  std::vector<Bytes> bodies{encode(JournalRecord{.type = Type::head,
                                                 .entry = {.sequence = sequence},
                                                 .result = {.sequence = result_sequence},
                                                 .result_hash = last_result_hash,
                                                 .number = file->bytes(),
                                                 .time_ms = signed_ms})};
  for (const Known& one : known) {
    bodies.push_back(encode(JournalRecord{.type = Type::entry, .entry = one.exec}));
    if (!one.rollback) continue;
    JournalRecord rollback{.type = Type::entry, .entry = *one.rollback};
    rollback.entry.step.clear();
    bodies.push_back(encode(rollback));
  }
  for (const JournalResult& one : waiting) bodies.push_back(encode(JournalRecord{.type = Type::result, .result = one}));
  for (const Bytes& body : bodies) room += JournalFile::room_of(body.size());
  if (room > file->bytes()) return Error(Code::exhausted, "the journal is full of what must be remembered");
  return make_file(file->bytes(), bodies);
}

// `room_behind` must stay free behind the record: what is promised then. 0 for one that was promised itself.
Status Journal::Impl::write(const JournalRecord& record, uint64_t room_behind) {
  if (replaying) return {};
  if (broken) return Error(Code::unavailable, "the journal is broken: a write or sync has failed");
  const Bytes body = encode(record);
  const uint64_t room = JournalFile::room_of(body.size()) + room_behind;
  Status written;
  if (file->bytes_free() < room) written = compact(room);
  if (!written.ok() && written.error().code() == Code::exhausted) return written;  // nothing has changed
  if (written.ok()) written = file->append(body);
  broken = !written.ok();
  if (broken) return Error(Code::unavailable, "the journal is broken: " + written.error().text());
  return {};
}

Journal::Journal(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Journal::~Journal() = default;

Result<std::unique_ptr<Journal>> Journal::open(sys::Disk& disk, Options options) {
  std::unique_ptr<Impl> made(new Impl{.disk = disk, .options = std::move(options)});
  std::unique_ptr<Journal> journal(new Journal(std::move(made)));
  Impl& impl = *journal->impl_;
  const auto found = disk.stat(impl.options.path);
  if (!found.ok() && found.error().code() == Code::not_found && impl.options.create) {
    const JournalRecord head{.type = Type::head, .number = impl.options.bytes};
    TRY_DURING(impl.make_file(impl.options.bytes, {encode(head)}), "make the journal");
  }

  // What was made just now is read as well: there is one way to come up.
  const auto replay = [&journal, &impl](BytesView body) -> Status {
    const JournalRecord record = TRY(decode_record(body));
    const Status replayed = impl.replay(*journal, record);
    if (!replayed.ok()) return Error(Code::corrupt, replayed.error().text());
    return {};
  };
  impl.file = TRY(JournalFile::open(disk, impl.options.path, replay));
  if (impl.head_bytes != impl.file->bytes())
    return Error(Code::corrupt, "the journal has not the size it was made with");
  impl.replaying = false;

  if (impl.file->bytes_free() < impl.file->bytes() / 2) {
    const Status compacted = impl.compact(0);
    // A full disk can wait: this file is as good as it was.
    if (!compacted.ok() && compacted.error().code() != Code::exhausted) return compacted.error();
  }
  return journal;
}

// -- The verbs --------------------------------------------------------------------------------------------------------

Status Journal::intend(const JournalEntry& given) {
  const bool exec = given.phase == Phase::exec;
  const Known* step = impl_->find(given.step_id);
  if (find(given.step_id, given.phase) != nullptr) return not_so(given.step_id, "was accepted before");
  if (given.step_id.size() != crypto::digest_bytes || given.launch_id.size() > journal_name_bytes_max ||
      given.step.size() > warrant::step_bytes_max) {
    return not_so(given.step_id, "has an id or a body beyond its bound");
  }
  if (exec ? given.sequence <= impl_->sequence : given.sequence != 0)
    return not_so(given.step_id, "is out of sequence");
  if (!exec && (step == nullptr || !step->exec.ended)) return not_so(given.step_id, "has not ended: no rollback yet");

  const JournalEntry entry{.step_id = given.step_id,
                           .step = exec ? given.step : Bytes(),
                           .phase = given.phase,
                           .sequence = given.sequence,
                           .forget_after_ms = given.forget_after_ms,
                           .launch_id = given.launch_id};
  Promise promise = impl_->promised(entry.step_id);
  promise.add(exec ? Known{.exec = entry} : Known{.exec = step->exec, .rollback = entry});
  if (impl_->waiting.size() + promise.results > results_waiting_max && !impl_->replaying) {
    return Error(Code::exhausted, "journal: results wait to be fetched");
  }
  TRY(impl_->write({.type = Type::intent, .entry = entry}, promise.room + (exec ? spare_room : 0)));
  impl_->sequence = std::max(impl_->sequence, entry.sequence);
  impl_->add(entry);
  return {};
}

Status Journal::start(BytesView step_id, Phase phase, const std::string& boot, int64_t at_ms) {
  JournalEntry* entry = impl_->find(step_id, phase);
  if (entry == nullptr || entry->started || entry->ended) return not_so(step_id, "cannot start now");
  if (boot.size() > journal_name_bytes_max) return not_so(step_id, "starts in a boot with too long an id");
  const JournalEntry change{.step_id = entry->step_id, .phase = phase, .boot = boot, .started_ms = at_ms};
  TRY(impl_->write({.type = Type::start, .entry = change}, 0));
  entry->started = true;
  entry->boot = boot;
  entry->started_ms = at_ms;
  return {};
}

Status Journal::end(BytesView step_id, Phase phase, StepState state, int64_t at_ms, int64_t keep_until_ms,
                    const JournalResult& result, BytesView result_body) {
  JournalEntry* entry = impl_->find(step_id, phase);
  if (entry == nullptr || entry->ended) return not_so(step_id, "has not begun, or has ended before");
  if (state == StepState::refused || (!entry->started && state != StepState::not_started)) {
    return not_so(step_id, "cannot have ended so");
  }
  if (result.sequence != impl_->result_sequence + 1 || result.envelope.size() > result_envelope_bytes_max) {
    return not_so(step_id, "has a result out of sequence or beyond its bound");
  }
  JournalEntry change{.step_id = entry->step_id, .phase = phase, .state = state, .ended_ms = at_ms};
  change.keep_until_ms = keep_until_ms;
  const Bytes hash = crypto::sha256(result_body);
  TRY(impl_->write({.type = Type::end, .entry = change, .result = result, .result_hash = hash}, 0));
  entry->ended = true;
  entry->state = state;
  entry->ended_ms = at_ms;
  entry->keep_until_ms = keep_until_ms;
  entry->result_sequence = impl_->result_sequence = result.sequence;
  impl_->last_result_hash = hash;
  impl_->waiting.push_back(result);
  return {};
}

Status Journal::keep(BytesView step_id) {
  Known* step = impl_->find(step_id);
  if (step == nullptr || step->rollback || (step->exec.ended && step->exec.keep_until_ms == 0)) {
    return not_so(step_id, "cannot be kept: it is unknown, its rollback has begun, or it has no switch");
  }
  if (step->exec.kept) return {};
  TRY(impl_->write({.type = Type::keep, .entry = {.step_id = step->exec.step_id}}, 0));
  step->exec.kept = true;
  return {};
}

Status Journal::acknowledge(uint64_t through) {
  auto& waiting = impl_->waiting;
  if (through > impl_->result_sequence) return Error(Code::invalid, "journal: there is no such result yet");
  if (waiting.empty() || waiting.front().sequence > through) return {};
  TRY(impl_->write({.type = Type::acknowledge, .number = through}, impl_->promised().room));
  while (!waiting.empty() && waiting.front().sequence <= through) waiting.pop_front();
  return {};
}

Status Journal::note_signed_time(int64_t signed_ms) {
  if (signed_ms <= impl_->signed_ms) return {};
  TRY(impl_->write({.type = Type::signed_time, .time_ms = signed_ms}, impl_->promised().room));
  impl_->signed_ms = signed_ms;
  return {};
}

Status Journal::forget(int64_t judged_ms) {
  const auto past = [judged_ms](const Known& one) { return one.forgettable(judged_ms); };
  if (std::none_of(impl_->known.begin(), impl_->known.end(), past)) return {};
  TRY(impl_->write({.type = Type::forget, .time_ms = judged_ms}, impl_->promised().room));
  impl_->known.remove_if(past);
  return {};
}

// -- What it knows ----------------------------------------------------------------------------------------------------

const JournalEntry* Journal::find(BytesView step_id, Phase phase) const {
  return impl_->find(step_id, phase);
}

std::vector<const JournalEntry*> Journal::entries() const {
  std::vector<const JournalEntry*> all;
  for (const Known& one : impl_->known) {
    all.push_back(&one.exec);
    if (one.rollback) all.push_back(&*one.rollback);
  }
  return all;
}

std::vector<const JournalEntry*> Journal::unfinished() const {
  std::vector<const JournalEntry*> found;
  for (const Known& one : impl_->known) {
    if (!one.exec.ended) found.push_back(&one.exec);
    if (one.rollback && !one.rollback->ended) found.push_back(&*one.rollback);
  }
  return found;
}

std::vector<const JournalEntry*> Journal::awaiting_keep() const {
  std::vector<const JournalEntry*> found;
  for (const Known& one : impl_->known) {
    if (one.awaits_keep()) found.push_back(&one.exec);
  }
  return found;
}

std::vector<JournalResult> Journal::results_after(uint64_t sequence) const {
  std::vector<JournalResult> found;
  for (const JournalResult& one : impl_->waiting) {
    if (one.sequence > sequence) found.push_back(one);
  }
  return found;
}

uint32_t Journal::started_since(int64_t ms) const {
  const auto is_one = [ms](const Known& one) { return one.exec.started && one.exec.started_ms >= ms; };
  return static_cast<uint32_t>(std::count_if(impl_->known.begin(), impl_->known.end(), is_one));
}

uint64_t Journal::sequence() const {
  return impl_->sequence;
}
uint64_t Journal::result_sequence() const {
  return impl_->result_sequence;
}
const Bytes& Journal::last_result_hash() const {
  return impl_->last_result_hash;
}
int64_t Journal::signed_ms() const {
  return impl_->signed_ms;
}
bool Journal::broken() const {
  return impl_->broken;
}

}  // namespace reeve::runner
