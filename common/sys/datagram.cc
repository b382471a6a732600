// A socket of our own on the loop's poll: libuv's UDP does not show the kernel's count of drops (SO_RXQ_OVFL).
#include "common/sys/datagram.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/base/check.h"
#include "common/sys/address.h"
#include "common/sys/loop_handle.h"

namespace reeve::sys {
namespace {

constexpr size_t datagram_bytes_max = 64_KiB;  // more than UDP can carry
constexpr size_t batch_max = 32;               // datagrams of one system call
constexpr size_t batches_per_turn_max = 16;    // then the others have their turn
constexpr size_t control_bytes = CMSG_SPACE(sizeof(uint32_t));

socklen_t length_of(const sockaddr_storage& address) {
  return address.ss_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
}

Status set_option(int socket, int level, int name, int value, const std::string& where) {
  if (::setsockopt(socket, level, name, &value, sizeof value) == 0) return {};
  return errno_error(errno, where);
}

}  // namespace

struct DatagramSocket::Impl final : LoopHandle, std::enable_shared_from_this<DatagramSocket::Impl> {
  // Only what was received into is ever touched, so the room costs nothing before.
  struct Batch {
    std::unique_ptr<char[]> room{new char[batch_max * datagram_bytes_max]};
    std::array<iovec, batch_max> pieces{};
    std::array<mmsghdr, batch_max> messages{};
    alignas(cmsghdr) std::array<std::array<char, control_bytes>, batch_max> controls{};
  };

  Impl(Loop& the_loop, OnDatagram callback) : loop(the_loop), on_datagram(std::move(callback)) {}
  ~Impl() {
    if (descriptor >= 0) ::close(descriptor);
  }

  Status bind(const DatagramOptions& options) {
    const std::string where = "listen on UDP " + options.host + " port " + std::to_string(options.port);
    const auto address = parse_address(options.host, options.port);
    if (!address) return Error(Code::invalid, where + ": the host must be an IP address of this machine");
    descriptor = ::socket(address->ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return errno_error(errno, where);

    // Beyond the system's limit where we may, up to it where not.
    const int wanted = static_cast<int>(std::min<uint64_t>(options.receive_buffer_bytes, 1_GiB));
    if (::setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &wanted, sizeof wanted) != 0) {
      TRY(set_option(descriptor, SOL_SOCKET, SO_RCVBUF, wanted, where));
    }
    int granted = 0;
    socklen_t size = sizeof granted;
    if (::getsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &granted, &size) == 0) {
      stats.receive_buffer_bytes = static_cast<uint64_t>(granted) / 2;  // the kernel doubles it for its own needs
    }
    TRY(set_option(descriptor, SOL_SOCKET, SO_RXQ_OVFL, 1, where));
    if (::bind(descriptor, reinterpret_cast<const sockaddr*>(&*address), length_of(*address)) != 0) {
      return errno_error(errno, where);
    }
    sockaddr_storage bound{};
    size = sizeof bound;
    check(::getsockname(descriptor, reinterpret_cast<sockaddr*>(&bound), &size) == 0, "a bound socket has a name");
    port = ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&bound)->sin6_port
                                             : reinterpret_cast<sockaddr_in*>(&bound)->sin_port);

    if (const int error = uv_poll_init(loop.uv(), &poll, descriptor); error != 0) return uv_error(error, where);
    poll.data = static_cast<LoopHandle*>(this);
    self = shared_from_this();
    const int error = uv_poll_start(&poll, UV_READABLE, [](uv_poll_t* handle, int status, int) {
      if (status == 0) static_cast<Impl*>(static_cast<LoopHandle*>(handle->data))->on_readable();
    });
    return error == 0 ? Status() : Status(uv_error(error, where));
  }

  void on_readable() {
    Loop::Stage stage(loop, "datagrams");
    const auto hold = shared_from_this();
    for (size_t turn = 0; turn < batches_per_turn_max; ++turn) {
      const size_t count = receive();
      if (count < batch_max) return;
    }
  }

  size_t receive() {
    for (size_t at = 0; at < batch_max; ++at) {
      batch.pieces[at] = {batch.room.get() + at * datagram_bytes_max, datagram_bytes_max};
      batch.messages[at] = {};
      msghdr& header = batch.messages[at].msg_hdr;
      header.msg_iov = &batch.pieces[at];
      header.msg_iovlen = 1;
      header.msg_control = batch.controls[at].data();
      header.msg_controllen = control_bytes;
    }
    // Errors are those of single datagrams (a port that was unreachable); the next call goes on behind them.
    const int count = ::recvmmsg(descriptor, batch.messages.data(), batch_max, MSG_DONTWAIT, nullptr);
    if (count <= 0) return 0;
    for (size_t at = 0; at < static_cast<size_t>(count); ++at) {
      note_drops(batch.messages[at].msg_hdr);
      ++stats.received;
      on_datagram({batch.room.get() + at * datagram_bytes_max, batch.messages[at].msg_len});
    }
    return static_cast<size_t>(count);
  }

  // The kernel counts in 32 bits, which wrap.
  void note_drops(msghdr& header) {
    for (cmsghdr* item = CMSG_FIRSTHDR(&header); item != nullptr; item = CMSG_NXTHDR(&header, item)) {
      if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SO_RXQ_OVFL) continue;
      uint32_t total = 0;
      std::memcpy(&total, CMSG_DATA(item), sizeof total);
      stats.dropped_by_kernel += total - drops_seen;
      drops_seen = total;
    }
  }

  void close_with_loop() override {
    uv_close(reinterpret_cast<uv_handle_t*>(&poll), [](uv_handle_t* handle) {
      const auto last = std::move(static_cast<Impl*>(static_cast<LoopHandle*>(handle->data))->self);
    });
  }

  Loop& loop;
  const OnDatagram on_datagram;
  int descriptor = -1;
  uint16_t port = 0;
  DatagramStats stats;
  uint32_t drops_seen = 0;
  Batch batch;
  uv_poll_t poll{};
  std::shared_ptr<Impl> self;  // while libuv has the handle
};

Result<std::unique_ptr<DatagramSocket>> DatagramSocket::open(Loop& loop, const DatagramOptions& options,
                                                             OnDatagram on_datagram) {
  auto impl = std::make_shared<Impl>(loop, std::move(on_datagram));
  std::unique_ptr<DatagramSocket> socket(new DatagramSocket(impl));
  TRY(impl->bind(options));
  return socket;
}

DatagramSocket::DatagramSocket(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

DatagramSocket::~DatagramSocket() {
  if (impl_->self == nullptr) return;
  if (!uv_is_closing(reinterpret_cast<uv_handle_t*>(&impl_->poll))) impl_->close_with_loop();
}

uint16_t DatagramSocket::port() const {
  return impl_->port;
}

DatagramStats DatagramSocket::stats() const {
  return impl_->stats;
}

}  // namespace reeve::sys
