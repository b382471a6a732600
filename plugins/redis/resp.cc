// See resp.h.
#include "resp.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>

namespace redis {
namespace {

constexpr size_t reply_bytes_max = 8u << 20;
constexpr size_t reply_items_max = 100000;
constexpr size_t line_bytes_max = 64u << 10;
constexpr int depth_max = 8;

int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

// Whole numbers alone; false for anything else.
bool parse_integer(const std::string& text, int64_t& value) {
  if (text.empty() || text.size() > 20) return false;
  char* end = nullptr;
  errno = 0;
  value = std::strtoll(text.c_str(), &end, 10);
  return errno == 0 && *end == '\0' && text[0] != ' ';
}

}  // namespace

Client::~Client() {
  disconnect();
}

bool Client::command(const std::vector<std::string>& words, Reply& reply) {
  if (socket_ < 0 && !connect()) return false;
  return ask(words, reply);
}

bool Client::connect() {
  deadline_ms_ = now_ms() + options_.timeout_ms;
  buffer_.clear();
  at_ = 0;

  sockaddr_storage address{};
  socklen_t length = 0;
  if (options_.host[0] == '/') {
    sockaddr_un local{};
    local.sun_family = AF_UNIX;
    if (options_.host.size() >= sizeof local.sun_path) return fail("the path of the socket is too long");
    std::memcpy(local.sun_path, options_.host.c_str(), options_.host.size() + 1);
    std::memcpy(&address, &local, sizeof local);
    length = sizeof local;
  } else {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int error = getaddrinfo(options_.host.c_str(), options_.port.c_str(), &hints, &found);
    if (error != 0) return fail(std::string("resolve: ") + gai_strerror(error));
    length = found->ai_addrlen;
    std::memcpy(&address, found->ai_addr, length);
    freeaddrinfo(found);
  }

  socket_ = ::socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket_ < 0) return fail(std::string("socket: ") + std::strerror(errno));
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), length) != 0) {
    if (errno != EINPROGRESS && errno != EAGAIN) return fail(std::string("connect: ") + std::strerror(errno));
    if (!wait_for(POLLOUT)) return false;
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return fail(std::string("connect: ") + std::strerror(error));
  }
  return options_.password_file.empty() || authenticate();
}

bool Client::authenticate() {
  std::string password;
  std::ifstream file(options_.password_file);
  if (!file || !std::getline(file, password)) return fail("cannot read the password file");
  std::vector<std::string> words{"AUTH"};
  if (!options_.username.empty()) words.push_back(options_.username);
  words.push_back(password);
  Reply reply;
  if (!ask(words, reply)) return false;
  return reply.kind == Reply::Kind::error ? fail("sign in: " + reply.text) : true;
}

bool Client::ask(const std::vector<std::string>& words, Reply& reply) {
  deadline_ms_ = now_ms() + options_.timeout_ms;
  std::string request = "*" + std::to_string(words.size()) + "\r\n";
  for (const std::string& word : words) request += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
  reply_bytes_ = 0;
  reply_items_ = 0;
  reply = Reply();
  return send_all(request) && read_reply(reply, 0);
}

bool Client::send_all(const std::string& bytes) {
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t sent = ::send(socket_, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
    if (sent > 0) {
      done += static_cast<size_t>(sent);
    } else if (errno == EAGAIN) {
      if (!wait_for(POLLOUT)) return false;
    } else if (errno != EINTR) {
      return fail(std::string("send: ") + std::strerror(errno));
    }
  }
  return true;
}

bool Client::read_reply(Reply& reply, int depth) {
  if (depth > depth_max) return fail("the reply is nested too deep");
  if (++reply_items_ > reply_items_max) return fail("the reply has too many parts");
  std::string line;
  if (!read_line(line)) return false;
  if (line.empty()) return fail("the reply has an empty line");
  const char kind = line[0];
  line.erase(0, 1);
  int64_t number = 0;
  if (kind == '+' || kind == '-') {
    reply.kind = kind == '+' ? Reply::Kind::text : Reply::Kind::error;
    reply.text = line;
    return true;
  }
  if (!parse_integer(line, number)) return fail("the reply has a wrong number");
  if (kind == ':') {
    reply.kind = Reply::Kind::integer;
    reply.integer = number;
    return true;
  }
  if (number < 0) return number == -1 ? true : fail("the reply has a wrong length");
  if (kind == '$') {
    reply.kind = Reply::Kind::text;
    std::string end;
    return read_bytes(static_cast<size_t>(number), reply.text) && read_bytes(2, end) &&
           (end == "\r\n" || fail("the reply has a wrong end"));
  }
  if (kind != '*') return fail("the reply is of an unknown kind");
  reply.kind = Reply::Kind::list;
  for (int64_t i = 0; i < number; ++i) {
    reply.list.emplace_back();
    if (!read_reply(reply.list.back(), depth + 1)) return false;
  }
  return true;
}

bool Client::read_line(std::string& line) {
  for (;;) {
    const size_t end = buffer_.find("\r\n", at_);
    if (end != std::string::npos) {
      line.assign(buffer_, at_, end - at_);
      at_ = end + 2;
      return true;
    }
    if (buffer_.size() - at_ > line_bytes_max) return fail("the reply has too long a line");
    if (!fill()) return false;
  }
}

bool Client::read_bytes(size_t count, std::string& bytes) {
  if (count > reply_bytes_max) return fail("the reply is too large");
  while (buffer_.size() - at_ < count) {
    if (!fill()) return false;
  }
  bytes.assign(buffer_, at_, count);
  at_ += count;
  return true;
}

bool Client::fill() {
  if (at_ > 0) {
    buffer_.erase(0, at_);
    at_ = 0;
  }
  char piece[16384];
  for (;;) {
    const ssize_t got = ::recv(socket_, piece, sizeof piece, 0);
    if (got > 0) {
      reply_bytes_ += static_cast<size_t>(got);
      if (reply_bytes_ > reply_bytes_max) return fail("the reply is too large");
      buffer_.append(piece, static_cast<size_t>(got));
      return true;
    }
    if (got == 0) return fail("the server closed the connection");
    if (errno == EAGAIN) {
      if (!wait_for(POLLIN)) return false;
    } else if (errno != EINTR) {
      return fail(std::string("receive: ") + std::strerror(errno));
    }
  }
}

bool Client::wait_for(short events) {
  for (;;) {
    const int64_t left = deadline_ms_ - now_ms();
    if (left <= 0) return fail("no answer in " + std::to_string(options_.timeout_ms) + " ms");
    pollfd waiting{socket_, events, 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(left));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return fail(std::string("poll: ") + std::strerror(errno));
  }
}

bool Client::fail(const std::string& why) {
  error_ = why;
  disconnect();
  return false;
}

void Client::disconnect() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

}  // namespace redis
