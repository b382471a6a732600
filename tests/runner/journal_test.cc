// The order of things and the bounds; what a disk can do to it is in tests/sim/runner_journal_campaign_test.cc.
#include "agent/runner/journal.h"

#include <string>
#include <vector>

#include "common/base/random.h"
#include "common/crypto/digest.h"
#include "tests/pch.h"
#include "tests/sim/sim_disk.h"
#include "tests/sys/temp_directory.h"

namespace reeve::runner {
namespace {

using warrant::Phase;
using warrant::StepState;

constexpr const char* path = "/var/lib/reeve-runner/journal";

Bytes id_of(uint64_t number) {
  return crypto::sha256("step " + std::to_string(number));
}

class Fixture {
 public:
  explicit Fixture(uint64_t bytes = 1_MiB) : bytes_(bytes) {
    CHECK(disk.make_directories("/var/lib/reeve-runner").ok());
    open(true);
  }

  void open(bool create = false) {
    journal.reset();
    auto opened = Journal::open(disk, {.path = path, .bytes = bytes_, .create = create});
    INFO((opened.ok() ? "" : opened.error().text()));
    REQUIRE(opened.ok());
    journal = std::move(opened).value();
  }

  Status intend(uint64_t number, Bytes step = "a step") {
    return journal->intend({.step_id = id_of(number),
                            .step = std::move(step),
                            .sequence = journal->sequence() + 1,
                            .forget_after_ms = 1'000,
                            .launch_id = "launch-" + std::to_string(number)});
  }
  Status intend_rollback(uint64_t number) {
    const std::string id = "back-" + std::to_string(number);
    return journal->intend(
        {.step_id = id_of(number), .phase = Phase::rollback, .forget_after_ms = 2'000, .launch_id = id});
  }
  Status start(uint64_t number, Phase phase = Phase::exec) { return journal->start(id_of(number), phase, "boot", 100); }
  Status end(uint64_t number, StepState state = StepState::done, int64_t keep_until_ms = 0, Bytes envelope = "signed",
             Phase phase = Phase::exec) {
    return journal->end(id_of(number), phase, state, 200, keep_until_ms,
                        {.sequence = journal->result_sequence() + 1, .envelope = std::move(envelope)}, "body");
  }
  void run(uint64_t number, int64_t keep_until_ms = 0) {
    REQUIRE(intend(number).ok());
    REQUIRE(start(number).ok());
    REQUIRE(end(number, StepState::done, keep_until_ms).ok());
  }
  const JournalEntry* find(uint64_t number, Phase phase = Phase::exec) { return journal->find(id_of(number), phase); }
  uint64_t used() const { return disk.contents(path).find_last_not_of('\0') + 1; }

  SeededRandom random{1};
  sim::SimDisk disk{random};
  std::unique_ptr<Journal> journal;

 private:
  const uint64_t bytes_;
};

void check_code(const Status& status, Code code) {
  REQUIRE_FALSE(status.ok());
  INFO(status.error().text());
  CHECK(status.error().code() == code);
}

// -- Opening
// -----------------------------------------------------------------------------------------------------------

TEST_CASE("runner journal: only who asks for it makes one, and what is there is never replaced") {
  Fixture fixture;
  fixture.run(1);
  fixture.open(true);
  REQUIRE(fixture.find(1) != nullptr);

  fixture.journal.reset();
  REQUIRE(fixture.disk.remove(path).ok());
  const auto opened = Journal::open(fixture.disk, {.path = path});
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.error().code() == Code::not_found);
  CHECK_FALSE(fixture.disk.has(path));
}

TEST_CASE("runner journal: a full disk makes none, and leaves none") {
  SeededRandom random(1);
  sim::SimDisk disk(random);
  disk.set_bytes_max(1_MiB - 1);
  auto opened = Journal::open(disk, {.path = "/journal", .bytes = 1_MiB, .create = true});
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.error().code() == Code::exhausted);
  CHECK_FALSE(disk.has("/journal"));

