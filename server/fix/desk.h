// Where an org's fixes are worked on: the shell around the engine. Requests and runners' messages in, the engine's
// actions performed in order: what must be durable is handed to the store's writer, and nothing behind it is sent or
// answered before it is.
//
// A change that the store does not take ends the engine: it is made anew from the store a second later, and everybody
// who waited is told to try again. Bounds: queue_max actions wait at most; beyond it runners' messages are dropped,
// which they send again, and requests are refused.
//
// Lives on the loop thread; ask() is for any.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/base/random.h"
#include "common/base/result.h"
#include "common/sys/loop.h"
#include "server/fix/engine.h"
#include "server/store_writer.h"

namespace reeve::server {

// All that an engine is made of, from the store.
Result<LoadedFixes> load_fixes(const Store& store, WallTime now);
Result<LoadedPlan> load_plan(const Store& store, const Uuid& plan);  // Code::not_found

class FixDesk {
 public:
  struct Options {
    std::string org;
    FixEngine::Keys keys;
    Bytes audit_key;  // its public half
    FixEngine::Options engine = {};
    size_t queue_max = 20'000;
    Duration tick_interval = 1s;
    Duration reload_pause = 1s;
  };
  // Everything here outlives the desk.
  struct World {
    sys::Loop& loop;
    StoreWriter& writer;
    const Store& store;
    std::function<bool(const Uuid& agent, BytesView message)> send;  // on the loop
  };
  struct PublicKeys {
    Bytes planner;
    Bytes freshness;
    Bytes audit;
  };

  static Result<std::unique_ptr<FixDesk>> open(World world, Options options);
  ~FixDesk();

  // `work` runs on the loop; `finish` gets its reply when all that it ordered is durable. Any thread; `finish` is
  // called once, on the loop.
  using Work = std::function<FixReply(FixEngine& engine, FixTime time, FixActions& actions)>;
  using Finish = std::function<void(Result<FixReply> reply)>;
  void ask(Work work, Finish finish);

  const PublicKeys& public_keys() const;  // any thread

  void on_open(const Uuid& agent);
  void on_message(const Uuid& agent, BytesView message);
  void on_closed(const Uuid& agent);
  void stop();  // whoever still waits is told so

 private:
  struct Impl;
  explicit FixDesk(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace reeve::server
