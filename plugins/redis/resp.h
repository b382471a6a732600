// A small client of the Redis protocol (RESP2): one connection, one command at a time, a deadline for everything.
//
// Nothing here throws on purpose and nothing waits longer than it was told; a reply has a bound in bytes and depth.
// After any failure the connection is closed, and the next command begins a new one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace redis {

struct Reply {
  enum class Kind { text, error, integer, list, nothing };
  Kind kind = Kind::nothing;
  std::string text;  // of text and error
  int64_t integer = 0;
  std::vector<Reply> list;
};

class Client {
 public:
  struct Options {
    std::string host;  // or the absolute path of a UNIX socket
    std::string port;
    std::string username;
    std::string password_file;  // read for each connection
    int timeout_ms = 2000;      // for connecting, and for each command
  };

  explicit Client(Options options) : options_(std::move(options)) {}
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Connects first where there is no connection. False: error() says why, and the connection is gone.
  bool command(const std::vector<std::string>& words, Reply& reply);
  const std::string& error() const { return error_; }

 private:
  bool connect();
  bool authenticate();
  bool ask(const std::vector<std::string>& words, Reply& reply);
  bool send_all(const std::string& bytes);
  bool read_reply(Reply& reply, int depth);
  bool read_line(std::string& line);
  bool read_bytes(size_t count, std::string& bytes);
  bool fill();
  bool wait_for(short events);
  bool fail(const std::string& why);
  void disconnect();

  const Options options_;
  int socket_ = -1;
  int64_t deadline_ms_ = 0;
  std::string buffer_;
  size_t at_ = 0;
  size_t reply_bytes_ = 0;
  size_t reply_items_ = 0;
  std::string error_;
};

}  // namespace redis
