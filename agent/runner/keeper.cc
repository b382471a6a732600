#include "agent/runner/keeper.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <ctime>

#include "agent/runner/descriptor.h"
#include "agent/runner/keeper_child.h"
#include "agent/runner/keeper_note.h"
#include "agent/runner/keeper_tree.h"
#include "agent/runner/launcher.h"

namespace reeve::runner {
namespace {

constexpr int64_t look_ms = 200;  // how often it looks at the clock and the tree without other news
constexpr int64_t sweep_ms = 5;   // between two rounds of killing
constexpr size_t read_bytes = 64_KiB;
constexpr size_t report_bytes_max = 300;
constexpr size_t late_bytes_max = 1_MiB;  // of output that is taken in after the end: what a pipe can hold

int64_t milliseconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return now.tv_sec * 1000LL + now.tv_nsec / 1'000'000;
}

// The first quarter and the last three of what came, with a line between them that tells how much is missing.
class CappedOutput {
 public:
  explicit CappedOutput(size_t bytes_max) : head_max_(bytes_max / 4), tail_max_(bytes_max - head_max_) {}

  void add(BytesView bytes) {
    total_ += bytes.size();
    const BytesView first = bytes.substr(0, head_max_ - head_.size());
    head_ += first;
    bytes.remove_prefix(first.size());
    if (bytes.size() > tail_max_) bytes.remove_prefix(bytes.size() - tail_max_);
    tail_ += bytes;
    if (tail_.size() > 2 * tail_max_) tail_.erase(0, tail_.size() - tail_max_);
  }
  uint64_t total() const { return total_; }
  Bytes take() {
    if (total_ <= head_max_ + tail_max_) return head_ + tail_;
    const std::string marker = "\n[" + std::to_string(total_) + " bytes in all; the middle is left out]\n";
    const size_t room = tail_max_ - std::min(marker.size(), tail_max_);
    return head_ + marker.substr(0, tail_max_) + tail_.substr(tail_.size() - room);
  }

 private:
  size_t head_max_;
  size_t tail_max_;
  uint64_t total_ = 0;
  Bytes head_{};
  Bytes tail_{};
};

class Keeper {
 public:
  Keeper(const Launch& launch, int order, int signals, uid_t runner)
      : launch_(launch),
        order_(order),
        signals_(signals),
        runner_(runner),
        tree_(launch),
        counts_(launch.processes_max != 0 && geteuid() == 0 && (launch.user.empty() || launch.user == "root")),
        kept_(std::min<size_t>(launch.output_bytes_max, kept_output_bytes_max)) {}

  // From the opening of the gate until nothing of the tree lives.
  Exit run() {
    exit_.started_ms = milliseconds(CLOCK_REALTIME);
    deadline_ms_ = milliseconds(CLOCK_BOOTTIME) + launch_.timeout_ms;
    if (start()) {
      while (child_ > 0 && !over_) {
        const int64_t due_ms = (kill_at_ms_ != 0 ? kill_at_ms_ : deadline_ms_) - milliseconds(CLOCK_BOOTTIME);
        wait(std::clamp<int64_t>(due_ms, 0, look_ms));
        look();
      }
      end_tree();
    }
    exit_.ended_ms = milliseconds(CLOCK_REALTIME);
    exit_.executed = exit_.detail.empty();
    if (exit_.detail.empty() && too_many_) exit_.detail = "it had more processes than allowed";
    exit_.output = kept_.take();
    exit_.output_bytes = kept_.total();
    return std::move(exit_);
  }

 private:
  bool start() {
    int output[2];
    int report[2];
    if (pipe2(output, O_CLOEXEC) != 0 || pipe2(report, O_CLOEXEC) != 0) return fail("make a pipe");
    output_ = Descriptor(output[0]);
    report_ = Descriptor(report[0]);
    const Descriptor output_end(output[1]);
    const Descriptor report_end(report[1]);
    fcntl(output[0], F_SETFL, O_NONBLOCK);
    const ChildEnds ends{output[1], report[1], getpid(), runner_};
    child_ = fork();
    if (child_ == 0) run_child(launch_, tree_, ends);
    return child_ > 0 || fail("fork");
  }

  bool fail(const char* doing) {
    exit_.detail = errno_error(errno, doing).text();
    return false;
  }

  void wait(int64_t timeout_ms) {
    pollfd waiting[] = {
        {signals_, POLLIN, 0}, {order_, POLLIN, 0}, {report_.get(), POLLIN, 0}, {output_.get(), POLLIN, 0}};
    if (poll(waiting, 4, static_cast<int>(timeout_ms)) < 0) return;
    if (waiting[0].revents != 0) on_signals();
    if (waiting[1].revents != 0) on_order();
    if (waiting[2].revents != 0) on_report();
    if (waiting[3].revents != 0) on_output();
  }

  void on_signals() {
    signalfd_siginfo news{};
    while (read_some(signals_, reinterpret_cast<char*>(&news), sizeof news) == sizeof news)
      if (news.ssi_signo != SIGCHLD) stop();
    reap();
  }

  // False when there is no child left.
  bool reap() {
    int status = 0;
    pid_t ended = 0;
    while ((ended = waitpid(-1, &status, WNOHANG)) > 0) {
      if (ended != child_) continue;
      child_ = 0;
      exit_.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
      exit_.signal = WIFSIGNALED(status) ? static_cast<uint32_t>(WTERMSIG(status)) : 0;
    }
    return ended == 0;
  }

