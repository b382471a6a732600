// What may have happened is held as one model or two: the second has the verb that did not return ok.
#include "tests/sim/runner_journal_campaign.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/runner/journal.h"
#include "tests/sim/runner_journal_model.h"

namespace reeve::sim {
namespace {

using runner::Journal;
using runner::JournalEntry;
using warrant::Phase;
using warrant::StepState;
using Kind = JournalVerb::Kind;

constexpr const char* directory = "/var/lib/reeve-runner";
constexpr const char* path = "/var/lib/reeve-runner/journal";
constexpr uint64_t openings_max = 1'000;  // far beyond what a history needs

class Run {
 public:
  explicit Run(const RunnerJournalCampaign& campaign)
      : campaign_(campaign),
        journal_bytes_((campaign.seed % 4 == 0 ? 1_MiB : 256_KiB) + campaign.seed % 3 * 128_KiB),
        random_(campaign.seed),
        disk_(random_) {}

  Result<RunnerJournalOutcome> run() {
    disk_.lie_about_syncs(campaign_.lie_about_syncs);
    if (!disk_.make_directories(directory).ok() || !disk_.sync_directory("/var/lib").ok()) {
      return broken("the disk is broken before it begins");
    }
    disk_.stop_after(campaign_.crash_in_change);
    for (uint64_t done = 0, openings = 0; done < campaign_.verbs;) {
      if (disk_.stopped()) restart();
      if (journal_ == nullptr) {
        if (++openings > openings_max) return broken("the journal never came up");
        TRY(open());
        continue;
      }
      TRY(act());
      ++done;
      if (journal_ != nullptr && done % 8 == 0) TRY(compare("at work"));
    }
    return outcome_;
  }

  // The journal at the history's end, closed, for rot.
  SimDisk& disk() {
    journal_.reset();
    return disk_;
  }
  const std::vector<Bytes>& ids() const { return ids_; }
  std::string expected() const { return picture(model_, ids_); }

 private:
  Error broken(const std::string& what) const {
    return Error(Code::corrupt, "runner journal, seed " + std::to_string(campaign_.seed) + ", crash in change " +
                                    std::to_string(campaign_.crash_in_change) +
                                    (campaign_.crash == SimDisk::Crash::power_cut ? " (power cut): " : " (kill): ") +
                                    what);
  }

  void restart() {
    journal_.reset();
    const bool first = !outcome_.crashed;
    outcome_.crashed = true;
    disk_.restart(first ? campaign_.crash : SimDisk::Crash::power_cut);
    trouble_ends();
    if (first && campaign_.power_cut_after > 0) disk_.stop_after(campaign_.power_cut_after);
  }

  void trouble_ends() {
    disk_.set_bytes_max(1_GiB);
    disk_.fail_syncs(0);
    disk_.fail_directory_syncs(0);
    full_for_ = 0;
  }

  Status open() {
    auto opened = Journal::open(disk_, {.path = path, .bytes = journal_bytes_, .create = !opened_once_});
    if (!opened.ok()) {
      const Code code = opened.error().code();
      if (disk_.stopped() || (campaign_.failing_syncs && code == Code::unavailable)) return {};
      if (code == Code::exhausted && full_for_ > 0) {
        trouble_ends();
        return {};
      }
      return broken("open: " + opened.error().text());
    }
    opened_once_ = true;
    journal_ = std::move(opened).value();
    ++outcome_.reopened;
    return compare("opened again");
  }

  Status compare(const std::string& when) {
    const std::string found = picture(*journal_, ids_);
    if (perhaps_ && found == picture(*perhaps_, ids_)) model_ = *perhaps_;
    perhaps_.reset();
    if (found == picture(model_, ids_)) return {};
    return broken(when + " it says\n" + found + "and should say\n" + picture(model_, ids_) +
                  (last_doubt_.empty() ? "" : "the last in doubt was " + last_doubt_));
  }

