// Every bound of everything that is signed: its greatest value is taken, the next one is refused with the sentence that
// says so; and nothing but the one encoding is taken.
#include <functional>

#include "common/crypto/digest.h"
#include "common/warrant/messages.h"
#include "common/warrant/step.h"
#include "common/warrant/trust.h"
#include "tests/warrant/signed_org.h"

using namespace reeve;
using namespace reeve::warrant;

namespace {

constexpr int64_t now = 1'795'000'000'000;
constexpr int64_t hour = 3'600'000;
constexpr int64_t year_9999 = 253'402'300'799'999;

Exec program() {
  return {.what = Argv{.path = "/usr/bin/true", .user = "root"}, .timeout_ms = 1000};
}

Step sample_step() {
  return {.org = "acme",
          .plan = Bytes(16, 'p'),
          .host = Bytes(32, 'h'),
          .host_name = "web-1",
          .epoch = 1,
          .exec = program(),
          .risk = 1,
          .requester = "eve",
          .policy_hash = Bytes(32, 'y'),
          .not_before_ms = now,
          .not_after_ms = now + hour};
}

template <typename T>
struct Change {
  const char* what;
  const char* complaint;  // "": it is taken
  std::function<void(T&)> make;
};

// Each change to a value that is right: taken whole, or refused with its complaint.
template <typename T, typename Decode>
void expect(const T& right, Decode decode, const std::vector<Change<T>>& changes) {
  const Result<T> whole = decode(encode(right));
  REQUIRE(whole.ok());
  CHECK(*whole == right);
  for (const Change<T>& each : changes) {
    INFO(each.what);
    T changed = right;
    each.make(changed);
    const Bytes bytes = encode(changed);
    const Result<T> decoded = decode(bytes);
    if (std::string_view(each.complaint).empty()) {
      CHECK((decoded.ok() ? "" : decoded.error().text()) == "");
      if (decoded.ok()) CHECK(*decoded == changed);
    } else {
      CHECK(!decoded.ok());
      if (!decoded.ok()) CHECK_THAT(decoded.error().text(), Catch::Contains(each.complaint));
    }
  }
}

Argv& argv_of(Step& step) {
  return std::get<Argv>(step.exec.what);
}

}  // namespace

