// One step is a few milliseconds to a fifth of a second; in each, everybody acts once.
#include "tests/sim/sim_fleet.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "server/store/sqlite_store.h"

namespace reeve::sim {
namespace {

constexpr size_t events_kept = 40;
constexpr Duration down_max = 5s;

// What happened lately, for a failure's story.
class Events {
 public:
  explicit Events(SimClock& clock) : clock_(clock) {}

  void note(std::string what) {
    events_.push_back(std::to_string(clock_.now().ns / 1'000'000) + " ms: " + std::move(what));
    if (events_.size() > events_kept) events_.pop_front();
  }

  std::string text() const {
    std::string text;
    for (const std::string& event : events_) text += event + "\n";
    return text;
  }

 private:
  SimClock& clock_;
  std::deque<std::string> events_;
};

// How often what goes wrong, once in so many steps; 0: never. Each seed draws its own mixture, for some bugs need much
// of one kind of trouble and little of another.
struct TroubleRates {
  uint64_t agent_crash = 0;  // under way in one of the spool's next changes
  uint64_t agent_kill = 0;
  uint64_t sync_failure = 0;
  uint64_t disk_full = 0;
  uint64_t disk_has_room = 0;
  uint64_t server_crash = 0;
};

struct Host {
  std::string name;
  std::unique_ptr<SimDisk> logs;
  std::unique_ptr<SimDisk> spool;
  std::vector<std::unique_ptr<LogWriter>> writers;
  std::unique_ptr<SimAgent> agent;
  Instant start_at;  // of the agent, while it is down
  bool crash_is_armed = false;
};

class Fleet {
 public:
  explicit Fleet(const FleetOptions& options)
      : options_(options),
        random_(options.seed),
        events_(clock_),
        server_disk_(random_, &clock_),
        server_vfs_(server_disk_, random_, clock_),
        server_([this] { return open_store(); }, clock_, random_, ledger_) {
    draw_network();
    draw_trouble();
    for (uint32_t i = 0; i < options_.hosts; ++i) add_host(i);
    server_.acknowledge_before_commit(options_.canary == Canary::server_acknowledges_early);
  }

  Result<FleetOutcome> run() {
    const Status ran = live();
    if (ran.ok()) return outcome_;
    std::string story =
        "fleet, seed " + std::to_string(options_.seed) + ": " + ran.error().text() + "\n" + ledger_.describe_missing();
    for (const Host& host : hosts_) story += host.agent->describe() + "\n";
    story += "server: " + std::string(server_.running() ? "up" : "down") + ", last closed because " +
             server_.last_close() + "\n" + events_.text();
    return Error(Code::corrupt, story);
  }

 private:
  Status live() {
    while (clock_.now() < Instant{0} + options_.faults_last) {
      for (Host& host : hosts_) {
        for (const auto& writer : host.writers) writer->step();
      }
      make_trouble();
      TRY(step());
    }

    stop_faults();
    const Instant deadline = clock_.now() + options_.liveness_within;
    while (!settled()) {
      TRY(step());
      if (clock_.now() > deadline) return Error(Code::corrupt, "not everything was stored in time");
    }
    return check_silence();
  }

  Status step() {
    clock_.advance(std::chrono::milliseconds(5 + random_.below(195)));
    ++outcome_.steps;
    outcome_.lines = ledger_.written_total();
    for (Host& host : hosts_) TRY(step_host(host));
    return step_server();
  }

  // -- hosts ----------------------------------------------------------------------------------------------------------