  Status act() {
    now_ms_ += static_cast<int64_t>(random_.below(20));
    if (campaign_.failing_syncs && random_.one_in(15)) {
      random_.one_in(3) ? disk_.fail_directory_syncs(1) : disk_.fail_syncs(1 + random_.below(2));
    }
    if (full_for_ > 0 && --full_for_ == 0) disk_.set_bytes_max(1_GiB);
    if (campaign_.full_disk && full_for_ == 0 && random_.one_in(8)) {
      full_for_ = 1 + random_.below(12);
      const auto space = disk_.space(directory);
      if (space.ok()) disk_.set_bytes_max(space->total_bytes - space->free_bytes + random_.below(journal_bytes_));
    }
    if (random_.one_in(25)) {  // a clean restart
      journal_.reset();
      return {};
    }

    const JournalVerb verb = draw();
    const bool allowed = model_.allows(verb);
    const bool promised = is_promised(verb);
    const uint64_t inode = file_inode();
    const Status status = perform(*journal_, verb);
    if (file_inode() != inode) ++outcome_.compacted;
    if (status.ok()) {
      if (!allowed) return broken("accepted what is out of order: " + to_text(verb));
      model_.apply(verb);
      return {};
    }
    switch (status.error().code()) {
      case Code::invalid:
        if (allowed) return broken("refused what is in order: " + to_text(verb) + ": " + status.error().text());
        return {};
      case Code::exhausted:
        ++outcome_.exhausted;
        if (promised) return broken("no room for what was promised: " + to_text(verb));
        if (journal_->broken()) return broken("a full journal is not a broken one");
        return {};
      default:
        return on_broken(verb, status.error());
    }
  }

  Status on_broken(const JournalVerb& verb, const Error& error) {
    if (error.code() != Code::unavailable || !(disk_.stopped() || campaign_.failing_syncs)) {
      return broken("failed for no reason: " + to_text(verb) + ": " + error.text());
    }
    ++outcome_.broken;
    const uint64_t changes = disk_.changes();
    const Status again = perform(*journal_, verb);
    if (!journal_->broken() || again.ok() || disk_.changes() != changes) {
      return broken("a broken journal went on: " + to_text(verb));
    }
    perhaps_ = model_;
    perhaps_->apply(verb);
    last_doubt_ = to_text(verb);
    journal_.reset();
    if (!disk_.stopped() && random_.one_in(2)) disk_.restart(SimDisk::Crash::power_cut);
    return {};
  }

  uint64_t file_inode() {
    const auto found = disk_.stat(path);
    return found.ok() ? found->identity.inode : 0;
  }

  // Whether an earlier intent has reserved the room for it.
  bool is_promised(const JournalVerb& verb) const {
    if (verb.kind == Kind::start || verb.kind == Kind::end || verb.kind == Kind::keep) return true;
    const JournalEntry* exec = model_.find(verb.entry.step_id, Phase::exec);
    return verb.kind == Kind::intend && verb.entry.phase == Phase::rollback && exec != nullptr &&
           model_.awaits_keep(*exec);
  }

  Bytes draw_bytes(size_t usual_max, size_t max) {
    return random_.bytes(random_.one_in(6) ? max : random_.below(usual_max) + 1);
  }

