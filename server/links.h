// The open links of one org's agents: the shell around ingest sessions. WebSockets in, commits out to the store's
// writer.
//
// An agent is who its certificate says, if the agent is known to the org and not revoked; that is asked at every
// upgrade, and a revocation closes the open link at once. An agent has one session: a newer connection replaces the
// older, whose half-dead socket may linger for a while. When the store pauses (disk full), links are refused with 503
// and come back by themselves.
//
// Bounds: of each link at most its session's credit in memory; when the writer holds writer_bytes_max or half the tasks
// it can, sockets are not read until it holds half of that.
//
// Lives on the loop thread. Stop the writer before destroying it.
#pragma once

#include <memory>
#include <optional>
#include <span>

#include "common/base/ids.h"
#include "common/sys/http_server.h"
#include "common/sys/loop.h"
#include "server/api/request.h"
#include "server/authority.h"
#include "server/checkpoints.h"
#include "server/counters.h"
#include "server/ingest.h"
#include "server/store/store.h"
#include "server/store_writer.h"

namespace reeve::server {

class Links {
 public:
  struct Options {
    uint64_t writer_bytes_max = 256_MiB;
    Duration seen_interval = 1s;  // how often what agents say of themselves is written down
    IngestSession::Options session{};
  };

  // Everything here outlives the links.
  struct World {
    sys::Loop& loop;
    StoreWriter& writer;
    const Authority& authority;
    Checkpoints* checkpoints;  // null: agents witness nothing
    ServerCounters& counters;
  };

  // `agents` are those that are enrolled already.
  Links(World world, Options options, std::span<const Agent> agents);
  ~Links();

  // Why this peer, whose certificate names our org, may not link now.
  std::optional<sys::HttpResponse> verdict(const sys::PeerInfo& peer);
  void accept(std::unique_ptr<sys::WebSocket> socket);

  void add_agent(const Uuid& agent);
  void revoke(const Uuid& agent);
  // Somebody follows the logs: agents seal quickly until this much time has passed.
  void watch(Duration duration);
  // Agents hear of the newest checkpoint of the audit, each with the proof that its own pin needs.
  void show_audit_heads();
  std::shared_ptr<const AgentSet> online() const;
  // No new links; closes the open ones, saying that the server stops.
  void stop();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace reeve::server
