// One org at work: the writer of its store, its agents' links, and what its API handlers stand on. Orgs share the loop,
// the listeners and the certificate authority; they share no store, so that nothing of one can show up in another.
//
// Lives on the loop thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/base/result.h"
#include "common/sys/disk.h"
#include "common/sys/loop.h"
#include "server/api/request.h"
#include "server/authority.h"
#include "server/checkpoints.h"
#include "server/doors/intake.h"
#include "server/links.h"
#include "server/store/store.h"
#include "server/store_writer.h"

namespace reeve::server {

struct OrgStore {
  std::string name;
  Store& store;
};

class Org : public std::enable_shared_from_this<Org> {
 public:
  // Everything here outlives the org.
  struct World {
    sys::Loop& loop;
    sys::Disk& disk;
    Store& store;
    ServerCounters& counters;
  };
  struct Options {
    Authority authority;
    std::string directory;  // on the disk that the store writes to
    uint64_t disk_free_min = 0;
    Duration retention = 24h * 30;
    crypto::SigningKey audit_key;
    Duration checkpoint_interval = 60s;
    std::string link_address;
    std::string api_url;
    std::function<ApiContext*(std::string_view name)> find_org;
    std::function<void()> on_commit;  // on the loop: the store has more than before
  };

  static Result<std::shared_ptr<Org>> open(World world, Options options);

  const std::string& name() const { return context->org; }
  // Checkpoints first, then what was handed to the store; nobody may ask any more.
  void stop();
  // Whole days leave the store when their time is over.
  void drop_before(const std::string& day);

  // In the order of their making: what comes later uses what stands above it.
  World world;
  Authority authority;
  std::unique_ptr<StoreWriter> writer;
  std::unique_ptr<Checkpoints> checkpoints;
  std::unique_ptr<Links> links;
  std::unique_ptr<Intake> intake;
  std::unique_ptr<ApiContext> context;

 private:
  Org(World the_world, Authority the_authority) : world(the_world), authority(std::move(the_authority)) {}
  void on_loop(std::function<void(Org&)> work, const char* stage);
};

}  // namespace reeve::server
