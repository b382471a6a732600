// See run.h.
#include "agent/run.h"

#include <csignal>

#include "agent/identity.h"
#include "agent/pipeline.h"
#include "agent/version.h"
#include "common/base/log.h"
#include "common/sys/lock_file.h"
#include "common/sys/loop.h"
#include "common/sys/service.h"

namespace reeve::agent {

Status run_agent(const RunOptions& options) {
  const AgentConfig& config = options.config;
  set_log_level(config.log_level);
  sys::Disk& disk = sys::real_disk();
  SystemClock clock;
  SystemRandom random;

  TRY_DURING(disk.make_directories(config.data_dir), "make the data folder");
  const sys::LockFile lock =
      TRY_DURING(sys::LockFile::take(config.lock_file()), "another agent runs on this data folder");
  std::optional<Identity> identity;
  if (config.output == Output::server) identity = TRY(load_identity(disk, options.identity_dir));

  sys::Loop loop(clock);
  loop.on_signal(SIGTERM, [&loop] { loop.stop(); });
  loop.on_signal(SIGINT, [&loop] { loop.stop(); });
  Status result;
  const std::unique_ptr<Pipeline> pipeline =
      TRY(Pipeline::open({.loop = loop, .disk = disk, .random = random}, {.config = config,
                                                                          .identity = std::move(identity),
                                                                          .identity_dir = options.identity_dir,
                                                                          .until_eof = options.until_eof,
                                                                          .on_done = [&](const Status& done) {
                                                                            result = done;
                                                                            loop.stop();
                                                                          }}));
  const AgentSnapshot at_start = pipeline->snapshot();
  log_info("watching", {{"version", at_start.version},
                        {"host", at_start.host},
                        {"agent", at_start.agent},
                        {"data", config.data_dir},
                        {"output", at_start.output}});
  if (config.inputs.file.empty() && config.inputs.journal.empty() && config.inputs.host.empty() &&
      config.inputs.scrape.empty() && config.inputs.syslog.empty() && config.plugins.empty()) {
    log_warn("the configuration names no inputs");
  }

  sys::Service service(loop);
  service.ready("watching as " + at_start.host);
  loop.run();
  service.stopping();
  log_info("stopping");
  pipeline->stop();
  log_info("stopped");
  return result;
}

}  // namespace reeve::agent
