// Receives syslog: UDP, TCP and TLS, from programs and devices that can write to the network alone.
//
// A datagram is a message; on a connection RFC 6587 says where one ends. What a message means (RFC 3164 and 5424) is
// the parse stage's business: it gets the message as a line.
//
// A sender cannot be asked again, so what is full answers by transport: TCP and TLS stop reading while the stages
// behind are full, and then the sender waits; UDP drops its oldest, counted in dropped_total as "syslog_udp_full". What
// the kernel had to drop before we came is "syslog_udp_kernel": one for each datagram, since nobody knows their sizes.
//
// A source's position is a running count of bytes. A restart of the server, or of the agent in order, loses nothing
// that was received; kill -9 of the agent loses what was not yet sealed (at most five seconds).
//
// Lives on the worker and on a loop thread of its own.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "collectors/collector.h"
#include "common/base/endpoint.h"

namespace reeve::collect {

struct SyslogConfig {
  struct Tls {
    Endpoint address;
    std::string certificate_file;  // the leaf first, then its CA
    std::string key_file;
    std::string client_ca_file;  // where given, senders must present a certificate that it signed
  };
  std::optional<Endpoint> udp;
  std::optional<Endpoint> tcp;
  std::optional<Tls> tls;
  uint32_t line_bytes_max = 64 * 1024;
  uint32_t connections_max = 256;  // of TCP and of TLS, each
  Duration idle_max = 10min;       // a connection that says nothing for longer is closed
  uint64_t queue_bytes_max = 8_MiB;
  uint64_t receive_buffer_bytes = 4_MiB;  // of UDP, asked of the kernel
  std::string service = "syslog";         // of rows that name none
  uint32_t line_rules = 0;                // as Intake::use_line_rules has it
};

class LoopThread;

// One thread: its worker.
class SyslogCollector : public Collector {
 public:
  // `restored`: as for files; those of its own sources are gone on from. `wake` (any thread) makes the worker poll
  // soon.
  SyslogCollector(SyslogConfig config, Random& random, const std::vector<wire::SourcePosition>& restored,
                  const std::function<void()>& wake);
  ~SyslogCollector() override;

  Poll poll(Instant now, WallTime wall, Intake& intake) override;
  void on_durable(std::span<const wire::SourcePosition>) override {}
  void flush(Intake& intake) override;
  void on_stop(Intake& intake) override;

  struct Shared;

 private:
  struct Source {
    wire::SourcePosition position;
    bool open = false;
    SourceHandle handle = 0;
  };

  bool drain(size_t transport, uint64_t bytes_max, Intake& intake);
  void count_drops(Intake& intake);

  const std::shared_ptr<Shared> shared_;
  std::vector<Source> sources_;  // by transport
  std::unique_ptr<LoopThread> thread_;
};

}  // namespace reeve::collect
