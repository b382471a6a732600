// What the spool promised is remembered here, and held against what it gives after the crash.
#include "tests/sim/spool_campaign.h"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/spool.h"
#include "tests/sim/numbered_block.h"

namespace reeve::sim {
namespace {

using agent::Spool;
using wire::Lane;

constexpr uint64_t numbers_total = 150;
constexpr uint64_t rounds_max = 2'000;  // far beyond what the source needs
constexpr const char* directory = "/var/lib/agent/spool";

class Run {
 public:
  explicit Run(const SpoolCampaign& campaign)
      : campaign_(campaign), random_(campaign.seed * 1'000'003 + campaign.crash_in_change), disk_(random_) {}

  Result<bool> run() {
    disk_.lie_about_syncs(campaign_.lie_about_syncs);
    disk_.stop_after(campaign_.crash_in_change);
    for (uint64_t round = 0; round < rounds_max; ++round) {
      if (disk_.stopped()) restart();
      if (spool_ == nullptr) TRY(open());
      if (spool_ != nullptr) TRY(work());
      if (shipped_.size() + given_up_.size() == numbers_total && !disk_.stopped()) {
        TRY(check_end());
        return crashes_ > 0;
      }
    }
    return broken("the source never came to its end: " + std::to_string(shipped_.size()) + " of " +
                  std::to_string(numbers_total) + " shipped");
  }

 private:
  Error broken(const std::string& what) const {
    return Error(Code::corrupt, "spool, seed " + std::to_string(campaign_.seed) + ", crash in change " +
                                    std::to_string(campaign_.crash_in_change) +
                                    (campaign_.crash == SimDisk::Crash::power_cut ? " (power cut): " : " (kill): ") +
                                    what);
  }

  // Trouble is excused by a dead disk, and by nothing else.
  Status excused(const Status& status, const std::string& doing) const {
    if (status.ok() || disk_.stopped()) return {};
    if (campaign_.failing_syncs > 0 && status.error().code() == Code::unavailable) return {};
    return broken(doing + ": " + status.error().text());
  }

  void restart() {
    spool_.reset();
    disk_.restart(crashes_ == 0 ? campaign_.crash : SimDisk::Crash::power_cut);
    ++crashes_;
    if (crashes_ == 1 && campaign_.power_cut_after > 0) disk_.stop_after(campaign_.power_cut_after);
  }

  Status open() {
    auto opened = Spool::open(disk_, random_, agent_, {.directory = directory, .segment_bytes_max = 4_KiB});
    if (!opened.ok()) return excused(opened.error(), "open");
    spool_ = std::move(opened).value();

    for (const agent::SpoolGap& gap : spool_->gaps()) {
      if (gap.reason != "campaign") return broken("a crash made a gap: " + gap.reason);
    }
    if (spool_->quarantined_total() > set_aside_.size()) return broken("a crash put something into quarantine");
    if (epoch_ && spool_->epoch() != *epoch_ && !epoch_may_change_) return broken("the stream epoch changed");
    epoch_ = spool_->epoch();
    epoch_may_change_ = true;  // until something is durable, nobody minds

    const auto lane = spool_->lane(Lane::live);
    offset_ = 0;
    for (const wire::SourcePosition& position : spool_->positions()) offset_ = position.offset;
    if (offset_ < durable_offset_) {
      return broken("synced through line " + std::to_string(durable_offset_) + ", came back with " +
                    std::to_string(offset_));
    }
    if (lane.next_durable < durable_next_ && spool_->epoch() == durable_epoch_) {
      return broken("synced through sequence " + std::to_string(durable_next_ - 1) + ", came back with " +
                    std::to_string(lane.next_durable - 1));
    }
    appended_offset_ = offset_;
    return note_durable();
  }

  Status note_durable() {
    durable_offset_ = appended_offset_;
    durable_next_ = spool_->lane(Lane::live).next_durable;
    durable_epoch_ = spool_->epoch();
    epoch_may_change_ = durable_next_ == 1 && durable_offset_ == 0;
    return {};
  }

  Status work() {
    switch (random_.below(8)) {
      case 0:
      case 1:
      case 2:
        return append();
      case 3:
      case 4:
        return sync();
      case 5:
        return ship(false);
      case 6:
        return ship(true);
      default:
        return rarely();
    }
  }

  Status append() {
    if (appended_offset_ == numbers_total) return sync();
    const uint64_t to = std::min(numbers_total, appended_offset_ + 1 + random_.below(4));
    const Status appended =
        spool_->append(Lane::live, make_numbered_block(appended_offset_, to), {numbered_position(to)});
    if (appended.ok()) appended_offset_ = to;
    return excused(appended, "append");
  }

  Status sync() {
    if (campaign_.failing_syncs > 0 && failed_syncs_ == 0 && random_.one_in(6)) {
      failed_syncs_ = campaign_.failing_syncs;
      disk_.fail_syncs(failed_syncs_);
    }
    const Status synced = spool_->sync();
    if (!synced.ok()) return excused(synced, "sync");
    return note_durable();
  }