  void add_host(uint32_t index) {
    Host host;
    host.name = "h" + std::to_string(index);
    host.logs = std::make_unique<SimDisk>(random_, &clock_);
    host.spool = std::make_unique<SimDisk>(random_, &clock_);
    host.spool->lie_about_syncs(options_.canary == Canary::agent_disk_lies);

    // Rates are set so that the fleet writes about as many lines as were asked for.
    const auto steps = static_cast<uint64_t>(options_.faults_last / 100ms);
    const uint64_t lines_a_step = 2 * options_.lines_about / (steps * options_.hosts * options_.logs_a_host);
    for (uint32_t log = 0; log < options_.logs_a_host; ++log) {
      host.writers.push_back(
          std::make_unique<LogWriter>(LogWriter::Options{.name = {index, log},
                                                         .directory = "/var/log/app",
                                                         .rotation = options_.rotation,
                                                         .lines_max_a_step = std::max<uint64_t>(1, lines_a_step)},
                                      *host.logs, ledger_, random_));
    }

    const Uuid id = make_uuid_v4(random_);
    host.agent = std::make_unique<SimAgent>(
        SimAgent::Options{.id = id,
                          .host = host.name,
                          .logs = "/var/log/app/*.log",
                          .acknowledge_early = options_.canary == Canary::agent_acknowledges_early},
        SimAgent::World{*host.logs, *host.spool, clock_, random_}, [this, id] { return connect(id); });
    hosts_.push_back(std::move(host));
  }

  Status step_host(Host& host) {
    if (host.agent->running()) {
      host.agent->step();
      if (host.spool->stopped())
        take_agent_down(host, random_.one_in(2) ? SimDisk::Crash::power_cut : SimDisk::Crash::process_killed);
      return {};
    }
    if (clock_.now() < host.start_at) return {};
    TRY(host.agent->start());
    if (host.agent->running()) {
      events_.note(host.name + ": agent starts, " + host.agent->describe());
    } else {
      take_agent_down(host, SimDisk::Crash::power_cut);  // died while it recovered
    }
    return {};
  }

  void take_agent_down(Host& host, SimDisk::Crash crash) {
    events_.note(host.name + (crash == SimDisk::Crash::power_cut ? ": power cut, " : ": agent killed, ") +
                 host.agent->describe());
    host.spool->stop();
    host.agent->kill();
    host.spool->restart(crash);
    host.crash_is_armed = false;
    host.start_at = clock_.now() + Duration(static_cast<int64_t>(random_.below(down_max.count())));
    ++outcome_.agent_crashes;
  }

  std::shared_ptr<SimConnection> connect(const Uuid& agent) {
    if (!server_.running()) return nullptr;
    auto connection = std::make_shared<SimConnection>(network_, random_);
    if (!server_.accept(agent, connection)) return nullptr;
    connections_.push_back(connection);
    std::erase_if(connections_, [](const auto& weak) { return weak.expired(); });
    ++outcome_.connections;
    return connection;
  }

  // -- server ---------------------------------------------------------------------------------------------------------

  Result<std::shared_ptr<server::Store>> open_store() {
    if (!options_.sqlite_store) {
      if (memory_store_ == nullptr) memory_store_ = server::make_memory_store();
      return memory_store_;
    }
    auto store = TRY(server::open_sqlite_store(
        {.directory = "/data/org", .disk = server_disk_, .vfs = server_vfs_.name(), .exclusive = true}));
    return std::shared_ptr<server::Store>(std::move(store));
  }

  Status step_server() {
    if (!server_.running()) {
      if (clock_.now() < server_start_at_) return {};
      const Status started = server_.start();
      if (server_disk_.stopped()) return take_server_down(SimDisk::Crash::power_cut);  // died while it recovered
      TRY_DURING(started, "the server starts");
      events_.note("server starts");
    }
    TRY(server_.step());
    if (server_disk_.stopped()) {
      return take_server_down(random_.one_in(2) ? SimDisk::Crash::power_cut : SimDisk::Crash::process_killed);
    }
    return {};
  }

  Status take_server_down(SimDisk::Crash crash) {
    events_.note(crash == SimDisk::Crash::power_cut ? "server loses power" : "server is killed");
    server_disk_.stop();
    crash == SimDisk::Crash::power_cut ? server_.lose_power() : server_.kill();
    server_disk_.restart(crash);
    server_start_at_ = clock_.now() + Duration(static_cast<int64_t>(random_.below(down_max.count())));
    ++outcome_.server_crashes;
    return {};
  }

  // -- trouble --------------------------------------------------------------------------------------------------------

