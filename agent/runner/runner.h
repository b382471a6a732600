// Carries out signed steps on this host, one at a time, and trusts nobody with it: not the server, not the agent that
// hands on its messages.
//
// A warrant is verified in the order of common/warrant/verify.h, then by the host's own policy; its preconditions are
// looked at; then INTENT, a process at the gate, STARTED, the gate opens, ENDED with a signed result (journal.h). What
// was under way when the runner died is settled first when it starts again: by the keeper's note, by the step's probe,
// or not at all: then it is UNKNOWN and a person's. Nothing is ever started twice.
//
// No I/O of its own but through what it is given; one thread.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/runner/journal.h"
#include "agent/runner/launcher.h"
#include "agent/runner/policy.h"
#include "agent/runner/state.h"
#include "common/base/time.h"
#include "common/warrant/messages.h"
#include "common/warrant/verify.h"

namespace reeve::runner {

constexpr Duration challenge_life = 15min;
constexpr size_t challenges_max = 64;

// The policy of this moment: deny_all, and why, where it cannot be read.
struct PolicyNow {
  Policy policy = Policy::deny_all();
  std::string why_not{};
};

class Runner {
 public:
  struct World {
    Clock& clock;  // its now() also counts while the host sleeps
    Launcher& launcher;
    StateFolder& state;
    std::function<PolicyNow()> read_policy;
    std::string boot;  // the kernel's boot id
    std::string version;
  };

  // `journal` null: it is lost, nothing runs, and `why_not` says so.
  Runner(World world, Identity identity, warrant::TrustState trust, std::unique_ptr<Journal> journal,
         std::string why_not = {});
  ~Runner();

  // Somebody connected: what they should know unasked, and results that nobody has acknowledged.
  void on_connected();
  void on_message(BytesView bytes);
  // News of processes, deadlines, what was left by an earlier life. Call it when descriptor() is readable, and often.
  void tick();

  std::vector<Bytes> take_outgoing();  // messages for whoever is connected
  int descriptor() const;              // of the process under way; -1
  bool idle() const;                   // nothing under way, nothing left to settle

 private:
  struct Active;

  void on(const warrant::TrustUpdate& update);
  void on(const warrant::ChallengeRequest& request);
  void on(const warrant::Warrant& warrant);
  void on(const warrant::PreflightRequest& request);
  void on(const warrant::OrderRequest& request);
  void on(const warrant::ResultAck& ack);
  void on(const warrant::StateRequest& request);

  struct Taken {
    Status refused{};
    bool from_future = false;
  };
  Taken take_trust(const warrant::TrustUpdate& update);
  warrant::HostView view(const PolicyNow& now) const;
  warrant::Judgement judge_locally(const warrant::Step& step, const PolicyNow& now, const std::string& id) const;
  int64_t judged_ms() const;
  int64_t signed_ms() const;
  void raise_signed(int64_t at_ms);
  void watch_clock();
  void use_challenge(BytesView challenge);
  warrant::Judgement obey(const warrant::Order& order);

  void look_at_preconditions();
  void begin(warrant::Phase phase);
  void on_exit(const Exit& exit);
  void finish(warrant::StepState state, const std::string& code, const Exit& exit);
  void settle(const JournalEntry& entry);
  void probe();
  bool launch(const warrant::Exec& exec, Purpose purpose, const std::string& id);
  void roll_back(const JournalEntry& entry);
  const JournalEntry* due() const;  // to be rolled back now
  void finish_preflight(const Exit* dry_run);

  void refuse(const warrant::Judgement& judgement, BytesView step_id, bool sign);
  void send(const warrant::FromRunner& message);

  World world_;
  Identity identity_;
  warrant::TrustState trust_;
  std::unique_ptr<Journal> journal_;
  std::string why_not_;

  struct Challenge {
    Bytes bytes;
    Instant made;
  };
  std::deque<Challenge> challenges_;
  Duration wall_ahead_{};  // of the clock that counts from boot
  int64_t signed_base_ms_ = 0;
  Instant signed_at_;
  Instant forgot_at_{};

  std::unique_ptr<Active> active_;
  std::deque<Bytes> outgoing_;
};

}  // namespace reeve::runner
