// The server's stages, put together in the order in which a block goes through them.
//
// Lives on the loop thread; what each stage does beside it is said in its own header. A store of any kind will do, so
// tests run the whole pipeline on memory.
#pragma once

#include <memory>
#include <vector>

#include "common/base/result.h"
#include "common/sys/disk.h"
#include "common/sys/loop.h"
#include "server/config.h"
#include "server/counters.h"
#include "server/org.h"

namespace reeve::server {

class Pipeline {
 public:
  struct World {
    sys::Loop& loop;
    sys::Disk& disk;
    std::vector<OrgStore> orgs;  // the default org first
  };

  // Listens and works as soon as it returns. Everything in `world` outlives it.
  static Result<std::unique_ptr<Pipeline>> open(World world, const ServerConfig& config);
  ~Pipeline();  // as stop()

  uint16_t agents_port() const;
  uint16_t api_port() const;
  const ServerCounters& counters() const;

  // From the outside in: nothing new comes, what was handed to the store is committed.
  void stop();

 private:
  struct Stages;
  explicit Pipeline(std::shared_ptr<Stages> stages);
  std::shared_ptr<Stages> stages_;
};

}  // namespace reeve::server
