// Mirrors server/agents_listener and server/store_writer, with queues in the place of threads and sockets.
#include "tests/sim/sim_server.h"

#include <utility>

#include "common/base/check.h"
#include "common/wire/search.h"

namespace reeve::sim {
namespace {

constexpr size_t group_blocks_max = 4;

template <typename... Ts>
struct Overload : Ts... {
  using Ts::operator()...;
};

}  // namespace

SimServer::SimServer(OpenStore open_store, SimClock& clock, Random& random, Ledger& ledger)
    : open_store_(std::move(open_store)), clock_(clock), random_(random), ledger_(ledger) {}

SimServer::~SimServer() = default;

Status SimServer::start() {
  check(!running(), "a server starts once");
  store_ = TRY_DURING(open_store_(), "open the store");
  ledger_.forget_stored();
  shown_commit_id_ = 0;
  return show_new_blocks();
}

void SimServer::kill() {
  for (auto& [agent, session] : sessions_) session->connection->close();
  forget_process();
}

void SimServer::lose_power() {
  for (auto& [agent, session] : sessions_) session->connection->go_half_open();
  forget_process();
}

void SimServer::forget_process() {
  sessions_.clear();
  tasks_.clear();
  answers_.clear();
  store_.reset();
}

bool SimServer::accept(const Uuid& agent, std::shared_ptr<SimConnection> connection) {
  if (!running()) return false;
  // A newer connection of an agent replaces the older.
  const auto older = sessions_.find(agent);
  if (older != sessions_.end()) close(SessionPtr(older->second));
  server::IngestSession::Options options;
  options.counters = &counters_;
  sessions_[agent] = std::make_shared<Session>(agent, std::move(connection), options, clock_.now());
  return true;
}

void SimServer::close(const SessionPtr& session) {
  session->closed = true;
  session->connection->close();
  const auto current = sessions_.find(session->agent);
  if (current != sessions_.end() && current->second == session) sessions_.erase(current);
}

Status SimServer::step() {
  if (!running()) return {};
  deliver_answers();

  std::vector<SessionPtr> sessions;
  for (const auto& [agent, session] : sessions_) sessions.push_back(session);
  for (const SessionPtr& session : sessions) hear(session);
  return work_off_tasks();
}

void SimServer::hear(const SessionPtr& session) {
  if (session->connection->closed()) return close(session);
  while (!session->closed) {
    const auto frame = session->connection->take(End::server, clock_.now());
    if (!frame) break;
    perform(session, session->core.on_frame(*frame, clock_.now(), clock_.wall()));
  }
  if (!session->closed) perform(session, session->core.tick(clock_.now()));
  while (!session->closed && !session->outgoing.empty()) {
    if (!session->connection->send(End::server, session->outgoing.front(), clock_.now())) break;
    session->outgoing.pop_front();
  }
}

void SimServer::perform(const SessionPtr& session, std::vector<server::IngestAction> actions) {
  for (server::IngestAction& action : actions) {
    if (session->closed) return;
    std::visit(Overload{
                   [&](server::SendToAgent& send) { session->outgoing.push_back(std::move(send.bytes)); },
                   [&](server::CommitBlock& work) {
                     if (canary_) {
                       const auto& identity = work.block.identity;
                       const wire::LaneAck ack{.lane = identity.lane, .through = identity.sequence};
                       session->outgoing.push_back(wire::encode(wire::Ack{.lane = ack, .credit_bytes = 8_MiB}));
                     }
                     tasks_.push_back({session, session->agent, std::move(work)});
                   },
                   [&](server::CommitGap& work) {
                     tasks_.push_back({session, session->agent, std::move(work)});
                   },
                   [&](server::ReadStreamState& work) {
                     tasks_.push_back({session, session->agent, work});
                   },
                   [](server::UpdateAgent&) {},
                   [](server::TakeAuditPin&) {},
                   [](server::SignCertificate&) { check(false, "no simulated agent asks for a certificate"); },
                   [&](server::CloseSession& reason) {
                     last_close_ = reason.reason;
                     close(session);
                   },
               },
               action);
  }
}

void SimServer::deliver_answers() {
  for (auto answers = std::exchange(answers_, {}); !answers.empty(); answers.pop_front()) {
    const SessionPtr session = answers.front().session.lock();
    if (session == nullptr || session->closed) continue;
    std::visit(Overload{
                   [&](const Result<server::CommitOutcome>& outcome) {
                     perform(session, session->core.on_committed(outcome));
                   },
                   [&](const Result<std::vector<server::StreamPosition>>& streams) {
                     perform(session, session->core.on_stream_state(streams));
                   },
               },
               answers.front().content);
  }
}

Status SimServer::work_off_tasks() {
  size_t left = faults_ ? random_.below(tasks_.size() + 1) : tasks_.size();
  for (; left > 0 && !tasks_.empty(); --left) {
    Task& task = tasks_.front();
    if (std::holds_alternative<server::CommitBlock>(task.work)) {
      TRY(commit_group());
      continue;
    }
    if (const auto* gap = std::get_if<server::CommitGap>(&task.work)) {
      answers_.push_back({task.session, store_->commit_gap(gap->gap)});
    } else {
      answers_.push_back({task.session, store_->stream_positions(task.agent)});
    }
    tasks_.pop_front();
  }
  return show_new_blocks();
}

Status SimServer::commit_group() {
  std::vector<server::IncomingBlock> blocks;
  std::vector<std::weak_ptr<Session>> sessions;
  while (!tasks_.empty() && blocks.size() < group_blocks_max) {
    auto* work = std::get_if<server::CommitBlock>(&tasks_.front().work);
    if (work == nullptr) break;
    blocks.push_back(std::move(work->block));
    sessions.push_back(tasks_.front().session);
    tasks_.pop_front();
  }

  const auto outcomes = store_->commit_blocks(blocks);
  ++commits_;
  for (size_t i = 0; i < sessions.size(); ++i) {
    if (outcomes.ok())
      answers_.push_back({sessions[i], Result<server::CommitOutcome>((*outcomes)[i])});
    else
      answers_.push_back({sessions[i], Result<server::CommitOutcome>(outcomes.error())});
  }
  return {};
}

Status SimServer::show_new_blocks() {
  std::vector<server::BlockRef> found;
  const server::BlockQuery query{.after_commit_id = shown_commit_id_};
  const Status visited = store_->visit_blocks_by_commit(query, [&](const server::BlockRef& block) {
    found.push_back(block);
    return true;
  });
  if (!visited.ok()) return visited.error().code() == Code::corrupt ? visited : Status();

  for (const server::BlockRef& block : found) {
    const auto bytes = store_->read_block(block);
    if (!bytes.ok()) return bytes.error().code() == Code::corrupt ? Status(bytes.error()) : Status();
    const auto rows = TRY_DURING(wire::read_log_block(*bytes), "read a stored block");
    for (const wire::LogRow& row : rows) {
      TRY_DURING(ledger_.note_stored(row.body),
                 "block " + std::to_string(block.commit_id) + ", row " + std::to_string(row.row) + " of agent " +
                     to_string(block.identity.agent) + " sequence " + std::to_string(block.identity.sequence));
    }
    shown_commit_id_ = block.commit_id;
  }
  return {};
}

}  // namespace reeve::sim
