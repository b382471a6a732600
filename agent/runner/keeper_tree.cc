#include "agent/runner/keeper_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <charconv>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <sstream>

#include "agent/runner/descriptor.h"

namespace reeve::runner {
namespace {

constexpr int sweeps_max = 100;

bool write_file(const std::string& path, BytesView text) {
  const Descriptor file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return file && write_all(file.get(), text);
}

// Calls with the id of every process that /proc shows.
template <typename Seen>
void each_process(Seen seen) {
  const std::unique_ptr<DIR, int (*)(DIR*)> proc(opendir("/proc"), closedir);
  while (const dirent* entry = proc ? readdir(proc.get()) : nullptr) {
    const std::string_view name = entry->d_name;
    pid_t pid = 0;
    if (std::from_chars(name.begin(), name.end(), pid).ptr == name.end() && pid > 0) seen(pid);
  }
}

// Of a process that is not a zombie; 0 where there is none.
pid_t parent_of(pid_t pid) {
  const Descriptor file(open(("/proc/" + std::to_string(pid) + "/stat").c_str(), O_RDONLY | O_CLOEXEC));
  Bytes text;
  if (!file || !read_all(file.get(), 512, text)) return 0;
  std::istringstream rest(text.substr(std::min(text.rfind(')') + 1, text.size())));  // the name may hold anything
  char state = 'Z';
  pid_t parent = 0;
  rest >> state >> parent;
  return state == 'Z' || state == 'X' ? 0 : parent;
}

std::set<pid_t> descendants() {
  std::multimap<pid_t, pid_t> children;
  each_process([&children](pid_t pid) { children.emplace(parent_of(pid), pid); });
  std::set<pid_t> found;
  std::vector<pid_t> next{getpid()};
  while (!next.empty()) {
    const auto [begin, end] = children.equal_range(next.back());
    next.pop_back();
    for (auto child = begin; child != end; ++child)
      if (found.insert(child->second).second) next.push_back(child->second);
  }
  return found;
}

// The process is held by a descriptor before it is looked at again, so that a new one with its number is spared.
void signal_one(pid_t pid, const std::set<pid_t>& tree, int number) {
  const Descriptor held(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  const pid_t parent = parent_of(pid);
  if (held && (parent == getpid() || tree.contains(parent)))
    syscall(SYS_pidfd_send_signal, held.get(), number, nullptr, 0);
}

// Where our own cgroup lies; empty where version 2 is not mounted.
std::string own_cgroup() {
  std::string line;
  std::string mount;
  for (std::ifstream mounts("/proc/self/mounts"); mount.empty() && std::getline(mounts, line);) {
    std::istringstream fields(line);
    std::string device, path, type;
    fields >> device >> path >> type;
    if (type == "cgroup2") mount = path;
  }
  for (std::ifstream groups("/proc/self/cgroup"); !mount.empty() && std::getline(groups, line);)
    if (line.starts_with("0::")) return mount + line.substr(3);
  return "";
}

std::string cgroup_of(const std::string& launch_id) {
  const std::string own = own_cgroup();
  return own.empty() ? "" : own + "/reeve-step-" + launch_id;
}

}  // namespace

Tree::Tree(const Launch& launch) : cgroup_(cgroup_of(launch.id)) {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  if (!cgroup_.empty() && mkdir(cgroup_.c_str(), 0700) != 0) cgroup_.clear();
  if (cgroup_.empty()) return;
  // Where these controllers are not handed down to us, the limits of confine.h are all there is.
  if (launch.processes_max != 0) write_file(cgroup_ + "/pids.max", std::to_string(launch.processes_max));
  if (launch.memory_bytes_max != 0) write_file(cgroup_ + "/memory.max", std::to_string(launch.memory_bytes_max));
}

Tree::~Tree() {
  if (!cgroup_.empty()) rmdir(cgroup_.c_str());
}

bool Tree::enter() {
  return cgroup_.empty() || write_file(cgroup_ + "/cgroup.procs", "0");
}

void Tree::signal(int number) {
  const std::set<pid_t> tree = descendants();
  for (const pid_t pid : tree) signal_one(pid, tree, number);
}

void Tree::kill_all() {
  if (!cgroup_.empty()) write_file(cgroup_ + "/cgroup.kill", "1");
  std::set<pid_t> tree = descendants();
  size_t stopped = 0;
  for (int sweep = 0; sweep < sweeps_max && stopped < tree.size(); ++sweep) {
    stopped = tree.size();
    for (const pid_t pid : tree) signal_one(pid, tree, SIGSTOP);
    tree.merge(descendants());
  }
  for (const pid_t pid : tree) signal_one(pid, tree, SIGKILL);
}

size_t Tree::size() {
  return descendants().size();
}

void end_orphans(const std::string& launch_id) {
  const std::string cgroup = cgroup_of(launch_id);
  if (cgroup.empty() || access(cgroup.c_str(), F_OK) != 0) return;
  write_file(cgroup + "/cgroup.kill", "1");
  for (int attempt = 0; attempt < sweeps_max && rmdir(cgroup.c_str()) != 0 && errno == EBUSY; ++attempt) usleep(10'000);
}

size_t processes_of(uint32_t user) {
  size_t count = 0;
  each_process([&count, user](pid_t pid) {
    struct stat found {};
    count += stat(("/proc/" + std::to_string(pid)).c_str(), &found) == 0 && found.st_uid == user ? 1 : 0;
  });
  return count;
}

}  // namespace reeve::runner
