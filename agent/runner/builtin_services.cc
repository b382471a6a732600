// Built-in probes of what runs here: units of systemd, ports, and HTTP on this host alone.
#include <arpa/inet.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>

#include "agent/runner/builtin_impl.h"
#include "common/base/endpoint.h"

namespace reeve::runner {
namespace {

constexpr timeval patience{5, 0};
constexpr char systemctl[] = "/usr/bin/systemctl";

// A connection to a numeric address, or why there is none.
Result<Descriptor> connect_to(const std::string& host, uint16_t port, bool loopback_only) {
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  v4.sin_family = AF_INET;
  v6.sin6_family = AF_INET6;
  v4.sin_port = v6.sin6_port = htons(port);
  const bool is_v4 = inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1;
  if (!is_v4 && inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) != 1)
    return Error(Code::invalid, "\"" + printable(host) + "\" is no numeric address");
  if (loopback_only &&
      !(is_v4 ? ntohl(v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET : IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr)))
    return Error(Code::denied, host + " is not this host; allowed: 127.0.0.1 and ::1");
  Descriptor socket(::socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return Error(Code::denied, "it may not use the network");
  setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const auto* address = is_v4 ? reinterpret_cast<const sockaddr*>(&v4) : reinterpret_cast<const sockaddr*>(&v6);
  if (connect(socket.get(), address, is_v4 ? sizeof v4 : sizeof v6) != 0)
    return Error(Code::unavailable, errno_error(errno, "connect to " + host).text());
  return socket;
}

}  // namespace

Result<Answer> unit_state(const BuiltIn& action) {
  std::string unit = TRY(name_of(action, "unit"));
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return errno_error(errno, "make a pipe");
  const Descriptor from(ends[0]);
  Descriptor to(ends[1]);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, to.get(), 1);
  std::string words[] = {systemctl, "show", "-P", "ActiveState", "--", std::move(unit)};
  char* arguments[] = {words[0].data(), words[1].data(), words[2].data(), words[3].data(),
                       words[4].data(), words[5].data(), nullptr};
  char locale[] = "LC_ALL=C";
  char* environment[] = {locale, nullptr};
  pid_t child = 0;
  const int failed = posix_spawn(&child, systemctl, &files, nullptr, arguments, environment);
  posix_spawn_file_actions_destroy(&files);
  if (failed != 0) return errno_error(failed, "run systemctl");
  to.close();
  Bytes state;
  read_all(from.get(), 256, state);
  int status = -1;
  waitpid(child, &status, 0);
  if (status != 0 || state.empty()) return Error(Code::unavailable, "systemctl could not tell");
  state.resize(std::min(state.find('\n'), state.size()));
  return Answer{state == action.argument("state"), state};
}

Result<Answer> port_open(const BuiltIn& action) {
  const std::string address = action.argument("address");
  const std::optional<Endpoint> endpoint = parse_endpoint(address);
  if (!endpoint) return Error(Code::invalid, "address is \"" + printable(address) + "\"; allowed: ADDRESS:PORT");
  const Result<Descriptor> connection = connect_to(endpoint->host, endpoint->port, false);
  if (!connection.ok() && connection.error().code() == Code::unavailable)
    return Answer{false, connection.error().text()};
  if (!connection.ok()) return connection.error();
  return Answer{true, address + " is open"};
}

Result<Answer> http_get(const BuiltIn& action) {
  const std::string url = action.argument("url");
  const uint64_t status = TRY(number_of(action, "status", 599));
  constexpr std::string_view scheme = "http://";
  const bool plain = std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (!url.starts_with(scheme) || !plain)
    return Error(Code::invalid, "url is \"" + printable(url) + "\"; allowed: http://ADDRESS:PORT/...");
  const size_t slash = std::min(url.find('/', scheme.size()), url.size());
  const std::string authority = url.substr(scheme.size(), slash - scheme.size());
  const std::string path = slash == url.size() ? "/" : url.substr(slash);
  const std::optional<Endpoint> endpoint = parse_endpoint(authority);
  if (!endpoint) return Error(Code::invalid, "url names no ADDRESS:PORT");
  const Result<Descriptor> connection = connect_to(endpoint->host, endpoint->port, true);
  if (!connection.ok() && connection.error().code() == Code::unavailable)
    return Answer{false, connection.error().text()};
  if (!connection.ok()) return connection.error();
  const std::string request = "GET " + path + " HTTP/1.1\r\nHost: " + authority + "\r\nConnection: close\r\n\r\n";
  Bytes line;
  if (send(connection->get(), request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
    return Answer{false, "it does not take the question"};
  for (char c = 0; line.size() < 256 && read_some(connection->get(), &c, 1) == 1 && c != '\r' && c != '\n';) line += c;
  const bool http = line.size() >= 12 && line.starts_with("HTTP/1.") && line[8] == ' ';
  return Answer{http && line.substr(9, 3) == std::to_string(status) && (line.size() == 12 || line[12] == ' '),
                line.empty() ? "it does not answer" : printable(line)};
}

}  // namespace reeve::runner
