// The agent's stages, put together in the order in which a line goes through them.
//
// Lives on the loop thread; what each stage does beside it is said in its own header.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/config.h"
#include "agent/identity.h"
#include "agent/status.h"
#include "common/base/random.h"
#include "common/base/result.h"
#include "common/sys/disk.h"
#include "common/sys/loop.h"

namespace reeve::agent {

class Pipeline {
 public:
  struct World {
    sys::Loop& loop;
    sys::Disk& disk;
    Random& random;  // of any thread
  };
  struct Options {
    AgentConfig config;
    std::optional<Identity> identity;  // none: for the blackhole alone
    std::string identity_dir;
    bool until_eof = false;
    // Called on the loop, once: everything is shipped and acknowledged, or it never will be. With until_eof alone.
    std::function<void(const Status& result)> on_done;
  };

  // Works as soon as it returns. Everything in `world` outlives it.
  static Result<std::unique_ptr<Pipeline>> open(World world, Options options);
  ~Pipeline();  // as stop()

  AgentSnapshot snapshot() const;

  // From the outside in: no more is read, what was read is sealed and made durable.
  void stop();

 private:
  struct Stages;
  explicit Pipeline(std::shared_ptr<Stages> stages);
  std::shared_ptr<Stages> stages_;
};

}  // namespace reeve::agent