  // Sends what is durable and the list does not have; acknowledges all of it or what was there before.
  Status ship(bool acknowledge) {
    const auto lane = spool_->lane(Lane::live);
    uint64_t& through = through_[spool_->epoch()];
    if (lane.first_held > through + 1 && lane.first_held <= lane.next_durable) {
      return broken("sequence " + std::to_string(through + 1) + " went before it was acknowledged");
    }
    while (through + 1 < lane.next_durable) {
      const uint64_t sequence = through + 1;
      if (is_gap(sequence)) {
        TRY(pass_gap(sequence));
        ++through;
        continue;
      }
      const auto block = spool_->read(Lane::live, sequence);
      if (!block.ok()) return excused(block.error(), "read sequence " + std::to_string(sequence));
      TRY(receive(sequence, *block));
      ++through;
      if (!acknowledge && random_.one_in(3)) break;
    }
    if (!acknowledge || through == 0) return {};
    return excused(spool_->acknowledge(Lane::live, through), "acknowledge");
  }

  bool is_gap(uint64_t sequence) const {
    for (const agent::SpoolGap& gap : spool_->gaps()) {
      if (gap.lane == Lane::live && gap.from <= sequence && sequence <= gap.to) return true;
    }
    return false;
  }

  // The list takes note that these lines will never come; from here on they must not.
  Status pass_gap(uint64_t sequence) {
    const auto found = set_aside_.find({spool_->epoch(), sequence});
    if (found == set_aside_.end()) return broken("a gap that nobody asked for at " + std::to_string(sequence));
    given_up_.insert(found->second.begin(), found->second.end());
    return {};
  }

  Status receive(uint64_t sequence, BytesView block) {
    const auto preamble = TRY(wire::parse_preamble(block));
    const wire::BlockIdentity expected{agent_, spool_->epoch(), Lane::live, sequence};
    if (preamble.identity != expected) return broken("a block carries another identity than it was read by");
    const auto numbers = TRY(read_numbers(block));
    for (const uint64_t number : numbers) {
      if (given_up_.contains(number)) return broken("line " + std::to_string(number) + " was given up, yet it came");
      if (!shipped_.emplace(number, sequence).second) return broken("line " + std::to_string(number) + " came twice");
      if (shipped_.rbegin()->first != number) return broken("line " + std::to_string(number) + " came late");
    }
    return {};
  }

  Status rarely() {
    // A new epoch gives new sequences to what is held, so here it begins only when nothing is.
    const auto lane = spool_->lane(Lane::live);
    if (random_.one_in(2) && lane.next_durable > 1) {
      TRY(sync());
      TRY(ship(true));
      if (disk_.stopped() || appended_offset_ != durable_offset_) return {};
      epoch_may_change_ = true;
      const Status begun = spool_->begin_new_epoch();
      if (!begun.ok()) return excused(begun, "begin a new epoch");
      epoch_ = spool_->epoch();
      return note_durable();
    }
    return set_one_aside();
  }

  Status set_one_aside() {
    const uint64_t sequence = through_[spool_->epoch()] + 1;
    if (sequence >= spool_->lane(Lane::live).next_durable || is_gap(sequence)) return {};
    const auto block = spool_->read(Lane::live, sequence);
    if (!block.ok()) return excused(block.error(), "read what will be set aside");
    const auto numbers = TRY(read_numbers(*block));
    // A crash may undo it, as long as the list has not passed the gap: then the block comes after all.
    set_aside_[{spool_->epoch(), sequence}] = numbers;
    return excused(spool_->set_aside(Lane::live, sequence, "campaign"), "set aside");
  }

  Status check_end() {
    for (uint64_t number = 0; number < numbers_total; ++number) {
      if (!shipped_.contains(number) && !given_up_.contains(number)) {
        return broken("line " + std::to_string(number) + " is lost");
      }
    }
    return {};
  }

  const SpoolCampaign campaign_;
  SeededRandom random_;
  SimDisk disk_;
  const Uuid agent_{{1, 2, 3}};
  std::unique_ptr<Spool> spool_;
  uint64_t crashes_ = 0;
  uint64_t failed_syncs_ = 0;

  std::optional<Uuid> epoch_;
  bool epoch_may_change_ = true;
  uint64_t offset_ = 0;
  uint64_t appended_offset_ = 0;
  uint64_t durable_offset_ = 0;
  uint64_t durable_next_ = 1;
  Uuid durable_epoch_;

  std::map<Uuid, uint64_t> through_;                                      // the list's own count
  std::map<uint64_t, uint64_t> shipped_;                                  // line -> sequence
  std::map<std::pair<Uuid, uint64_t>, std::vector<uint64_t>> set_aside_;  // epoch, sequence -> lines
  std::set<uint64_t> given_up_;                                           // lines in gaps that the list has passed
};

}  // namespace

Result<bool> run_spool_campaign(const SpoolCampaign& campaign) {
  Run run(campaign);
  return run.run();
}

}  // namespace reeve::sim
