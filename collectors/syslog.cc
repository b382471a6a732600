// The worker's half: rows come over from the loop thread (syslog_loop.cc).
#include "collectors/syslog.h"

#include <array>

#include "collectors/loop_thread.h"
#include "collectors/syslog_impl.h"

namespace reeve::collect {
namespace {

constexpr uint64_t poll_bytes_max = 1_MiB;
constexpr uint64_t run_bytes_max = 256_KiB;  // between two looks at whether the stages behind are full
constexpr std::array<std::string_view, SyslogCollector::Shared::transports> names{"udp", "tcp", "tls"};

const Endpoint* endpoint_of(const SyslogConfig& config, size_t transport) {
  switch (transport) {
    case SyslogCollector::Shared::udp:
      return config.udp ? &*config.udp : nullptr;
    case SyslogCollector::Shared::tcp:
      return config.tcp ? &*config.tcp : nullptr;
    default:
      return config.tls ? &config.tls->address : nullptr;
  }
}

}  // namespace

SyslogCollector::Shared::Shared(SyslogConfig the_config, const std::function<void()>& wake)
    : config(std::move(the_config)),
      queues{RowQueue(config.queue_bytes_max, wake), RowQueue(config.queue_bytes_max, wake),
             RowQueue(config.queue_bytes_max, wake)} {}

SyslogCollector::SyslogCollector(SyslogConfig config, Random& random, const std::vector<wire::SourcePosition>& restored,
                                 const std::function<void()>& wake)
    : shared_(std::make_shared<Shared>(std::move(config), wake)), sources_(Shared::transports) {
  for (size_t transport = 0; transport < Shared::transports; ++transport) {
    const Endpoint* endpoint = endpoint_of(shared_->config, transport);
    if (endpoint == nullptr) continue;
    wire::SourcePosition& position = sources_[transport].position;
    const std::string name = std::string(names[transport]) + " " + to_string(*endpoint);
    for (const wire::SourcePosition& known : restored) {
      if (known.kind == "syslog" && known.name == name && known.offset >= position.offset) position = known;
    }
    position.kind = "syslog";
    position.name = name;
    while (position.id == 0) position.id = random.next();
  }
  thread_ = std::make_unique<LoopThread>([shared = shared_](sys::Loop& loop) { return open_syslog(loop, shared); });
}

SyslogCollector::~SyslogCollector() {
  thread_->stop();
}

Poll SyslogCollector::poll(Instant, WallTime, Intake& intake) {
  Poll poll;
  for (size_t transport = 0; transport < Shared::transports; ++transport) {
    poll.more = drain(transport, poll_bytes_max, intake) || poll.more;
  }
  count_drops(intake);
  poll.at_end = !poll.more;
  return poll;
}

// Whether rows are left that could be handed on at once.
bool SyslogCollector::drain(size_t transport, uint64_t bytes_max, Intake& intake) {
  RowQueue& queue = shared_->queues[transport];
  Source& source = sources_[transport];
  for (uint64_t done = 0; done < bytes_max;) {
    if (intake.full()) return false;  // whoever makes room wakes the worker
    const RowQueue::Taken taken = queue.take(run_bytes_max);
    if (taken.rows.empty()) return false;
    if (taken.was_full) thread_->post([shared = shared_] { shared->on_room(); });

    if (!source.open) {
      source.open = true;
      source.handle = intake.open_source(source.position, shared_->config.service);
      if (shared_->config.line_rules != 0) intake.use_line_rules(source.handle, shared_->config.line_rules);
    }
    for (const Bytes& row : taken.rows) {
      intake.line(source.handle, row);
      source.position.offset += row.size() + 1;
      done += row.size() + 1;
    }
    intake.advance(source.handle, source.position);
  }
  return true;
}

void SyslogCollector::count_drops(Intake& intake) {
  if (const uint64_t bytes = shared_->udp_full_bytes.exchange(0); bytes > 0) intake.dropped("syslog_udp_full", bytes);
  if (const uint64_t count = shared_->udp_kernel_drops.exchange(0); count > 0) {
    intake.dropped("syslog_udp_kernel", count);
  }
}

// The queues are bounded, so this is too.
void SyslogCollector::flush(Intake& intake) {
  for (size_t transport = 0; transport < Shared::transports; ++transport) {
    while (drain(transport, poll_bytes_max, intake)) {
    }
  }
  count_drops(intake);
}

void SyslogCollector::on_stop(Intake& intake) {
  thread_->stop();
  flush(intake);
}

}  // namespace reeve::collect
