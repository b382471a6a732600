// How fast points get in over HTTP: so many connections, each sending a request and waiting for its answer, which comes
// after the commit. Prints a table; asserts no time.
//
//     ingest_http --port N --key-file F [--connections 64] [--points 100] [--seconds 10] [--series 1000]
//
// One thread, one epoll: the client must leave the two cores to the server. Bodies are made before the clock runs, with
// the times filled in as they are sent.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  int port = 0;
  std::string key;
  size_t connections = 64;
  size_t points = 100;
  size_t series = 1000;
  double seconds = 10;
};

struct Connection {
  int socket = -1;
  size_t number = 0;
  std::string out;
  size_t sent = 0;
  std::string in;
  Clock::time_point begun;
  size_t requests = 0;
};

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

std::string now_text() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  const std::time_t seconds = ms / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.tm_year + 1900, parts.tm_mon + 1,
                parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, static_cast<int>(ms % 1000));
  return text;
}

void make_request(const Options& options, Connection& connection) {
  const std::string time = now_text();
  std::string body = "{\"items\":[";
  for (size_t i = 0; i < options.points; ++i) {
    const size_t series = (connection.number * options.points + i) % options.series;
    char item[256];
    const int length = std::snprintf(item, sizeof item,
                                     "%s{\"kind\":\"metric\",\"time\":\"%s\",\"name\":\"bench.value\",\"value\":%zu.25,"
                                     "\"labels\":{\"series\":\"%zu\","
                                     "\"zone\":\"eu-1\"}}",
                                     i == 0 ? "" : ",", time.c_str(), connection.requests * 7 + i, series);
    body.append(item, static_cast<size_t>(length));
  }
  body += "]}";
  connection.out = "POST /v1/signals/ingest HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + options.key +
                   "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                   body;
  connection.sent = 0;
  connection.begun = Clock::now();
  ++connection.requests;
}

void open_socket(const Options& options, Connection& connection) {
  connection.socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(options.port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(connection.socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("connect");
  const int yes = 1;
  ::setsockopt(connection.socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  ::fcntl(connection.socket, F_SETFL, O_NONBLOCK);
}

void send_more(Connection& connection) {
  while (connection.sent < connection.out.size()) {
    const ssize_t count =
        ::send(connection.socket, connection.out.data() + connection.sent, connection.out.size() - connection.sent, 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count < 0) fail("send");
    connection.sent += static_cast<size_t>(count);
  }
}

// The status once the answer is whole, else 0.
int receive(Connection& connection) {
  char buffer[16384];
  const ssize_t count = ::recv(connection.socket, buffer, sizeof buffer, 0);
  if (count == 0) {
    std::fprintf(stderr, "the server closed a connection after: %s\n", connection.in.c_str());
    std::exit(1);
  }
  if (count < 0) {
    if (errno == EAGAIN) return 0;
    fail("recv");
  }
  connection.in.append(buffer, static_cast<size_t>(count));
  const size_t head = connection.in.find("\r\n\r\n");
  if (head == std::string::npos) return 0;
  const size_t at = connection.in.find("Content-Length: ");
  const size_t length = at < head ? std::strtoul(connection.in.c_str() + at + 16, nullptr, 10) : 0;
  if (connection.in.size() < head + 4 + length) return 0;
  const int status = std::atoi(connection.in.c_str() + 9);
  if (status != 200) std::fprintf(stderr, "%s\n", connection.in.substr(0, 600).c_str());
  connection.in.clear();
  return status;
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const char* value = argv[i + 1];
    if (name == "--port") options.port = std::atoi(value);
    if (name == "--connections") options.connections = std::strtoul(value, nullptr, 10);
    if (name == "--points") options.points = std::strtoul(value, nullptr, 10);
    if (name == "--series") options.series = std::strtoul(value, nullptr, 10);
    if (name == "--seconds") options.seconds = std::atof(value);
    if (name == "--key-file") {
      std::ifstream file(value);
      file >> options.key;
    }
  }
  if (options.port == 0 || options.key.empty()) {
    std::fprintf(stderr,
                 "usage: ingest_http --port N --key-file F [--connections 64] [--points 100] [--series 1000] "
                 "[--seconds 10]\n");
    std::exit(2);
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  const int poll = ::epoll_create1(0);
  std::vector<Connection> connections(options.connections);
  for (size_t i = 0; i < connections.size(); ++i) {
    connections[i].number = i;
    open_socket(options, connections[i]);
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLET;
    event.data.u64 = i;
    ::epoll_ctl(poll, EPOLL_CTL_ADD, connections[i].socket, &event);
    make_request(options, connections[i]);
  }

  std::vector<double> took_ms;
  std::map<int, size_t> statuses;
  const auto begun = Clock::now();
  const auto until = begun + std::chrono::duration<double>(options.seconds);
  size_t running = connections.size();
  std::vector<epoll_event> events(256);
  for (Connection& connection : connections) send_more(connection);
  while (running > 0) {
    const int count = ::epoll_wait(poll, events.data(), static_cast<int>(events.size()), 1000);
    for (int i = 0; i < count; ++i) {
      Connection& connection = connections[events[static_cast<size_t>(i)].data.u64];
      send_more(connection);
      while (const int status = receive(connection)) {
        const auto now = Clock::now();
        took_ms.push_back(std::chrono::duration<double, std::milli>(now - connection.begun).count());
        ++statuses[status];
        if (now >= until) {
          --running;
          break;
        }
        make_request(options, connection);
        send_more(connection);
      }
    }
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - begun).count();
  std::sort(took_ms.begin(), took_ms.end());
  const auto quantile = [&](double q) {
    return took_ms[std::min(took_ms.size() - 1, static_cast<size_t>(q * static_cast<double>(took_ms.size())))];
  };

  std::printf("connections  points/request  requests/s  points/s   p50 ms   p99 ms  p99.9 ms   max ms\n");
  std::printf("%11zu  %14zu  %10.0f  %8.0f  %7.1f  %7.1f  %8.1f  %7.1f\n", options.connections, options.points,
              static_cast<double>(took_ms.size()) / seconds,
              static_cast<double>(statuses[200] * options.points) / seconds, quantile(0.5), quantile(0.99),
              quantile(0.999), took_ms.back());
  for (const auto& [status, times] : statuses) {
    if (status != 200) std::printf("answered %d: %zu\n", status, times);
  }
  return 0;
}
