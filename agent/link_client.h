// Keeps the link up: connects over mutual TLS, runs a LinkSession on each connection, and performs what it asks for.
//
// A connection that fails or ends is made again after a pause that doubles up to a ceiling, with jitter, so that a
// fleet does not return at once. The certificate is renewed over the link when two thirds of its life are over.
//
// Lives on the loop thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/disk_worker.h"
#include "agent/identity.h"
#include "agent/link.h"
#include "common/base/random.h"
#include "common/sys/loop.h"
#include "common/sys/tls.h"
#include "common/sys/websocket.h"

namespace reeve::agent {

class LinkClient {
 public:
  struct Options {
    Endpoint server;
    std::string host;
    std::string version;
    std::string identity_dir;
    Backoff::Limits retry{.min = 250ms, .max = 10s};
    std::optional<Endpoint> proxy{};
  };
  // All but `identity` outlive the client.
  struct World {
    sys::Loop& loop;
    sys::Disk& disk;
    Random& random;
    DiskWorker& disk_worker;
    Identity identity;
  };
  struct Handlers {
    std::function<void(Duration duration)> on_live;  // someone watches
    std::function<wire::AgentStatus()> status;       // of this moment
    // What the witness has pinned, told to the server when a link opens and after each head. None: no witness.
    std::function<wire::AuditPin()> audit_pin = {};
    std::function<void(const wire::AuditHead& head)> on_audit_head = {};
  };

  static Result<std::unique_ptr<LinkClient>> open(World world, Options options, Handlers handlers);
  ~LinkClient();

  // The disk worker's newest word; the first one starts the first connection.
  void on_report(const SpoolReport& report);

  bool drained() const;              // of this connection: everything durable is acknowledged
  bool denied() const;               // the server will not have us, the last time we asked
  const std::string& state() const;  // "connecting", "open", or why there is no link; for status

 private:
  struct Impl;
  explicit LinkClient(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace reeve::agent