  void on_order() {
    char word = 0;
    const ssize_t got = read_some(order_, &word, 1);
    if (got == 1 && word == word_stop) stop();
    if (got <= 0) order_ = -1;  // the runner is gone; the step goes on
  }

  void on_report() {
    read_all(report_.get(), report_bytes_max, exit_.detail);  // who writes here ends at once
    report_.close();
  }

  void on_output() {
    static char buffer[read_bytes];
    const ssize_t got = read_some(output_.get(), buffer, sizeof buffer);
    if (got > 0) kept_.add({buffer, static_cast<size_t>(got)});
    if (got == 0) output_.close();
  }

  void stop() {
    if (child_ == 0) return;
    exit_.stopped = !exit_.timed_out;
    ask_to_end();
  }

  // SIGTERM to the whole tree, once; then it has its grace.
  void ask_to_end() {
    if (kill_at_ms_ != 0) return;
    kill_at_ms_ = milliseconds(CLOCK_BOOTTIME) + launch_.grace_ms;
    tree_.signal(SIGTERM);
  }

  void look() {
    const int64_t now = milliseconds(CLOCK_BOOTTIME);
    if (now >= deadline_ms_ && kill_at_ms_ == 0) {
      exit_.timed_out = true;
      ask_to_end();
    }
    over_ = kill_at_ms_ != 0 && now >= kill_at_ms_;
    if (now < next_count_ms_ || !counts_) return;
    next_count_ms_ = now + look_ms;
    too_many_ = tree_.size() > launch_.processes_max;
    over_ = over_ || too_many_;
  }

  void end_tree() {
    const sched_param before_all_else{1};
    sched_setscheduler(0, SCHED_RR, &before_all_else);  // where we may: who forks without end must not starve us
    while (reap() || child_ > 0) {
      tree_.kill_all();
      wait(sweep_ms);
    }
    if (report_) on_report();
    const uint64_t until = kept_.total() + late_bytes_max;
    for (uint64_t before = ~0ULL; output_ && before != kept_.total() && kept_.total() < until;) {
      before = kept_.total();
      on_output();
    }
  }

  const Launch& launch_;
  int order_;
  int signals_;
  uid_t runner_;
  Tree tree_;
  bool counts_;  // its processes, ourselves: the kernel's limit is not for root
  CappedOutput kept_;
  Exit exit_{};
  Descriptor output_{};
  Descriptor report_{};
  pid_t child_ = 0;
  int64_t deadline_ms_ = 0;
  int64_t kill_at_ms_ = 0;  // 0: nobody has asked it to end
  int64_t next_count_ms_ = 0;
  bool over_ = false;  // to be killed now
  bool too_many_ = false;
};

// The status file first: what the runner hears of must be there after a power cut too.
bool leave(const Exit& exit, int news, int status) {
  const Bytes note = encode_note(exit);
  const bool noted = pwrite(status, note.data(), note.size(), note_offset) == static_cast<ssize_t>(note.size()) &&
                     fdatasync(status) == 0;
  Bytes message;
  append_le<uint32_t>(message, static_cast<uint32_t>(note.size() + exit.output.size()));
  message += note;
  message += exit.output;
  write_all(news, message);  // in vain where the runner is gone
  return noted;
}

bool read_exactly(int fd, size_t count, Bytes& out) {
  return read_all(fd, count, out) && out.size() == count;
}

int catch_signals() {
  for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
  for (const int number : {SIGPIPE, SIGHUP, SIGINT, SIGQUIT, SIGIO, SIGURG, SIGUSR1, SIGUSR2, SIGALRM})
    signal(number, SIG_IGN);
  sigset_t caught;
  sigemptyset(&caught);
  sigaddset(&caught, SIGCHLD);
  sigaddset(&caught, SIGTERM);
  sigprocmask(SIG_SETMASK, &caught, nullptr);
  return signalfd(-1, &caught, SFD_CLOEXEC | SFD_NONBLOCK);
}

}  // namespace

int keep(int order, int news, int status) {
  const Descriptor signals(catch_signals());
  setpriority(PRIO_PROCESS, 0, -20);  // where we may; it has to get its turn whatever the program does
  prctl(PR_SET_DUMPABLE, 0);          // a program of the same user must not reach into our memory
  Bytes length;
  Bytes encoded;
  struct stat found {};
  if (!signals || fstat(status, &found) != 0 || !read_exactly(order, 4, length)) return 1;
  const size_t launch_bytes = load_le<uint32_t>(length.data());
  if (launch_bytes > launch_bytes_max || !read_exactly(order, launch_bytes, encoded)) return 1;
  const Result<Launch> launch = decode_launch(encoded);
  Bytes ours;
  append_le<int32_t>(ours, getpid());
  if (!launch.ok() || pwrite(status, ours.data(), ours.size(), 0) != static_cast<ssize_t>(ours.size())) return 1;
  Bytes word;
  if (!write_all(news, {&word_ready, 1}) || !read_exactly(order, 1, word) || word[0] != word_go) {
    Exit nothing;
    nothing.detail = "the gate was never opened";
    leave(nothing, news, status);
    return 0;
  }
  return leave(Keeper(*launch, order, signals.get(), found.st_uid).run(), news, status) ? 0 : 1;
}

}  // namespace reeve::runner
