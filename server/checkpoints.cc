// See checkpoints.h.
#include "server/checkpoints.h"

#include <utility>

#include "common/base/log.h"
#include "common/warrant/envelope.h"
#include "common/warrant/step.h"

namespace reeve::server {
namespace {

constexpr Duration look_interval = 1s;

}  // namespace

Checkpoints::Checkpoints(World world, crypto::SigningKey key, Options options)
    : world_(world),
      key_(std::move(key)),
      public_key_(key_.public_key()),
      options_(std::move(options)),
      questions_(options_.questions_max) {
  thread_ = std::thread([this] { run(); });
}

Checkpoints::~Checkpoints() {
  stop();
}

void Checkpoints::stop() {
  questions_.close();
  if (thread_.joinable()) thread_.join();
}

// -- Asking ----------------------------------------------------------------------------------------------------------

Result<AuditCheckpoint> Checkpoints::current() {
  auto answer = std::make_shared<std::promise<Result<AuditCheckpoint>>>();
  std::future<Result<AuditCheckpoint>> signed_one = answer->get_future();
  if (!questions_.try_send(AskCurrent{answer})) {
    return Error(Code::unavailable, "too many ask for the audit's checkpoint right now");
  }
  return signed_one.get();
}

bool Checkpoints::try_head(Pin pin, OnHead on_head) {
  return questions_.try_send(AskHead{std::move(pin), std::move(on_head)});
}

// -- The thread ------------------------------------------------------------------------------------------------------

void Checkpoints::run() {
  while (true) {
    look();
    const std::optional<Question> question = questions_.receive(std::min(look_interval, options_.interval / 4));
    if (question) answer(*question);
    if (!question && questions_.closed()) return;
  }
}

void Checkpoints::answer(const Question& question) {
  if (const auto* head = std::get_if<AskHead>(&question)) return head->on_head(head_for(head->pin));
  const Status extended = extend();
  const auto& ask = std::get<AskCurrent>(question);
  if (!extended.ok()) return ask.answer->set_value(extended.error());
  if (newest_) return ask.answer->set_value(*newest_);
  ask.answer->set_value(Error(Code::unavailable, "the audit has no checkpoint yet"));
}

// Whatever is due.
void Checkpoints::look() {
  const Instant now = clock_.now();
  const bool pass_due = !read_ || now - passed_ >= options_.interval / 3 * 2;
  Status done;
  if (pass_due) {
    passed_ = now;
    done = pass();
  } else {
    const Result<AuditTree> tree = world_.store.accounts().audit_tree();
    const bool many = tree.ok() && tree->size >= read_->next + checkpoint_entries_max;
    if (many) done = extend();
  }
  if (done.ok()) return;
  ++world_.counters.passes_failed;
  log_error("the audit cannot be read", {{"org", options_.org}, {"error", done.error().text()}});
}

// -- Reading ---------------------------------------------------------------------------------------------------------

// From the entries alone, as they are now.
Status Checkpoints::pass() {
  Reading fresh = TRY(begin_reading());
  if (read_) {
    // Where the last reading ended, this one must be at the same root.
    TRY(read_on(fresh, read_->next));
    const bool same = fresh.next == read_->next && fresh.tree.root() == read_->tree.root();
    if (!same && fresh.strange == 0) {
      ++fresh.strange;
      fresh.first = "the first " + std::to_string(read_->next) + " entries are not those of the last checkpoint";
    }
  }
  TRY(read_on(fresh, UINT64_MAX));
  judge(fresh);
  read_ = std::move(fresh);
  ++world_.counters.passes;
  return sign();
}

// What was appended since; the last pass is believed.
Status Checkpoints::extend() {
  if (!read_) return pass();
  const AuditTree tree = TRY(world_.store.accounts().audit_tree());
  if (newest_ && tree.size == read_->next) return {};
  Reading longer = *read_;
  TRY(read_on(longer, tree.size));
  read_ = std::move(longer);
  return sign();
}

Result<Checkpoints::Reading> Checkpoints::begin_reading() const {
  const AuditTree tree = TRY(world_.store.accounts().audit_tree());
  std::vector<warrant::Hash> dropped = TRY(world_.store.accounts().audit_subtrees(tree.first_kept));
  Reading reading;
  reading.next = tree.first_kept;
  if (!reading.tree.restore(tree.first_kept, std::move(dropped))) {
    return Error(Code::corrupt, "the audit's tree has nodes that are no hashes");
  }
  return reading;
}

Status Checkpoints::read_on(Reading& reading, uint64_t end) const {
  const Accounts& accounts = world_.store.accounts();
  while (reading.next < end) {
    const uint64_t count = std::min<uint64_t>(options_.slice_entries, end - reading.next);
    const AuditSlice slice = TRY(accounts.read_audit(reading.next, count));
    // Asked after the slice, so that what was dropped meanwhile is known to have been.
    const AuditTree tree = TRY(accounts.audit_tree());
    for (const AuditLeaf& leaf : slice.leaves) take_leaf(reading, leaf, tree.first_kept);
    reading.next += slice.leaves.size();
    for (const AuditEntry& stray : slice.strays) {
      reading.tree.append(warrant::leaf_hash(audit_leaf(stray)));
      if (reading.strange++ == 0) reading.first = "entry " + std::to_string(stray.id) + " was put in";
    }
    if (slice.leaves.size() < count) break;
  }
  return {};
}

void Checkpoints::take_leaf(Reading& reading, const AuditLeaf& leaf, uint64_t first_kept) const {
  if (leaf.hash.size() != 32) {
    if (reading.strange++ == 0) reading.first = "leaf " + std::to_string(leaf.leaf) + " is no hash";
    return;
  }
  if (!leaf.entry) {
    if (leaf.leaf < first_kept) return reading.tree.append(leaf.hash);
    if (reading.strange++ == 0) reading.first = "entry " + std::to_string(leaf.entry_id) + " is missing";
    return;
  }
  warrant::Hash now = warrant::leaf_hash(audit_leaf(*leaf.entry));
  if (now != leaf.hash && reading.strange++ == 0) {
    reading.first = "entry " + std::to_string(leaf.entry_id) + " was changed";
  }
  reading.tree.append(std::move(now));
}

void Checkpoints::judge(const Reading& fresh) {
  if (fresh.strange == 0) {
    told_ = false;
    return;
  }
  world_.counters.entries_strange += fresh.strange;
  if (std::exchange(told_, true)) return;
  log_error("the audit was rewritten behind the server's back",
            {{"org", options_.org}, {"first", fresh.first}, {"entries", fresh.strange}});
}

// -- Signing ---------------------------------------------------------------------------------------------------------

Status Checkpoints::sign() {
  warrant::Checkpoint checkpoint;
  checkpoint.org = options_.org;
  checkpoint.size = read_->tree.size();
  checkpoint.root = read_->tree.root();
  const WallTime now = clock_.wall();
  checkpoint.at_ms = now.ns / 1'000'000;
  const warrant::Envelope envelope = warrant::sign(warrant::type_checkpoint, warrant::encode(checkpoint), key_);
  AuditCheckpoint made{
      .size = checkpoint.size, .root = checkpoint.root, .time = now, .envelope = warrant::encode(envelope)};
  ++world_.counters.checkpoints;

  const bool news = !newest_ || newest_->size != made.size || newest_->root != made.root;
  newest_ = made;
  // It counts even where it cannot be kept: a full disk must not make the witnesses blind.
  const Status saved = world_.writer.run([&made](Store& store) { return store.accounts().save_checkpoint(made); });
  if (!saved.ok()) log_warn("a checkpoint is not kept", {{"org", options_.org}, {"error", saved.error().text()}});
  if (news && options_.on_signed) options_.on_signed();
  return {};
}

std::optional<wire::AuditHead> Checkpoints::head_for(const Pin& pin) {
  if (!newest_ || (pin.size == newest_->size && pin.root == newest_->root)) return std::nullopt;
  wire::AuditHead head{.envelope = newest_->envelope, .proof = {}, .public_key = public_key_};
  if (pin.size > 0 && pin.size < newest_->size) {
    Result<std::vector<warrant::Hash>> proof = world_.store.accounts().prove_audit(pin.size, newest_->size);
    if (proof.ok()) head.proof = std::move(*proof);  // without one the witness sees what it must
  }
  return head;
}

}  // namespace reeve::server
