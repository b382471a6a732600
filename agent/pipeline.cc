// See pipeline.h. AGENT: bytes -> record -> template -> block -> spool -> link (acknowledgements and credit run back).
#include "agent/pipeline.h"

#include <atomic>
#include <utility>

#include "agent/collect_worker.h"
#include "agent/disk_worker.h"
#include "agent/link_client.h"
#include "agent/plugin_host.h"
#include "agent/runner_bridge.h"
#include "agent/version.h"
#include "agent/witness.h"
#include "agent/worker_plan.h"
#include "common/base/log.h"
#include "common/sys/crypto.h"
#include "common/sys/host_info.h"
#include "common/sys/http_server.h"
#include "common/sys/journal.h"

namespace reeve::agent {

namespace {

constexpr Duration status_interval = 5s;
constexpr Duration eof_look_interval = 20ms;

using Positions = std::vector<wire::SourcePosition>;

}  // namespace

struct Pipeline::Stages : std::enable_shared_from_this<Pipeline::Stages> {
  World world;
  Options options;
  AgentSnapshot now;  // as the stages have told last

  // For --until-eof: read to the end; asked to be told when that is durable; told.
  bool collected = false;
  bool asked_durable = false;
  bool all_durable = false;
  bool done = false;

  // Later ones are destroyed first: readers before what they write to.
  std::unique_ptr<DiskWorker> disk_worker;
  std::optional<Witness> witness;
  bool witness_unsaved = false;  // the disk worker was full
  std::unique_ptr<LinkClient> link;
  std::unique_ptr<RunnerBridge> runner;
  std::vector<std::unique_ptr<CollectWorker>> collect_workers;  // the first one reads what needs no script
  std::atomic<bool> collecting{false};                          // all of them are there
  std::vector<BatcherCounters> counters;                        // each one's
  size_t workers_collecting = 0;                                // not yet at the end, for --until-eof
  std::unique_ptr<sys::HttpServer> metrics_listener;
  sys::TimerId status_timer;
  std::string last_status;  // but for its time
  sys::TimerId eof_timer;

  Stages(World the_world, Options the_options) : world(the_world), options(std::move(the_options)) {}

  bool ships() const { return options.config.output == Output::server; }

  Status open();
  Result<Positions> open_spool();
  Status open_link();
  void open_collectors(const Positions& restored);
  void open_collect_worker(size_t index, WorkerShare share);
  Status open_metrics_listener();
  AgentSnapshot snapshot() const;
  void open_witness();
  void witness_audit(const wire::AuditHead& head);
  void save_pin();
  void write_status();
  void watch_for_eof();