  void draw_network() {
    if (!options_.network_faults) return;
    const auto rarely = [this](uint64_t often) { return random_.one_in(2) ? 0 : often + random_.below(10 * often); };
    network_ = {.drop_one_in = rarely(20),
                .duplicate_one_in = rarely(10),
                .reorder_one_in = rarely(20),
                .cut_one_in = rarely(30),
                .half_open_one_in = rarely(100),
                .delay_min = 1ms,
                .delay_max = std::chrono::milliseconds(2 + random_.below(400))};
  }

  void draw_trouble() {
    const auto about = [this](uint64_t often) {
      const uint64_t rates[] = {0, often, often, often / 4};
      return rates[random_.below(4)];
    };
    if (options_.agent_crashes) {
      rates_ = {.agent_crash = about(60),
                .agent_kill = about(300),
                .sync_failure = about(200),
                .disk_full = about(150),
                .disk_has_room = 10 + random_.below(50)};
    }
    if (options_.server_crashes) rates_.server_crash = about(120);
  }

  bool happens(uint64_t one_in) { return one_in != 0 && random_.one_in(one_in); }

  void make_trouble() {
    for (Host& host : hosts_) {
      // A full disk outlives the agent that filled it.
      if (happens(rates_.disk_full)) set_spool_disk_full(host, true);
      if (happens(rates_.disk_has_room)) set_spool_disk_full(host, false);
      if (!host.agent->running()) continue;
      if (!host.crash_is_armed && happens(rates_.agent_crash)) {
        host.spool->stop_after(1 + random_.below(40));
        host.crash_is_armed = true;
      }
      if (happens(rates_.sync_failure)) host.spool->fail_syncs(1 + random_.below(2));
      if (happens(rates_.sync_failure)) host.spool->fail_directory_syncs(1);
      if (happens(rates_.agent_kill)) take_agent_down(host, SimDisk::Crash::process_killed);
    }
    if (!server_.running()) return;
    if (options_.sqlite_store && happens(rates_.server_crash)) server_disk_.stop_after(1 + random_.below(60));
    if (happens(rates_.server_crash)) {
      check(take_server_down(random_.one_in(3) ? SimDisk::Crash::power_cut : SimDisk::Crash::process_killed).ok(),
            "a server can always be killed");
    }
  }

  void set_spool_disk_full(Host& host, bool full) {
    uint64_t used = 0;
    for (const std::string& path : host.spool->files()) used += host.spool->contents(path).size();
    host.spool->set_bytes_max(full ? used + random_.below(4'000) : 1_GiB);
    if (full) events_.note(host.name + ": the spool's disk is full");
  }

  void stop_faults() {
    events_.note("faults stop");
    network_ = {};
    for (const auto& weak : connections_) {
      if (const auto connection = weak.lock()) connection->heal();
    }
    for (Host& host : hosts_) {
      for (const auto& writer : host.writers) writer->finish();
      host.agent->stop_faults();
      host.spool->set_bytes_max(1_GiB);
      host.spool->fail_syncs(0);
      host.spool->fail_directory_syncs(0);
      if (host.crash_is_armed) take_agent_down(host, SimDisk::Crash::process_killed);
    }
    server_.stop_faults();
    if (server_.running()) server_disk_.stop_after(UINT64_MAX / 2);
  }

  bool settled() const { return ledger_.all_stored() && server_.running(); }

  // Everything is stored: nothing more may come, and no block may have been declared gone.
  Status check_silence() {
    for (int i = 0; i < 50; ++i) TRY(step());
    if (!settled()) return Error(Code::corrupt, "what was stored is gone again");
    if (server_.sequences_missing() > 0) return Error(Code::corrupt, "a gap was declared, and no damage was done");
    return {};
  }

  const FleetOptions options_;
  SeededRandom random_;
  SimClock clock_;
  Events events_;
  Ledger ledger_;
  NetFaults network_;
  TroubleRates rates_;
  std::vector<std::weak_ptr<SimConnection>> connections_;
  SimDisk server_disk_;
  SqliteVfs server_vfs_;
  std::shared_ptr<server::Store> memory_store_;
  SimServer server_;
  Instant server_start_at_;
  std::vector<Host> hosts_;
  FleetOutcome outcome_;
};

}  // namespace

Result<FleetOutcome> run_fleet(const FleetOptions& options) {
  Fleet fleet(options);
  return fleet.run();
}

}  // namespace reeve::sim