  disk.set_bytes_max(1_MiB);
  CHECK(Journal::open(disk, {.path = "/journal", .bytes = 1_MiB, .create = true}).ok());
  CHECK(disk.contents("/journal").size() == 1_MiB);
}

TEST_CASE("runner journal: a file of another length, or of something else, is corrupt and stays as it is") {
  Fixture fixture;
  fixture.run(1);
  fixture.journal.reset();
  const auto refused = [&fixture](BytesView content) {
    const auto file = fixture.disk.open(path, sys::OpenMode::create);
    REQUIRE(file.ok());
    REQUIRE((*file)->truncate(0).ok());
    REQUIRE((*file)->write_at(0, content).ok());
    const auto opened = Journal::open(fixture.disk, {.path = path, .create = true});
    REQUIRE_FALSE(opened.ok());
    CHECK(opened.error().code() == Code::corrupt);
    CHECK((fixture.disk.contents(path) == content));
  };
  const Bytes good(fixture.disk.contents(path));
  refused("");
  refused("not a journal\n");
  refused(Bytes(1_MiB, '\0'));
  refused(Bytes(1_MiB, 'R'));
  refused(good.substr(0, 512_KiB));
  refused(good.substr(0, 1_MiB - 1));
  refused(good + Bytes(512, '\0'));
  refused(good.substr(512) + Bytes(512, '\0'));
}

TEST_CASE("runner journal: it lives on a real disk") {
  const TempDirectory directory;
  const std::string file = directory / "journal";
  {
    auto journal = Journal::open(sys::real_disk(), {.path = file, .create = true});
    REQUIRE(journal.ok());
    REQUIRE((*journal)->intend({.step_id = id_of(1), .step = "a step", .sequence = 7}).ok());
  }
  const auto found = sys::real_disk().stat(file);
  REQUIRE(found.ok());
  CHECK(found->size == 8_MiB);
  const auto journal = Journal::open(sys::real_disk(), {.path = file});
  REQUIRE(journal.ok());
  CHECK((*journal)->sequence() == 7);
}

// -- The order of things
// -----------------------------------------------------------------------------------------------

TEST_CASE("runner journal: a step goes from intent to start to end, and each is there after a restart") {
  Fixture fixture;
  REQUIRE(fixture.intend(1).ok());
  fixture.open();
  REQUIRE(fixture.find(1) != nullptr);
  CHECK_FALSE(fixture.find(1)->started);
  CHECK(fixture.find(1)->step == "a step");
  CHECK(fixture.journal->sequence() == 1);
  CHECK(fixture.journal->unfinished() == std::vector<const JournalEntry*>{fixture.find(1)});

  REQUIRE(fixture.start(1).ok());
  fixture.open();
  CHECK(fixture.find(1)->started);
  CHECK(fixture.find(1)->boot == "boot");
  CHECK(fixture.find(1)->started_ms == 100);
  CHECK(fixture.journal->started_since(100) == 1);
  CHECK(fixture.journal->started_since(101) == 0);

  REQUIRE(fixture.end(1, StepState::failed).ok());
  fixture.open();
  CHECK(fixture.find(1)->ended);
  CHECK(fixture.find(1)->state == StepState::failed);
  CHECK(fixture.find(1)->ended_ms == 200);
  CHECK(fixture.find(1)->result_sequence == 1);
  CHECK(fixture.journal->unfinished().empty());
  CHECK(fixture.journal->result_sequence() == 1);
  CHECK(fixture.journal->last_result_hash() == crypto::sha256("body"));
  REQUIRE(fixture.journal->results_after(0).size() == 1);
  CHECK(fixture.journal->results_after(0)[0].envelope == "signed");
  CHECK(fixture.journal->results_after(1).empty());
}

TEST_CASE("runner journal: a step is accepted once, and a dispatch above the highest sequence alone") {
  Fixture fixture;
  fixture.run(1);
  check_code(fixture.intend(1), Code::invalid);
  fixture.open();
  check_code(fixture.intend(1), Code::invalid);
  for (const uint64_t sequence : {0, 1}) {
    check_code(fixture.journal->intend({.step_id = id_of(2), .step = "s", .sequence = sequence}), Code::invalid);
  }
  CHECK(fixture.find(2) == nullptr);
  CHECK(fixture.journal->intend({.step_id = id_of(2), .step = "s", .sequence = 2}).ok());
}

TEST_CASE("runner journal: nothing starts or ends twice, unknown, or in the wrong order") {
  Fixture fixture;
  check_code(fixture.start(1), Code::invalid);
  check_code(fixture.end(1), Code::invalid);
  REQUIRE(fixture.intend(1).ok());
  for (const StepState state : {StepState::done, StepState::failed, StepState::unknown, StepState::refused}) {
    check_code(fixture.end(1, state), Code::invalid);  // it was not started
  }
  REQUIRE(fixture.start(1).ok());
  check_code(fixture.start(1), Code::invalid);
  check_code(fixture.end(1, StepState::refused), Code::invalid);
  REQUIRE(fixture.end(1, StepState::unknown).ok());
  check_code(fixture.end(1), Code::invalid);
  check_code(fixture.start(1), Code::invalid);

  REQUIRE(fixture.intend(2).ok());
  REQUIRE(fixture.end(2, StepState::not_started).ok());
  check_code(fixture.start(2), Code::invalid);
}

TEST_CASE("runner journal: results follow one another without a gap") {
  Fixture fixture;
  REQUIRE(fixture.intend(1).ok());
  for (const uint64_t sequence : {0, 2}) {
    const JournalResult result{.sequence = sequence, .envelope = "signed"};
    check_code(fixture.journal->end(id_of(1), Phase::exec, StepState::not_started, 1, 0, result, "body"),
               Code::invalid);
  }
  CHECK(fixture.journal->result_sequence() == 0);
  CHECK(fixture.journal->last_result_hash().empty());
}

TEST_CASE("runner journal: a step is rolled back once, and only behind its end") {
  Fixture fixture;
  check_code(fixture.intend_rollback(1), Code::invalid);
  REQUIRE(fixture.intend(1).ok());
  check_code(fixture.intend_rollback(1), Code::invalid);
  REQUIRE(fixture.start(1).ok());
  REQUIRE(fixture.end(1, StepState::failed).ok());
  check_code(fixture.journal->intend({.step_id = id_of(1), .phase = Phase::rollback, .sequence = 2}), Code::invalid);

  REQUIRE(fixture.intend_rollback(1).ok());
  check_code(fixture.intend_rollback(1), Code::invalid);
  REQUIRE(fixture.start(1, Phase::rollback).ok());
  fixture.open();
  const JournalEntry* rollback = fixture.find(1, Phase::rollback);
  REQUIRE(rollback != nullptr);
  CHECK(rollback->step == "a step");
  CHECK(rollback->launch_id == "back-1");
  CHECK(fixture.journal->unfinished() == std::vector<const JournalEntry*>{rollback});
  REQUIRE(fixture.end(1, StepState::done, 0, "signed", Phase::rollback).ok());
  check_code(fixture.intend_rollback(1), Code::invalid);
  CHECK(fixture.journal->started_since(0) == 1);
}

TEST_CASE("runner journal: a switch waits for its keep until one comes or the rollback begins") {
  Fixture fixture;
  fixture.run(1, 5'000);
  fixture.run(2, 5'000);
  fixture.run(3);
  CHECK(fixture.journal->awaiting_keep() == std::vector<const JournalEntry*>{fixture.find(1), fixture.find(2)});
  REQUIRE(fixture.journal->keep(id_of(1)).ok());
  REQUIRE(fixture.intend_rollback(2).ok());
  fixture.open();
  CHECK(fixture.find(1)->kept);
  CHECK(fixture.journal->awaiting_keep().empty());
  check_code(fixture.journal->keep(id_of(2)), Code::invalid);
  check_code(fixture.journal->keep(id_of(3)), Code::invalid);
  check_code(fixture.journal->keep(id_of(4)), Code::invalid);

  const uint64_t changes = fixture.disk.changes();
  CHECK(fixture.journal->keep(id_of(1)).ok());
  CHECK(fixture.disk.changes() == changes);

  REQUIRE(fixture.intend(5).ok());
  REQUIRE(fixture.journal->keep(id_of(5)).ok());  // before its end
  REQUIRE(fixture.start(5).ok());
  REQUIRE(fixture.end(5, StepState::done, 5'000).ok());
  CHECK(fixture.journal->awaiting_keep().empty());
}

TEST_CASE("runner journal: results are kept until they are acknowledged, and never acknowledged ahead") {
  Fixture fixture;
  for (uint64_t i = 1; i <= 3; ++i) fixture.run(i);
  check_code(fixture.journal->acknowledge(4), Code::invalid);
  REQUIRE(fixture.journal->acknowledge(0).ok());
  CHECK(fixture.journal->results_after(0).size() == 3);
  REQUIRE(fixture.journal->acknowledge(2).ok());
  REQUIRE(fixture.journal->acknowledge(1).ok());
  fixture.open();
  REQUIRE(fixture.journal->results_after(0).size() == 1);
  CHECK(fixture.journal->results_after(0)[0].sequence == 3);
  REQUIRE(fixture.journal->acknowledge(3).ok());
  fixture.open();
  CHECK(fixture.journal->results_after(0).empty());
  CHECK(fixture.journal->result_sequence() == 3);
  CHECK(fixture.journal->last_result_hash() == crypto::sha256("body"));
}

TEST_CASE("runner journal: the signed time never goes back") {
  Fixture fixture;
  REQUIRE(fixture.journal->note_signed_time(50).ok());
  const uint64_t changes = fixture.disk.changes();
  REQUIRE(fixture.journal->note_signed_time(50).ok());
  REQUIRE(fixture.journal->note_signed_time(-1).ok());
  CHECK(fixture.disk.changes() == changes);
  fixture.open();
  CHECK(fixture.journal->signed_ms() == 50);
}

TEST_CASE("runner journal: a step is forgotten at its time, with its rollback, and its sequence is not") {
  Fixture fixture;
  fixture.run(1);
  fixture.run(2);
  REQUIRE(fixture.intend_rollback(2).ok());  // to be forgotten at 2,000
  fixture.run(3, 5'000);                     // waits for its keep
  REQUIRE(fixture.intend(4).ok());           // has not ended
  REQUIRE(fixture.journal->forget(999).ok());
  CHECK(fixture.find(1) != nullptr);
  REQUIRE(fixture.journal->forget(1'000).ok());
  CHECK(fixture.find(1) == nullptr);
  REQUIRE(fixture.journal->forget(9'000).ok());
  fixture.open();
  CHECK(fixture.find(1) == nullptr);
  CHECK(fixture.find(2) != nullptr);  // its rollback has not ended
  CHECK(fixture.find(3) != nullptr);
  CHECK(fixture.find(4) != nullptr);

  REQUIRE(fixture.end(2, StepState::not_started, 0, "signed", Phase::rollback).ok());
  REQUIRE(fixture.journal->forget(1'999).ok());
  CHECK(fixture.find(2) != nullptr);
  REQUIRE(fixture.journal->forget(2'000).ok());
  CHECK(fixture.find(2) == nullptr);
  CHECK(fixture.find(2, Phase::rollback) == nullptr);
  CHECK(fixture.journal->results_after(0).size() == 4);
  check_code(fixture.journal->intend({.step_id = id_of(1), .step = "s", .sequence = 1}), Code::invalid);
}

// -- Bounds
// ------------------------------------------------------------------------------------------------------------

TEST_CASE("runner journal: ids, names, steps and results are taken up to their bounds and no further") {
  Fixture fixture;
  const JournalEntry fits{.step_id = id_of(1),
                          .step = Bytes(warrant::step_bytes_max, 's'),
                          .sequence = UINT64_MAX,
                          .forget_after_ms = INT64_MAX,
                          .launch_id = std::string(journal_name_bytes_max, 'l')};
  std::vector<JournalEntry> beyond(5, fits);
  beyond[0].step_id.clear();
  beyond[1].step_id.pop_back();
  beyond[2].step_id += 'x';
  beyond[3].step += 's';
  beyond[4].launch_id += 'l';
  for (const JournalEntry& entry : beyond) check_code(fixture.journal->intend(entry), Code::invalid);
  REQUIRE(fixture.journal->intend(fits).ok());

  const std::string boot(journal_name_bytes_max, 'b');
  check_code(fixture.journal->start(id_of(1), Phase::exec, boot + "b", 1), Code::invalid);
  REQUIRE(fixture.journal->start(id_of(1), Phase::exec, boot, INT64_MIN).ok());
  check_code(fixture.end(1, StepState::done, 0, Bytes(result_envelope_bytes_max + 1, 'e')), Code::invalid);
  REQUIRE(fixture.end(1, StepState::done, INT64_MAX, Bytes(result_envelope_bytes_max, 'e')).ok());
  fixture.open();
  CHECK((fixture.find(1)->step == fits.step));
  CHECK(fixture.find(1)->boot == boot);
  CHECK(fixture.find(1)->started_ms == INT64_MIN);
  CHECK(fixture.find(1)->keep_until_ms == INT64_MAX);
  CHECK(fixture.journal->sequence() == UINT64_MAX);
  CHECK(fixture.journal->results_after(0)[0].envelope.size() == result_envelope_bytes_max);
}

TEST_CASE("runner journal: sixty-four results may wait or be to come, and one more is refused before it begins") {
  Fixture fixture(8_MiB);
  for (uint64_t i = 1; i <= results_waiting_max - 2; ++i) fixture.run(i);
  REQUIRE(fixture.intend(100).ok());  // its own and its rollback's: 64
  check_code(fixture.intend(101), Code::exhausted);
  check_code(fixture.intend_rollback(1), Code::exhausted);
  CHECK(fixture.find(101) == nullptr);
  CHECK_FALSE(fixture.journal->broken());

  REQUIRE(fixture.start(100).ok());
  REQUIRE(fixture.end(100, StepState::failed).ok());
  REQUIRE(fixture.intend_rollback(100).ok());  // was promised
  REQUIRE(fixture.end(100, StepState::not_started, 0, "signed", Phase::rollback).ok());
  CHECK(fixture.journal->results_after(0).size() == results_waiting_max);
  check_code(fixture.intend(101), Code::exhausted);
  REQUIRE(fixture.journal->acknowledge(1).ok());
  check_code(fixture.intend(101), Code::exhausted);  // it may need two
  CHECK(fixture.intend_rollback(1).ok());
  REQUIRE(fixture.journal->acknowledge(3).ok());
  CHECK(fixture.intend(101).ok());
}

TEST_CASE("runner journal: what it cannot hold to the end it does not begin, and what it began it holds") {
  Fixture fixture(512_KiB);
  std::vector<uint64_t> begun;
  Status last;
  for (uint64_t i = 1; last.ok(); ++i) {
    last = fixture.intend(i, Bytes(warrant::step_bytes_max, 's'));
    if (last.ok()) begun.push_back(i);
  }
  check_code(last, Code::exhausted);
  CHECK(begun.size() == 4);
  fixture.disk.set_bytes_max(512_KiB);  // nowhere to compact to

  const Bytes envelope(result_envelope_bytes_max, 'e');
  for (const uint64_t i : begun) REQUIRE(fixture.start(i).ok());
  for (const uint64_t i : begun) REQUIRE(fixture.end(i, StepState::done, 5'000, envelope).ok());
  check_code(fixture.intend(90, Bytes(warrant::step_bytes_max, 's')), Code::exhausted);
  for (const uint64_t i : begun) REQUIRE(fixture.intend_rollback(i).ok());
  for (const uint64_t i : begun) REQUIRE(fixture.start(i, Phase::rollback).ok());
  for (const uint64_t i : begun) REQUIRE(fixture.end(i, StepState::failed, 0, envelope, Phase::rollback).ok());
  fixture.open();
  CHECK(fixture.journal->results_after(0).size() == 2 * begun.size());
  REQUIRE(fixture.journal->acknowledge(2 * begun.size()).ok());
  REQUIRE(fixture.intend(91).ok());
  check_code(fixture.intend(92), Code::exhausted);  // the disk is still full
  fixture.disk.set_bytes_max(2_MiB);
  CHECK(fixture.intend(92).ok());
}

TEST_CASE("runner journal: a thousand steps pass through a small one, as old ones are forgotten") {
  Fixture fixture(256_KiB);
  for (uint64_t i = 1; i <= 1'000; ++i) {
    fixture.run(i);
    REQUIRE(fixture.journal->acknowledge(i).ok());
    if (i % 20 == 0) REQUIRE(fixture.journal->forget(1'000).ok());
  }
  fixture.open();
  CHECK(fixture.journal->sequence() == 1'000);
  CHECK(fixture.journal->result_sequence() == 1'000);
  CHECK(fixture.find(1'000) == nullptr);
}

TEST_CASE("runner journal: more than half full, it is written anew at open, and says the same") {
  Fixture fixture(512_KiB);
  for (int64_t i = 1; i <= 600; ++i) REQUIRE(fixture.journal->note_signed_time(i).ok());
  fixture.run(1, 5'000);
  REQUIRE(fixture.intend_rollback(1).ok());
  CHECK(fixture.used() > 256_KiB);
  fixture.open();
  CHECK(fixture.used() < 4_KiB);
  fixture.open();
  CHECK(fixture.journal->signed_ms() == 600);
  CHECK(fixture.journal->sequence() == 1);
  CHECK(fixture.journal->result_sequence() == 1);
  CHECK(fixture.journal->last_result_hash() == crypto::sha256("body"));
  CHECK(fixture.journal->results_after(0).size() == 1);
  CHECK(fixture.find(1)->keep_until_ms == 5'000);
  CHECK(fixture.find(1, Phase::rollback)->step == "a step");
}

// -- A failing disk
// ----------------------------------------------------------------------------------------------------

TEST_CASE("runner journal: after a failed sync nothing is written until it is opened anew") {
  Fixture fixture;
  fixture.run(1, 5'000);
  REQUIRE(fixture.intend(2).ok());
  fixture.disk.fail_syncs(1);
  check_code(fixture.start(2), Code::unavailable);
  CHECK(fixture.journal->broken());
  CHECK_FALSE(fixture.find(2)->started);

  const uint64_t changes = fixture.disk.changes();
  check_code(fixture.start(2), Code::unavailable);
  check_code(fixture.end(2, StepState::not_started), Code::unavailable);
  check_code(fixture.intend(3), Code::unavailable);
  check_code(fixture.intend_rollback(1), Code::unavailable);
  check_code(fixture.journal->keep(id_of(1)), Code::unavailable);
  check_code(fixture.journal->acknowledge(1), Code::unavailable);
  check_code(fixture.journal->note_signed_time(1), Code::unavailable);
  CHECK(fixture.disk.changes() == changes);

  fixture.open();
  CHECK_FALSE(fixture.journal->broken());
  const bool started = fixture.find(2)->started;  // wholly or not at all
  fixture.journal.reset();
  fixture.disk.restart(sim::SimDisk::Crash::power_cut);
  fixture.open();
  CHECK(fixture.find(2)->started == started);
}

TEST_CASE("runner journal: where a new file cannot be synced or put in place, the journal is broken") {
  for (const bool put_in_place : {false, true}) {
    Fixture fixture(256_KiB);
    fixture.run(1);
    int64_t at = 1;
    while (fixture.used() + 512 <= 256_KiB) REQUIRE(fixture.journal->note_signed_time(at++).ok());
    put_in_place ? fixture.disk.fail_directory_syncs(1) : fixture.disk.fail_syncs(1);
    check_code(fixture.journal->note_signed_time(at), Code::unavailable);
    CHECK(fixture.journal->broken());
    fixture.open();
    CHECK(fixture.find(1) != nullptr);
    CHECK(fixture.journal->signed_ms() == at - 1);
  }
}

}  // namespace
}  // namespace reeve::runner
