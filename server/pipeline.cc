// See pipeline.h.
#include "server/pipeline.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "common/base/log.h"
#include "common/crypto/signing.h"
#include "common/sys/tls.h"
#include "common/sys/yaml.h"
#include "server/agents_listener.h"
#include "server/api/api_server.h"
#include "server/auth/auth.h"
#include "server/authority.h"
#include "server/init.h"
#include "server/org_files.h"
#include "server/store_writer.h"

namespace reeve::server {
namespace {

constexpr Duration upkeep_interval = 1h;
constexpr uint64_t pem_bytes_max = 64_KiB;

// What each listener shows; agents must show something back.
Result<sys::TlsServerOptions> load_tls(sys::Disk& disk, const OrgFiles& files, bool for_agents) {
  sys::TlsServerOptions options;
  options.certificate_chain_pem = TRY(sys::read_file(disk, files.server_certificate(), pem_bytes_max));
  options.key_pem = TRY(sys::read_file(disk, files.server_key(), pem_bytes_max));
  if (for_agents) options.client_ca_pem = TRY(sys::read_file(disk, files.ca_certificate(), pem_bytes_max));
  return options;
}

}  // namespace

// Members are the stages, last to first: what comes later is destroyed first and may use what stands above it.
struct Pipeline::Stages : std::enable_shared_from_this<Stages> {
  World world;
  ServerConfig config;
  ServerCounters counters;
  Authority authority;

  std::vector<std::shared_ptr<Org>> orgs;
  std::unique_ptr<Auth> auth;  // of all orgs
  std::unique_ptr<AgentsListener> agents;
  std::unique_ptr<ApiServer> api;
  std::shared_ptr<sys::TlsContext> agents_tls;
  std::shared_ptr<sys::TlsContext> api_tls;  // none: plain HTTP
  sys::TimerId upkeep_timer;

  Stages(World the_world, ServerConfig the_config, Authority the_authority)
      : world(std::move(the_world)), config(std::move(the_config)), authority(std::move(the_authority)) {}

  // Runs `work` on the loop, if we still live then. Any thread.
  void on_loop(std::function<void(Stages&)> work, const char* stage) {
    world.loop.post(
        [weak = weak_from_this(), work = std::move(work)] {
          if (const auto self = weak.lock()) work(*self);
        },
        stage);
  }

