#include "agent/plugin_test.h"

#include <dirent.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <mutex>

#include "agent/plugin_file.h"
#include "agent/plugin_rules.h"

namespace reeve::agent {
namespace {

constexpr Duration poll_should_take_max = 10s;
constexpr size_t more_in_a_row_max = 1000;
constexpr size_t lives = 200;
constexpr size_t lives_warm = 50;              // the first ones fill caches
constexpr size_t bytes_per_life_allowed = 16;  // less than any allocation

// A host for one check: it judges what is emitted, and answers as it is told.
class JudgingHost {
 public:
  JudgingHost() {
    table_.size = sizeof table_;
    table_.self = this;
    table_.emit = [](void* self, const reeve_item* item) { return static_cast<JudgingHost*>(self)->emit(item); };
    table_.log = [](void* self, int32_t, const char* text, size_t size) {
      auto& host = *static_cast<JudgingHost*>(self);
      const std::lock_guard lock(host.mutex_);
      if (text == nullptr && size > 0) host.complain("log() was given a size and no bytes");
      if (text != nullptr) host.last_log_.assign(text, std::min<size_t>(size, 400));
    };
    table_.monotonic_ns = [](void*) { return SystemClock().now().ns; };
  }
  JudgingHost(const JudgingHost&) = delete;
  JudgingHost& operator=(const JudgingHost&) = delete;

  const reeve_host* table() const { return &table_; }
  int32_t answer = REEVE_OK;

  size_t logs = 0;
  size_t points = 0;
  std::string complaint() {
    const std::lock_guard lock(mutex_);
    return complaint_;
  }
  std::string last_log() {
    const std::lock_guard lock(mutex_);
    return last_log_.empty() ? "(it logged nothing)" : "it logged \"" + printable(last_log_) + "\"";
  }

 private:
  int32_t emit(const reeve_item* item) {
    const std::string wrong = complaint_about_item(item);
    const std::lock_guard lock(mutex_);
    if (!wrong.empty()) {
      complain("it emitted what no plugin may: " + wrong);
      return REEVE_INVALID;
    }
    ++(item->kind == REEVE_LOG ? logs : points);
    return answer;
  }
  void complain(const std::string& what) {
    if (complaint_.empty()) complaint_ = what;
  }

  reeve_host table_{};
  std::mutex mutex_;
  std::string complaint_;
  std::string last_log_;
};

// What a check saw: a failure, or what else is worth a word.
struct Seen {
  std::string failure{};
  std::string note{};
};

class Checks {
 public:
  explicit Checks(const PluginTestOptions& options) : options_(options) {
    for (const auto& [key, value] : options_.config) {
      config_.push_back({{key.data(), key.size()}, {value.data(), value.size()}});
    }
  }

  Seen loads() {
    if (std::string why = load(); !why.empty()) return {why};
    return {{}, std::string(plugin_->name) + ": " + plugin_->summary};
  }

  Seen opens() {
    if (std::string why = load(); !why.empty()) return {why};
    JudgingHost host;
    void* instance = nullptr;
    const int32_t result = open(host, config_, instance);
    if (result != REEVE_OK) return {"open() gave " + std::to_string(result) + ", and " + host.last_log()};
    plugin_->close(instance);
    return {host.complaint()};
  }

  Seen refuses_unknown_key() {
    if (std::string why = load(); !why.empty()) return {why};
    JudgingHost host;
    std::vector<reeve_field> config = config_;
    config.push_back({{"reeve-no-such-key", 17}, {"x", 1}});
    void* instance = nullptr;
    const int32_t result = open(host, config, instance);
    if (result == REEVE_INVALID) return {host.complaint(), host.last_log()};
    return {"open() with the key reeve-no-such-key gave " + std::to_string(result) +
            "; it should be REEVE_INVALID, -1"};
  }

  Seen closes_nothing() {
    if (std::string why = load(); !why.empty()) return {why};
    plugin_->close(nullptr);
    return {};
  }

  Seen polls() {
    JudgingHost host;
    void* instance = nullptr;
    if (std::string why = begin(host, instance); !why.empty()) return {why};
    bool away = false;
    for (int round = 0; round < 3; ++round) {
      if (std::string why = poll(host, instance, away); !why.empty()) return {why};
    }
    plugin_->close(instance);
    std::string note = std::to_string(host.points) + " samples, " + std::to_string(host.logs) + " log records";
    if (away) note += "; its far end is away, and " + host.last_log();
    return {host.complaint(), note};
  }

