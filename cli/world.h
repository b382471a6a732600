// What a command may touch: standard output, the user's patience, the server, files, clocks, the environment.
//
// main.cc fills it with the real things, a test with scripted ones; a command never reaches past it. One thread.
#pragma once

#include <string>
#include <string_view>

#include "cli/http.h"
#include "common/base/random.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/sys/disk.h"

namespace reeve::cli {

class Screen {
 public:
  virtual ~Screen() = default;

  // All of `text` on standard output, at once. Code::cancelled when its reader has gone (`reeve logs | head`).
  virtual Status print(std::string_view text) = 0;
  // One sentence on standard error. Control characters in it are made harmless here, because it may quote a server.
  virtual void say(std::string_view sentence) = 0;

  virtual bool has_colour() const = 0;
  virtual size_t columns() const = 0;
};

class Patience {
 public:
  virtual ~Patience() = default;
  // Waits; false when the user ended it first (Ctrl-C).
  virtual bool wait(Duration duration) = 0;
  virtual bool has_ended() const = 0;
};

// The person, asked on the terminal itself, wherever standard input and output go.
class Keyboard {
 public:
  virtual ~Keyboard() = default;
  // One line without its end. Code::unavailable where there is no terminal, Code::cancelled when the user gave up.
  virtual Result<std::string> ask(const std::string& prompt) = 0;
  // The same, without showing what is typed.
  virtual Result<std::string> ask_hidden(const std::string& prompt) = 0;
};

// The variables that mean something to us, empty where unset.
struct Environment {
  std::string home;      // HOME
  std::string folder;    // REEVE_HOME
  std::string url;       // REEVE_URL
  std::string key_file;  // REEVE_KEY_FILE
  std::string ca_file;   // REEVE_CA_FILE
};

struct World {
  HttpFetch& http;
  Screen& screen;
  Patience& patience;
  Keyboard& keyboard;
  sys::Disk& disk;
  Clock& clock;
  Random& random;
  Environment environment;
};

}  // namespace reeve::cli
