// What the fixes of every store promise; the same tests for the ones in memory and in org.db.
#include "server/store/fixes.h"

#include <utility>

#include "server/store/accounts.h"
#include "tests/pch.h"
#include "tests/server/store_world.h"

namespace reeve::server::test {
namespace {

AuditEntry entry(const std::string& action) {
  return {.time = noon, .actor_kind = "system", .action = action};
}

FixPlan make_plan(uint8_t n, PlanState state = PlanState::waiting) {
  return {.id = make_id(n),
          .title = "it's \"restart\"",
          .requester = "ada@example.net",
          .state = state,
          .created = noon,
          .not_after = noon + 2h,
          .root = Bytes(32, static_cast<char>(n)),
          .count = 2,
          .hosts = 1,
          .risk_max = 3,
          .approvals = 2,
          .bytes = 400,
          .changed = noon};
}

FixStep make_step(uint8_t plan, uint32_t index) {
  FixStep step{.id = Bytes(31, static_cast<char>(plan)) + static_cast<char>(index),
               .bytes = Bytes("\0\xff step", 7),
               .host = Bytes(32, 'h'),
               .host_name = "web-1"};
  step.progress.index = index;
  return step;
}

FixChange with_plan(uint8_t n, PlanState state = PlanState::waiting) {
  FixChange change;
  change.plans = {make_plan(n, state)};
  change.new_steps = {make_step(n, 0), make_step(n, 1)};
  change.audit = {entry("fix.plan")};
  return change;
}

Runner make_runner(uint8_t n) {
  return {.agent = make_id(n),
          .host = Bytes(32, static_cast<char>(n)),
          .public_key = Bytes(32, '\x01'),
          .host_name = "web-1",
          .epoch = 3,
          .version = "0.1.0",
          .policy_hash = Bytes(32, '\x02'),
          .trust_version = 4,
          .revocation_version = 5,
          .sequence = 6,
          .result_sequence = 7,
          .execution = true,
          .why_not = "",
          .first_seen = noon,
          .last_seen = noon + 1s,
          .dispatch_sequence = 8,
          .chain_epoch = 3,
          .chain_sequence = 7,
          .chain_hash = Bytes(32, '\x03')};
}

}  // namespace

#define EVERY_STORE InMemory, OnDisk

TEMPLATE_TEST_CASE("a plan is kept with its steps as they were", "", EVERY_STORE) {
  TestType world;
  Fixes& fixes = world.store->fixes();
  REQUIRE(fixes.apply(with_plan(1)).ok());

  CHECK(fixes.find_plan(make_id(1)).value() == make_plan(1));
  const std::vector<FixStep> steps = fixes.list_steps(make_id(1)).value();
  REQUIRE(steps.size() == 2);
  CHECK(steps[0] == make_step(1, 0));
  CHECK(steps[1] == make_step(1, 1));
  const StepPlace place = fixes.find_step(make_step(1, 1).id).value();
  CHECK(place.plan == make_id(1));
  CHECK(place.index == 1);

  CHECK(fixes.find_plan(make_id(2)).error().code() == Code::not_found);
  CHECK(fixes.find_step(Bytes(32, 'x')).error().code() == Code::not_found);
  CHECK(fixes.list_steps(make_id(2)).value().empty());
  CHECK(world.store->accounts().list_audit({}).value().size() == 1);
}

TEMPLATE_TEST_CASE("a step's progress changes and its bytes do not", "", EVERY_STORE) {
  TestType world;
  Fixes& fixes = world.store->fixes();
  REQUIRE(fixes.apply(with_plan(1)).ok());

  const StepProgress progress{.index = 1,
                              .state = FixStepState::failed,
                              .code = "timeout",
                              .detail = "it took too long",
                              .rollback = FixStepState::done,
                              .dispatch = Bytes("\0dispatch", 9),
                              .ended = noon + 1min,
                              .keep_ordered = true};
  FixChange change;
  change.progress = {{make_id(1), progress}};
  change.plans = {make_plan(1, PlanState::failed)};
  REQUIRE(fixes.apply(change).ok());

  const std::vector<FixStep> steps = fixes.list_steps(make_id(1)).value();
  CHECK(steps[0] == make_step(1, 0));
  CHECK(steps[1].progress == progress);
  CHECK(steps[1].bytes == make_step(1, 1).bytes);
  CHECK(fixes.find_plan(make_id(1)).value().state == PlanState::failed);
}

TEMPLATE_TEST_CASE("a change that cannot be made wholly is not made at all", "", EVERY_STORE) {
  TestType world;
  Fixes& fixes = world.store->fixes();
  FixChange change = with_plan(1);
  change.runners = {make_runner(1)};

  SECTION("a step that is not there") {
    change.progress = {{make_id(1), {.index = 2}}, {make_id(9), {.index = 0}}};
  }
  SECTION("an approval of a plan that is not there") {
    change.approvals = {{make_id(9), {.person = "bea"}}};
  }
  CHECK(fixes.apply(change).error().code() == Code::not_found);
  CHECK(fixes.list_plans({}).value().empty());
  CHECK(fixes.list_runners().value().empty());
  CHECK(world.store->accounts().list_audit({}).value().empty());
}

TEMPLATE_TEST_CASE("plans are listed newest first, page by page, and the active ones alone", "", EVERY_STORE) {
  TestType world;
  Fixes& fixes = world.store->fixes();
  REQUIRE(fixes.apply(with_plan(1)).ok());
  REQUIRE(fixes.apply(with_plan(2, PlanState::done)).ok());
  REQUIRE(fixes.apply(with_plan(3, PlanState::rolling_back)).ok());

  const auto ids = [&](const PlanQuery& query) {
    std::string text;
    const std::vector<FixPlan> plans = fixes.list_plans(query).value();
    for (const FixPlan& plan : plans) text += std::to_string(plan.id.bytes[0]);
    return text;
  };
  CHECK(ids({}) == "321");
  CHECK(ids({.limit = 2}) == "32");
  CHECK(ids({.before = make_id(2)}) == "1");
  CHECK(ids({.active_only = true}) == "31");
  CHECK(ids({.limit = 0}).empty());
}

TEMPLATE_TEST_CASE("a person's newest approval counts, and a veto stands beside it", "", EVERY_STORE) {
  TestType world;
  Fixes& fixes = world.store->fixes();
  REQUIRE(fixes.apply(with_plan(1)).ok());
  const auto add = [&](const FixApproval& approval) {
    FixChange change;
    change.approvals = {{make_id(1), approval}};
    REQUIRE(fixes.apply(change).ok());
  };
  add({.person = "bea", .at = noon, .envelope = "1"});
  add({.person = "cid", .at = noon, .envelope = "2"});
  add({.person = "bea", .at = noon + 1s, .envelope = "3"});
  add({.person = "bea", .veto = true, .at = noon + 2s, .envelope = "4"});

  std::string order;
  const std::vector<FixApproval> approvals = fixes.list_approvals(make_id(1)).value();
  for (const FixApproval& each : approvals) order += each.envelope;
  CHECK(order == "234");
  CHECK(approvals[2].veto);
  CHECK(fixes.list_approvals(make_id(2)).value().empty());
}

TEMPLATE_TEST_CASE("trust, revocations and runners are kept by version and by agent", "", EVERY_STORE) {
  TestType world;
  Fixes& fixes = world.store->fixes();
  CHECK(!fixes.newest_revocation().value().has_value());
  for (uint64_t version = 1; version <= 3; ++version) {
    FixChange change;
    change.trust = SignedVersion{version, "trust" + std::to_string(version), noon};
    change.revocation = SignedVersion{version, "revocation" + std::to_string(version), noon};
    REQUIRE(fixes.apply(change).ok());
  }
  REQUIRE(fixes.list_trust().value().size() == 3);
  CHECK(fixes.list_trust().value()[0].envelope == "trust1");
  CHECK(fixes.newest_revocation().value()->envelope == "revocation3");

  FixChange change;
  change.runners = {make_runner(2), make_runner(1)};
  REQUIRE(fixes.apply(change).ok());
  Runner moved = make_runner(1);
  moved.host_name = "web-2";
  change.runners = {moved};
  change.runners_gone = {make_id(2)};
  REQUIRE(fixes.apply(change).ok());
  REQUIRE(fixes.list_runners().value().size() == 1);
  CHECK(fixes.list_runners().value()[0] == moved);
}

TEMPLATE_TEST_CASE("receipts and commands are found by plan and by id", "", EVERY_STORE) {
  TestType world;
  Fixes& fixes = world.store->fixes();
  FixChange change = with_plan(1);
  change.receipts = {
      {.plan = make_id(1), .index = 1, .step = "s", .host = "h", .sequence = 5, .envelope = "e", .received = noon},
      {.step = "stray", .host = "h", .envelope = "e2", .received = noon}};
  change.commands = {{.id = make_id(7), .kind = "preflight", .plan = make_id(1), .created = noon}};
  change.checks = {{.command = make_id(7), .index = 1, .state = "waiting"},
                   {.command = make_id(7), .index = 0, .state = "offline", .detail = "no link"}};
  REQUIRE(fixes.apply(change).ok());

  const std::vector<Receipt> receipts = fixes.list_receipts(make_id(1)).value();
  REQUIRE(receipts.size() == 1);
  CHECK(receipts[0].sequence == 5);
  CHECK(receipts[0].index == 1);
  CHECK(fixes.list_receipts(Uuid{}).value().size() == 1);
  CHECK(fixes.find_command(make_id(7)).value() == change.commands[0]);
  CHECK(fixes.find_command(make_id(8)).error().code() == Code::not_found);

  FixChange later;
  later.commands = change.commands;
  later.commands[0].done = true;
  later.checks = {{.command = make_id(7), .index = 1, .state = "done", .envelope = "report"}};
  REQUIRE(fixes.apply(later).ok());
  CHECK(fixes.find_command(make_id(7)).value().done);
  const std::vector<StepCheck> checks = fixes.list_checks(make_id(7)).value();
  REQUIRE(checks.size() == 2);
  CHECK(checks[0].state == "offline");
  CHECK(checks[1].envelope == "report");
}

TEMPLATE_TEST_CASE("only so many stray receipts are kept, the newest", "", EVERY_STORE) {
  TestType world;
  Fixes& fixes = world.store->fixes();
  FixChange change;
  for (size_t i = 0; i <= receipts_stray_max; ++i) {
    change.receipts.push_back({.step = std::to_string(i), .host = "h", .envelope = "e", .received = noon});
    if (change.receipts.size() < 500 && i < receipts_stray_max) continue;
    REQUIRE(fixes.apply(change).ok());
    change.receipts.clear();
  }
  const std::vector<Receipt> kept = fixes.list_receipts(Uuid{}).value();
  REQUIRE(kept.size() == receipts_stray_max);
  CHECK(kept.front().step == "1");
}

TEMPLATE_TEST_CASE("beyond the bound the oldest plan that has ended goes with all that is its own, or none comes", "",
                   EVERY_STORE) {
  TestType world;
  Fixes& fixes = world.store->fixes();
  const auto numbered = [](uint32_t n, PlanState state) {
    FixPlan plan = make_plan(0, state);
    for (int byte = 0; byte < 4; ++byte) plan.id.bytes[byte] = static_cast<uint8_t>(n >> (24 - 8 * byte));
    return plan;
  };
  FixChange old = with_plan(0, PlanState::done);
  old.plans = {numbered(1, PlanState::done)};
  old.approvals = {{old.plans[0].id, {.person = "bea"}}};
  old.receipts = {{.plan = old.plans[0].id, .step = "s", .host = "h", .envelope = "e"}};
  old.commands = {{.id = make_id(7), .kind = "preflight", .plan = old.plans[0].id}};
  old.checks = {{.command = make_id(7), .state = "done"}};
  REQUIRE(fixes.apply(old).ok());
  FixChange many;
  for (uint32_t n = 2; n <= fix_plans_max; ++n) many.plans.push_back(numbered(n, PlanState::waiting));
  REQUIRE(fixes.apply(many).ok());
  CHECK(fixes.find_plan(old.plans[0].id).ok());

  FixChange one;
  one.plans = {numbered(fix_plans_max + 1, PlanState::waiting)};
  REQUIRE(fixes.apply(one).ok());
  CHECK(fixes.find_plan(old.plans[0].id).error().code() == Code::not_found);
  CHECK(fixes.list_steps(old.plans[0].id).value().empty());
  CHECK(fixes.list_approvals(old.plans[0].id).value().empty());
  CHECK(fixes.list_receipts(old.plans[0].id).value().empty());
  CHECK(fixes.find_step(make_step(0, 0).id).error().code() == Code::not_found);
  CHECK(fixes.find_command(make_id(7)).error().code() == Code::not_found);
  CHECK(fixes.list_checks(make_id(7)).value().empty());

  one.plans = {numbered(fix_plans_max + 2, PlanState::waiting)};
  CHECK(fixes.apply(one).error().code() == Code::exhausted);
  one.plans = {numbered(fix_plans_max + 1, PlanState::running)};  // one that is there may change
  CHECK(fixes.apply(one).ok());
}

TEST_CASE("what is decided about fixes outlives the process") {
  OnDisk world;
  FixChange change = with_plan(1, PlanState::running);
  change.runners = {make_runner(1)};
  change.trust = SignedVersion{1, "trust", noon};
  REQUIRE(world.store->fixes().apply(change).ok());
  world.reopen();
  CHECK(world.store->fixes().find_plan(make_id(1)).value() == make_plan(1, PlanState::running));
  CHECK(world.store->fixes().list_runners().value()[0] == make_runner(1));
  CHECK(world.store->fixes().list_trust().value().size() == 1);
}

}  // namespace reeve::server::test