  // Whatever emit() answers: the plugin comes back, and works again once there is room.
  Seen survives(int32_t answer) {
    JudgingHost host;
    void* instance = nullptr;
    if (std::string why = begin(host, instance); !why.empty()) return {why};
    bool away = false;
    host.answer = answer;
    for (int round = 0; round < 2; ++round) {
      if (std::string why = poll(host, instance, away); !why.empty()) return {why};
    }
    host.answer = REEVE_OK;
    if (std::string why = poll(host, instance, away); !why.empty()) return {why};
    plugin_->close(instance);
    return {host.complaint()};
  }

  Seen lives_side_by_side() {
    JudgingHost host;
    void* first = nullptr;
    void* second = nullptr;
    if (std::string why = begin(host, first); !why.empty()) return {why};
    if (const int32_t result = open(host, config_, second); result != REEVE_OK) {
      return {"a second open() beside the first gave " + std::to_string(result)};
    }
    bool away = false;
    for (void* const instance : {first, second, first}) {
      if (std::string why = poll(host, instance, away); !why.empty()) return {why};
    }
    plugin_->close(first);
    if (std::string why = poll(host, second, away); !why.empty()) return {"after the other was closed: " + why};
    plugin_->close(second);
    return {host.complaint()};
  }

  Seen leaves_nothing_behind() {
    if (std::string why = load(); !why.empty()) return {why};
    Held warm;
    for (size_t life = 0; life < lives; ++life) {
      JudgingHost host;
      void* instance = nullptr;
      if (open(host, config_, instance) != REEVE_OK) return {"open() failed in life " + std::to_string(life)};
      // A few are polled too; the far end need not bear all of them.
      if (life % 20 == 0) (void)plugin_->poll(instance);
      plugin_->close(instance);
      if (life + 1 == lives_warm) warm = Held::now();
    }
    const Held end = Held::now();
    const std::string after = " more after " + std::to_string(lives - lives_warm) + " lives";
    if (end.descriptors > warm.descriptors) {
      return {std::to_string(end.descriptors - warm.descriptors) + " open files" + after};
    }
    if (end.threads > warm.threads) return {std::to_string(end.threads - warm.threads) + " threads" + after};
    if (end.bytes > warm.bytes + bytes_per_life_allowed * (lives - lives_warm)) {
      return {std::to_string(end.bytes - warm.bytes) + " bytes of memory" + after};
    }
    return {};
  }

 private:
  struct Held {
    size_t bytes = 0;
    size_t descriptors = 0;
    size_t threads = 0;

    static size_t entries(const char* directory) {
      size_t count = 0;
      DIR* const dir = ::opendir(directory);
      if (dir == nullptr) return 0;
      while (::readdir(dir) != nullptr) ++count;
      ::closedir(dir);
      return count;
    }
    static Held now() {
      return {.bytes = ::mallinfo2().uordblks,
              .descriptors = entries("/proc/self/fd"),
              .threads = entries("/proc/self/task")};
    }
  };

  std::string load() {
    const auto image = read_plugin(options_.path, PluginOwner::anyone);
    if (!image.ok()) return image.error().text();
    const auto table = load_plugin(*image, options_.path);
    if (!table.ok()) return table.error().text();
    plugin_ = *table;
    return {};
  }

  int32_t open(JudgingHost& host, const std::vector<reeve_field>& config, void*& instance) {
    return plugin_->open(host.table(), config.data(), config.size(), &instance);
  }

  std::string begin(JudgingHost& host, void*& instance) {
    if (std::string why = load(); !why.empty()) return why;
    const int32_t result = open(host, config_, instance);
    return result == REEVE_OK ? "" : "open() gave " + std::to_string(result) + ", and " + host.last_log();
  }

  // A round: poll() until it wants to rest.
  std::string poll(JudgingHost& host, void* instance, bool& away) {
    SystemClock clock;
    for (size_t times = 0; times < more_in_a_row_max; ++times) {
      const Instant before = clock.now();
      const int32_t result = plugin_->poll(instance);
      const Duration took = clock.now() - before;
      if (took > poll_should_take_max) {
        return "poll() took " + std::to_string(took / 1s) + " s; give its waiting a time-out";
      }
      if (std::string why = host.complaint(); !why.empty()) return why;
      if (result == REEVE_MORE) continue;
      away = away || result == REEVE_UNAVAILABLE;
      if (result == REEVE_OK || result == REEVE_UNAVAILABLE) return {};
      return "poll() gave " + std::to_string(result) + "; allowed: REEVE_OK, REEVE_MORE, REEVE_UNAVAILABLE";
    }
    return {};  // a busy plugin may have more for ever
  }

