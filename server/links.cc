// See links.h.
#include "server/links.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "common/base/json.h"
#include "common/base/log.h"
#include "common/wire/runner_message.h"
#include "server/api/problem.h"

namespace reeve::server {
namespace {

constexpr uint16_t close_going_away = 1001;  // RFC 6455 section 7.4.1, and the two below
constexpr uint16_t close_policy = 1008;
constexpr uint16_t close_try_again = 1011;  // wslay knows no 1013, which says it better
constexpr Duration tick_interval = 1s;
constexpr Duration hint_interval = 2s;  // followers ask often, agents need to hear it seldom

// One connection of an agent. Its socket outlives its session by the closing handshake.
struct Link {
  Link(Uuid the_agent, std::unique_ptr<sys::WebSocket> the_socket, IngestSession::Options options, Instant now)
      : agent(the_agent), socket(std::move(the_socket)), session(agent, options, now) {
    certificate_not_after = socket->peer().certificate->not_after;
  }

  Uuid agent;
  std::unique_ptr<sys::WebSocket> socket;
  IngestSession session;
  WallTime certificate_not_after;             // of the newest certificate this link has seen
  std::optional<Checkpoints::Pin> audit_pin;  // none: this agent is no witness
  // A proof begins at the pin, so one head is under way at a time; the pin that answers it ends that.
  bool audit_head_asked = false;
  bool audit_head_wanted = false;
  bool closing = false;
  bool paused = false;
  bool opened = false;           // the agent is welcome
  uint64_t runner_messages = 0;  // sent to its runner
};

}  // namespace

struct Links::Impl : std::enable_shared_from_this<Impl> {
  World world;
  Options options;
  std::unordered_map<Uuid, bool> revoked;                 // of every enrolled agent
  std::unordered_map<Uuid, std::shared_ptr<Link>> links;  // the one that counts of each agent
  std::unordered_set<std::shared_ptr<Link>> leaving;      // waiting for the closing handshake
  std::unordered_map<Uuid, AgentSeen> seen;               // since it was last written down
  std::unordered_map<Uuid, std::string> audit_alarms;     // what each agent last said, where it said anything
  std::shared_ptr<const AgentSet> online = std::make_shared<AgentSet>();
  Instant watched_until;
  Instant hinted;
  RunnerHandlers runners;
  bool reading_paused = false;
  bool stopped = false;
  sys::TimerId tick_timer;
  sys::TimerId seen_timer;

  Impl(World the_world, Options the_options) : world(the_world), options(the_options) {}

  Result<Uuid> identify(const sys::PeerInfo& peer) const;
  std::optional<sys::HttpResponse> verdict(const sys::PeerInfo& peer);
  void accept(std::unique_ptr<sys::WebSocket> socket);
  void on_message(const std::shared_ptr<Link>& link, BytesView message);
  void on_closed(const std::shared_ptr<Link>& link, const sys::WebSocketClosed& closed);

  void perform(const std::shared_ptr<Link>& link, std::vector<IngestAction> actions);
  void perform(const std::shared_ptr<Link>& link, const SendToAgent& action);
  void perform(const std::shared_ptr<Link>& link, ReadStreamState action);
  void perform(const std::shared_ptr<Link>& link, CommitBlock action);
  void perform(const std::shared_ptr<Link>& link, CommitGap action);
  void perform(const std::shared_ptr<Link>& link, UpdateAgent action);
  void perform(const std::shared_ptr<Link>& link, SignCertificate action);
  void perform(const std::shared_ptr<Link>& link, TakeAuditPin action);
  void show_audit_head(const std::shared_ptr<Link>& link);
  void on_audit_head(const std::shared_ptr<Link>& link, const std::optional<wire::AuditHead>& head);
  void note_audit_alarm(const Uuid& agent, const std::string& alarm);
  void perform(const std::shared_ptr<Link>& link, const SessionOpened& action);
  void perform(const std::shared_ptr<Link>& link, const RunnerSaid& action);
  void perform(const std::shared_ptr<Link>& link, const CloseSession& action);
  bool send_to_runner(const Uuid& agent, BytesView message);
  void drop(const std::shared_ptr<Link>& link);

