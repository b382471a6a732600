#include "agent/runner/unit_launcher.h"

#include <signal.h>
#include <sys/stat.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>

namespace reeve::runner {
namespace {

constexpr uint64_t call_us_max = 10'000'000;
constexpr uint64_t late_ms = 15'000;   // what the keeper gets beyond its own limits before PID 1 ends it
constexpr uint64_t own_processes = 8;  // the keeper, and those of systemd while it starts
constexpr char manager[] = "org.freedesktop.systemd1";
constexpr char manager_path[] = "/org/freedesktop/systemd1";
constexpr char manager_interface[] = "org.freedesktop.systemd1.Manager";
constexpr char private_address[] = "unix:path=/run/systemd/private";

using Bus = std::unique_ptr<sd_bus, sd_bus* (*)(sd_bus*)>;
using Message = std::unique_ptr<sd_bus_message, sd_bus_message* (*)(sd_bus_message*)>;

std::string unit_of(const std::string& launch_id) {
  return "reeve-step-" + launch_id + ".service";
}

Result<Bus> connect() {
  sd_bus* made = nullptr;
  int failed = sd_bus_new(&made);
  Bus bus(made, sd_bus_close_unref);
  if (failed >= 0) failed = sd_bus_set_address(made, private_address);
  if (failed >= 0) failed = sd_bus_start(made);
  if (failed >= 0) failed = sd_bus_set_method_call_timeout(made, call_us_max);
  if (failed < 0) return errno_error(-failed, "connect to systemd");
  return bus;
}

Result<Message> make_call(sd_bus* bus, const char* method) {
  sd_bus_message* made = nullptr;
  const int failed = sd_bus_message_new_method_call(bus, &made, manager, manager_path, manager_interface, method);
  if (failed < 0) return errno_error(-failed, "call systemd");
  return Message(made, sd_bus_message_unref);
}

Status call(sd_bus* bus, sd_bus_message* message, const std::string& doing) {
  sd_bus_error error = SD_BUS_ERROR_NULL;
  sd_bus_message* reply = nullptr;
  const int failed = sd_bus_call(bus, message, 0, &error, &reply);
  sd_bus_message_unref(reply);
  const std::string text = error.message ? error.message : "";
  sd_bus_error_free(&error);
  if (failed >= 0) return {};
  return text.empty() ? errno_error(-failed, doing) : Error(Code::unavailable, doing + ": " + text);
}

// Appends properties to a StartTransientUnit; the first failure stays.
class Properties {
 public:
  explicit Properties(sd_bus_message* message) : message_(message) {}

  template <typename... Values>
  void set(const char* name, const char* type, Values... values) {
    note(sd_bus_message_append(message_, "(sv)", name, type, values...));
  }
  void set_list(const char* name, const std::vector<std::string>& values) {
    note(sd_bus_message_open_container(message_, 'r', "sv"));
    note(sd_bus_message_append(message_, "s", name));
    note(sd_bus_message_open_container(message_, 'v', "as"));
    note(sd_bus_message_open_container(message_, 'a', "s"));
    for (const std::string& value : values) note(sd_bus_message_append(message_, "s", value.c_str()));
    for (int open = 0; open < 3; ++open) note(sd_bus_message_close_container(message_));
  }
  void note(int result) { failed_ = failed_ < 0 ? failed_ : result; }
  int failed() const { return failed_ < 0 ? failed_ : 0; }

