// Says what common/warrant makes of cases, so that somebody else's answers can be compared: tests/warrant is a second
// implementation, tests/e2e/test_warrant_differential.py asks both.
//
// Cases come on stdin until it ends, each a 4-byte length and that many bytes, which are items of the same form. The
// first item is the kind; kinds_ below has them all. Numbers are decimal text. One line of answer for each case goes to
// stdout. It decides nothing itself; a case that is not well formed ends it, as only the comparison's author can make
// one.
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/check.h"
#include "common/crypto/digest.h"
#include "common/warrant/envelope.h"
#include "common/warrant/merkle.h"
#include "common/warrant/messages.h"
#include "common/warrant/step.h"
#include "common/warrant/trust.h"
#include "common/warrant/verify.h"

namespace reeve::warrant {
namespace {

class Case {
 public:
  explicit Case(BytesView bytes) : bytes_(bytes) {}

  bool ended() const { return bytes_.empty(); }

  BytesView take() {
    check(bytes_.size() >= 4, "an item begins with its length");
    const auto length = load_le<uint32_t>(bytes_.data());
    check(bytes_.size() - 4 >= length, "an item ends within its case");
    const BytesView item = bytes_.substr(4, length);
    bytes_.remove_prefix(4 + size_t{length});
    return item;
  }

  template <typename T>
  T take_number() {
    const BytesView item = take();
    T number{};
    const auto [end, error] = std::from_chars(item.data(), item.data() + item.size(), number);
    check(error == std::errc() && end == item.data() + item.size(), "a number is decimal text");
    return number;
  }

  std::vector<Bytes> take_list() {
    Case list(take());
    std::vector<Bytes> items;
    while (!list.ended()) items.emplace_back(list.take());
    return items;
  }

