// What the server counts of itself, for /metrics: plain sums, written where they happen and read by any thread.
#pragma once

#include <atomic>
#include <cstdint>

#include "server/doors/door_counters.h"
#include "server/ingest.h"

namespace reeve::server {

struct AuditCounters {
  std::atomic<uint64_t> checkpoints{0};
  std::atomic<uint64_t> passes{0};  // over all entries
  std::atomic<uint64_t> passes_failed{0};
  std::atomic<uint64_t> entries_strange{0};  // changed, missing or put in, each time they are read
  std::atomic<uint64_t> alarms{0};           // that agents raised
};

struct ServerCounters {
  IngestCounters ingest;
  AuditCounters audit;

  // The link.
  std::atomic<uint64_t> sessions{0};  // open now
  std::atomic<uint64_t> sessions_total{0};
  std::atomic<uint64_t> sessions_replaced{0};  // by a newer connection of the same agent
  std::atomic<uint64_t> links_denied{0};       // a certificate that is foreign, unknown or revoked
  std::atomic<uint64_t> links_refused_busy{0};
  std::atomic<uint64_t> link_bytes_received{0};
  std::atomic<uint64_t> certificates_renewed{0};

  // The store.
  std::atomic<uint64_t> commits{0};  // transactions
  std::atomic<uint64_t> commits_failed{0};
  std::atomic<uint64_t> blocks_stored{0};
  std::atomic<uint64_t> bytes_stored{0};
  std::atomic<uint64_t> gaps_stored{0};
  std::atomic<uint64_t> blocks_expired{0};  // dropped by retention

  DoorCounters doors;  // what programs push over HTTP

  // The API.
  std::atomic<uint64_t> requests{0};
  std::atomic<uint64_t> requests_client_error{0};  // 4xx
  std::atomic<uint64_t> requests_server_error{0};  // 5xx
  std::atomic<uint64_t> requests_refused_busy{0};  // the queue of the pool was full
  std::atomic<uint64_t> api_timeouts{0};           // idle connections, slow heads and bodies
  std::atomic<uint64_t> api_stalled{0};            // clients cut because they did not take their answer
  std::atomic<uint64_t> api_floods{0};             // HTTP/2 connections ended for resets or pings without end
  std::atomic<uint64_t> api_refused_peer{0};       // connections beyond what one address may have
};

}  // namespace reeve::server