TEST_CASE("steps within their bounds are taken, and nothing beyond") {
  expect<Step>(
      sample_step(), decode_step,
      {
          {"an org of 256", "", [](Step& s) { s.org = std::string(256, 'o'); }},
          {"an org of 257", "the org is not", [](Step& s) { s.org = std::string(257, 'o'); }},
          {"no org", "the org is not", [](Step& s) { s.org = ""; }},
          {"an org with NUL", "the org is not", [](Step& s) { s.org = Bytes("a\0b", 3); }},
          {"a plan of 15", "the plan's id", [](Step& s) { s.plan.pop_back(); }},
          {"the last index", "", [](Step& s) { s.count = 10'000, s.index = 9'999; }},
          {"an index too many", "the index is beyond", [](Step& s) { s.index = 1; }},
          {"no steps", "a plan has not", [](Step& s) { s.count = 0; }},
          {"10001 steps", "a plan has not", [](Step& s) { s.count = 10'001; }},
          {"a host of 31", "the host's id", [](Step& s) { s.host.pop_back(); }},
          {"no host name", "the host's name", [](Step& s) { s.host_name = ""; }},
          {"no requester", "the requester", [](Step& s) { s.requester = ""; }},
          {"a policy hash of 0", "the policy's hash", [](Step& s) { s.policy_hash = ""; }},
          {"risk 4", "", [](Step& s) { s.risk = 4; }},
          {"risk 5", "the risk is not", [](Step& s) { s.risk = 5; }},
          {"16 approvals", "", [](Step& s) { s.approvals = 16; }},
          {"17 approvals", "not 1 to 16 approvals", [](Step& s) { s.approvals = 17; }},
          {"0 approvals", "not 1 to 16 approvals", [](Step& s) { s.approvals = 0; }},
          {"effect 0", "the effect is none", [](Step& s) { s.effect = Effect{0}; }},
          {"effect 4", "the effect is none", [](Step& s) { s.effect = Effect{4}; }},
          {"24 h", "", [](Step& s) { s.not_after_ms = now + 24 * hour; }},
          {"24 h and a bit", "its window", [](Step& s) { s.not_after_ms = now + 24 * hour + 1; }},
          {"no time at all", "its window", [](Step& s) { s.not_after_ms = now; }},
          {"before 1970", "before 1970", [](Step& s) { s.not_before_ms = -1, s.not_after_ms = 1; }},
          {"the year 9999", "", [](Step& s) { s.not_before_ms = year_9999 - 1, s.not_after_ms = year_9999; }},
          {"the year 10000", "after 9999",
           [](Step& s) { s.not_before_ms = year_9999, s.not_after_ms = year_9999 + 1; }},
          {"a probe and a rollback", "",
           [](Step& s) { s.probe = program(), s.rollback = program(), s.rollback_on_failure = true; }},
          {"rolled back by nothing", "has no rollback", [](Step& s) { s.rollback_on_failure = true; }},
          {"kept without a rollback", "has no rollback", [](Step& s) { s.keep_within_ms = 1; }},
          {"kept within 1 h", "", [](Step& s) { s.rollback = program(), s.keep_within_ms = 3'600'000; }},
          {"kept within more", "within more than 1 h",
           [](Step& s) { s.rollback = program(), s.keep_within_ms = 3'600'001; }},
          {"a probe that is wrong", "a time-out", [](Step& s) { s.probe = program(), s.probe->timeout_ms = 0; }},
          {"a rollback that is wrong", "a time-out",
           [](Step& s) { s.rollback = program(), s.rollback->timeout_ms = 0; }},
          {"16 preconditions", "", [](Step& s) { s.preconditions.assign(16, Action{.name = "x"}); }},
          {"17 preconditions", "more than 16", [](Step& s) { s.preconditions.assign(17, Action{.name = "x"}); }},
          {"longer than 16 KiB", "are allowed",
           [](Step& s) { argv_of(s).arguments.assign(5, std::string(4096, 'a')); }},
      });
}

TEST_CASE("programs within their bounds are taken, and nothing beyond") {
  expect<Step>(
      sample_step(), decode_step,
      {
          {"the root folder", "", [](Step& s) { argv_of(s).path = "/"; }},
          {"a relative path", "path is not absolute", [](Step& s) { argv_of(s).path = "usr/bin/true"; }},
          {"no path", "path is not absolute", [](Step& s) { argv_of(s).path = ""; }},
          {"..", "path is not absolute", [](Step& s) { argv_of(s).path = "/usr/../bin/true"; }},
          {".", "path is not absolute", [](Step& s) { argv_of(s).path = "/usr/./true"; }},
          {"// ", "path is not absolute", [](Step& s) { argv_of(s).path = "/usr//true"; }},
          {"a slash at the end", "path is not absolute", [](Step& s) { argv_of(s).path = "/usr/"; }},
          {"NUL in a path", "path is not absolute", [](Step& s) { argv_of(s).path = Bytes("/a\0b", 4); }},
          {"a path of 4096", "", [](Step& s) { argv_of(s).path = "/" + std::string(4095, 'a'); }},
          {"a path of 4097", "path is not absolute", [](Step& s) { argv_of(s).path = "/" + std::string(4096, 'a'); }},
          {"a hash", "", [](Step& s) { argv_of(s).sha256 = Bytes(32, 'x'); }},
          {"a hash of 31", "hash has not 32", [](Step& s) { argv_of(s).sha256 = Bytes(31, 'x'); }},
          {"64 arguments", "", [](Step& s) { argv_of(s).arguments.assign(64, ""); }},
          {"65 arguments", "more than 64", [](Step& s) { argv_of(s).arguments.assign(65, ""); }},
          {"an argument of 4096", "", [](Step& s) { argv_of(s).arguments = {std::string(4096, 'a')}; }},
          {"an argument of 4097", "more than 4096", [](Step& s) { argv_of(s).arguments = {std::string(4097, 'a')}; }},
          {"NUL in an argument", "more than 4096", [](Step& s) { argv_of(s).arguments = {Bytes("\0", 1)}; }},
          {"variables", "",
           [](Step& s) {
             argv_of(s).environment = {{"A", "1"}, {"B", ""}};
           }},
          {"variables unsorted", "not sorted",
           [](Step& s) {
             argv_of(s).environment = {{"B", "1"}, {"A", ""}};
           }},
          {"a variable twice", "not sorted",
           [](Step& s) {
             argv_of(s).environment = {{"A", "1"}, {"A", "1"}};
           }},
          {"= in a name", "holds \"=\"",
           [](Step& s) {
             argv_of(s).environment = {{"A=B", "1"}};
           }},
          {"no name", "name is not 1",
           [](Step& s) {
             argv_of(s).environment = {{"", "1"}};
           }},
          {"a long value", "variable is longer",
           [](Step& s) {
             argv_of(s).environment = {{"A", Bytes(4097, 'a')}};
           }},
          {"33 variables", "more than 32",
           [](Step& s) {
             for (char c = 'A'; c < 'A' + 33; ++c) argv_of(s).environment.emplace_back(std::string(1, c), "");
           }},
          {"a folder", "", [](Step& s) { argv_of(s).working_directory = "/tmp"; }},
          {"a relative folder", "working directory", [](Step& s) { argv_of(s).working_directory = "tmp"; }},
          {"no user", "user is not 1", [](Step& s) { argv_of(s).user = ""; }},
          {"1 h", "", [](Step& s) { s.exec.timeout_ms = 3'600'000; }},
          {"more than 1 h", "a time-out", [](Step& s) { s.exec.timeout_ms = 3'600'001; }},
          {"no time", "a time-out", [](Step& s) { s.exec.timeout_ms = 0; }},
          {"32 KiB of output", "", [](Step& s) { s.exec.output_bytes_max = 32 << 10; }},
          {"more output", "more than 32 KiB", [](Step& s) { s.exec.output_bytes_max = (32 << 10) + 1; }},
          {"an action", "",
           [](Step& s) {
             s.exec.what = Action{"a", {{"n", int64_t{-5}}, {"t", std::string("x")}, {"z", int64_t{0}}}};
           }},
          {"no action's name", "action's name",
           [](Step& s) {
             s.exec.what = Action{"", {}};
           }},
          {"unsorted", "not sorted",
           [](Step& s) {
             s.exec.what = Action{"a", {{"n", int64_t{1}}, {"a", int64_t{1}}}};
           }},
          {"no argument's name", "argument's name",
           [](Step& s) {
             s.exec.what = Action{"a", {{"", int64_t{1}}}};
           }},
          {"a long argument", "neither a number",
           [](Step& s) {
             s.exec.what = Action{"a", {{"t", std::string(4097, 'x')}}};
           }},
          {"65 of an action", "more than 64",
           [](Step& s) {
             Action action{"a", {}};
             for (char c = '0'; c < '0' + 65; ++c) action.arguments.emplace_back(std::string(1, c), int64_t{1});
             s.exec.what = action;
           }},
      });
}

TEST_CASE("an action's arguments are found by name and kind") {
  const Action action{"a", {{"n", int64_t{-5}}, {"t", std::string("x")}}};
  CHECK(*action.number("n") == -5);
  CHECK(*action.text("t") == "x");
  CHECK(action.text("n") == nullptr);
  CHECK(action.number("t") == nullptr);
  CHECK(action.text("q") == nullptr);
  CHECK(action.number("q") == nullptr);
}

TEST_CASE("approvals, dispatches and orders within their bounds are taken, and nothing beyond") {
  expect<Approval>({.org = "acme",
                    .plan = Bytes(16, 'p'),
                    .root = Bytes(32, 'r'),
                    .count = 2,
                    .hosts = 1,
                    .risk_max = 1,
                    .person = "ada",
                    .at_ms = now,
                    .not_after_ms = now + hour},
                   decode_approval,
                   {
                       {"a veto", "", [](Approval& a) { a.decision = Decision::veto; }},
                       {"decision 0", "the decision", [](Approval& a) { a.decision = Decision{0}; }},
                       {"decision 3", "the decision", [](Approval& a) { a.decision = Decision{3}; }},
                       {"no org", "the org", [](Approval& a) { a.org = ""; }},
                       {"a short plan", "the plan's id", [](Approval& a) { a.plan = "p"; }},
                       {"a short root", "the root", [](Approval& a) { a.root = "r"; }},
                       {"no steps", "a plan has not", [](Approval& a) { a.count = 0, a.hosts = 0; }},
                       {"too many", "a plan has not", [](Approval& a) { a.count = 10'001; }},
                       {"no hosts", "not 1 host", [](Approval& a) { a.hosts = 0; }},
                       {"more hosts", "not 1 host", [](Approval& a) { a.hosts = 3; }},
                       {"risk 5", "the risk", [](Approval& a) { a.risk_max = 5; }},
                       {"nobody", "the person", [](Approval& a) { a.person = ""; }},
                       {"too long", "24 h", [](Approval& a) { a.not_after_ms = now + 24 * hour + 1; }},
                       {"a comment", "", [](Approval& a) { a.comment = std::string(4096, 'c'); }},
                       {"a long one", "the comment", [](Approval& a) { a.comment = std::string(4097, 'c'); }},
                   });
  expect<Dispatch>({.org = "acme",
                    .host = Bytes(32, 'h'),
                    .step = Bytes(32, 's'),
                    .sequence = 1,
                    .challenge = Bytes(32, 'c'),
                    .at_ms = now,
                    .not_after_ms = now + 900'000},
                   decode_dispatch,
                   {
                       {"no org", "the org", [](Dispatch& d) { d.org = ""; }},
                       {"a short host", "the host's id", [](Dispatch& d) { d.host = "h"; }},
                       {"a short step", "the step's id", [](Dispatch& d) { d.step = "s"; }},
                       {"sequence 0", "sequences", [](Dispatch& d) { d.sequence = 0; }},
                       {"the last sequence", "", [](Dispatch& d) { d.sequence = UINT64_MAX; }},
                       {"no challenge", "the challenge", [](Dispatch& d) { d.challenge = ""; }},
                       {"16 minutes", "15 min", [](Dispatch& d) { d.not_after_ms += 1; }},
                   });
  expect<Order>({.org = "acme",
                 .host = Bytes(32, 'h'),
                 .step = Bytes(32, 's'),
                 .kind = OrderKind::stop,
                 .at_ms = now,
                 .not_after_ms = now + 1},
                decode_order,
                {
                    {"keep", "", [](Order& o) { o.kind = OrderKind::keep; }},
                    {"rollback", "", [](Order& o) { o.kind = OrderKind::rollback, o.challenge = Bytes(32, 'c'); }},
                    {"rollback without", "a challenge", [](Order& o) { o.kind = OrderKind::rollback; }},
                    {"stop with one", "a challenge", [](Order& o) { o.challenge = Bytes(32, 'c'); }},
                    {"kind 0", "the kind", [](Order& o) { o.kind = OrderKind{0}; }},
                    {"kind 4", "the kind", [](Order& o) { o.kind = OrderKind{4}; }},
                    {"too long", "15 min", [](Order& o) { o.not_after_ms = now + 900'001; }},
                });
}

TEST_CASE("results, reports and checkpoints within their bounds are taken, and nothing beyond") {
  expect<StepResult>({.org = "acme",
                      .host = Bytes(32, 'h'),
                      .epoch = 7,
                      .step = Bytes(32, 's'),
                      .state = StepState::done,
                      .exit_status = -1,
                      .policy_hash = Bytes(32, 'p'),
                      .sequence = 1},
                     decode_result,
                     {
                         {"phase 2", "", [](StepResult& r) { r.phase = Phase::rollback; }},
                         {"phase 3", "the phase", [](StepResult& r) { r.phase = Phase{3}; }},
                         {"state 0", "the state", [](StepResult& r) { r.state = StepState{0}; }},
                         {"state 6", "the state", [](StepResult& r) { r.state = StepState{6}; }},
                         {"a long code", "the code", [](StepResult& r) { r.code = Bytes(257, 'c'); }},
                         {"a long detail", "the detail", [](StepResult& r) { r.detail = Bytes(4097, 'c'); }},
                         {"a long boot", "the boot id", [](StepResult& r) { r.boot = Bytes(257, 'c'); }},
                         {"much output", "", [](StepResult& r) { r.output = Bytes(32 << 10, '\xff'); }},
                         {"more output", "the output", [](StepResult& r) { r.output = Bytes((32 << 10) + 1, 'o'); }},
                         {"no policy", "the policy's hash", [](StepResult& r) { r.policy_hash = ""; }},
                         {"the second", "", [](StepResult& r) { r.sequence = 2, r.previous = Bytes(32, 'p'); }},
                         {"without the first", "the result before", [](StepResult& r) { r.sequence = 2; }},
                         {"before the first", "the result before", [](StepResult& r) { r.previous = Bytes(32, 'p'); }},
                         {"sequence 0", "a refusal has", [](StepResult& r) { r.sequence = 0; }},
                         {"a refusal", "", [](StepResult& r) { r.sequence = 0, r.state = StepState::refused; }},
                     });
  expect<PreflightReport>(
      {.org = "acme", .host = Bytes(32, 'h'), .step = Bytes(32, 's'), .at_ms = now, .checks = {{"a", Verdict::holds}}},
      decode_preflight,
      {
          {"64 checks", "",
           [](PreflightReport& r) {
             r.checks.assign(64, {"a", Verdict::unknown, "why"});
           }},
          {"65 checks", "more than 64",
           [](PreflightReport& r) {
             r.checks.assign(65, {"a", Verdict::fails});
           }},
          {"no name", "check's name", [](PreflightReport& r) { r.checks[0].name = ""; }},
          {"verdict 0", "a verdict", [](PreflightReport& r) { r.checks[0].verdict = Verdict{0}; }},
          {"verdict 4", "a verdict", [](PreflightReport& r) { r.checks[0].verdict = Verdict{4}; }},
          {"a long detail", "check's detail", [](PreflightReport& r) { r.checks[0].detail = Bytes(4097, 'd'); }},
      });
  expect<Checkpoint>({.org = "acme", .size = 5, .root = Bytes(32, 'r'), .at_ms = now}, decode_checkpoint,
                     {
                         {"no org", "the org", [](Checkpoint& c) { c.org = ""; }},
                         {"a short root", "the root", [](Checkpoint& c) { c.root = "r"; }},
                     });
}

TEST_CASE("trust files, revocations and statements within their bounds are taken, and nothing beyond") {
  const SignedOrg org("acme", now);
  const auto person = [](char c) { return Bytes(32, c); };
  expect<Trust>(org.trust, decode_trust,
                {
                    {"no org", "the org", [](Trust& t) { t.org = ""; }},
                    {"version 0", "versions", [](Trust& t) { t.version = 0; }},
                    {"expired in 1970", "it expires", [](Trust& t) { t.not_after_ms = 0; }},
                    {"no roots", "the threshold", [](Trust& t) { t.roots.clear(); }},
                    {"17 roots", "not 1 to 16 roots",
                     [&](Trust& t) {
                       t.roots.clear();
                       for (char c = 'a'; c < 'a' + 17; ++c) t.roots.push_back({person(c), "r"});
                     }},
                    {"no root's name", "a root's person", [](Trust& t) { t.roots[0].person = ""; }},
                    {"threshold 0", "the threshold", [](Trust& t) { t.root_threshold = 0; }},
                    {"threshold 2 of 1", "the threshold", [](Trust& t) { t.root_threshold = 2; }},
                    {"threshold 2 of one person's two", "the threshold",
                     [&](Trust& t) {
                       t.roots = {{person('a'), "r"}, {person('b'), "r"}}, t.root_threshold = 2;
                     }},
                    {"roots unsorted", "roots are not sorted",
                     [&](Trust& t) {
                       t.roots = {{person('b'), "r"}, {person('a'), "s"}};
                     }},
                    {"approvers unsorted", "approvers are not sorted",
                     [](Trust& t) { std::swap(t.approvers[0], t.approvers[1]); }},
                    {"257 approvers", "more than 256", [&](Trust& t) { t.approvers.assign(257, t.approvers[0]); }},
                    {"no approver's name", "approver's name", [](Trust& t) { t.approvers[0].person = ""; }},
                    {"an approver's risk", "approver's risk", [](Trust& t) { t.approvers[0].risk_max = 5; }},
                    {"an approver of 1970", "expires in 1970", [](Trust& t) { t.approvers[0].not_after_ms = 0; }},
                    {"a key twice", "a key stands in it twice", [](Trust& t) { t.audit_keys = t.planner_keys; }},
                    {"a short key", "has not 32", [](Trust& t) { t.planner_keys = {"x"}; }},
                    {"9 keys", "more than 8",
                     [&](Trust& t) {
                       t.planner_keys.clear();
                       for (char c = 'a'; c < 'a' + 9; ++c) t.planner_keys.push_back(person(c));
                     }},
                    {"keys unsorted", "keys of the server are not sorted",
                     [&](Trust& t) {
                       t.planner_keys = {person('b'), person('a')};
                     }},
                    {"4 floors", "for each risk", [](Trust& t) { t.approvals_min.pop_back(); }},
                    {"17 of a floor", "not 0 to 16", [](Trust& t) { t.approvals_min[0] = 17; }},
                });
  expect<Revocation>(
      {.org = "acme", .version = 1, .at_ms = now, .keys = {person('a'), person('b')}, .persons = {"ada", "bob"}},
      decode_revocation,
      {
          {"plans, steps, hosts", "",
           [&](Revocation& r) { r.plans = {Bytes(16, 'p')}, r.steps = {person('s')}, r.hosts = {person('h')}; }},
          {"no org", "the org", [](Revocation& r) { r.org = ""; }},
          {"version 0", "versions", [](Revocation& r) { r.version = 0; }},
          {"before 1970", "before 1970", [](Revocation& r) { r.at_ms = -1; }},
          {"unsorted", "a list is not sorted", [](Revocation& r) { std::swap(r.keys[0], r.keys[1]); }},
          {"short", "has not its length", [](Revocation& r) { r.keys = {"a"}; }},
          {"a short plan", "has not its length", [&](Revocation& r) { r.plans = {person('p')}; }},
          {"persons unsorted", "a list is not sorted",
           [](Revocation& r) {
             r.persons = {"bob", "ada"};
           }},
          {"nobody", "has not its length", [](Revocation& r) { r.persons = {""}; }},
          {"1001 of a kind", "more than 1000", [&](Revocation& r) { r.keys.assign(1001, person('a')); }},
          {"1001 persons", "more than 1000", [](Revocation& r) { r.persons.assign(1001, "ada"); }},
      });
  expect<Freshness>({.org = "acme", .trust_version = 1, .at_ms = now, .not_after_ms = now + 24 * hour},
                    decode_freshness,
                    {
                        {"no org", "the org", [](Freshness& f) { f.org = ""; }},
                        {"version 0", "versions", [](Freshness& f) { f.trust_version = 0; }},
                        {"too long", "24 h", [](Freshness& f) { f.not_after_ms += 1; }},
                    });
}

TEST_CASE("an envelope has a type, a payload and signatures, each once") {
  const crypto::SigningKey key = crypto::SigningKey::make();
  expect<Envelope>(
      sign(type_dispatch, "payload", key), decode_envelope,
      {
          {"no type", "the payload type", [](Envelope& e) { e.payload_type = ""; }},
          {"a type of 128", "", [](Envelope& e) { e.payload_type = Bytes(128, 't'); }},
          {"a type of 129", "the payload type", [](Envelope& e) { e.payload_type = Bytes(129, 't'); }},
          {"a blank in it", "the payload type", [](Envelope& e) { e.payload_type = "a b"; }},
          {"no letters", "the payload type", [](Envelope& e) { e.payload_type = "\xc3\xa4"; }},
          {"40 KiB", "", [](Envelope& e) { e.payload = Bytes(40 << 10, 'p'); }},
          {"more", "the payload is longer", [](Envelope& e) { e.payload = Bytes((40 << 10) + 1, 'p'); }},
          {"no signature", "not 1 to 16", [](Envelope& e) { e.signatures.clear(); }},
          {"17", "not 1 to 16",
           [](Envelope& e) {
             for (char c = 'a'; c < 'a' + 16; ++c) e.signatures.push_back({Bytes(32, c), Bytes(64, c)});
           }},
          {"twice", "stands in it twice", [](Envelope& e) { e.signatures.push_back(e.signatures[0]); }},
          {"a short id", "a key id", [](Envelope& e) { e.signatures[0].key_id.pop_back(); }},
          {"a short one", "a signature has not", [](Envelope& e) { e.signatures[0].signature.pop_back(); }},
      });
}

TEST_CASE("a signature counts beside its key's id, over its type, and nothing else") {
  const crypto::SigningKey key = crypto::SigningKey::make();
  const Envelope right = sign(type_dispatch, "payload", key);
  CHECK(signed_by(right, key.public_key()));
  CHECK(!signed_by(right, crypto::SigningKey::make().public_key()));

  Envelope other_id = right;
  other_id.signatures[0].key_id[0] ^= 1;
  CHECK(!signed_by(other_id, key.public_key()));
  Envelope other_type = right;
  other_type.payload_type = type_order;
  CHECK(!signed_by(other_type, key.public_key()));
  Envelope other_payload = right;
  other_payload.payload += "!";
  CHECK(!signed_by(other_payload, key.public_key()));
  Envelope other_signature = right;
  other_signature.signatures[0].signature[63] ^= 1;
  CHECK(!signed_by(other_signature, key.public_key()));

  // DSSE's own example, docs/protocol.md of version 1.0.2.
  CHECK(pre_authentication("http://example.com/HelloWorld", "hello world") ==
        "DSSEv1 29 http://example.com/HelloWorld 11 hello world");
}

TEST_CASE("what is not the one encoding is refused") {
  const Bytes right = encode(sample_step());
  CHECK(decode_step(right).ok());

  CHECK(!decode_step("").ok());
  CHECK(!decode_step(right + Bytes("\xfa\x01\x00", 3)).ok());            // a field from the future
  CHECK(!decode_step(right + right).ok());                               // every field twice
  CHECK(!decode_step(right.substr(0, right.size() - 1)).ok());           // cut
  CHECK(!decode_step(Bytes("\x08\x81\x00", 3) + right.substr(2)).ok());  // a longer spelling of 1
  CHECK(!decode_step(Bytes("\x08\x02", 2) + right.substr(2)).ok());      // another schema
  CHECK(!decode_step(right.substr(2) + right.substr(0, 2)).ok());        // another order
  Step bad_text = sample_step();
  bad_text.org = "\xff";
  CHECK(!decode_step(encode(bad_text)).ok());  // not UTF-8
}

TEST_CASE("names of what is decided are for people") {
  CHECK(to_string(Effect::read_only) == "read_only");
  CHECK(to_string(Effect::idempotent) == "idempotent");
  CHECK(to_string(Effect::once) == "once");
  CHECK(to_string(Decision::approve) == "approve");
  CHECK(to_string(Decision::veto) == "veto");
  CHECK(to_string(OrderKind::stop) == "stop");
  CHECK(to_string(OrderKind::rollback) == "rollback");
  CHECK(to_string(OrderKind::keep) == "keep");
  CHECK(to_string(Phase::exec) == "exec");
  CHECK(to_string(Phase::rollback) == "rollback");
  CHECK(to_string(StepState::not_started) == "not_started");
  CHECK(to_string(StepState::refused) == "refused");
  CHECK(to_string(Verdict::unknown) == "unknown");
  CHECK(to_string(Refusal::none) == "none");
  CHECK(to_string(Refusal::order) == "order");
}
