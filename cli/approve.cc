// The order of things: fetch once, read, compare with what is believed here, show, ask, sign, send.
#include "cli/approve.h"

#include <algorithm>

#include "cli/api.h"
#include "cli/approve_signer.h"
#include "cli/harmless.h"
#include "cli/key_file.h"
#include "cli/keys_change.h"
#include "cli/keys_fetch.h"
#include "cli/keys_store.h"
#include "cli/pkcs11.h"
#include "cli/plan_render.h"
#include "cli/plan_steps.h"
#include "cli/profile.h"
#include "common/base/ids.h"
#include "common/warrant/envelope.h"

namespace reeve::cli {

namespace {

class FileSigner : public ApprovalSigner {
 public:
  explicit FileSigner(crypto::SigningKey key) : key_(std::move(key)) {}
  Bytes public_key() const override { return key_.public_key(); }
  Result<Bytes> sign(BytesView message) override { return key_.sign(message); }

 private:
  crypto::SigningKey key_;
};

// A line nobody can overlook.
std::string warning(const World& world, const std::string& sentence) {
  const std::string line = "WARNING: " + sentence;
  return (world.screen.has_colour() ? "\x1b[1;31m" + line + "\x1b[0m" : line) + "\n";
}

// How many distinct persons this needs, by what is believed here; local policy on a host may ask for more. 0: never.
uint32_t approvals_needed(const PlanSteps& plan, const warrant::Trust& trust) {
  uint32_t needed = 1;
  for (const warrant::Step& step : plan.steps) {
    const uint32_t by_trust = trust.approvals_min[step.risk];
    if (by_trust == 0) return 0;
    needed = std::max({needed, step.approvals, by_trust});
  }
  return needed;
}

// Why nobody could sign for this plan, by the state that is believed here.
Status judge_plan(const PlanSteps& plan, const LocalTrust& local, const warrant::Trust& trust, int64_t now_ms) {
  if (plan.org != trust.org)
    return Error(Code::denied,
                 "the steps are for org \"" + harmless_line(plan.org) + "\", not for \"" + trust.org + "\"");
  if (trust.not_after_ms <= now_ms)
    return Error(Code::denied, "trust file " + std::to_string(trust.version) + " has expired on " +
                                   format_day(WallTime{trust.not_after_ms * 1'000'000}) +
                                   ", so no host would run this; its root holders renew it with `reeve keys renew`");
  if (plan.not_after_ms <= now_ms)
    return Error(Code::denied, "the plan has expired: all of it was valid until " + format_both(plan.not_after_ms));
  const std::optional<Uuid> id = parse_uuid(plan.id);
  if (local.state.plan_revoked(id->view())) return Error(Code::denied, "plan " + plan.id + " is revoked");
  for (const warrant::Step& step : plan.steps) {
    if (local.state.host_revoked(step.host))
      return Error(Code::denied, "host " + quoted(step.host_name) + " is revoked");
  }
  return {};
}

// The approver whose key it is, where that key may sign for this plan.
Result<warrant::ApproverKey> judge_key(const PlanSteps& plan, const LocalTrust& local, const warrant::Trust& trust,
                                       const Bytes& public_key, int64_t now_ms) {
  const auto found = std::find_if(trust.approvers.begin(), trust.approvers.end(),
                                  [&](const warrant::ApproverKey& one) { return one.public_key == public_key; });
  if (found == trust.approvers.end())
    return Error(Code::denied, "your key " + to_hex(public_key) + " is no approver's of trust file " +
                                   std::to_string(trust.version) + "; a root holder adds it: reeve keys approver add");
  const std::string person = harmless_line(found->person);
  if (local.state.key_revoked(public_key) || local.state.person_revoked(found->person))
    return Error(Code::denied, "the key of " + person + " is revoked; its signature counts nowhere");
  if (found->not_after_ms <= now_ms)
    return Error(Code::denied, "the key of " + person + " has expired on " +
                                   format_day(WallTime{found->not_after_ms * 1'000'000}) +
                                   "; a root holder gives a new one: reeve keys rotate approver");
  if (found->risk_max < plan.risk_max)
    return Error(Code::denied, "the key of " + person + " may approve up to risk " + std::to_string(found->risk_max) +
                                   ", and this plan has steps of risk " + std::to_string(plan.risk_max) +
                                   "; every host would refuse the whole plan with this signature on it");
  if (std::find(plan.requesters.begin(), plan.requesters.end(), found->person) != plan.requesters.end())
    return Error(Code::denied, person + " has asked for this plan, and nobody signs for what they ask themselves");
  return *found;
}

std::string render_words(const World& world, const PlanSteps& plan) {
  std::string text = "\nthe server calls it " + quoted(plan.words.title) + " and says that it is " +
                     harmless_line(plan.words.state) + "\n";
  for (const std::string& sentence : plan.contradictions) text += warning(world, sentence);
  return text;
}

Result<warrant::Envelope> sign_approval(ApprovalSigner& signer, const warrant::Approval& approval) {
  warrant::Envelope envelope{
      .payload_type = std::string(warrant::type_approval), .payload = warrant::encode(approval), .signatures = {}};
  TRY_DURING(warrant::decode_approval(envelope.payload), "this approval would be refused everywhere");
  const Bytes message = warrant::pre_authentication(envelope.payload_type, envelope.payload);
  Bytes signature = TRY(signer.sign(message));
  const Bytes public_key = signer.public_key();
  if (!crypto::verify_ed25519(public_key, message, signature))
    return Error(Code::corrupt, "the signature that was made is not one of the key " + to_hex(public_key) +
                                    "; is the token in order?");
  envelope.signatures.push_back({.key_id = warrant::key_id(public_key), .signature = std::move(signature)});
  return envelope;
}

Status confirm(World& world, const ApproveOptions& options, const PlanSteps& plan, const std::string& person) {
  if (options.yes) return {};
  return confirm_by_typing(world,
                           std::string("to ") + (options.veto ? "VETO" : "APPROVE") + " this as " + person +
                               ", type the first 8 digits of the root hash: ",
                           to_hex(plan.root).substr(0, confirm_digits));
}

}  // namespace

Result<std::unique_ptr<ApprovalSigner>> open_signer(World& world, const ApproveOptions& options) {
  if (!options.pkcs11_module.empty()) {
    const Secret pin =
        TRY(read_secret(world, options.pin_file, "PIN of the token " + options.token + ": ", "--pin-file"));
    return open_token({.module = options.pkcs11_module, .token = options.token, .key_label = options.key_label},
                      pin.view());
  }
  crypto::SigningKey key = TRY(open_key_file(world, options.key_file, options.pass_file));
  return std::unique_ptr<ApprovalSigner>(std::make_unique<FileSigner>(std::move(key)));
}

Status run_approve(World& world, const ApproveOptions& options) {
  const Profile profile = TRY(load_profile(world));
  Client client(world.http, profile);
  // Once: what is shown is what is hashed is what is signed.
  const Json answer = TRY(client.get("/v1/fix/plans/" + options.plan));
  const PlanSteps plan = TRY(read_plan(answer, options.plan));
  TRY(check_org(plan.org));
  LocalTrust local = TRY(load_trust(world, plan.org));
  TRY(fetch_trust(world, client, local));
  const warrant::Trust trust = TRY(known_trust(local));
  const int64_t now_ms = milliseconds(world.clock.wall());
  TRY(judge_plan(plan, local, trust, now_ms));

  TRY(world.screen.print(render_plan(plan, world.screen.columns()) + render_words(world, plan)));
  const uint32_t needed = approvals_needed(plan, trust);
  if (needed == 0 && !options.veto)
    return Error(Code::denied, "trust file " + std::to_string(trust.version) +
                                   " never allows a step of this plan's risk; no number of approvals would do");

  const std::unique_ptr<ApprovalSigner> signer = TRY(open_signer(world, options));
  const warrant::ApproverKey approver = TRY(judge_key(plan, local, trust, signer->public_key(), now_ms));
  const std::string person = harmless_line(approver.person);
  if (!options.veto)
    TRY(world.screen.print("it needs " + std::to_string(needed) + (needed == 1 ? " person" : " persons") +
                           "; a host's own policy may ask for more\n"));
  TRY(confirm(world, options, plan, person));

  const warrant::Approval approval{.org = plan.org,
                                   .plan = Bytes(parse_uuid(plan.id)->view()),
                                   .root = plan.root,
                                   .count = static_cast<uint32_t>(plan.steps.size()),
                                   .hosts = plan.hosts,
                                   .risk_max = plan.risk_max,
                                   .person = approver.person,
                                   .decision = options.veto ? warrant::Decision::veto : warrant::Decision::approve,
                                   .at_ms = now_ms,
                                   .not_after_ms = std::min(plan.not_after_ms, now_ms + warrant::step_life_ms_max),
                                   .comment = options.comment};
  const warrant::Envelope envelope = TRY(sign_approval(*signer, approval));
  Json body;
  body.set("plan", plan.id);
  body.set("envelope", to_base64url(warrant::encode(envelope)));
  const Json said = TRY(client.post("/v1/fix/approve", body));
  return world.screen.print((options.veto ? "vetoed by " : "approved by ") + person + "; the server counts " +
                            std::to_string(said.int_or("counted")) + " of " + std::to_string(said.int_or("needed")) +
                            ", the plan is " + harmless_line(said.string_or("state")) + "\n");
}

}  // namespace reeve::cli