 private:
  BytesView bytes_;
};

std::string hex_list(const std::vector<Bytes>& items) {
  std::string text;
  for (const Bytes& item : items) text += (text.empty() ? "" : ",") + to_hex(item);
  return text.empty() ? "-" : text;
}

std::string because(std::string_view text) {
  return " # " + printable(text);
}

template <auto decode>
std::string coded(BytesView bytes) {
  const auto decoded = decode(bytes);
  return decoded.ok() ? "ok " + to_hex(encode(*decoded)) : "invalid" + because(decoded.error().text());
}

std::string coded_trust(BytesView bytes) {
  const auto decoded = decode_trust(bytes);
  if (!decoded.ok()) return "invalid" + because(decoded.error().text());
  return "ok " + to_hex(encode(*decoded)) + " " + to_string(root_fingerprint(*decoded));
}

std::string decode_case(Case& input) {
  using Codec = std::string (*)(BytesView);
  static constexpr std::array<std::pair<std::string_view, Codec>, 13> codecs = {{
      {"Envelope", coded<decode_envelope>},
      {"Step", coded<decode_step>},
      {"Approval", coded<decode_approval>},
      {"Dispatch", coded<decode_dispatch>},
      {"Order", coded<decode_order>},
      {"Result", coded<decode_result>},
      {"Preflight", coded<decode_preflight>},
      {"Checkpoint", coded<decode_checkpoint>},
      {"Trust", coded_trust},
      {"Revocation", coded<decode_revocation>},
      {"Freshness", coded<decode_freshness>},
      {"ToRunner", coded<decode_to_runner>},
      {"FromRunner", coded<decode_from_runner>},
  }};
  const BytesView name = input.take();
  for (const auto& [known, codec] : codecs) {
    if (known == name) return codec(input.take());
  }
  check(false, "a case names a message that there is");
  return {};
}

std::string fingerprint_case(Case& input) {
  const auto fingerprint = parse_root_fingerprint(input.take());
  return fingerprint.ok() ? to_string(*fingerprint) : "invalid";
}

// An envelope's signed bytes, and which of the keys it is signed by.
std::string signed_case(Case& input) {
  const auto envelope = decode_envelope(input.take());
  if (!envelope.ok()) return "invalid" + because(envelope.error().text());
  std::string text = to_hex(crypto::sha256(pre_authentication(envelope->payload_type, envelope->payload)));
  for (const Bytes& key : input.take_list()) {
    text += (signed_by(*envelope, key) ? " yes:" : " no:") + to_hex(key_id(key)).substr(0, 8);
  }
  return text;
}

std::string tree_case(Case& input) {
  std::vector<Hash> leaves;
  MerkleFrontier frontier;
  for (const Bytes& leaf : input.take_list()) {
    leaves.push_back(leaf_hash(leaf));
    frontier.append(leaves.back());
  }
  const auto index = input.take_number<uint64_t>();
  const auto old_size = input.take_number<uint64_t>();
  std::string text = to_hex(merkle_root(leaves)) + " " + to_hex(frontier.root());
  if (index < leaves.size()) text += " " + hex_list(inclusion_proof(leaves, index));
  if (old_size > 0 && old_size <= leaves.size()) text += " " + hex_list(consistency_proof(leaves, old_size));
  return text;
}

std::string inclusion_case(Case& input) {
  const BytesView leaf = input.take();
  const auto index = input.take_number<uint64_t>();
  const auto size = input.take_number<uint64_t>();
  const std::vector<Hash> proof = input.take_list();
  return verify_inclusion(leaf, index, size, proof, input.take()) ? "yes" : "no";
}

std::string consistency_case(Case& input) {
  const auto old_size = input.take_number<uint64_t>();
  const BytesView old_root = input.take();
  const auto new_size = input.take_number<uint64_t>();
  const BytesView new_root = input.take();
  const std::vector<Hash> proof = input.take_list();
  return verify_consistency(old_size, old_root, new_size, new_root, proof) ? "yes" : "no";
}

TrustState take_state(Case& input) {
  std::string org(input.take());
  RootFingerprint fingerprint;
  fingerprint.digest = input.take();
  fingerprint.version_min = input.take_number<uint64_t>();
  return TrustState(std::move(org), std::move(fingerprint));
}

std::string believed(const TrustState& state) {
  return std::to_string(state.trust_version()) + "/" + std::to_string(state.revocation_version()) + "/" +
         std::to_string(state.freshness() ? state.freshness()->at_ms : -1);
}

// A letter says whether what follows is one envelope of a kind or a ToRunner with a whole update.
std::string step_of_history(TrustState& state, BytesView step, std::string& reasons) {
  check(!step.empty(), "a step of a history begins with its kind");
  const BytesView bytes = step.substr(1);
  Status taken;
  if (step[0] == 'u') {
    const auto message = decode_to_runner(bytes);
    const auto* update = message.ok() ? std::get_if<TrustUpdate>(&*message) : nullptr;
    if (!update) return "invalid";
    taken = state.take(*update);
  } else {
    const auto envelope = decode_envelope(bytes);
    if (!envelope.ok()) return "invalid";
    if (step[0] == 't') taken = state.take_trust(*envelope);
    if (step[0] == 'r') taken = state.take_revocation(*envelope);
    if (step[0] == 'f') taken = state.take_freshness(*envelope);
  }
  if (!taken.ok()) reasons += "; " + taken.error().text();
  return (taken.ok() ? "accept:" : "deny:") + believed(state);
}

std::string history_case(Case& input) {
  TrustState state = take_state(input);
  const RootFingerprint anything{};
  std::string text, reasons;
  for (const Bytes& step : input.take_list()) text += step_of_history(state, step, reasons) + " ";
  const auto again = TrustState::restore(state.org(), anything, state.kept());
  check(again.ok(), "what was kept can be believed again");
  check(believed(*again) == believed(state), "what is believed again is what was believed");
  return text + to_hex(crypto::sha256(encode(ToRunner(state.kept())))) + because(reasons);
}

std::string judged(const Judgement& judgement, std::vector<std::string> persons) {
  std::string text(to_string(judgement.refusal));
  if (!judgement.ok()) return text + because(judgement.detail);
  std::sort(persons.begin(), persons.end());
  return text + " " + hex_list(persons);
}

std::string verify_case(Case& input) {
  TrustState state = take_state(input);
  HostView host;
  host.org = state.org();
  host.host = input.take();
  host.host_name = input.take();
  host.epoch = input.take_number<uint64_t>();
  host.locked = input.take_number<int>() != 0;
  host.wall_ms = input.take_number<int64_t>();
  host.signed_ms = input.take_number<int64_t>();
  host.sequence = input.take_number<uint64_t>();
  host.policy_hash = input.take();
  for (uint32_t& floor : host.approvals_min) floor = input.take_number<uint32_t>();
  const std::vector<Bytes> seen = input.take_list();
  const std::vector<Bytes> open = input.take_list();
  host.seen = [seen](BytesView id) { return std::find(seen.begin(), seen.end(), id) != seen.end(); };
  host.challenge_open = [open](BytesView given) { return std::find(open.begin(), open.end(), given) != open.end(); };
  std::string reasons;
  for (const Bytes& earlier : input.take_list()) step_of_history(state, earlier, reasons);

  const BytesView bytes = input.take();
  if (bytes.size() > message_bytes_max) return std::string(to_string(Refusal::size));
  const auto message = decode_to_runner(bytes);
  if (!message.ok()) return std::string(to_string(Refusal::shape)) + because(message.error().text());
  if (const auto* warrant = std::get_if<Warrant>(&*message)) {
    const Status taken = state.take(warrant->trust);
    const VerifiedWarrant verified = verify_warrant(*warrant, taken, host, state);
    return judged(verified.judgement, verified.approvers);
  }
  if (const auto* request = std::get_if<OrderRequest>(&*message)) {
    const Status taken = state.take(request->trust);
    return judged(verify_order(*request, taken, host, state).judgement, {});
  }
  return "other -";
}

constexpr std::array<std::pair<std::string_view, std::string (*)(Case&)>, 8> kinds_ = {{
    {"decode", decode_case},
    {"fingerprint", fingerprint_case},
    {"signed", signed_case},
    {"tree", tree_case},
    {"inclusion", inclusion_case},
    {"consistency", consistency_case},
    {"history", history_case},
    {"verify", verify_case},
}};

std::string answer(Case input) {
  const BytesView kind = input.take();
  for (const auto& [known, handle] : kinds_) {
    if (known == kind) return handle(input);
  }
  check(false, "a case is of a kind that there is");
  return {};
}

bool read_exactly(char* to, size_t count) {
  return std::fread(to, 1, count, stdin) == count;
}

}  // namespace
}  // namespace reeve::warrant

int main() {
  std::array<char, 4> length{};
  while (reeve::warrant::read_exactly(length.data(), length.size())) {
    reeve::Bytes bytes(reeve::load_le<uint32_t>(length.data()), '\0');
    reeve::check(reeve::warrant::read_exactly(bytes.data(), bytes.size()), "a case is whole");
    const std::string line = reeve::warrant::answer(reeve::warrant::Case(bytes)) + "\n";
    std::fwrite(line.data(), 1, line.size(), stdout);
    std::fflush(stdout);  // also where the next case ends us
  }
  return 0;
}
