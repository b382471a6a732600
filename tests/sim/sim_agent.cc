// Mirrors the agent's shell (pipeline, disk worker, link client), with queues in the place of threads and sockets.
#include "tests/sim/sim_agent.h"

#include <utility>

#include "common/base/check.h"

namespace reeve::sim {
namespace {

constexpr Duration reconnect_min = 100ms;
constexpr uint64_t reconnect_spread_ms = 900;
constexpr Duration gone_wait = 2s;      // writers leave a renamed file sooner
constexpr size_t spool_tasks_max = 64;  // beyond, sealed blocks stay with the batcher, and files wait

template <typename... Ts>
struct Overload : Ts... {
  using Ts::operator()...;
};

}  // namespace

SimAgent::SimAgent(Options options, World world, Connect connect)
    : options_(std::move(options)), world_(world), connect_(std::move(connect)) {}

SimAgent::~SimAgent() {
  kill();
}

Status SimAgent::start() {
  check(!running(), "an agent starts once");
  auto opened = agent::Spool::open(world_.spool, world_.random, options_.id,
                                   {.directory = options_.spool_directory,
                                    .bytes_max = options_.spool_bytes_max,
                                    .segment_bytes_max = options_.segment_bytes_max});
  if (!opened.ok()) {
    const bool excused = world_.spool.stopped() || opened.error().code() == Code::unavailable;
    return excused ? Status() : Error(Code::corrupt, "the spool does not open: " + opened.error().text());
  }
  spool_ = std::move(opened).value();
  agent::Batcher::Options batching;
  batching.host = options_.host;
  batcher_ = std::make_unique<agent::Batcher>(batching);
  collect::FileConfig files;
  files.include = {options_.logs};
  files.gone_wait = gone_wait;
  collector_ = std::make_unique<collect::FileCollector>(files, world_.logs, world_.random, spool_->positions());
  next_connect_ = world_.clock.now();
  return {};
}

void SimAgent::kill() {
  if (link_ != nullptr) link_->connection->close();
  link_.reset();
  tasks_.clear();
  answers_.clear();
  unsynced_.clear();
  appended_ = false;
  collector_.reset();
  batcher_.reset();
  spool_.reset();
}

void SimAgent::step() {
  if (!running()) return;
  collect();
  work_off_spool_tasks();
  keep_link();
  deliver_answers();
  exchange_frames();
}

void SimAgent::collect() {
  const Instant now = world_.clock.now();
  batcher_->begin_turn(now, world_.clock.wall());
  const collect::Poll poll = collector_->poll(now, world_.clock.wall(), *batcher_);
  batcher_->end_turn(!poll.more);
  while (tasks_.size() < spool_tasks_max) {
    auto sealed = batcher_->take_sealed();
    if (!sealed) break;
    tasks_.push_back(std::move(*sealed));
  }
}

// -- The disk worker -------------------------------------------------------------------------------------------------

void SimAgent::work_off_spool_tasks() {
  size_t left = faults_ ? world_.random.below(tasks_.size() + 1) : tasks_.size();
  bool done = true;
  for (; left > 0 && done && !world_.spool.stopped(); --left) {
    SpoolTask& task = tasks_.front();
    // A failed acknowledgement is repeated by the next Welcome, a failed epoch by the next conflict.
    std::visit(
        Overload{
            [&](agent::SealedBlock& sealed) { done = append(sealed); },
            [&](FetchTask& fetch) {
              answers_.push_back({fetch.link, fetch.wanted, spool_->read(fetch.wanted.lane, fetch.wanted.sequence)});
            },
            [&](agent::AcknowledgeSpool& ack) { (void)spool_->acknowledge(ack.lane, ack.through); },
            [&](agent::SetAside& aside) { (void)spool_->set_aside(aside.lane, aside.sequence, aside.reason); },
            [&](agent::BeginNewEpoch&) { (void)spool_->begin_new_epoch(); },
        },
        task);
    if (done) tasks_.pop_front();
  }
  if (world_.spool.stopped()) return;
  if (!faults_ || world_.random.one_in(2)) sync_spool();
  if (link_ != nullptr) perform(link_->session.on_spool(spool_view(), world_.clock.now()));
}

bool SimAgent::append(const agent::SealedBlock& sealed) {
  const Status appended = spool_->append(sealed.lane, sealed.bytes, sealed.positions);
  if (!appended.ok()) return false;
  unsynced_.insert(unsynced_.end(), sealed.positions.begin(), sealed.positions.end());
  appended_ = true;
  return true;
}

void SimAgent::sync_spool() {
  if (!appended_ || !spool_->sync().ok()) return;
  appended_ = false;
  collector_->on_durable(std::exchange(unsynced_, {}));
}

agent::SpoolView SimAgent::spool_view() const {
  agent::SpoolView view;
  view.epoch = spool_->epoch();
  for (size_t lane = 0; lane < wire::lane_count; ++lane) view.lanes[lane] = spool_->lane(static_cast<wire::Lane>(lane));
  view.gaps = spool_->gaps();
  return view;
}

// -- The link --------------------------------------------------------------------------------------------------------

void SimAgent::keep_link() {
  if (link_ != nullptr && link_->connection->closed()) link_->closed = true;
  if (link_ != nullptr && link_->closed) {
    link_->connection->close();
    link_.reset();
    const auto spread = std::chrono::milliseconds(world_.random.below(reconnect_spread_ms));
    next_connect_ = world_.clock.now() + reconnect_min + spread;
  }
  if (link_ != nullptr || world_.clock.now() < next_connect_ || world_.spool.stopped()) return;

  auto connection = connect_();
  if (connection == nullptr) {
    next_connect_ = world_.clock.now() + reconnect_min;
    return;
  }
  agent::LinkSession::Options options;
  options.host = options_.host;
  options.agent_version = "sim";
  link_ = std::make_shared<Link>(std::move(connection), options, spool_view(), world_.clock.now());
  perform(link_->session.start());
}

void SimAgent::deliver_answers() {
  for (auto answers = std::exchange(answers_, {}); !answers.empty(); answers.pop_front()) {
    FetchAnswer& answer = answers.front();
    const auto link = answer.link.lock();
    if (link == nullptr || link != link_ || link->closed) continue;
    perform(link->session.on_block(answer.wanted.lane, answer.wanted.sequence, std::move(answer.block),
                                   world_.clock.now()));
  }
}

void SimAgent::exchange_frames() {
  if (link_ == nullptr) return;
  const Instant now = world_.clock.now();
  while (!link_->closed) {
    const auto frame = link_->connection->take(End::agent, now);
    if (!frame) break;
    perform(link_->session.on_frame(*frame, now));
  }
  if (!link_->closed) perform(link_->session.tick(now, {.spool_bytes = spool_->bytes_held()}));

  while (!link_->outgoing.empty() && link_->connection->send(End::agent, link_->outgoing.front(), now)) {
    link_->outgoing.pop_front();
  }
  const uint64_t written = link_->connection->take_written(End::agent);
  if (written > 0 && !link_->closed) perform(link_->session.on_written(written, now));
}

void SimAgent::perform(std::vector<agent::LinkAction> actions) {
  for (agent::LinkAction& action : actions) {
    if (link_ == nullptr || link_->closed) return;
    perform(action);
  }
}

void SimAgent::perform(agent::LinkAction& action) {
  std::visit(Overload{
                 [&](agent::SendFrame& send) { link_->outgoing.push_back(std::move(send.bytes)); },
                 [&](agent::FetchBlock& wanted) {
                   tasks_.push_back(FetchTask{link_, wanted});
                   // The planted bug: "it will surely arrive".
                   if (options_.acknowledge_early) {
                     tasks_.push_back(agent::AcknowledgeSpool{wanted.lane, wanted.sequence});
                   }
                 },
                 [&](agent::AcknowledgeSpool& ack) { tasks_.push_back(ack); },
                 [&](agent::SetAside& aside) { tasks_.push_back(std::move(aside)); },
                 [&](agent::BeginNewEpoch& begin) { tasks_.push_back(begin); },
                 [](agent::ServeLive&) {},
                 [](agent::WitnessAudit&) {},
                 [](agent::InstallCertificate&) { check(false, "no simulated agent asks for a certificate"); },
                 [&](agent::CloseLink& close) {
                   last_close_ = close.reason;
                   link_->closed = true;
                 },
             },
             action);
}

size_t SimAgent::gaps() const {
  return spool_ == nullptr ? 0 : spool_->gaps().size();
}

std::string SimAgent::describe() const {
  if (!running()) return options_.host + ": down";
  const auto lane = spool_->lane(wire::Lane::live);
  uint64_t dropped = 0;
  for (const auto& [reason, bytes] : batcher_->counters().dropped_bytes) dropped += bytes;
  return options_.host + ": holds " + std::to_string(lane.first_held) + " to " + std::to_string(lane.next_durable - 1) +
         ", " + std::to_string(tasks_.size()) + " tasks, " + std::to_string(dropped) + " bytes dropped, link " +
         (link_ == nullptr            ? "down"
          : link_->session.welcomed() ? "open"
                                      : "waiting") +
         ", last closed because " + last_close_;
}

}  // namespace reeve::sim
