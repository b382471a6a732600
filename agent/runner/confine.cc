#include "agent/runner/confine.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <vector>

#include "agent/runner/descriptor.h"
#include "agent/runner/keeper_tree.h"

namespace reeve::runner {
namespace {

constexpr rlim_t open_files_max = 1024;
constexpr rlim_t file_bytes_max = 4_GiB;
constexpr int capabilities_end = 64;

#if defined(__x86_64__)
constexpr uint32_t our_architecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr uint32_t our_architecture = AUDIT_ARCH_AARCH64;
#else
#error "the system call filter does not know this architecture"
#endif

// Nothing a step has any business with: other processes' memory, mounts and namespaces, the kernel itself, the clock.
// io_uring, because its operations pass by every filter.
// clang-format off
constexpr int denied_calls[] = {
    SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_move_mount, SYS_open_tree, SYS_fsopen, SYS_fsconfig,
    SYS_fsmount, SYS_fspick, SYS_mount_setattr, SYS_setns, SYS_unshare, SYS_reboot, SYS_kexec_load, SYS_init_module,
    SYS_finit_module, SYS_delete_module, SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_process_madvise,
    SYS_kcmp, SYS_pidfd_getfd, SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_swapon, SYS_swapoff, SYS_add_key,
    SYS_request_key, SYS_keyctl, SYS_open_by_handle_at, SYS_clock_settime, SYS_settimeofday, SYS_adjtimex,
    SYS_clock_adjtime, SYS_quotactl, SYS_quotactl_fd, SYS_acct, SYS_syslog, SYS_vhangup, SYS_io_uring_setup,
    SYS_io_uring_enter, SYS_io_uring_register, SYS_fanotify_init, SYS_lookup_dcookie, SYS_nfsservctl,
#if defined(__x86_64__)
    SYS_iopl, SYS_ioperm, SYS_kexec_file_load, SYS_uselib, SYS_ustat, SYS_sysfs, SYS__sysctl, SYS_modify_ldt,
#endif
};
// clang-format on
// Their first argument is a process, which must not be the keeper.
constexpr int calls_on_processes[] = {SYS_kill,
                                      SYS_tkill,
                                      SYS_tgkill,
                                      SYS_rt_sigqueueinfo,
                                      SYS_rt_tgsigqueueinfo,
                                      SYS_pidfd_open,
                                      SYS_prlimit64,
                                      SYS_sched_setscheduler,
                                      SYS_sched_setaffinity};

constexpr uint32_t refuse = SECCOMP_RET_ERRNO | EPERM;
constexpr size_t low_half(int argument) {
  return offsetof(seccomp_data, args) + static_cast<size_t>(argument) * 8;
}

// A BPF program, built from its rules; the number of the system call stays loaded between them.
class Filter {
 public:
  void load(size_t offset) { add(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offset)); }
  void load_call() { load(offsetof(seccomp_data, nr)); }
  void give(uint32_t verdict) { add(BPF_RET | BPF_K, verdict); }
  void give_if(uint16_t comparison, uint32_t value, uint32_t verdict) {
    add(static_cast<uint16_t>(BPF_JMP | comparison | BPF_K), value, 0, 1);
    give(verdict);
  }
  void give_unless(uint32_t value, uint32_t verdict) {
    add(BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0);
    give(verdict);
  }
  // For this call, where the argument compares so with one of the values.
  void refuse_argument(int call, int argument, uint16_t comparison, const std::vector<uint32_t>& values) {
    add(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(call), 0, static_cast<uint8_t>(2 + 2 * values.size()));
    load(low_half(argument));
    for (const uint32_t value : values) give_if(comparison, value, refuse);
    load_call();
  }
  bool install() {
    const sock_fprog program{static_cast<unsigned short>(code_.size()), code_.data()};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
  }

 private:
  void add(uint16_t code, uint32_t value, uint8_t when_true = 0, uint8_t when_false = 0) {
    code_.push_back({code, when_true, when_false, value});
  }
  std::vector<sock_filter> code_{};
};

Status limit(int resource, rlim_t value, const char* doing) {
  rlimit now{};
  if (getrlimit(static_cast<__rlimit_resource>(resource), &now) != 0) return errno_error(errno, doing);
  now.rlim_max = now.rlim_cur = std::min(value, now.rlim_max);
  if (setrlimit(static_cast<__rlimit_resource>(resource), &now) != 0) return errno_error(errno, doing);
  return {};
}

// A root without capabilities is still root to PID 1 and the owner of its files, and nothing more.
Status drop_bounding_set() {
  for (int capability = 0; capability < capabilities_end; ++capability) {
    if (prctl(PR_CAPBSET_READ, capability, 0, 0, 0) != 1) continue;
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) return errno_error(errno, "give up a capability");
  }
  return {};
}