  // `task` as a function for any thread, which runs it on the loop while the pipeline lives.
  template <typename F>
  auto on_loop(F task) {
    return [weak = weak_from_this(), &loop = world.loop, task = std::move(task)](auto... values) {
      loop.post(
          [weak, task, ... values = std::move(values)]() mutable {
            if (const auto self = weak.lock()) task(*self, std::move(values)...);
          },
          "agent");
    };
  }
};

Status Pipeline::Stages::open() {
  const sys::HostInfo host = sys::host_info();
  if (options.config.host.empty()) options.config.host = host.hostname;
  now.version = agent_version;
  now.host = options.config.host;
  now.output = ships() ? "server" : "blackhole";
  now.started = world.loop.clock().wall();
  Positions restored;
  if (ships()) {
    // What was read before lies in the spool, with the positions to go on from.
    restored = TRY(open_spool());
    // Durable blocks go to the server; acknowledgements run back into the spool.
    TRY(open_link());
  }
  // Collectors read bytes, the parser finds time and level, the batcher seals blocks and hands them to the spool.
  open_collectors(restored);
  // And the agent tells what it is doing.
  TRY(open_metrics_listener());
  status_timer = world.loop.every(
      status_interval, [this] { write_status(); }, "status");
  if (options.until_eof)
    eof_timer = world.loop.every(
        eof_look_interval, [this] { watch_for_eof(); }, "agent");
  return {};
}

Result<Positions> Pipeline::Stages::open_spool() {
  check(options.identity.has_value(), "who ships has an identity");
  const AgentConfig& config = options.config;
  std::unique_ptr<Spool> spool = TRY(Spool::open(world.disk, world.random, options.identity->agent,
                                                 {.directory = config.spool_dir(),
                                                  .bytes_max = config.spool.bytes_max,
                                                  .segment_bytes_max = config.spool.segment_bytes_max}));
  Positions restored = spool->positions();

  DiskWorker::Handlers handlers;
  handlers.on_report = on_loop([](Stages& self, SpoolReport report) {
    self.now.spool = std::move(report);
    if (self.link) self.link->on_report(self.now.spool);
  });
  // The first one may have sent a block before the last one is made. To hear of a position twice does no harm.
  handlers.on_durable = [this](Positions&& positions) {
    if (!collecting.load()) return false;
    bool told = true;
    for (const auto& worker : collect_workers) told = worker->try_tell_durable(Positions(positions)) && told;
    return told;
  };
  disk_worker = std::make_unique<DiskWorker>(std::move(spool), world.loop.clock(), std::move(handlers));
  return restored;
}

Status Pipeline::Stages::open_link() {
  const Identity& identity = *options.identity;
  now.agent = to_string(identity.agent);
  open_witness();
  const Endpoint server = options.config.server.value_or(identity.link);
  LinkClient::Handlers handlers;
  handlers.on_live = [this](Duration duration) {
    // A hint that does not fit is repeated by the server while somebody watches.
    for (const auto& worker : collect_workers) (void)worker->try_serve_live(duration);
  };
  handlers.status = [this] {
    return wire::AgentStatus{
        .spool_bytes = now.spool.bytes_held,
        .dropped_total = dropped_total(now),
        .oldest_unsent_age_ms =
            std::chrono::duration_cast<std::chrono::milliseconds>(now.spool.oldest_unsent_age).count()};
  };
  handlers.audit_pin = [this] { return witness->frame(); };
  handlers.on_audit_head = [this](const wire::AuditHead& head) { witness_audit(head); };
  runner = std::make_unique<RunnerBridge>(
      RunnerBridge::World{.loop = world.loop,
                          .random = world.random,
                          .try_send = [this](BytesView message) { return link && link->try_send_runner(message); }},
      RunnerBridge::Options{.path = options.config.runner});
  handlers.on_open = [this](bool open) {
    if (runner) runner->on_link(open);
  };
  handlers.on_runner_message = [this](BytesView message) {
    if (runner) runner->on_link_message(message);
  };
  handlers.on_runner_room = [this] {
    if (runner) runner->on_link_room();
  };
  link = TRY(LinkClient::open({.loop = world.loop,
                               .disk = world.disk,
                               .random = world.random,
                               .disk_worker = *disk_worker,
                               .identity = identity},
                              {.server = server,
                               .host = options.config.host,
                               .version = std::string(agent_version),
                               .identity_dir = options.identity_dir,
                               .retry = {.min = 250ms, .max = options.config.link.retry_max},
                               .proxy = options.config.link.proxy},
                              std::move(handlers)));
  return {};
}

// Before the loop runs, so it may read. What was never pinned begins with the key that enrolment gave.
void Pipeline::Stages::open_witness() {
  const WallTime wall = world.loop.clock().wall();
  std::optional<WitnessPin> pin = load_witness(world.disk, options.config.witness_file(), wall);
  if (!pin) pin = WitnessPin{.public_key = options.identity->audit_key};
  if (!pin->alarm.empty()) log_error("the audit's witness has an alarm", {{"alarm", pin->alarm}});
  witness.emplace(options.identity->org, std::move(*pin));
}

void Pipeline::Stages::witness_audit(const wire::AuditHead& head) {
  if (!witness->take(head, world.loop.clock().wall())) return;
  const std::string& alarm = witness->pin().alarm;
  if (!alarm.empty()) log_error("the audit's history was rewritten", {{"alarm", alarm}});
  save_pin();
  if (!alarm.empty()) write_status();
}

void Pipeline::Stages::save_pin() {
  witness_unsaved =
      !disk_worker->try_run([pin = witness->pin(), path = options.config.witness_file(), &disk = world.disk](Spool&) {
        const Status saved = save_witness(disk, path, pin);
        if (!saved.ok()) log_error("what is pinned of the audit cannot be kept", {{"error", saved.error().text()}});
      });
}

void Pipeline::Stages::open_collectors(const Positions& restored) {
  std::vector<WorkerShare> shares = plan_workers(options.config.inputs, options.config.line_rules, restored);
  counters.resize(shares.size());
  workers_collecting = shares.size();
  for (size_t i = 0; i < shares.size(); ++i) open_collect_worker(i, std::move(shares[i]));
  collecting.store(true);
}

void Pipeline::Stages::open_collect_worker(size_t index, WorkerShare share) {
  CollectWorker::Options worker;
  worker.until_eof = options.until_eof;
  worker.parser_folders = options.config.parser_folders;
  worker.batcher.host = options.config.host;
  worker.batcher.output = options.config.output;
  worker.batcher.line_rules = options.config.line_rules;
  worker.batcher.redact = options.config.redact;
  if (options.config.local_time) worker.batcher.local_offset = host_local_offset();

  CollectWorker::Handlers handlers;
  // Discarded rows never become blocks.
  handlers.try_append = [this](SealedBlock&& block) {
    return disk_worker && disk_worker->try_append(std::move(block));
  };
  handlers.append = [this](SealedBlock block) { return disk_worker && disk_worker->append(std::move(block)); };
  handlers.on_counters = on_loop([index](Stages& self, BatcherCounters news) {
    self.counters[index] = std::move(news);
    self.now.batcher = sum_of(self.counters);
  });
  handlers.on_eof = on_loop([](Stages& self) { self.collected = --self.workers_collecting == 0; });

  // Plugins are collectors too, by others: they stand beside the table, because no collector knows of the agent.
  std::vector<PluginConfig> plugins;
  if (index == 0) plugins = options.config.plugins;
  auto make = [share = std::move(share), plugins = std::move(plugins), &disk = world.disk,
               &random = world.random](const std::function<void()>& wake) {
    collect::CollectorWorld collector_world{disk, random, sys::open_journal, sys::host_info(), share.restored, wake};
    auto made = collect::make_collectors(share.inputs, collector_world);
    for (const PluginConfig& plugin : plugins) {
      made.push_back(std::make_unique<PluginCollector>(plugin, PluginWorld{random, share.restored, wake}));
    }
    return made;
  };
  collect_workers.push_back(
      std::make_unique<CollectWorker>(std::move(worker), world.loop.clock(), std::move(make), std::move(handlers)));
}

Status Pipeline::Stages::open_metrics_listener() {
  if (!options.config.listen) return {};
  sys::HttpServerOptions server;
  server.listener.host = options.config.listen->host;
  server.listener.port = options.config.listen->port;
  server.listener.connections_max = 16;
  metrics_listener = TRY_DURING(
      sys::HttpServer::open(world.loop, std::move(server),
                            [this](const sys::HttpRequest& request, const sys::PeerInfo&, const sys::Responder& to) {
                              if (request.path != "/metrics")
                                return to.respond(sys::make_problem(404, "only /metrics is here"));
                              if (request.method != "GET" && request.method != "HEAD") {
                                return to.respond(sys::make_problem(405, "allowed: GET"));
                              }
                              sys::HttpResponse response;
                              response.headers = {{"Content-Type", "text/plain; version=0.0.4"}};
                              response.body = to_prometheus(snapshot());
                              to.respond(std::move(response));
                            }),
      "listen for metrics on " + to_string(*options.config.listen));
  return {};
}

AgentSnapshot Pipeline::Stages::snapshot() const {
  AgentSnapshot result = now;
  result.updated = world.loop.clock().wall();
  result.link = link ? link->state() : "not used";
  if (witness) {
    result.audit_size = witness->pin().size;
    result.audit_alarm = witness->pin().alarm;
  }
  return result;
}

// Only when there is news: an idle host's disk may sleep.
void Pipeline::Stages::write_status() {
  if (!disk_worker) return;
  if (witness_unsaved) save_pin();
  AgentSnapshot news = snapshot();
  news.updated = {};
  std::string text = to_status_file(news);
  if (text == last_status) return;
  last_status = std::move(text);
  // What does not fit is written the next time.
  (void)disk_worker->try_run(
      [text = to_status_file(snapshot()), path = options.config.status_file(), &disk = world.disk](Spool&) {
        const Status written = sys::write_file_atomically(disk, path, text);
        if (!written.ok()) log_debug("the status file cannot be written", {{"error", written.error().text()}});
      });
}

void Pipeline::Stages::watch_for_eof() {
  if (!collected || done) return;
  if (ships() && !asked_durable) {
    asked_durable = disk_worker->try_when_durable(on_loop([](Stages& self) { self.all_durable = true; }));
  }
  const bool refused = ships() && link->denied();
  const bool shipped = !ships() || (all_durable && link->drained());
  if (!refused && !shipped) return;
  done = true;
  options.on_done(refused ? Status(Error(Code::denied, "the server refuses this agent: " + link->state())) : Status());
}

// -- Pipeline --------------------------------------------------------------------------------------------------------

Result<std::unique_ptr<Pipeline>> Pipeline::open(World world, Options options) {
  auto stages = std::make_shared<Stages>(world, std::move(options));
  std::unique_ptr<Pipeline> pipeline(new Pipeline(stages));
  TRY(stages->open());
  return pipeline;
}

Pipeline::Pipeline(std::shared_ptr<Stages> stages) : stages_(std::move(stages)) {}

Pipeline::~Pipeline() {
  stop();
}

AgentSnapshot Pipeline::snapshot() const {
  return stages_->snapshot();
}

void Pipeline::stop() {
  stages_->world.loop.cancel(stages_->status_timer);
  stages_->world.loop.cancel(stages_->eof_timer);
  stages_->metrics_listener.reset();
  if (stages_->disk_worker) stages_->disk_worker->stop_waiting_for_room();
  for (const auto& worker : stages_->collect_workers) worker->stop();
  stages_->write_status();
  stages_->runner.reset();
  stages_->link.reset();
  if (stages_->disk_worker) stages_->disk_worker->stop();
}

}  // namespace reeve::agent