  // Mostly of a step that is known.
  JournalVerb draw() {
    JournalVerb verb;
    verb.entry.phase = random_.one_in(4) ? Phase::rollback : Phase::exec;
    if (!ids_.empty()) verb.entry.step_id = ids_[random_.below(ids_.size())];
    if (!model_.entries.empty() && !random_.one_in(8)) {
      const JournalEntry& entry = model_.entries[random_.below(model_.entries.size())];
      verb.entry.step_id = entry.step_id;
      verb.entry.phase = entry.phase;
    }
    switch (random_.below(16)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return draw_intent(verb, true);
      case 4:
        return draw_intent(verb, false);
      case 5:
      case 6:
      case 7:
        verb.kind = Kind::start;
        verb.entry.boot = random_.one_in(2) ? std::string(runner::journal_name_bytes_max, 'b') : "boot";
        verb.entry.started_ms = now_ms_;
        return verb;
      case 8:
      case 9:
      case 10:
      case 11:
        return draw_end(verb);
      case 12:
        verb.kind = Kind::keep;
        return verb;
      case 13:
        verb.kind = Kind::acknowledge;
        verb.through = model_.result_sequence + (random_.one_in(10) ? 1 : 0) -
                       random_.below(std::min<uint64_t>(model_.result_sequence, 3) + 1);
        return verb;
      case 14:
        verb.kind = Kind::note_signed_time;
        verb.ms = now_ms_ - static_cast<int64_t>(random_.below(20));
        return verb;
      default:
        verb.kind = Kind::forget;
        verb.ms = now_ms_ - static_cast<int64_t>(random_.below(100));
        return verb;
    }
  }