  void on_signed(const std::shared_ptr<Link>& link, const Result<SignedAgent>& made);
  StoreWriter::OnCommitted answer_to(const std::shared_ptr<Link>& link);
  void close(const std::shared_ptr<Link>& link, uint16_t code, const std::string& reason);
  void publish_online();
  void tick();
  void write_down_seen();
  void balance_reading();
};

// -- Who may link

Result<Uuid> Links::Impl::identify(const sys::PeerInfo& peer) const {
  if (!peer.certificate) return Error(Code::denied, "a client certificate is required");
  const std::optional<Uuid> agent = parse_uuid(peer.certificate->common_name);
  if (!agent || peer.certificate->organization != world.authority.org()) {
    return Error(Code::denied, "the certificate names no agent of this org");
  }
  const auto known = revoked.find(*agent);
  if (known == revoked.end()) return Error(Code::denied, "agent " + to_string(*agent) + " is not enrolled here");
  if (known->second) return Error(Code::denied, "agent " + to_string(*agent) + " is revoked");
  return *agent;
}

std::optional<sys::HttpResponse> Links::Impl::verdict(const sys::PeerInfo& peer) {
  const Result<Uuid> agent = identify(peer);
  if (!agent.ok()) {
    ++world.counters.links_denied;
    log_warn("link denied", {{"address", peer.address}, {"reason", agent.error().text()}});
    return make_problem(agent.error(), "");
  }
  const std::optional<std::string> paused = world.writer.paused();
  if (stopped || paused) {
    ++world.counters.links_refused_busy;
    return make_problem(Error(Code::unavailable, paused ? "ingest is paused: " + *paused : "the server stops"), "");
  }
  return std::nullopt;
}

void Links::Impl::accept(std::unique_ptr<sys::WebSocket> socket) {
  // Asked again: between the verdict and now the agent may have been revoked.
  const Result<Uuid> agent = identify(socket->peer());
  if (!agent.ok() || stopped) return;

  if (const auto older = links.find(*agent); older != links.end()) {
    ++world.counters.sessions_replaced;
    close(std::shared_ptr<Link>(older->second), close_policy, "replaced by a newer connection of this agent");
  }

  auto link = std::make_shared<Link>(*agent, std::move(socket), options.session, world.loop.clock().now());
  link->paused = reading_paused;
  links.emplace(*agent, link);
  publish_online();
  ++world.counters.sessions_total;
  log_info("link open", {{"agent", to_string(*agent)}, {"address", link->socket->peer().address}});

  std::weak_ptr<Impl> weak = weak_from_this();
  std::weak_ptr<Link> weak_link = link;
  link->socket->start({
      .on_message =
          [weak, weak_link](BytesView message) {
            const auto self = weak.lock();
            const auto the_link = weak_link.lock();
            if (self && the_link) self->on_message(the_link, message);
          },
      .on_drained = {},
      .on_closed =
          [weak, weak_link](const sys::WebSocketClosed& closed) {
            const auto self = weak.lock();
            const auto the_link = weak_link.lock();
            if (self && the_link) self->on_closed(the_link, closed);
          },
  });
  if (link->paused) link->socket->pause();
}

void Links::Impl::on_message(const std::shared_ptr<Link>& link, BytesView message) {
  if (link->closing) return;
  world.counters.link_bytes_received += message.size();
  perform(link, link->session.on_frame(message, world.loop.clock().now(), world.loop.clock().wall()));
}

void Links::Impl::on_closed(const std::shared_ptr<Link>& link, const sys::WebSocketClosed& closed) {
  if (!link->closing) {
    log_info("link closed", {{"agent", to_string(link->agent)}, {"code", closed.code}, {"reason", closed.reason}});
  }
  link->closing = true;
  leaving.erase(link);
  drop(link);
}

// -- What sessions ask for

void Links::Impl::perform(const std::shared_ptr<Link>& link, std::vector<IngestAction> actions) {
  for (IngestAction& action : actions) {
    if (link->closing) return;
    std::visit([&](auto& each) { perform(link, std::move(each)); }, action);
  }
}

void Links::Impl::perform(const std::shared_ptr<Link>& link, const SendToAgent& action) {
  // Answers are small and few. An agent that does not read them is gone.
  if (!link->socket->send(action.bytes)) close(link, close_policy, "the agent does not read what it is sent");
}

void Links::Impl::perform(const std::shared_ptr<Link>& link, ReadStreamState) {
  // Through the writer, so that it sees what an earlier connection of this agent handed over.
  std::weak_ptr<Impl> weak = weak_from_this();
  std::weak_ptr<Link> weak_link = link;
  sys::Loop& loop = world.loop;
  const bool taken = world.writer.try_run([weak, weak_link, &loop, agent = link->agent](Store& store) {
    loop.post(
        [weak, weak_link, streams = store.stream_positions(agent)] {
          const auto self = weak.lock();
          const auto the_link = weak_link.lock();
          if (self && the_link && !the_link->closing)
            self->perform(the_link, the_link->session.on_stream_state(streams));
        },
        "ingest");
  });
  if (!taken) close(link, close_try_again, "the store is busy");
}

void Links::Impl::perform(const std::shared_ptr<Link>& link, CommitBlock action) {
  if (!world.writer.try_commit(std::move(action.block), answer_to(link))) {
    close(link, close_try_again, "the store is busy");
  }
  balance_reading();
}

void Links::Impl::perform(const std::shared_ptr<Link>& link, CommitGap action) {
  log_warn("sequences will never come", {{"agent", to_string(link->agent)},
                                         {"epoch", to_string(action.gap.epoch)},
                                         {"from", action.gap.from},
                                         {"to", action.gap.to},
                                         {"reason", action.gap.reason}});
  if (!world.writer.try_commit(std::move(action.gap), answer_to(link))) {
    close(link, close_try_again, "the store is busy");
  }
}

StoreWriter::OnCommitted Links::Impl::answer_to(const std::shared_ptr<Link>& link) {
  std::weak_ptr<Impl> weak = weak_from_this();
  std::weak_ptr<Link> weak_link = link;
  sys::Loop& loop = world.loop;
  return [weak, weak_link, &loop](const Result<CommitOutcome>& outcome) {
    loop.post(
        [weak, weak_link, outcome] {
          const auto self = weak.lock();
          if (!self) return;
          self->balance_reading();
          const auto the_link = weak_link.lock();
          if (the_link && !the_link->closing) self->perform(the_link, the_link->session.on_committed(outcome));
        },
        "ingest");
  };
}

void Links::Impl::perform(const std::shared_ptr<Link>&, UpdateAgent action) {
  AgentSeen& latest = seen[action.seen.agent];
  AgentSeen merged = std::move(action.seen);
  if (merged.host.empty()) merged.host = std::move(latest.host);
  if (merged.version.empty()) merged.version = std::move(latest.version);
  latest = std::move(merged);
}

void Links::Impl::perform(const std::shared_ptr<Link>& link, SignCertificate action) {
  std::weak_ptr<Impl> weak = weak_from_this();
  std::weak_ptr<Link> weak_link = link;
  auto sign = [weak, weak_link, csr = std::move(action.csr_pem), agent = link->agent, now = world.loop.clock().wall(),
               the_world = world](Store& store) {
    const Result<SignedAgent> made = [&]() -> Result<SignedAgent> {
      SignedAgent fresh = TRY(the_world.authority.sign_agent(agent, csr, now));
      TRY(store.record_certificate(agent, fresh.serial, fresh.not_after));
      ++the_world.counters.certificates_renewed;
      return fresh;
    }();
    the_world.loop.post(
        [weak, weak_link, made] {
          const auto self = weak.lock();
          const auto the_link = weak_link.lock();
          if (self && the_link && !the_link->closing) self->on_signed(the_link, made);
        },
        "certificate renewal");
  };
  if (!world.writer.try_run(std::move(sign))) {
    perform(link, link->session.on_certificate(Error(Code::unavailable, "the store is busy")));
  }
}

void Links::Impl::on_signed(const std::shared_ptr<Link>& link, const Result<SignedAgent>& made) {
  if (made.ok()) link->certificate_not_after = made->not_after;
  const auto pem = made.ok() ? Result<std::string>(made->certificate_pem) : Result<std::string>(made.error());
  perform(link, link->session.on_certificate(pem));
}

void Links::Impl::perform(const std::shared_ptr<Link>& link, TakeAuditPin action) {
  const bool first = !link->audit_pin.has_value();
  link->audit_pin = {.size = action.pin.size, .root = std::move(action.pin.root)};
  link->audit_head_asked = false;
  note_audit_alarm(link->agent, action.pin.alarm);
  if (first || link->audit_head_wanted) show_audit_head(link);
}

void Links::Impl::show_audit_head(const std::shared_ptr<Link>& link) {
  if (world.checkpoints == nullptr || !link->audit_pin) return;
  link->audit_head_wanted = link->audit_head_asked;
  if (link->audit_head_asked) return;
  std::weak_ptr<Impl> weak = weak_from_this();
  std::weak_ptr<Link> weak_link = link;
  sys::Loop& loop = world.loop;
  auto on_head = [weak, weak_link, &loop](std::optional<wire::AuditHead> head) {
    loop.post(
        [weak, weak_link, head = std::move(head)] {
          const auto self = weak.lock();
          const auto the_link = weak_link.lock();
          if (self && the_link && !the_link->closing) self->on_audit_head(the_link, head);
        },
        "audit head");
  };
  // One that is not taken now is shown with the next checkpoint.
  link->audit_head_asked = world.checkpoints->try_head(*link->audit_pin, std::move(on_head));
}

void Links::Impl::on_audit_head(const std::shared_ptr<Link>& link, const std::optional<wire::AuditHead>& head) {
  if (head) return perform(link, link->session.send_audit_head(*head));
  link->audit_head_asked = false;  // it has pinned the newest
  if (link->audit_head_wanted) show_audit_head(link);
}

void Links::Impl::note_audit_alarm(const Uuid& agent, const std::string& alarm) {
  std::string& known = audit_alarms[agent];
  if (known == alarm) return;
  if (!alarm.empty()) {
    ++world.counters.audit.alarms;
    log_error("a witness says that the audit was rewritten", {{"agent", to_string(agent)}, {"alarm", alarm}});
  }
  const AuditEntry entry{.time = world.loop.clock().wall(),
                         .actor_kind = "system",
                         .actor_name = "reeve-server",
                         .action = alarm.empty() ? "audit.alarm_cleared" : "audit.alarm",
                         .target = to_string(agent),
                         .detail = Json(Json::Object{{"alarm", alarm}}).dump()};
  const bool taken = world.writer.try_run([agent, alarm, entry](Store& store) {
    const Status noted = store.accounts().note_audit_alarm(agent, alarm, entry);
    if (!noted.ok()) log_error("an alarm is not written down", {{"error", noted.error().text()}});
  });
  if (taken) known = alarm;  // else the agent's next word tries again
}

void Links::Impl::perform(const std::shared_ptr<Link>& link, const SessionOpened&) {
  link->opened = true;
  if (runners.on_open) runners.on_open(link->agent);
}

void Links::Impl::perform(const std::shared_ptr<Link>& link, const RunnerSaid& action) {
  if (runners.on_message) runners.on_message(link->agent, action.message);
}

bool Links::Impl::send_to_runner(const Uuid& agent, BytesView message) {
  const auto found = links.find(agent);
  if (found == links.end() || !found->second->opened || found->second->closing) return false;
  const std::shared_ptr<Link> link = found->second;
  for (wire::RunnerMessage& chunk : wire::cut_runner_message(link->runner_messages++, message)) {
    if (!link->closing) perform(link, SendToAgent{wire::encode(wire::ServerFrame(std::move(chunk)))});
  }
  return !link->closing;
}

// It is no longer the one that counts of its agent.
void Links::Impl::drop(const std::shared_ptr<Link>& link) {
  const auto current = links.find(link->agent);
  if (current == links.end() || current->second != link) return;
  links.erase(current);
  publish_online();
  if (link->opened && runners.on_closed) runners.on_closed(link->agent);
}

void Links::Impl::perform(const std::shared_ptr<Link>& link, const CloseSession& action) {
  close(link, world.writer.paused() ? close_try_again : close_policy, action.reason);
}

void Links::Impl::close(const std::shared_ptr<Link>& link, uint16_t code, const std::string& reason) {
  if (link->closing) return;
  link->closing = true;
  log_info("link closing", {{"agent", to_string(link->agent)}, {"code", code}, {"reason", reason}});
  drop(link);
  if (link->paused) link->socket->resume();
  leaving.insert(link);
  link->socket->close(code, reason);
}

// -- By the clock

void Links::Impl::tick() {
  const Instant now = world.loop.clock().now();
  const WallTime wall = world.loop.clock().wall();
  const bool hint = watched_until > now && now - hinted >= hint_interval;
  if (hint) hinted = now;

  std::vector<std::shared_ptr<Link>> all;
  for (const auto& [agent, link] : links) all.push_back(link);
  for (const std::shared_ptr<Link>& link : all) {
    perform(link, link->session.tick(now));
    // A link that was open when its certificate ended has no more right to be than one that comes now.
    if (wall >= link->certificate_not_after) close(link, close_policy, "the certificate has expired");
    if (hint && !link->closing) perform(link, link->session.send_live_hint(watched_until - now));
  }
  balance_reading();
}

void Links::Impl::write_down_seen() {
  if (seen.empty()) return;
  std::vector<AgentSeen> batch;
  for (auto& [agent, latest] : seen) batch.push_back(latest);
  const bool taken = world.writer.try_run([batch = std::move(batch)](Store& store) {
    const Status written = store.record_seen(batch);
    if (!written.ok()) log_warn("agents' status not written down", {{"error", written.error().text()}});
  });
  if (taken) seen.clear();  // else the next round tries again; each agent has one entry, so nothing grows
}

void Links::Impl::balance_reading() {
  const uint64_t bytes_max = reading_paused ? options.writer_bytes_max / 2 : options.writer_bytes_max;
  const size_t tasks_max = reading_paused ? world.writer.tasks_max() / 4 : world.writer.tasks_max() / 2;
  const bool pause = world.writer.queued_bytes() > bytes_max || world.writer.queued() > tasks_max;
  if (pause == reading_paused) return;
  reading_paused = pause;
  for (const auto& [agent, link] : links) {
    if (link->paused == pause) continue;
    link->paused = pause;
    pause ? link->socket->pause() : link->socket->resume();
  }
}

void Links::Impl::publish_online() {
  auto next = std::make_shared<AgentSet>();
  for (const auto& [agent, link] : links) next->insert(agent);
  world.counters.sessions += next->size() - online->size();
  online = std::move(next);
}

// -- The public face

Links::Links(World world, Options options, std::span<const Agent> agents) {
  options.session.counters = &world.counters.ingest;
  impl_ = std::make_shared<Impl>(world, options);
  for (const Agent& agent : agents) {
    impl_->revoked.emplace(agent.id, agent.revoked);
    if (!agent.audit_alarm.empty()) impl_->audit_alarms.emplace(agent.id, agent.audit_alarm);
  }
  Impl* raw = impl_.get();
  impl_->tick_timer = world.loop.every(
      tick_interval, [raw] { raw->tick(); }, "links' clock");
  impl_->seen_timer = world.loop.every(
      options.seen_interval, [raw] { raw->write_down_seen(); }, "agents seen");
}

Links::~Links() {
  impl_->world.loop.cancel(impl_->tick_timer);
  impl_->world.loop.cancel(impl_->seen_timer);
}

std::optional<sys::HttpResponse> Links::verdict(const sys::PeerInfo& peer) {
  return impl_->verdict(peer);
}

void Links::accept(std::unique_ptr<sys::WebSocket> socket) {
  impl_->accept(std::move(socket));
}

void Links::use_runners(RunnerHandlers handlers) {
  impl_->runners = std::move(handlers);
}

bool Links::send_to_runner(const Uuid& agent, BytesView message) {
  return impl_->send_to_runner(agent, message);
}

void Links::add_agent(const Uuid& agent) {
  impl_->revoked.emplace(agent, false);
}

void Links::revoke(const Uuid& agent) {
  impl_->revoked[agent] = true;
  const auto open = impl_->links.find(agent);
  if (open != impl_->links.end()) impl_->close(std::shared_ptr<Link>(open->second), close_policy, "revoked");
}

void Links::watch(Duration duration) {
  const Instant now = impl_->world.loop.clock().now();
  const bool was_watched = impl_->watched_until > now;
  impl_->watched_until = std::max(impl_->watched_until, now + duration);
  if (!was_watched) impl_->tick();
}

void Links::show_audit_heads() {
  for (const auto& [agent, link] : impl_->links) impl_->show_audit_head(link);
}

std::shared_ptr<const AgentSet> Links::online() const {
  return impl_->online;
}

void Links::stop() {
  impl_->stopped = true;
  std::vector<std::shared_ptr<Link>> all;
  for (const auto& [agent, link] : impl_->links) all.push_back(link);
  for (const std::shared_ptr<Link>& link : all) impl_->close(link, close_going_away, "the server stops");
  impl_->write_down_seen();
}

}  // namespace reeve::server