 private:
  sd_bus_message* message_;
  int failed_ = 0;
};

void describe(Properties& unit, const Launch& launch, const std::string& executable, const Gate& gate) {
  unit.set("Description", "s", ("Reeve step " + launch.id).c_str());
  unit.set("Type", "s", "exec");
  unit.set("ExecStart", "a(sasb)", 1, executable.c_str(), 2, executable.c_str(), "keep", 0);
  unit.set("StandardInputFileDescriptor", "h", gate.order.get());
  unit.set("StandardOutputFileDescriptor", "h", gate.news.get());
  unit.set("StandardErrorFileDescriptor", "h", gate.status.get());
  unit.set("CollectMode", "s", "inactive-or-failed");
  // Only the keeper is asked to end, so that it can leave its note; what it leaves alive is killed.
  unit.set("KillMode", "s", "mixed");
  unit.set("SendSIGKILL", "b", 1);
  unit.set("TimeoutStopUSec", "t", (launch.grace_ms + late_ms) * 1000);
  unit.set("RuntimeMaxUSec", "t", (late_ms + launch.timeout_ms + launch.grace_ms) * 1000);
  // Not "kill": where memory runs out, the program is the first to go, and the keeper has to tell of it.
  unit.set("OOMPolicy", "s", "continue");
  if (launch.memory_bytes_max != 0) unit.set("MemoryMax", "t", launch.memory_bytes_max);
  unit.set("MemorySwapMax", "t", uint64_t{0});
  unit.set("TasksMax", "t", launch.processes_max + own_processes);
  unit.set("LimitCORE", "t", uint64_t{0});
  unit.set("UMask", "u", uint32_t{077});
  if (!launch.user.empty()) unit.set("User", "s", launch.user.c_str());

  unit.set("CapabilityBoundingSet", "t", uint64_t{0});
  unit.set("AmbientCapabilities", "t", uint64_t{0});
  unit.set("ProtectSystem", "s", "strict");
  unit.set("ProtectHome", "s", "read-only");
  unit.set_list("ReadWritePaths", launch.write_paths);
  for (const char* yes :
       {"NoNewPrivileges", "PrivateTmp", "PrivateDevices", "PrivateMounts", "PrivateIPC", "ProtectClock",
        "ProtectControlGroups", "ProtectHostname", "ProtectKernelLogs", "ProtectKernelModules", "ProtectKernelTunables",
        "RestrictRealtime", "RestrictSUIDSGID", "LockPersonality"})
    unit.set(yes, "b", 1);
  unit.set("PrivateNetwork", "b", launch.network ? 0 : 1);
  if (!launch.network) unit.set("RestrictAddressFamilies", "(bas)", 1, 1, "AF_UNIX");
  unit.set("RestrictNamespaces", "t", uint64_t{0});
  unit.set_list("SystemCallArchitectures", {"native"});
  unit.set("SystemCallFilter", "(bas)", 0, 8, "@mount", "@swap", "@reboot", "@debug", "@module", "@raw-io", "@clock",
           "@obsolete");
  unit.set("SystemCallErrorNumber", "i", EPERM);
}

// The message has copies of the keeper's ends; they are gone when this returns.
Status start_unit(const Launch& launch, const std::string& executable, const Gate& gate) {
  const std::string unit = unit_of(launch.id);
  const Bus bus = TRY(connect());
  const Message message = TRY(make_call(bus.get(), "StartTransientUnit"));
  Properties properties(message.get());
  properties.note(sd_bus_message_append(message.get(), "ss", unit.c_str(), "fail"));
  properties.note(sd_bus_message_open_container(message.get(), 'a', "(sv)"));
  describe(properties, launch, executable, gate);
  properties.note(sd_bus_message_close_container(message.get()));
  properties.note(sd_bus_message_append(message.get(), "a(sa(sv))", 0));
  if (properties.failed() < 0) return errno_error(-properties.failed(), "describe " + unit);
  return call(bus.get(), message.get(), "start " + unit);
}

}  // namespace

bool systemd_is_there() {
  return sd_booted() > 0;
}

Result<std::unique_ptr<UnitLauncher>> UnitLauncher::make(Options options) {
  const std::string steps = options.state_directory + "/steps";
  if (mkdir(steps.c_str(), 0700) != 0 && errno != EEXIST) return errno_error(errno, "make " + steps);
  signal(SIGPIPE, SIG_IGN);  // a keeper may die while we write to it
  return std::unique_ptr<UnitLauncher>(new UnitLauncher(std::move(options)));
}

UnitLauncher::UnitLauncher(Options options)
    : options_(std::move(options)), files_(options_.state_directory + "/steps") {}

Result<std::unique_ptr<Running>> UnitLauncher::prepare(const Launch& launch) {
  // User and limits are systemd's here; the keeper finds them done.
  Launch kept = launch;
  kept.user.clear();
  kept.memory_bytes_max = 0;
  kept.processes_max = 0;
  Gate gate = TRY(make_gate(files_, kept, [] {}));
  TRY(start_unit(launch, options_.executable, gate));
  gate.order.close();
  gate.news.close();
  gate.status.close();
  TRY(gate.ours->await());
  return std::unique_ptr<Running>(std::move(gate.ours));
}

void UnitLauncher::stop_remains(const std::string& launch_id) {
  const Result<Bus> bus = connect();
  if (!bus.ok()) return;
  const Result<Message> message = make_call(bus->get(), "StopUnit");
  if (!message.ok() || sd_bus_message_append(message->get(), "ss", unit_of(launch_id).c_str(), "replace") < 0) return;
  (void)call(bus->get(), message->get(), "stop it").ok();
}

}  // namespace reeve::runner