  JournalVerb draw_intent(JournalVerb verb, bool fresh) {
    verb.kind = Kind::intend;
    if (fresh || ids_.empty()) {
      verb.entry.step_id = random_.bytes(32);
      verb.entry.phase = Phase::exec;
      ids_.push_back(verb.entry.step_id);
    } else if (random_.one_in(2)) {
      verb.entry.phase = Phase::rollback;
    }
    const bool exec = verb.entry.phase == Phase::exec;
    verb.entry.step = exec ? draw_bytes(1'000, warrant::step_bytes_max) : Bytes();
    verb.entry.sequence = exec ? model_.sequence + (random_.one_in(10) ? 0 : 1 + random_.below(3)) : 0;
    verb.entry.forget_after_ms = now_ms_ + static_cast<int64_t>(random_.below(200));
    verb.entry.launch_id = std::string(1 + random_.below(runner::journal_name_bytes_max), 'l');
    return verb;
  }

  JournalVerb draw_end(JournalVerb verb) {
    verb.kind = Kind::end;
    verb.entry.state = static_cast<StepState>(1 + random_.below(4));
    const JournalEntry* entry = model_.find(verb.entry.step_id, verb.entry.phase);
    if (entry != nullptr && !entry->started && !random_.one_in(8)) verb.entry.state = StepState::not_started;
    verb.entry.ended_ms = now_ms_;
    const bool has_switch = verb.entry.phase == Phase::exec && random_.one_in(3);
    verb.entry.keep_until_ms = has_switch ? now_ms_ + 50 : 0;
    verb.result.sequence = model_.result_sequence + (random_.one_in(20) ? 2 : 1);
    verb.result.envelope = draw_bytes(2'000, runner::result_envelope_bytes_max);
    verb.result_body = random_.bytes(20);
    return verb;
  }

  const RunnerJournalCampaign campaign_;
  const uint64_t journal_bytes_;
  SeededRandom random_;
  SimDisk disk_;
  std::unique_ptr<Journal> journal_;
  RunnerJournalModel model_;
  std::optional<RunnerJournalModel> perhaps_;
  std::string last_doubt_;
  std::vector<Bytes> ids_;
  RunnerJournalOutcome outcome_;
  int64_t now_ms_ = 0;
  uint64_t full_for_ = 0;  // verbs
  bool opened_once_ = false;
};

// -- Rot
// ---------------------------------------------------------------------------------------------------------------

constexpr uint64_t sector = 512;  // as agent/runner/journal_file.h has it

class Rot {
 public:
  Rot(SimDisk& disk, std::vector<Bytes> ids, std::string expected)
      : disk_(disk), ids_(std::move(ids)), expected_(std::move(expected)), whole_(disk.contents(path)) {
    used_ = (whole_.find_last_not_of('\0') + sector) / sector * sector;
    last_ = used_ - sector;
    while (load_le<uint16_t>(whole_.data() + last_ + 5) != 0) last_ -= sector;  // back to index 0: its first
  }

  uint64_t used() const { return used_; }
  uint64_t last() const { return last_; }

  // `must_be_refused`: what the damage hits says something.
  Status damage(const std::string& name, Bytes content, bool must_be_refused) {
    ++outcome.damages;
    TRY(put(content));
    const auto opened = Journal::open(disk_, {.path = path});
    if (!opened.ok()) {
      if (opened.error().code() != Code::corrupt) return broken(name, opened.error().text());
      if (disk_.contents(path) != content) return broken(name, "a corrupt journal was changed");
      ++outcome.refused;
      return {};
    }
    if (must_be_refused) return broken(name, "nobody noticed");
    if (picture(**opened, ids_) != expected_) return broken(name, "it says something else now");
    ++outcome.harmless;
    return {};
  }

  Status flip(uint64_t bit) {
    Bytes content = whole_;
    content[bit / 8] = static_cast<char>(content[bit / 8] ^ (1 << (bit % 8)));
    return damage("bit " + std::to_string(bit), std::move(content), bit / 8 < used_);
  }

  Status any(Random& random) {
    Bytes content = whole_;
    const uint64_t at = random.below(used_ / sector) * sector;
    switch (random.below(8)) {
      case 0: {  // some bytes
        const uint64_t from = random.below(used_ - 64);
        for (uint64_t i = 0; i < 1 + random.below(64); ++i) content[from + i] = static_cast<char>(random.next());
        return damage("bytes at " + std::to_string(from), content, content != whole_);
      }
      case 1: {  // two sectors in each other's place
        const uint64_t other = random.below(used_ / sector) * sector;
        std::swap_ranges(content.begin() + static_cast<ptrdiff_t>(at),
                         content.begin() + static_cast<ptrdiff_t>(at + sector),
                         content.begin() + static_cast<ptrdiff_t>(other));
        return damage("sectors " + std::to_string(at) + " and " + std::to_string(other), content, at != other);
      }
      case 2:  // a sector gone back to zeros; of the last record it cannot be told from a torn one
        std::fill_n(content.begin() + static_cast<ptrdiff_t>(random.below(last_ / sector) * sector), sector, '\0');
        return damage("a lost sector", content, true);
      case 3:  // the end cut off
        return damage("cut at " + std::to_string(at), content.substr(0, at + random.below(sector)), true);
      default:
        return flip(random.below(used_ * 8 + 4'096));
    }
  }

  RunnerJournalRot outcome;

 private:
  static Error broken(const std::string& name, const std::string& what) {
    return Error(Code::corrupt, "rot of the runner's journal, " + name + ": " + what);
  }

  Status put(BytesView content) {
    const std::unique_ptr<sys::File> file = TRY(disk_.open(path, sys::OpenMode::create));
    TRY(file->truncate(content.size()));
    TRY(file->write_at(0, content));
    return file->sync();
  }

  SimDisk& disk_;
  const std::vector<Bytes> ids_;
  const std::string expected_;
  const Bytes whole_;
  uint64_t used_ = 0;
  uint64_t last_ = 0;  // where the last record begins
};

}  // namespace

Result<RunnerJournalOutcome> run_runner_journal_campaign(const RunnerJournalCampaign& campaign) {
  return Run(campaign).run();
}

Result<RunnerJournalRot> damage_runner_journal(uint64_t seed, uint64_t damages, bool every_last_bit) {
  Run run({.crash_in_change = 1'000'000, .seed = seed, .verbs = 40});
  TRY(run.run());
  Rot rot(run.disk(), run.ids(), run.expected());
  SeededRandom random(seed);
  for (uint64_t i = 0; i < damages; ++i) TRY(rot.any(random));
  for (uint64_t bit = rot.last() * 8; every_last_bit && bit < rot.used() * 8; ++bit) TRY(rot.flip(bit));
  return rot.outcome;
}

}  // namespace reeve::sim
