// Receipts: what each host has signed about its steps.
//
// A host's id is the hash of its runner's public key and stands in the step that people signed. So a key that the
// server shows is the host's exactly if its hash is that id, and what carries its signature is the host's own word. All
// that is shown comes from there; a receipt without it is shown as such, and fails the command.
#include <algorithm>
#include <map>
#include <set>

#include "cli/api.h"
#include "cli/fix.h"
#include "cli/harmless.h"
#include "cli/human.h"
#include "cli/keys_fetch.h"
#include "cli/keys_store.h"
#include "cli/plan_render.h"
#include "cli/plan_steps.h"
#include "cli/profile.h"
#include "cli/times.h"
#include "common/base/ids.h"
#include "common/crypto/digest.h"

namespace reeve::cli {

namespace {

// Host id -> public key, for keys whose hash is that id.
using HostKeys = std::map<Bytes, Bytes>;

Result<HostKeys> fetch_host_keys(Client& client) {
  const Json answer = TRY(client.get("/v1/runners"));
  HostKeys keys;
  const Json* rows = answer.find("runners");
  if (rows == nullptr || !rows->is_array()) return keys;
  for (const Json& row : *rows->as_array()) {
    std::optional<Bytes> key = from_hex(row.string_or("public_key"));
    if (key && key->size() == crypto::public_key_bytes) keys.emplace(crypto::sha256(*key), *key);
  }
  return keys;
}

struct Receipt {
  const warrant::Step* step = nullptr;
  warrant::StepResult result;
};

Error unsigned_receipt(const std::string& why) {
  return Error(Code::denied, why);
}

// Step id -> step.
using StepsById = std::map<Bytes, const warrant::Step*>;

Result<Receipt> verify_receipt(const Json& row, const PlanSteps& plan, const StepsById& steps, const HostKeys& keys) {
  const warrant::Envelope envelope = TRY(parse_envelope(row.string_or("envelope"), "receipt"));
  if (envelope.payload_type != warrant::type_result) return unsigned_receipt("it is no result");
  Receipt receipt;
  receipt.result = TRY(warrant::decode_result(envelope.payload));
  const auto step = steps.find(receipt.result.step);
  if (step != steps.end()) receipt.step = step->second;
  if (receipt.step == nullptr) return unsigned_receipt("it is about a step of another plan");
  if (receipt.result.org != plan.org || receipt.result.host != receipt.step->host)
    return unsigned_receipt("it is about another host than the step's");
  const auto key = keys.find(receipt.step->host);
  if (key == keys.end()) return unsigned_receipt("the server does not show the key of this host");
  if (!warrant::signed_by(envelope, key->second)) return unsigned_receipt("the host has not signed it");
  return receipt;
}

std::string render_receipt(const Receipt& receipt) {
  const warrant::StepResult& result = receipt.result;
  std::string text = "[" + std::to_string(receipt.step->index) + "] " + quoted(receipt.step->host_name) + "  " +
                     (result.phase == warrant::Phase::rollback ? "rollback " : "") +
                     std::string(warrant::to_string(result.state));
  if (!result.code.empty()) text += " (" + harmless_line(result.code) + ")";
  if (!result.detail.empty()) text += ": " + harmless_line(result.detail);
  if (result.signal != 0) {
    text += ", killed by signal " + std::to_string(result.signal);
  } else if (result.state == warrant::StepState::done || result.state == warrant::StepState::failed) {
    text += ", exit status " + std::to_string(result.exit_status);
  }
  if (result.started_ms != 0) text += "\n    started " + format_both(result.started_ms);
  if (result.started_ms != 0 && result.ended_ms >= result.started_ms)
    text += ", took " + human_seconds(static_cast<double>(result.ended_ms - result.started_ms) / 1000);
  text += "\n    signed by the host" +
          (result.sequence != 0 ? ", its result " + std::to_string(result.sequence) : std::string()) + "\n";
  if (!result.output.empty()) text += "    | " + harmless_lines(to_utf8(result.output), "    | ") + "\n";
  if (result.output_bytes > result.output.size())
    text += "    (" + std::to_string(result.output.size()) + " of " + std::to_string(result.output_bytes) +
            " bytes of its output)\n";
  return text;
}

// Whose signatures over these very steps can be checked here.
std::string render_approvers(World& world, const Json& answer, const PlanSteps& plan) {
  if (!check_org(plan.org)) return "";
  const Result<LocalTrust> local = load_trust(world, plan.org);
  if (!local || !local->state.trust()) return "approvals: not checked, the org's trust file is not known here\n";
  std::set<std::string> persons;
  const Json* rows = answer.find("approvals");
  if (rows == nullptr || !rows->is_array()) return "";
  const std::optional<Uuid> id = parse_uuid(plan.id);
  for (const Json& row : *rows->as_array()) {
    const Result<warrant::Envelope> envelope = parse_envelope(row.string_or("envelope"), "approval");
    if (!envelope || envelope->payload_type != warrant::type_approval) continue;
    const Result<warrant::Approval> approval = warrant::decode_approval(envelope->payload);
    if (!approval || approval->root != plan.root || approval->plan != id->view() || approval->org != plan.org) continue;
    for (const warrant::ApproverKey& key : local->state.trust()->approvers) {
      if (key.person == approval->person && warrant::signed_by(*envelope, key.public_key))
        persons.insert(harmless_line(key.person) + " (" + std::string(warrant::to_string(approval->decision)) + ")");
    }
  }
  std::string text;
  for (const std::string& person : persons) text += (text.empty() ? "" : ", ") + person;
  return "signed by  " + (text.empty() ? "nobody whose key is known here" : text) + "\n";
}

}  // namespace

Status run_receipts(World& world, const ReceiptsOptions& options) {
  const Profile profile = TRY(load_profile(world));
  Client client(world.http, profile);
  const Json answer = TRY(client.get("/v1/fix/plans/" + options.plan));
  const PlanSteps plan = TRY(read_plan(answer, options.plan));
  const HostKeys keys = TRY(fetch_host_keys(client));
  const Json receipts = TRY(client.get("/v1/fix/plans/" + options.plan + "/receipts"));
  const Json* rows = receipts.find("receipts");
  if (rows == nullptr || !rows->is_array()) return Error(Code::corrupt, "the server's answer has no receipts");

  std::string text =
      "plan " + plan.id + ", root hash " + to_hex(plan.root) + "\n" + render_approvers(world, answer, plan);
  if (options.json) text.clear();
  StepsById steps;
  for (size_t i = 0; i < plan.steps.size(); ++i) steps.emplace(warrant::step_id(plan.bytes[i]), &plan.steps[i]);
  size_t false_ones = 0;
  std::set<uint32_t> told;
  for (const Json& row : *rows->as_array()) {
    const Result<Receipt> receipt = verify_receipt(row, plan, steps, keys);
    if (receipt) told.insert(receipt->step->index);
    false_ones += !receipt.ok();
    if (options.json) {
      Json shown = row;
      shown.set("verified", receipt.ok());
      shown.set("why_not", receipt ? Json() : Json(receipt.error().text()));
      text += harmless_json(shown.dump()) + "\n";
    } else {
      text += receipt ? render_receipt(*receipt)
                      : "[" + std::to_string(row.int_or("index")) +
                            "] NOT THE HOST'S WORD: " + harmless_line(receipt.error().text()) + "\n";
    }
  }
  if (!options.json && told.size() < plan.steps.size())
    text += std::to_string(plan.steps.size() - told.size()) + " of " + std::to_string(plan.steps.size()) +
            " steps have no receipt\n";
  TRY(world.screen.print(text));
  if (false_ones == 0) return {};
  return Error(Code::denied, std::to_string(false_ones) + " of " + std::to_string(rows->as_array()->size()) +
                                 " receipts are not signed by their host");
}

}  // namespace reeve::cli
