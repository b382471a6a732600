// What passes between server and runner: there and back, and nothing but what may pass.
#include "common/warrant/messages.h"

#include "tests/warrant/signed_org.h"

using namespace reeve;
using namespace reeve::warrant;

namespace {

constexpr int64_t now = 1'795'000'000'000;

template <typename T, typename Message>
void passes(const Message& message, Result<Message> (*decode)(BytesView)) {
  const Bytes bytes = encode(message);
  const Result<Message> back = decode(bytes);
  INFO((back.ok() ? "" : back.error().text()));
  REQUIRE(back.ok());
  CHECK(std::holds_alternative<T>(*back));
  CHECK(encode(*back) == bytes);
  CHECK(!decode(bytes + Bytes("\xf8\x07\x01", 3)).ok());
}

std::string why(const ToRunner& message) {
  const Result<ToRunner> back = decode_to_runner(encode(message));
  return back.ok() ? "" : back.error().text();
}
std::string why(const FromRunner& message) {
  const Result<FromRunner> back = decode_from_runner(encode(message));
  return back.ok() ? "" : back.error().text();
}

RunnerState state() {
  return {.public_key = Bytes(32, 'k'), .org = "acme", .host_name = "web-1", .policy_hash = Bytes(32, 'p')};
}

}  // namespace

TEST_CASE("every message to the runner passes whole, and none of another kind") {
  SignedOrg org("acme", now);
  org.revoke({.version = 1, .at_ms = now});
  const Warrant warrant{.step = "step",
                        .leaf_index = 1,
                        .leaf_count = 2,
                        .proof = {Bytes(32, 'p')},
                        .approvals = {org.trust_files[0]},
                        .dispatch = org.trust_files[0],
                        .trust = org.update(now)};
  passes<TrustUpdate, ToRunner>(org.update(now), decode_to_runner);
  passes<TrustUpdate, ToRunner>(TrustUpdate{}, decode_to_runner);
  passes<ChallengeRequest, ToRunner>(ChallengeRequest{}, decode_to_runner);
  passes<Warrant, ToRunner>(warrant, decode_to_runner);
  passes<PreflightRequest, ToRunner>(PreflightRequest{.step = "step"}, decode_to_runner);
  passes<OrderRequest, ToRunner>(OrderRequest{.order = org.trust_files[0], .trust = org.update(now)}, decode_to_runner);
  passes<ResultAck, ToRunner>(ResultAck{.through = 7}, decode_to_runner);
  passes<StateRequest, ToRunner>(StateRequest{}, decode_to_runner);
  CHECK(!decode_to_runner("").ok());
  CHECK(!decode_to_runner(Bytes(message_bytes_max + 1, '\0')).ok());
}

TEST_CASE("a message to the runner has bounds") {
  SignedOrg org("acme", now);
  const Envelope good = org.trust_files[0];
  Envelope bad = good;
  bad.signatures.clear();
  Warrant warrant{.step = "step", .dispatch = good, .trust = org.update(now)};
  CHECK(why(warrant).empty());

  Warrant changed = warrant;
  changed.step = Bytes(16 << 10, 's');
  CHECK(why(changed).empty());
  changed.step += "s";
  CHECK_THAT(why(changed), Catch::Contains("16 KiB"));
  changed = warrant;
  changed.proof.assign(64, Bytes(32, 'p'));
  CHECK(why(changed).empty());
  changed.proof.emplace_back(32, 'p');
  CHECK_THAT(why(changed), Catch::Contains("64 hashes"));
  changed.proof = {"short"};
  CHECK_THAT(why(changed), Catch::Contains("32 bytes"));
  changed = warrant;
  changed.approvals.assign(32, good);
  CHECK(why(changed).empty());
  changed.approvals.push_back(good);
  CHECK_THAT(why(changed), Catch::Contains("32 approvals"));
  changed.approvals = {bad};
  CHECK_THAT(why(changed), Catch::Contains("signatures"));
  changed = warrant;
  changed.dispatch = bad;
  CHECK_THAT(why(changed), Catch::Contains("signatures"));
  changed = warrant;
  changed.trust.trust.assign(17, good);
  CHECK_THAT(why(changed), Catch::Contains("16 trust files"));
  changed.trust = {.trust = {bad}};
  CHECK_THAT(why(changed), Catch::Contains("signatures"));
  changed.trust = {.revocation = bad};
  CHECK_THAT(why(changed), Catch::Contains("signatures"));
  changed.trust = {.freshness = bad};
  CHECK_THAT(why(changed), Catch::Contains("signatures"));
  CHECK_THAT(why(OrderRequest{.order = bad}), Catch::Contains("signatures"));
  CHECK_THAT(why(TrustUpdate{.freshness = bad}), Catch::Contains("signatures"));
  CHECK_THAT(why(PreflightRequest{.step = Bytes((16 << 10) + 1, 's')}), Catch::Contains("16 KiB"));
}

TEST_CASE("every message from the runner passes whole, within its bounds") {
  SignedOrg org("acme", now);
  Envelope bad = org.trust_files[0];
  bad.signatures.clear();
  passes<RunnerState, FromRunner>(state(), decode_from_runner);
  passes<RunnerChallenge, FromRunner>(RunnerChallenge{.challenge = Bytes(32, 'c')}, decode_from_runner);
  passes<SignedResult, FromRunner>(SignedResult{.envelope = org.trust_files[0]}, decode_from_runner);
  passes<SignedPreflight, FromRunner>(SignedPreflight{.envelope = org.trust_files[0]}, decode_from_runner);
  passes<Refused, FromRunner>(Refused{.code = "busy", .detail = "d", .step = Bytes(32, 's')}, decode_from_runner);
  passes<Refused, FromRunner>(Refused{.code = "busy"}, decode_from_runner);
  CHECK(!decode_from_runner("").ok());

  const auto changed = [](const std::function<void(RunnerState&)>& change) {
    RunnerState made = state();
    change(made);
    return why(FromRunner(made));
  };
  CHECK_THAT(changed([](RunnerState& s) { s.public_key = "k"; }), Catch::Contains("the key"));
  CHECK_THAT(changed([](RunnerState& s) { s.org = ""; }), Catch::Contains("the org"));
  CHECK_THAT(changed([](RunnerState& s) { s.host_name = ""; }), Catch::Contains("the host's name"));
  CHECK_THAT(changed([](RunnerState& s) { s.version = Bytes(257, 'v'); }), Catch::Contains("the version"));
  CHECK_THAT(changed([](RunnerState& s) { s.policy_hash = ""; }), Catch::Contains("the policy's hash"));
  CHECK_THAT(changed([](RunnerState& s) { s.why_not = Bytes(4097, 'w'); }), Catch::Contains("the reason"));
  CHECK_THAT(why(FromRunner(RunnerChallenge{.challenge = "c"})), Catch::Contains("the challenge"));
  CHECK_THAT(why(FromRunner(SignedResult{.envelope = bad})), Catch::Contains("signatures"));
  CHECK_THAT(why(FromRunner(SignedPreflight{.envelope = bad})), Catch::Contains("signatures"));
  CHECK_THAT(why(FromRunner(Refused{})), Catch::Contains("the code"));
  CHECK_THAT(why(FromRunner(Refused{.code = "c", .detail = Bytes(4097, 'd')})), Catch::Contains("the detail"));
  CHECK_THAT(why(FromRunner(Refused{.code = "c", .step = "s"})), Catch::Contains("the step's id"));
}