Status drop_capabilities() {
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct none[2]{};
  if (syscall(SYS_capset, &header, none) != 0) return errno_error(errno, "give up all capabilities");
  return {};
}

Status become(const passwd& user) {
  const std::string doing = std::string("become the user ") + user.pw_name;
  if (initgroups(user.pw_name, user.pw_gid) != 0 || setresgid(user.pw_gid, user.pw_gid, user.pw_gid) != 0 ||
      setresuid(user.pw_uid, user.pw_uid, user.pw_uid) != 0)
    return errno_error(errno, doing);
  uid_t uid[3]{};
  gid_t gid[3]{};
  const bool took = getresuid(&uid[0], &uid[1], &uid[2]) == 0 && getresgid(&gid[0], &gid[1], &gid[2]) == 0 &&
                    std::count(uid, uid + 3, user.pw_uid) == 3 && std::count(gid, gid + 3, user.pw_gid) == 3;
  if (!took) return Error(Code::denied, doing + ": it did not take");
  return {};
}

}  // namespace

Status filter_system_calls(bool network, pid_t keeper) {
  Filter filter;
  filter.load(offsetof(seccomp_data, arch));
  filter.give_unless(our_architecture, SECCOMP_RET_KILL_PROCESS);
  filter.load_call();
#if defined(__x86_64__)
  filter.give_if(BPF_JGE, 0x40000000, SECCOMP_RET_KILL_PROCESS);  // x32
#endif
  for (const int call : denied_calls) filter.give_if(BPF_JEQ, static_cast<uint32_t>(call), refuse);
  // Its flags lie in memory, where no filter can see them; who gets ENOSYS uses clone instead.
  filter.give_if(BPF_JEQ, SYS_clone3, SECCOMP_RET_ERRNO | ENOSYS);
  filter.refuse_argument(
      SYS_clone, 0, BPF_JSET,
      {CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET});
  const auto pid = static_cast<uint32_t>(keeper);
  filter.refuse_argument(SYS_kill, 0, BPF_JEQ, {~0U, ~pid + 1});  // everybody; the keeper's group
  for (const int call : calls_on_processes) filter.refuse_argument(call, 0, BPF_JEQ, {pid});
  filter.refuse_argument(SYS_fcntl, 1, BPF_JEQ, {F_SETSIG});  // any signal to any process of the same user
  if (!network) {
    filter.give_if(BPF_JEQ, SYS_socketpair, SECCOMP_RET_ALLOW);  // the kernel makes pairs of AF_UNIX and TIPC alone
    filter.give_unless(SYS_socket, SECCOMP_RET_ALLOW);
    filter.load(low_half(0));
    filter.give_unless(AF_UNIX, SECCOMP_RET_ERRNO | EAFNOSUPPORT);
  }
  filter.give(SECCOMP_RET_ALLOW);
  if (!filter.install()) return errno_error(errno, "filter system calls");
  return {};
}

Status limit_memory(uint64_t bytes_max) {
  return limit(RLIMIT_AS, bytes_max, "limit memory");
}

Status confine(const Launch& launch, pid_t keeper) {
  TRY(limit(RLIMIT_CORE, 0, "limit core dumps"));
  TRY(limit(RLIMIT_NOFILE, open_files_max, "limit open files"));
  TRY(limit(RLIMIT_FSIZE, file_bytes_max, "limit the size of files"));
  const passwd* user = nullptr;
  if (!launch.user.empty()) {
    user = getpwnam(launch.user.c_str());
    if (!user) return Error(Code::not_found, "there is no user " + launch.user + " here");
  }
  const uid_t uid = user ? user->pw_uid : geteuid();
  // The limit counts all processes of a user, so those that are there come on top.
  if (launch.processes_max != 0 && uid != 0)
    TRY(limit(RLIMIT_NPROC, processes_of(uid) + launch.processes_max, "limit processes"));
  if (geteuid() == 0) TRY(drop_bounding_set());
  if (user && (uid != geteuid() || uid == 0)) TRY(become(*user));
  TRY(drop_capabilities());
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno_error(errno, "give up new privileges");
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return errno_error(errno, "tie it to its keeper");  // not before setuid
  if (getppid() != keeper) return Error(Code::cancelled, "the keeper died");
  return filter_system_calls(launch.network, keeper);
}

}  // namespace reeve::runner