  Status open_orgs();
  Status open_link(const OrgFiles& files);
  Status open_query(const OrgFiles& files);
  std::shared_ptr<const AgentSet> online() const;
  void drop_expired();
  void renew_certificate();
  void use_renewed_certificate(const sys::TlsServerOptions& for_agents, const sys::TlsServerOptions& for_api);
};

Result<std::unique_ptr<Pipeline>> Pipeline::open(World world, const ServerConfig& config) {
  const OrgFiles files{config.data_dir};
  Authority authority = TRY(Authority::load(world.disk, files, config.org));
  auto stages = std::make_shared<Stages>(std::move(world), config, std::move(authority));

  // store: verified blocks become durable, each exactly once, and only then are acknowledged; each org has its own.
  TRY(stages->open_orgs());
  // link: agents come in over mutual TLS; frames become verified blocks.
  TRY(stages->open_link(files));
  // query: people and programs ask; followers hear of every commit.
  TRY(stages->open_query(files));
  // upkeep: whole days leave the store when their time is over, and our own certificate is renewed.
  Stages* raw = stages.get();
  stages->upkeep_timer = stages->world.loop.every(
      upkeep_interval,
      [raw] {
        raw->drop_expired();
        raw->renew_certificate();
      },
      "upkeep");
  stages->drop_expired();

  return std::unique_ptr<Pipeline>(new Pipeline(std::move(stages)));
}

Status Pipeline::Stages::open_orgs() {
  check(!world.orgs.empty() && world.orgs.front().name == config.org, "the default org comes first");
  for (const OrgStore& each : world.orgs) {
    const OrgFiles files{config.data_dir};
    const OrgFiles own = each.name == config.org ? files : files.of_org(each.name);
    TRY(world.disk.make_directories(own.directory));
    crypto::SigningKey audit_key = TRY(load_or_make_signing_key(world.disk, own.audit_key()));
    const Org::World org_world{.loop = world.loop, .disk = world.disk, .store = each.store, .counters = counters};
    Org::Options options{
        .authority = authority.for_org(each.name),
        .directory = config.data_dir,
        .disk_free_min = config.disk_free_min,
        .retention = config.retention,
        .audit_key = std::move(audit_key),
        .checkpoint_interval = config.audit_checkpoint_interval,
        .link_address = to_string(link_address(config)),
        .api_url = api_url(config),
        .find_org = [this](std::string_view name) -> ApiContext* {
          for (const auto& org : orgs) {
            if (org->name() == name) return org->context.get();
          }
          return nullptr;
        },
        .on_commit =
            [this] {
              if (api) api->on_commit();
            },
    };
    orgs.push_back(TRY_DURING(Org::open(org_world, std::move(options)), "org \"" + each.name + "\""));
  }
  return {};
}

Status Pipeline::Stages::open_link(const OrgFiles& files) {
  AgentsListener::Options options;
  options.host = config.listen.agents.host;
  options.port = config.listen.agents.port;
  const sys::TlsServerOptions tls = TRY(load_tls(world.disk, files, true));
  agents_tls = TRY(sys::TlsContext::make_server(tls));
  options.tls = agents_tls;
  LinksOfOrgs links;
  for (const auto& org : orgs) links.emplace(org->name(), org->links.get());
  agents = TRY_DURING(AgentsListener::open(world.loop, counters, std::move(links), std::move(options)),
                      "listen for agents on " + to_string(config.listen.agents));
  if (config.listen.agents.port == 0) config.listen.agents.port = agents->port();
  return {};
}

Status Pipeline::Stages::open_query(const OrgFiles& files) {
  ApiServer::Options options;
  options.host = config.listen.api.host;
  options.port = config.listen.api.port;
  if (config.listen.api_tls) {
    const sys::TlsServerOptions tls = TRY(load_tls(world.disk, files, false));
    api_tls = TRY(sys::TlsContext::make_server(tls));
    options.tls = api_tls;
  }
  options.online = [this] { return online(); };
  std::vector<ApiContext*> contexts;
  crypto::SigningKey signing_key = TRY(load_or_make_signing_key(world.disk, files.signing_key()));
  auth = std::make_unique<Auth>(std::move(signing_key), config.limits);
  for (const auto& org : orgs) {
    org->context->auth = auth.get();
    contexts.push_back(org->context.get());
  }
  api = TRY_DURING(ApiServer::open(world.loop, counters, contexts, std::move(options)),
                   "listen for the API on " + to_string(config.listen.api));
  if (config.listen.api.port == 0) config.listen.api.port = api->port();
  for (ApiContext* context : contexts) {
    context->api_queued = [raw = api.get()] { return raw->queued(); };
    context->api_url = api_url(config);
    context->link_address = to_string(link_address(config));
  }
  return {};
}

std::shared_ptr<const AgentSet> Pipeline::Stages::online() const {
  if (orgs.size() == 1) return orgs.front()->links->online();
  auto all = std::make_shared<AgentSet>();
  for (const auto& org : orgs) {
    const auto of_org = org->links->online();
    all->insert(of_org->begin(), of_org->end());
  }
  return all;
}

void Pipeline::Stages::drop_expired() {
  const std::string day = format_day(world.loop.clock().wall() - config.retention);
  for (const auto& org : orgs) org->drop_before(day);
}

// The work is the writer's, because it waits for the disk; the contexts are the loop's.
void Pipeline::Stages::renew_certificate() {
  auto renew = [this, now = world.loop.clock().wall()](Store&) {
    const Status done = [&]() -> Status {
      const OrgFiles files{config.data_dir};
      const bool renewed = TRY(renew_server_certificate_if_due(world.disk, now, config));
      if (!renewed) return {};
      const sys::TlsServerOptions for_agents = TRY(load_tls(world.disk, files, true));
      const sys::TlsServerOptions for_api = TRY(load_tls(world.disk, files, false));
      on_loop([for_agents, for_api](Stages& self) { self.use_renewed_certificate(for_agents, for_api); }, "upkeep");
      return {};
    }();
    if (!done.ok()) log_error("server certificate not renewed", {{"error", done.error().text()}});
  };
  if (!orgs.front()->writer->try_run(std::move(renew))) log_warn("certificate renewal waits for the next hour");
}

void Pipeline::Stages::use_renewed_certificate(const sys::TlsServerOptions& for_agents,
                                               const sys::TlsServerOptions& for_api) {
  Status reloaded = agents_tls->reload(for_agents);
  if (reloaded.ok() && api_tls) reloaded = api_tls->reload(for_api);
  if (reloaded.ok()) return log_info("server certificate renewed");
  log_error("renewed certificate not taken", {{"error", reloaded.error().text()}});
}

// -- The public face
// ---------------------------------------------------------------------------------------------------

Pipeline::Pipeline(std::shared_ptr<Stages> stages) : stages_(std::move(stages)) {}

Pipeline::~Pipeline() {
  stop();
}

void Pipeline::stop() {
  stages_->world.loop.cancel(stages_->upkeep_timer);
  for (const auto& org : stages_->orgs) org->links->stop();
  stages_->api->stop();
  for (const auto& org : stages_->orgs) org->intake->stop();
  stages_->auth->stop();
  for (const auto& org : stages_->orgs) org->stop();
}

uint16_t Pipeline::agents_port() const {
  return stages_->agents->port();
}
uint16_t Pipeline::api_port() const {
  return stages_->api->port();
}
const ServerCounters& Pipeline::counters() const {
  return stages_->counters;
}

}  // namespace reeve::server
