// A program that behaves as badly as its first argument says. What it leaves alive has the file of its second argument
// open, so that a test can tell whether anyone survived.
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

void ignore_everything() {
  for (int number = 1; number < 32; ++number) std::signal(number, SIG_IGN);
}

void daemonise() {
  if (fork() != 0) return;
  setsid();
  if (fork() != 0) _exit(0);
  ignore_everything();
  while (true) pause();
}

// Every process forks on and on. No more than this in all, whoever runs it: a test must not take its host down.
constexpr int bomb_forks_max = 500;

[[noreturn]] void bomb() {
  void* shared = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) _exit(9);
  auto* forks = static_cast<std::atomic<int>*>(shared);
  while (true) {
    if (forks->fetch_add(1) >= bomb_forks_max) pause();
    if (fork() < 0) {
      forks->fetch_sub(1);
      usleep(1000);
    }
  }
}

void flood(uint64_t bytes) {
  static char line[1 << 16];
  std::memset(line, 'y', sizeof line);
  line[sizeof line - 1] = '\n';
  for (uint64_t sent = 0; sent < bytes; sent += sizeof line)
    if (write(1, line, sizeof line) < 0) return;
}

// Each forbidden thing by name, with what came of it.
void tell(const char* what, long result) {
  std::printf("%s %s\n", what, result >= 0 ? "allowed" : strerrorname_np(errno));
}

void forbidden() {
  const pid_t keeper = getppid();
  tell("mount", mount("none", "/tmp", "tmpfs", 0, nullptr));
  tell("umount", umount("/tmp"));
  tell("ptrace", ptrace(PTRACE_ATTACH, keeper, nullptr, nullptr));
  tell("unshare", unshare(CLONE_NEWUSER));
  tell("clone", syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, nullptr, nullptr, nullptr, 0));
  tell("clone3", syscall(SYS_clone3, nullptr, 0));
  tell("bpf", syscall(SYS_bpf, 0, nullptr, 0));
  tell("io_uring", syscall(SYS_io_uring_setup, 1, nullptr));
  tell("keyctl", syscall(SYS_keyctl, 0, 0, 0, 0, 0));
  tell("kill-keeper", kill(keeper, SIGKILL));
  tell("kill-keepers-group", kill(-keeper, SIGKILL));
  tell("kill-all", kill(-1, SIGKILL));
  tell("tgkill-keeper", syscall(SYS_tgkill, keeper, keeper, SIGKILL));
  tell("pidfd-keeper", syscall(SYS_pidfd_open, keeper, 0));
  tell("setsig", fcntl(0, F_SETSIG, SIGKILL));
  tell("memory-keeper", open(("/proc/" + std::to_string(keeper) + "/mem").c_str(), O_RDWR));
  tell("fd-keeper", open(("/proc/" + std::to_string(keeper) + "/fd/2").c_str(), O_RDWR));
  tell("inet", socket(AF_INET, SOCK_STREAM, 0));
  tell("inet6", socket(AF_INET6, SOCK_DGRAM, 0));
  tell("netlink", socket(AF_NETLINK, SOCK_RAW, 0));
  tell("packet", socket(AF_PACKET, SOCK_RAW, 0));
  tell("unix", socket(AF_UNIX, SOCK_STREAM, 0));
  tell("setuid", setuid(0));
  tell("chown", chown("/proc/self/fd/1", 1, 1));
}

void describe() {
  std::printf("uid %d gid %d groups %d sid %d pgrp %d umask %03o\n", getuid(), getgid(), getgroups(0, nullptr),
              getsid(0) == getpid(), getpgrp() == getpid(), umask(0));
  for (int fd = 0; fd < 1024; ++fd)
    if (fcntl(fd, F_GETFD) >= 0) std::printf("fd %d\n", fd);
  sigset_t blocked;
  sigprocmask(SIG_SETMASK, nullptr, &blocked);
  for (int number = 1; number < 32; ++number) {
    struct sigaction now {};
    if (sigaction(number, nullptr, &now) == 0 && (now.sa_handler == SIG_IGN || sigismember(&blocked, number) == 1))
      std::printf("signal %d\n", number);
  }
  for (char** variable = environ; *variable; ++variable) std::printf("env %s\n", *variable);
  char folder[4096];
  std::printf("cwd %s\n", getcwd(folder, sizeof folder));
  FILE* status = std::fopen("/proc/self/status", "r");
  char line[256];
  while (status && std::fgets(line, sizeof line, status))
    if (std::strncmp(line, "Cap", 3) == 0 || std::strncmp(line, "NoNew", 5) == 0 ||
        std::strncmp(line, "Seccomp:", 8) == 0)
      std::printf("%s", line);
}

}  // namespace

int main(int count, char** words) {
  setvbuf(stdout, nullptr, _IOLBF, 0);
  const std::string how = count > 1 ? words[1] : "";
  const std::string more = count > 2 ? words[2] : "";
  if (how == "exit") return std::atoi(more.c_str());
  if (how == "echo") std::printf("%s\n", more.c_str());
  if (how == "flood") flood(std::strtoull(more.c_str(), nullptr, 10));
  if (how == "forbidden") forbidden();
  if (how == "describe") describe();
  if (how == "abort") std::abort();
  if (how == "pipe") std::raise(SIGPIPE);
  if (how == "memory") {
    for (size_t mib = 0;; ++mib) {
      void* got = std::malloc(1 << 20);
      if (!got) return 3;
      std::memset(got, 1, 1 << 20);
      if (mib > 4096) return 0;
    }
  }
  // Those below hold the mark open, and do not go by themselves.
  if (how == "sleep" || how == "stubborn" || how == "daemon" || how == "bomb" || how == "family" || how == "touch") {
    const int mark = open(more.c_str(), O_RDWR | O_CREAT, 0666);
    if (mark < 0) return 9;
    if (how == "touch") return 0;
    if (how == "daemon") daemonise();
    if (how == "daemon" && count > 3) return 0;
    if (how == "bomb") bomb();
    if (how == "family")
      for (int child = 0; child < 5; ++child)
        if (fork() == 0) {
          daemonise();
          if (child % 2 == 0) ignore_everything();
          flood(UINT64_MAX);
        }
    if (how != "sleep") ignore_everything();
    std::printf("ready\n");
    while (true) pause();
  }
  return 0;
}