  const PluginTestOptions& options_;
  std::vector<reeve_field> config_;
  const reeve_plugin* plugin_ = nullptr;
};

// Runs in the child: never comes back.
[[noreturn]] void run_child(const PluginTestOptions& options, const std::function<Seen(Checks&)>& check, int out) {
  // A crash is this check's answer, not an occasion for whoever else has handlers in this program.
  for (const int fatal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) ::signal(fatal, SIG_DFL);
  Seen seen;
  try {
    Checks checks(options);
    seen = check(checks);
  } catch (const std::exception& e) {
    seen.failure = "it let an exception out: " + std::string(e.what());
  } catch (...) {
    seen.failure = "it let an exception out";
  }
  const std::string text = (seen.failure.empty() ? "+" + seen.note : "-" + seen.failure);
  // A pipe holds more than this; what does not fit is cut.
  [[maybe_unused]] const ssize_t written = ::write(out, text.data(), std::min<size_t>(text.size(), 4096));
  ::_exit(0);
}

// What the check saw, in a process of its own.
Seen run_apart(const PluginTestOptions& options, const std::function<Seen(Checks&)>& check) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) return {"no pipe: " + std::string(std::strerror(errno))};
  const pid_t child = ::fork();
  if (child < 0) return {"no process: " + std::string(std::strerror(errno))};
  if (child == 0) {
    ::close(ends[0]);
    run_child(options, check, ends[1]);
  }
  ::close(ends[1]);

  SystemClock clock;
  const Instant deadline = clock.now() + options.check_max;
  std::string text;
  bool late = false;
  for (bool open = true; open && !late;) {
    pollfd waiting{.fd = ends[0], .events = POLLIN, .revents = 0};
    const Duration left = deadline - clock.now();
    late = left <= 0ns;
    if (late || ::poll(&waiting, 1, static_cast<int>(left / 1ms) + 1) <= 0) continue;
    std::array<char, 4096> piece{};
    const ssize_t got = ::read(ends[0], piece.data(), piece.size());
    open = got > 0;
    if (open) text.append(piece.data(), static_cast<size_t>(got));
  }
  ::close(ends[0]);
  if (late) ::kill(child, SIGKILL);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (late) return {"it did not come back within " + format_duration(options.check_max)};
  if (WIFSIGNALED(status)) return {"it ended the process by " + std::string(::strsignal(WTERMSIG(status)))};
  if (text.empty()) return {"it ended the process with exit status " + std::to_string(WEXITSTATUS(status))};
  const std::string rest = text.substr(1);
  return text.front() == '+' ? Seen{{}, rest} : Seen{rest, {}};
}

}  // namespace

bool test_plugin(const PluginTestOptions& options, const std::function<void(const std::string& line)>& print) {
  const auto image = read_plugin(options.path, PluginOwner::anyone);
  if (!image.ok()) {
    print("FAIL the file can be read: " + image.error().text());
    return false;
  }
  ::close(image->descriptor);

  struct Check {
    const char* sentence;
    std::function<Seen(Checks&)> run;
  };
  const std::vector<Check> all{
      {"it loads, and its table is right", [](Checks& checks) { return checks.loads(); }},
      {"close() takes NULL", [](Checks& checks) { return checks.closes_nothing(); }},
      {"a good configuration opens, and closes again", [](Checks& checks) { return checks.opens(); }},
      {"a key it does not know is refused", [](Checks& checks) { return checks.refuses_unknown_key(); }},
      {"it is polled, comes back in time, and emits by the rules", [](Checks& checks) { return checks.polls(); }},
      {"a host that is full is borne", [](Checks& checks) { return checks.survives(REEVE_FULL); }},
      {"a host that refuses is borne", [](Checks& checks) { return checks.survives(REEVE_INVALID); }},
      {"a host that ends is borne", [](Checks& checks) { return checks.survives(REEVE_CLOSED); }},
      {"two instances live side by side", [](Checks& checks) { return checks.lives_side_by_side(); }},
      {"200 lives leave nothing behind", [](Checks& checks) { return checks.leaves_nothing_behind(); }},
  };
  size_t failed = 0;
  for (const Check& check : all) {
    const Seen seen = run_apart(options, check.run);
    failed += seen.failure.empty() ? 0 : 1;
    const std::string more = seen.failure.empty() ? seen.note : seen.failure;
    print(std::string(seen.failure.empty() ? "PASS " : "FAIL ") + check.sentence + (more.empty() ? "" : ": " + more));
  }
  if (const auto safe = read_plugin(options.path, PluginOwner::root); safe.ok()) {
    ::close(safe->descriptor);
  } else {
    print("NOTE the agent would not load it from here: " + safe.error().text());
  }
  print("sha256: " + image->sha256);
  print(std::to_string(all.size() - failed) + " passed, " + std::to_string(failed) + " failed");
  return failed == 0;
}

}  // namespace reeve::agent
