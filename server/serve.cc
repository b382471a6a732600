// See serve.h.
#include "server/serve.h"

#include <csignal>

#include "common/base/log.h"
#include "common/sys/lock_file.h"
#include "common/sys/loop.h"
#include "common/sys/service.h"
#include "server/init.h"
#include "server/org_files.h"
#include "server/orgs.h"
#include "server/pipeline.h"
#include "server/store/sqlite_store.h"
#include "server/version.h"

namespace reeve::server {
namespace {

// For the closing words to agents and clients to leave.
constexpr Duration farewell = 200ms;

}  // namespace

Status serve(const ServerConfig& config) {
  const OrgFiles files{config.data_dir};
  set_log_level(config.log_level);
  sys::Disk& disk = sys::real_disk();
  SystemClock clock;

  const sys::LockFile lock = TRY_DURING(sys::LockFile::take(files.lock()), "another server runs on this data folder");
  const bool renewed = TRY(renew_server_certificate_if_due(disk, clock.wall(), config));
  if (renewed) log_info("server certificate renewed");
  const std::vector<std::string> orgs = TRY(list_orgs(disk, config));
  std::vector<std::unique_ptr<Store>> stores;
  std::vector<OrgStore> org_stores;
  for (const std::string& org : orgs) {
    const OrgFiles own = org == config.org ? files : files.of_org(org);
    stores.push_back(
        TRY_DURING(open_sqlite_store({.directory = own.store(), .disk = disk, .vfs = {}}), "org \"" + org + "\""));
    org_stores.push_back({.name = org, .store = *stores.back()});
  }

  sys::Loop loop(clock);
  loop.on_signal(SIGTERM, [&loop] { loop.stop(); });
  loop.on_signal(SIGINT, [&loop] { loop.stop(); });
  const std::unique_ptr<Pipeline> pipeline =
      TRY(Pipeline::open({.loop = loop, .disk = disk, .orgs = org_stores}, config));
  log_info("serving", {{"version", server_version},
                       {"org", config.org},
                       {"orgs", orgs.size()},
                       {"data", config.data_dir},
                       {"agents", to_string(config.listen.agents)},
                       {"api", api_url(config)}});

  sys::Service service(loop);
  service.ready("serving at " + api_url(config));
  loop.run();
  service.stopping();
  log_info("stopping");
  pipeline->stop();
  loop.run_until([] { return false; }, farewell);
  log_info("stopped");
  return {};
}

}  // namespace reeve::server
