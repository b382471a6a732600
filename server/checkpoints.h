// Signs what an org's audit is: its length and Merkle root, again and again, for those who remember (docs/audit.md).
//
// The store is not believed. Before a checkpoint is signed its leaves are hashed anew from the entries as they are now,
// in passes over all that is kept, so that an entry that somebody changed behind the server's back gives another root:
// the server says so, and whoever has pinned the earlier root sees a history that contradicts it. A pass begins every
// two thirds of the interval, so that a checkpoint never waits longer than the interval; what is appended between
// passes is hashed on top of the last one.
//
// A thread of its own reads the store through its readers and saves through its writer. The queue of questions is
// bounded; a full one says no. Stop it before the store's writer.
#pragma once

#include <functional>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <variant>

#include "common/base/mailbox.h"
#include "common/base/result.h"
#include "common/crypto/signing.h"
#include "common/warrant/merkle.h"
#include "common/wire/frames.h"
#include "server/counters.h"
#include "server/store/accounts.h"
#include "server/store_writer.h"

namespace reeve::server {

constexpr uint64_t checkpoint_entries_max = 1'000;  // signed at the latest after so many entries

class Checkpoints {
 public:
  struct World {
    const Store& store;
    StoreWriter& writer;
    AuditCounters& counters;
  };
  struct Options {
    std::string org;
    Duration interval = 60s;
    size_t questions_max = 8192;
    size_t slice_entries = 4096;
    std::function<void()> on_signed;  // after each checkpoint that says something new; on the thread
  };

  // Everything in `world` outlives it. Works as soon as it is made.
  Checkpoints(World world, crypto::SigningKey key, Options options);
  ~Checkpoints();  // as stop()

  const Bytes& public_key() const { return public_key_; }

  // The newest checkpoint, after one has been signed over everything that was committed before the call. Waits for it;
  // any thread but the loop's.
  Result<AuditCheckpoint> current();

  // What an agent that has pinned a tree of `pinned` leaves needs. Nothing where it has the newest already. Called on
  // the thread; false when the queue is full. Any thread.
  struct Pin {
    uint64_t size = 0;
    Bytes root = {};
  };
  using OnHead = std::function<void(std::optional<wire::AuditHead> head)>;
  [[nodiscard]] bool try_head(Pin pin, OnHead on_head);

  void stop();

 private:
  struct AskCurrent {
    std::shared_ptr<std::promise<Result<AuditCheckpoint>>> answer;
  };
  struct AskHead {
    Pin pin;
    OnHead on_head;
  };
  using Question = std::variant<AskCurrent, AskHead>;

  // What the entries say, read from the first that is kept on.
  struct Reading {
    warrant::MerkleFrontier tree;
    uint64_t next = 0;       // the store's leaf to be read next
    uint64_t strange = 0;    // entries that are not what was written
    std::string first = {};  // the first of these
  };

  void run();
  void answer(const Question& question);
  void look();
  Status pass();
  Status extend();
  Result<Reading> begin_reading() const;
  // Reads on up to leaf `end`, or to where the tree ends, and then the strays behind it too.
  Status read_on(Reading& reading, uint64_t end) const;
  void take_leaf(Reading& reading, const AuditLeaf& leaf, uint64_t first_kept) const;
  void judge(const Reading& fresh);
  Status sign();
  std::optional<wire::AuditHead> head_for(const Pin& pin);

  const World world_;
  const crypto::SigningKey key_;
  const Bytes public_key_;
  const Options options_;
  SystemClock clock_;

  // The thread's own.
  std::optional<Reading> read_;  // the last pass, and what was appended since
  std::optional<AuditCheckpoint> newest_;
  Instant passed_{};
  bool told_ = false;  // of the strangeness that there is now

  Mailbox<Question> questions_;
  std::thread thread_;
};

}  // namespace reeve::server
