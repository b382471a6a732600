// Rows of the commands about fixes, and what their values must be.
#include "cli/fix_args.h"

#include "cli/harmless.h"
#include "cli/help_keys.h"
#include "common/base/ids.h"
#include "common/warrant/step.h"

namespace reeve::cli {

namespace {

// A plan's id in its one spelling.
Status read_plan_id(const std::string& command, std::string& plan) {
  const std::optional<Uuid> id = parse_uuid(plan);
  if (!id)
    return Error(Code::invalid, command + ": PLAN is \"" + harmless_line(plan) +
                                    "\"; allowed is a plan's id, as `reeve fixes` shows it");
  plan = to_string(*id);
  return {};
}

CommandRow<Command> approve_row(FixTyped& typed) {
  ApproveOptions& approve = typed.approve;
  return {{"approve"},
          "read a plan's steps, and sign them",
          help::approve,
          {{"PLAN", &approve.plan, "the plan's id", "", true},
           {"--key", &approve.key_file, "your approver key", "FILE"},
           {"--pass-file", &approve.pass_file, "its pass phrase; default asked on the terminal", "FILE"},
           {"--pkcs11", &approve.pkcs11_module, "the key is in a token: its PKCS#11 module", "MODULE"},
           {"--token", &approve.token, "the token's label", "LABEL"},
           {"--key-label", &approve.key_label, "the key's label", "LABEL"},
           {"--pin-file", &approve.pin_file, "the token's PIN; default asked on the terminal", "FILE"},
           {"--veto", &approve.veto, "forbid the plan instead, for good"},
           {"--comment", &approve.comment, "kept with the signature", "TEXT"},
           {"--yes", &approve.yes, "without typing the hash"}},
          [&approve]() -> Result<Command> {
            TRY(read_plan_id("approve", approve.plan));
            const bool in_token = !approve.pkcs11_module.empty();
            if (in_token == !approve.key_file.empty())
              return Error(Code::invalid, "approve: say where your key is: --key FILE, or --pkcs11 MODULE");
            if (in_token && (approve.token.empty() || approve.key_label.empty()))
              return Error(Code::invalid, "approve: --pkcs11 needs --token LABEL and --key-label LABEL");
            if (!in_token && (!approve.token.empty() || !approve.key_label.empty() || !approve.pin_file.empty()))
              return Error(Code::invalid, "approve: --token, --key-label and --pin-file go with --pkcs11");
            if (approve.comment.size() > warrant::text_bytes_max)
              return Error(Code::invalid, "approve: --comment has " + std::to_string(approve.comment.size()) +
                                              " bytes; allowed are " + std::to_string(warrant::text_bytes_max));
            return Command(approve);
          }};
}

CommandRow<Command> order_row(FixTyped& typed, FixOrderOptions::Kind kind, const char* word, const char* summary,
                              const char* footer) {
  FixOrderOptions& order = typed.order;
  return {{word},
          summary,
          footer,
          {{"PLAN", &order.plan, "the plan's id", "", true}},
          [&order, kind, word]() -> Result<Command> {
            TRY(read_plan_id(word, order.plan));
            order.kind = kind;
            return Command(order);
          }};
}

}  // namespace

std::vector<CommandRow<Command>> fix_rows(FixTyped& typed) {
  using Kind = FixOrderOptions::Kind;
  std::vector<CommandRow<Command>> rows;
  rows.push_back({{"plan"},
                  "make a plan of a file: what to do, where",
                  help::plan,
                  {{"FILE", &typed.plan.file, "YAML or JSON", "", true},
                   {"--json", &typed.plan.json, "the server's answer as one JSON object"}},
                  [&typed]() -> Result<Command> { return Command(typed.plan); }});
  rows.push_back(approve_row(typed));
  rows.push_back({{"run"},
                  "run an approved plan",
                  help::run,
                  {{"PLAN", &typed.run.plan, "the plan's id", "", true},
                   {"--preflight", &typed.run.preflight, "only ask the hosts what they would say; runs nothing"},
                   {"--wait", &typed.run.wait, "until it has ended; exit code 1 unless all went well"}},
                  [&typed]() -> Result<Command> {
                    TRY(read_plan_id("run", typed.run.plan));
                    return Command(typed.run);
                  }});
  rows.push_back(order_row(typed, Kind::stop, "stop", "stop a plan that runs", help::stop));
  rows.push_back(order_row(typed, Kind::rollback, "rollback", "undo a plan by its signed rollbacks", help::rollback));
  rows.push_back(order_row(typed, Kind::keep, "keep", "keep what a plan did, before it undoes itself", help::keep));
  rows.push_back({{"receipts"},
                  "what the hosts have signed about a plan",
                  help::receipts,
                  {{"PLAN", &typed.receipts.plan, "the plan's id", "", true},
                   {"--json", &typed.receipts.json, "one JSON object per line"}},
                  [&typed]() -> Result<Command> {
                    TRY(read_plan_id("receipts", typed.receipts.plan));
                    return Command(typed.receipts);
                  }});
  rows.push_back({{"fixes"},
                  "the plans there are",
                  help::fixes,
                  {{"--json", &typed.fixes.json, "one JSON object per line"}},
                  [&typed]() -> Result<Command> { return Command(typed.fixes); }});
  return rows;
}

}  // namespace reeve::cli
