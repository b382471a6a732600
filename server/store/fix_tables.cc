// The fixes' statements.
#include "server/store/fix_tables.h"

#include "server/store/fix_rules.h"

namespace reeve::server {

namespace {

#define RUNNER_COLUMNS                                                                                  \
  "agent, host, public_key, host_name, epoch, version, policy_hash, trust_version, revocation_version," \
  " sequence, result_sequence, execution, why_not, first_seen, last_seen, dispatch_sequence,"           \
  " chain_epoch, chain_sequence, chain_hash"
#define PLAN_COLUMNS                                                                                          \
  "id, title, requester, state, created, not_after, root, count, hosts, risk_max, approvals, bytes, command," \
  " rollback_command, changed"
#define STEP_COLUMNS \
  "step_index, id, bytes, host, host_name, state, code, detail, rollback_state, dispatch, ended, keep_ordered"

FixPlan read_plan(const Statement& row) {
  return {.id = row.uuid(0),
          .title = row.bytes(1),
          .requester = row.bytes(2),
          .state = static_cast<PlanState>(row.integer(3)),
          .created = row.time(4),
          .not_after = row.time(5),
          .root = row.bytes(6),
          .count = static_cast<uint32_t>(row.integer(7)),
          .hosts = static_cast<uint32_t>(row.integer(8)),
          .risk_max = static_cast<uint32_t>(row.integer(9)),
          .approvals = static_cast<uint32_t>(row.integer(10)),
          .bytes = row.count(11),
          .command = row.uuid(12),
          .rollback_command = row.uuid(13),
          .changed = row.time(14)};
}

FixStep read_step(const Statement& row) {
  FixStep step{.id = row.bytes(1), .bytes = row.bytes(2), .host = row.bytes(3), .host_name = row.bytes(4)};
  step.progress = {.index = static_cast<uint32_t>(row.integer(0)),
                   .state = static_cast<FixStepState>(row.integer(5)),
                   .code = row.bytes(6),
                   .detail = row.bytes(7),
                   .dispatch = row.bytes(9),
                   .ended = row.time(10),
                   .keep_ordered = row.integer(11) != 0};
  if (row.integer(8) != 0) step.progress.rollback = static_cast<FixStepState>(row.integer(8));
  return step;
}

int64_t number_of(const std::optional<FixStepState>& state) {
  return state ? static_cast<int64_t>(*state) : 0;
}

}  // namespace

// -- Who may sign ----------------------------------------------------------------------------------------------------

Status save_signed(Database& database, SignedKind kind, const SignedVersion& version) {
  Statement write = TRY(database.prepare("save what was signed", R"sql(
      INSERT OR REPLACE INTO signed_versions (kind, version, envelope, at) VALUES (?1, ?2, ?3, ?4))sql"));
  write.bind(static_cast<int>(kind), version.version, Blob{version.envelope}, version.at);
  return write.run();
}

Result<std::vector<SignedVersion>> list_signed(Database& database, SignedKind kind) {
  Statement select = TRY(database.prepare("list what was signed", R"sql(
      SELECT version, envelope, at FROM signed_versions WHERE kind = ?1 ORDER BY version)sql"));
  select.bind(static_cast<int>(kind));
  std::vector<SignedVersion> all;
  while (TRY(select.step())) all.push_back({select.count(0), select.bytes(1), select.time(2)});
  return all;
}

Result<std::optional<SignedVersion>> newest_signed(Database& database, SignedKind kind) {
  Statement select = TRY(database.prepare("find what was signed last", R"sql(
      SELECT version, envelope, at FROM signed_versions WHERE kind = ?1 ORDER BY version DESC LIMIT 1)sql"));
  select.bind(static_cast<int>(kind));
  const bool found = TRY(select.step());
  if (!found) return std::optional<SignedVersion>();
  return std::optional(SignedVersion{select.count(0), select.bytes(1), select.time(2)});
}

// -- Runners ---------------------------------------------------------------------------------------------------------

Status save_runner(Database& database, const Runner& runner) {
  Statement write = TRY(database.prepare("save a runner", "INSERT OR REPLACE INTO runners (" RUNNER_COLUMNS R"sql()
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19))sql"));
  write.bind(runner.agent, Blob{runner.host}, Blob{runner.public_key}, runner.host_name, runner.epoch, runner.version,
             Blob{runner.policy_hash}, runner.trust_version, runner.revocation_version, runner.sequence,
             runner.result_sequence, runner.execution, runner.why_not, runner.first_seen, runner.last_seen,
             runner.dispatch_sequence, runner.chain_epoch, runner.chain_sequence, Blob{runner.chain_hash});
  return write.run();
}

Status erase_runner(Database& database, const Uuid& agent) {
  Statement erase = TRY(database.prepare("forget a runner", "DELETE FROM runners WHERE agent = ?1"));
  erase.bind(agent);
  return erase.run();
}

Result<std::vector<Runner>> list_runners(Database& database) {
  Statement select = TRY(database.prepare("list runners", "SELECT " RUNNER_COLUMNS " FROM runners ORDER BY agent"));
  std::vector<Runner> all;
  while (TRY(select.step())) {
    all.push_back({.agent = select.uuid(0),
                   .host = select.bytes(1),
                   .public_key = select.bytes(2),
                   .host_name = select.bytes(3),
                   .epoch = select.count(4),
                   .version = select.bytes(5),
                   .policy_hash = select.bytes(6),
                   .trust_version = select.count(7),
                   .revocation_version = select.count(8),
                   .sequence = select.count(9),
                   .result_sequence = select.count(10),
                   .execution = select.integer(11) != 0,
                   .why_not = select.bytes(12),
                   .first_seen = select.time(13),
                   .last_seen = select.time(14),
                   .dispatch_sequence = select.count(15),
                   .chain_epoch = select.count(16),
                   .chain_sequence = select.count(17),
                   .chain_hash = select.bytes(18)});
  }
  return all;
}

Result<bool> has_runner(Database& database, const Uuid& agent) {
  Statement select = TRY(database.prepare("find a runner", "SELECT 1 FROM runners WHERE agent = ?1"));
  select.bind(agent);
  return select.step();
}

Result<uint64_t> count_runners(Database& database) {
  const int64_t count = TRY(database.query_integer("count runners", "SELECT count(*) FROM runners"));
  return static_cast<uint64_t>(count);
}

// -- Plans -----------------------------------------------------------------------------------------------------------

Status save_plan(Database& database, const FixPlan& plan) {
  Statement write = TRY(database.prepare("save a plan", "INSERT OR REPLACE INTO fix_plans (" PLAN_COLUMNS R"sql()
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15))sql"));
  write.bind(plan.id, plan.title, plan.requester, static_cast<int>(plan.state), plan.created, plan.not_after,
             Blob{plan.root}, plan.count, plan.hosts, plan.risk_max, plan.approvals, plan.bytes, plan.command,
             plan.rollback_command, plan.changed);
  return write.run();
}

Result<FixPlan> find_plan(Database& database, const Uuid& id) {
  Statement select = TRY(database.prepare("find a plan", "SELECT " PLAN_COLUMNS " FROM fix_plans WHERE id = ?1"));
  select.bind(id);
  const bool found = TRY(select.step());
  if (!found) return no_plan();
  return read_plan(select);
}

// States 1 to 3 and 9 are those that have not ended (has_ended).
Result<std::vector<FixPlan>> list_plans(Database& database, const PlanQuery& query) {
  Statement select = TRY(database.prepare("list plans", "SELECT " PLAN_COLUMNS R"sql( FROM fix_plans
      WHERE (?1 OR id < ?2) AND (NOT ?3 OR state IN (1, 2, 3, 9)) ORDER BY id DESC LIMIT ?4)sql"));
  select.bind(query.before.is_nil(), query.before, query.active_only, query.limit);
  std::vector<FixPlan> plans;
  while (TRY(select.step())) plans.push_back(read_plan(select));
  return plans;
}

Result<uint64_t> count_plans(Database& database) {
  const int64_t count = TRY(database.query_integer("count plans", "SELECT count(*) FROM fix_plans"));
  return static_cast<uint64_t>(count);
}

Status erase_oldest_ended_plan(Database& database) {
  Uuid plan;
  {
    Statement select = TRY(database.prepare("find the oldest ended plan", R"sql(
        SELECT id FROM fix_plans WHERE state NOT IN (1, 2, 3, 9) ORDER BY id LIMIT 1)sql"));
    const bool found = TRY(select.step());
    if (!found) return {};
    plan = select.uuid(0);
  }
  constexpr const char* statements[] = {
      "DELETE FROM fix_checks WHERE command IN (SELECT id FROM fix_commands WHERE plan = ?1)",
      "DELETE FROM fix_commands WHERE plan = ?1",
      "DELETE FROM fix_receipts WHERE plan = ?1",
      "DELETE FROM fix_approvals WHERE plan = ?1",
      "DELETE FROM fix_steps WHERE plan = ?1",
      "DELETE FROM fix_plans WHERE id = ?1",
  };
  for (const char* statement : statements) {
    Statement erase = TRY(database.prepare("forget the oldest ended plan", statement));
    erase.bind(plan);
    TRY(erase.run());
  }
  return {};
}

// -- Steps -----------------------------------------------------------------------------------------------------------

Status add_step(Database& database, const Uuid& plan, const FixStep& step) {
  Statement write = TRY(database.prepare("add a step", "INSERT INTO fix_steps (plan, " STEP_COLUMNS R"sql()
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13))sql"));
  const StepProgress& progress = step.progress;
  write.bind(plan, progress.index, Blob{step.id}, Blob{step.bytes}, Blob{step.host}, step.host_name,
             static_cast<int>(progress.state), progress.code, progress.detail, number_of(progress.rollback),
             Blob{progress.dispatch}, progress.ended, progress.keep_ordered);
  return write.run();
}

Status save_progress(Database& database, const Uuid& plan, const StepProgress& step) {
  Statement write = TRY(database.prepare("save a step's progress", R"sql(
      UPDATE fix_steps SET state = ?3, code = ?4, detail = ?5, rollback_state = ?6, dispatch = ?7, ended = ?8,
        keep_ordered = ?9 WHERE plan = ?1 AND step_index = ?2)sql"));
  write.bind(plan, step.index, static_cast<int>(step.state), step.code, step.detail, number_of(step.rollback),
             Blob{step.dispatch}, step.ended, step.keep_ordered);
  TRY(write.run());
  if (database.changes() == 0) return no_step();
  return {};
}

Result<std::vector<FixStep>> list_steps(Database& database, const Uuid& plan) {
  Statement select =
      TRY(database.prepare("list steps", "SELECT " STEP_COLUMNS " FROM fix_steps WHERE plan = ?1 ORDER BY step_index"));
  select.bind(plan);
  std::vector<FixStep> steps;
  while (TRY(select.step())) steps.push_back(read_step(select));
  return steps;
}

Result<StepPlace> find_step(Database& database, BytesView id) {
  Statement select = TRY(database.prepare("find a step", "SELECT plan, step_index FROM fix_steps WHERE id = ?1"));
  select.bind(Blob{id});
  const bool found = TRY(select.step());
  if (!found) return no_step();
  return StepPlace{select.uuid(0), static_cast<uint32_t>(select.integer(1))};
}

// -- Approvals and receipts ------------------------------------------------------------------------------------------

Status save_approval(Database& database, const Uuid& plan, const FixApproval& approval) {
  {
    Statement erase = TRY(database.prepare("replace an approval",
                                           "DELETE FROM fix_approvals WHERE plan = ?1 AND person = ?2 AND veto = ?3"));
    erase.bind(plan, approval.person, approval.veto);
    TRY(erase.run());
  }
  Statement write = TRY(database.prepare("save an approval", R"sql(
      INSERT INTO fix_approvals (plan, person, veto, at, envelope)
        SELECT ?1, ?2, ?3, ?4, ?5 FROM fix_plans WHERE id = ?1)sql"));
  write.bind(plan, approval.person, approval.veto, approval.at, Blob{approval.envelope});
  TRY(write.run());
  if (database.changes() == 0) return no_plan();
  return {};
}

Result<std::vector<FixApproval>> list_approvals(Database& database, const Uuid& plan) {
  Statement select = TRY(database.prepare("list approvals", R"sql(
      SELECT person, veto, at, envelope FROM fix_approvals WHERE plan = ?1 ORDER BY id)sql"));
  select.bind(plan);
  std::vector<FixApproval> all;
  while (TRY(select.step())) {
    all.push_back({select.bytes(0), select.integer(1) != 0, select.time(2), select.bytes(3)});
  }
  return all;
}

Status add_receipt(Database& database, const Receipt& receipt) {
  {
    Statement write = TRY(database.prepare("add a receipt", R"sql(
        INSERT INTO fix_receipts (plan, step_index, step, host, sequence, envelope, received)
          VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7))sql"));
    write.bind(receipt.plan, receipt.index, Blob{receipt.step}, Blob{receipt.host}, receipt.sequence,
               Blob{receipt.envelope}, receipt.received);
    TRY(write.run());
  }
  if (!receipt.plan.is_nil()) return {};
  Statement forget = TRY(database.prepare("forget the oldest stray receipts", R"sql(
      DELETE FROM fix_receipts WHERE id IN (
        SELECT id FROM fix_receipts WHERE plan = ?1 ORDER BY id DESC LIMIT -1 OFFSET ?2))sql"));
  forget.bind(receipt.plan, receipts_stray_max);
  return forget.run();
}

Result<std::vector<Receipt>> list_receipts(Database& database, const Uuid& plan) {
  Statement select = TRY(database.prepare("list receipts", R"sql(
      SELECT id, plan, step_index, step, host, sequence, envelope, received FROM fix_receipts
        WHERE plan = ?1 ORDER BY id)sql"));
  select.bind(plan);
  std::vector<Receipt> all;
  while (TRY(select.step())) {
    all.push_back({.id = select.count(0),
                   .plan = select.uuid(1),
                   .index = static_cast<uint32_t>(select.integer(2)),
                   .step = select.bytes(3),
                   .host = select.bytes(4),
                   .sequence = select.count(5),
                   .envelope = select.bytes(6),
                   .received = select.time(7)});
  }
  return all;
}

// -- Commands --------------------------------------------------------------------------------------------------------

Status save_command(Database& database, const FixCommand& command) {
  {
    Statement write = TRY(database.prepare("save a command", R"sql(
        INSERT OR REPLACE INTO fix_commands (id, kind, plan, done, created) VALUES (?1, ?2, ?3, ?4, ?5))sql"));
    write.bind(command.id, command.kind, command.plan, command.done, command.created);
    TRY(write.run());
  }
  {
    Statement forget = TRY(database.prepare("forget the oldest commands", R"sql(
        DELETE FROM fix_commands WHERE id IN (SELECT id FROM fix_commands ORDER BY id DESC LIMIT -1 OFFSET ?1))sql"));
    forget.bind(fix_commands_max);
    TRY(forget.run());
  }
  if (database.changes() == 0) return {};
  return database.execute("forget the oldest commands' checks",
                          "DELETE FROM fix_checks WHERE command NOT IN (SELECT id FROM fix_commands)");
}

Result<FixCommand> find_command(Database& database, const Uuid& id) {
  Statement select =
      TRY(database.prepare("find a command", "SELECT id, kind, plan, done, created FROM fix_commands WHERE id = ?1"));
  select.bind(id);
  const bool found = TRY(select.step());
  if (!found) return no_command();
  return FixCommand{.id = select.uuid(0),
                    .kind = select.bytes(1),
                    .plan = select.uuid(2),
                    .done = select.integer(3) != 0,
                    .created = select.time(4)};
}

Status save_check(Database& database, const StepCheck& check) {
  Statement write = TRY(database.prepare("save a preflight", R"sql(
      INSERT OR REPLACE INTO fix_checks (command, step_index, state, envelope, detail) VALUES (?1, ?2, ?3, ?4, ?5)
      )sql"));
  write.bind(check.command, check.index, check.state, Blob{check.envelope}, check.detail);
  return write.run();
}

Result<std::vector<StepCheck>> list_checks(Database& database, const Uuid& command) {
  Statement select = TRY(database.prepare("list preflights", R"sql(
      SELECT command, step_index, state, envelope, detail FROM fix_checks WHERE command = ?1 ORDER BY step_index)sql"));
  select.bind(command);
  std::vector<StepCheck> all;
  while (TRY(select.step())) {
    all.push_back({.command = select.uuid(0),
                   .index = static_cast<uint32_t>(select.integer(1)),
                   .state = select.bytes(2),
                   .envelope = select.bytes(3),
                   .detail = select.bytes(4)});
  }
  return all;
}

}  // namespace reeve::server
