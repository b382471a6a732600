// See serve.h.
#include "agent/runner/serve.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "agent/runner/descriptor.h"
#include "common/base/log.h"

namespace reeve::runner {
namespace {

constexpr int pause_ms = 100;  // between two looks at deadlines and at what an earlier life has left
constexpr size_t length_bytes = 4;
constexpr size_t unread_bytes_max = 4_MiB;  // said to a peer that does not read
constexpr size_t read_bytes = 64_KiB;
constexpr mode_t socket_mode = 0660;  // the agent's group, by the folder's or the process' own group

Result<Descriptor> listen_at(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return Error(Code::invalid, "the socket's path \"" + path + "\" has not 1 to 107 bytes");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  Descriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener) return errno_error(errno, "make a socket");
  // One that an earlier life left behind; whether somebody still listens there is decided by the state folder's lock.
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return errno_error(errno, "remove the old socket " + path);
  if (::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return errno_error(errno, "bind the socket " + path);
  }
  if (::chmod(path.c_str(), socket_mode) != 0) return errno_error(errno, "set the mode of " + path);
  if (::listen(listener.get(), 4) != 0) return errno_error(errno, "listen at " + path);
  return listener;
}

// Whoever is connected, with what came and was not understood yet, and what was said and not read yet.
struct Peer {
  Descriptor socket{};
  Bytes in{};
  Bytes out{};

  void say(const Bytes& message) {
    append_le<uint32_t>(out, static_cast<uint32_t>(message.size()));
    out += message;
  }

  // False where the peer is to be given up.
  bool write_some() {
    while (!out.empty()) {
      const ssize_t written = ::send(socket.get(), out.data(), out.size(), MSG_NOSIGNAL);
      if (written < 0) return errno == EAGAIN || errno == EINTR ? out.size() <= unread_bytes_max : false;
      out.erase(0, static_cast<size_t>(written));
    }
    return true;
  }

  bool read_some(Runner& runner) {
    std::array<char, read_bytes> buffer;
    const ssize_t count = ::read(socket.get(), buffer.data(), buffer.size());
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    if (count == 0) return false;
    in.append(buffer.data(), static_cast<size_t>(count));
    while (in.size() >= length_bytes) {
      const auto length = load_le<uint32_t>(in.data());
      if (length == 0 || length > warrant::message_bytes_max) {
        log_warn("a frame's length is out of bounds; its sender is cut off", {{"bytes", length}});
        return false;
      }
      if (in.size() < length_bytes + length) break;
      runner.on_message(BytesView(in).substr(length_bytes, length));
      in.erase(0, length_bytes + length);
    }
    return true;
  }
};

Result<Descriptor> take_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  if (::sigprocmask(SIG_BLOCK, &signals, nullptr) != 0) return errno_error(errno, "block signals");
  Descriptor descriptor(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!descriptor) return errno_error(errno, "wait for signals");
  return descriptor;
}

}  // namespace

Status serve(Runner& runner, const ServeOptions& options) {
  const Descriptor listener = TRY(listen_at(options.socket_path));
  const Descriptor signals = TRY(take_signals());
  Peer peer;
  log_info("waiting for warrants", {{"socket", options.socket_path}});
  (void)sd_notify(0, "READY=1");  // without a supervisor there is nobody to tell

  while (true) {
    runner.tick();
    const std::vector<Bytes> outgoing = runner.take_outgoing();
    if (peer.socket) {
      for (const Bytes& message : outgoing) peer.say(message);
      if (!peer.write_some()) peer = Peer{};
    }
    const auto peer_events = static_cast<short>(peer.out.empty() ? POLLIN : POLLIN | POLLOUT);
    std::array<pollfd, 4> waits = {pollfd{.fd = signals.get(), .events = POLLIN, .revents = 0},
                                   pollfd{.fd = listener.get(), .events = POLLIN, .revents = 0},
                                   pollfd{.fd = peer.socket.get(), .events = peer_events, .revents = 0},
                                   pollfd{.fd = runner.descriptor(), .events = POLLIN, .revents = 0}};
    if (::poll(waits.data(), waits.size(), pause_ms) < 0 && errno != EINTR) return errno_error(errno, "wait");
    (void)sd_notify(0, "WATCHDOG=1");
    if (waits[0].revents != 0) break;
    if (waits[2].revents != 0 && !peer.read_some(runner)) peer = Peer{};
    if (waits[1].revents != 0) {
      Descriptor connected(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (!connected) continue;
      (void)runner.take_outgoing();  // it was for the one before
      peer = Peer{.socket = std::move(connected)};
      runner.on_connected();
    }
  }
  log_info("stopping; what is under way goes on");
  return {};
}

}  // namespace reeve::runner
