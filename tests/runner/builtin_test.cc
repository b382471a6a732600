#include "agent/runner/builtin.h"
#include "agent/runner/descriptor.h"

#include <poll.h>
#include <sys/syscall.h>
#include <catch2/catch.hpp>

#include <csignal>
#include <thread>

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/crypto/digest.h"
#include "tests/runner/launch_fixture.h"

using namespace reeve;
using namespace reeve::runner;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

using Arguments = std::vector<std::pair<std::string, std::string>>;

struct World : Fixture {
  Exit act(const std::string& name, Arguments arguments, bool network = false) {
    Launch launch = built_in(name, std::move(arguments));
    launch.user = user;
    launch.network = network;
    return run(launch);
  }
  std::string user{};
  std::string at(const std::string& name) const { return folder + "/" + name; }
  void write(const std::string& name, const std::string& text, int age_s = 0) const {
    std::ofstream(at(name)) << text;
    fs::last_write_time(at(name), fs::file_time_type::clock::now() - std::chrono::seconds(age_s));
  }
  std::string read(const std::string& name) const {
    std::ifstream in(at(name));
    return {std::istreambuf_iterator<char>(in), {}};
  }
};

constexpr uid_t nobody = 65534;

// A program that waits for signals, and its pid file. It has no capabilities, as who looks at it has none.
struct Sleeper {
  explicit Sleeper(const std::string& pid_file) : pid(fork()) {
    REQUIRE(pid >= 0);
    if (pid == 0) {
      if (geteuid() == 0 && (setgroups(0, nullptr) != 0 || setgid(nobody) != 0 || setuid(nobody) != 0)) _exit(1);
      signal(SIGHUP, SIG_DFL);  // whoever runs us may have switched it off
      execl("/bin/sleep", "sleep", "1000", nullptr);
      _exit(1);
    }
    std::ofstream(pid_file) << pid << "\n";
    while (fs::read_symlink("/proc/" + std::to_string(pid) + "/exe") != executable) usleep(1000);
  }
  ~Sleeper() {
    if (pid <= 0) return;
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }
  int signal_that_ended_it() {
    // A signal that was sent may still be on its way; one that was not never comes.
    const Descriptor process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    pollfd ended{.fd = process.get(), .events = POLLIN, .revents = 0};
    poll(&ended, 1, 10'000);
    kill(pid, SIGKILL);
    int status = 0;
    waitpid(std::exchange(pid, 0), &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  }
  std::string executable = fs::canonical("/bin/sleep");
  pid_t pid;
};

// Takes one connection, and answers whatever comes with what it was given.
struct Server {
  Server(int socket, std::string answer) : listening(socket) {
    REQUIRE(listen(listening, 1) == 0);
    thread = std::thread([this, answer] {
      const int connection = accept(listening, nullptr, nullptr);
      if (connection < 0) return;
      char buffer[1024];
      const ssize_t got = ::read(connection, buffer, sizeof buffer);
      asked.assign(buffer, got > 0 ? static_cast<size_t>(got) : 0);
      (void)!::write(connection, answer.data(), answer.size());
      close(connection);
    });
  }
  ~Server() { close(listening); }
  std::string wait() {
    shutdown(listening, SHUT_RDWR);  // whoever did not come does not come any more
    thread.join();
    return asked;
  }
  int listening;
  std::string asked{};
  std::thread thread{};
};

int unix_socket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, path.size());
  const int made = socket(AF_UNIX, SOCK_STREAM, 0);
  REQUIRE(bind(made, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  return made;
}

std::pair<int, std::string> tcp_socket() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const int made = socket(AF_INET, SOCK_STREAM, 0);
  REQUIRE(bind(made, reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(getsockname(made, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  return {made, "127.0.0.1:" + std::to_string(ntohs(address.sin_port))};
}

}  // namespace

TEST_CASE("an action that is not there is an error") {
  World world;
  const Exit exit = world.act("file.eat", {});
  CHECK(exit.exit_status == 2);
  CHECK_THAT(exit.output, Contains("no such built-in action"));
}

TEST_CASE("a release link is switched to a folder beside the others, and to nothing else") {
  World world;
  fs::create_directories(world.at("releases/one"));
  fs::create_directories(world.at("releases/two"));
  fs::create_directories(world.at("elsewhere"));
  fs::create_symlink(world.at("elsewhere"), world.at("releases/out"));
  fs::create_symlink(world.at("releases"), world.at("releases-link"));
  fs::create_symlink(world.at("releases/one"), world.at("current"));
  Arguments arguments{{"link", world.at("current")}, {"folder", world.at("releases")}, {"release", "two"}};
  SECTION("to another, again, and where there was none") {
    const Exit exit = world.act("release.switch", arguments);
    CHECK(exit.exit_status == 0);
    CHECK_THAT(exit.output, Contains("from " + world.at("releases/one") + " to " + world.at("releases/two")));
    CHECK(fs::read_symlink(world.at("current")) == world.at("releases/two"));
    CHECK(world.act("release.switch", arguments).exit_status == 0);
    fs::remove(world.at("current"));
    CHECK(world.act("release.switch", arguments).exit_status == 0);
    CHECK(fs::read_symlink(world.at("current")) == world.at("releases/two"));
  }
  SECTION("not to what is no folder there") {
    for (const char* release : {"three", "out", "..", ".", "", "two/..", "../elsewhere", "/etc", "-x"}) {
      arguments[2].second = release;
      CAPTURE(release);
      CHECK(world.act("release.switch", arguments).exit_status == 2);
    }
    arguments = {{"link", world.at("current")}, {"folder", world.at("releases-link")}, {"release", "two"}};
    CHECK(world.act("release.switch", arguments).exit_status == 2);
    CHECK(fs::read_symlink(world.at("current")) == world.at("releases/one"));
  }
  SECTION("not where the link is none") {
    fs::remove(world.at("current"));
    world.write("current", "precious");
    CHECK(world.act("release.switch", arguments).exit_status == 2);
    CHECK(world.read("current") == "precious");
  }
}

TEST_CASE("disk space is freed of old files, the oldest first, up to the limit, and of nothing else") {
  World world;
  fs::create_directories(world.at("logs/deep"));
  fs::create_directories(world.at("elsewhere"));
  const std::string text(10'000, 'x');  // three blocks of 4096
  world.write("logs/a.log", text, 5000);
  world.write("logs/deep/b.log", text, 6000);
  world.write("logs/c.log.gz", text, 4000);
  world.write("logs/young.log", text, 10);
  world.write("logs/old.txt", text, 9000);
  world.write("logs/.log", text, 9000);
  world.write("elsewhere/x.log", text, 9000);
  fs::create_directory_symlink(world.at("elsewhere"), world.at("logs/way-out"));
  fs::create_symlink(world.at("elsewhere/x.log"), world.at("logs/link.log"));
  world.write("logs/two-names.log", text, 9000);
  fs::create_hard_link(world.at("logs/two-names.log"), world.at("elsewhere/second"));
  Arguments arguments{{"folder", world.at("logs")},
                      {"suffixes", ".log,.gz"},
                      {"older_than_ms", "1000000"},
                      {"bytes_max", "1000000000"}};
  const auto left = [&world](const std::string& name) {
    return fs::exists(fs::symlink_status(world.at("logs/" + name)));
  };
  SECTION("all that are old") {
    const Exit exit = world.act("disk.free", arguments);
    CHECK(exit.exit_status == 0);
    CHECK_THAT(exit.output, Contains("deleted ./deep/b.log") && Contains("deleted ./a.log") && Contains("c.log.gz"));
    CHECK_FALSE((left("a.log") || left("deep/b.log") || left("c.log.gz")));
  }
  SECTION("the oldest alone where the limit says so") {
    arguments[3].second = "20000";
    CHECK(world.act("disk.free", arguments).exit_status == 0);
    CHECK_FALSE(left("deep/b.log"));
    CHECK((left("a.log") && left("c.log.gz")));
  }
  SECTION("none at a limit of zero") {
    arguments[3].second = "0";
    const Exit exit = world.act("disk.free", arguments);
    CHECK(exit.output == "freed 0 bytes\n");
    CHECK((left("deep/b.log") && left("a.log") && left("c.log.gz")));
  }
  SECTION("never for wrong arguments") {
    for (const auto& [at, value] : Arguments{{"1", ""},
                                             {"1", ".log,"},
                                             {"1", "g"},
                                             {"1", "/x"},
                                             {"2", "-1"},
                                             {"2", "1h"},
                                             {"3", ""},
                                             {"0", "/not/there"}}) {
      Arguments wrong = arguments;
      wrong[std::stoul(at)].second = value;
      CAPTURE(at, value);
      CHECK(world.act("disk.free", wrong).exit_status == 2);
    }
    CHECK(left("a.log"));
  }
  for (const char* kept : {"young.log", "old.txt", ".log", "link.log", "two-names.log"}) CHECK(left(kept));
  CHECK(world.read("elsewhere/x.log") == text);
}

TEST_CASE("a file's earlier version is put back whole, and the present one is kept as a version") {
  World world;
  fs::create_directory(world.at("versions"));
  fs::create_directory(world.at("etc"));
  const std::string earlier = to_hex(crypto::sha256("earlier"));
  const std::string now = to_hex(crypto::sha256("now"));
  world.write("versions/" + earlier, "earlier");
  world.write("etc/file", "now");
  chmod(world.at("etc/file").c_str(), 0640);
  Arguments arguments{{"path", world.at("etc/file")}, {"versions", world.at("versions")}, {"version", earlier}};
  SECTION("and forth again, and once more") {
    CHECK(world.act("file.restore", arguments).exit_status == 0);
    CHECK(world.read("etc/file") == "earlier");
    CHECK((fs::status(world.at("etc/file")).permissions() == static_cast<fs::perms>(0640)));
    CHECK(world.read("versions/" + now) == "now");
    CHECK_THAT(world.act("file.restore", arguments).output, Contains("already"));
    arguments[2].second = now;
    CHECK(world.act("file.restore", arguments).exit_status == 0);
    CHECK(world.read("etc/file") == "now");
  }
  SECTION("where the file is gone") {
    fs::remove(world.at("etc/file"));
    CHECK(world.act("file.restore", arguments).exit_status == 0);
    CHECK(world.read("etc/file") == "earlier");
  }
  SECTION("never a version that is another, absent, or no version") {
    world.write("versions/" + earlier, "forged!");
    CHECK_THAT(world.act("file.restore", arguments).output, Contains("has another content"));
    for (const std::string& version :
         {std::string(64, '0'), std::string("../etc/file"), std::string(), std::string(63, 'a')}) {
      arguments[2].second = version;
      CHECK(world.act("file.restore", arguments).exit_status == 2);
    }
    CHECK(world.read("etc/file") == "now");
  }
  SECTION("never through a link") {
    fs::rename(world.at("etc/file"), world.at("etc/other"));
    fs::create_symlink(world.at("etc/other"), world.at("etc/file"));
    CHECK(world.act("file.restore", arguments).exit_status == 2);
    fs::create_directory_symlink(world.at("etc"), world.at("etc-link"));
    arguments[0].second = world.at("etc-link/other");
    CHECK(world.act("file.restore", arguments).exit_status == 2);
    CHECK(world.read("etc/other") == "now");
  }
}

TEST_CASE("a signal reaches the process of the pid file, if it runs what it should") {
  World world;
  if (geteuid() == 0) world.user = "nobody";
  Sleeper sleeper(world.at("pid"));
  chmod(world.at("pid").c_str(), 0644);
  Arguments arguments{{"pid_file", world.at("pid")}, {"executable", sleeper.executable}, {"signal", "USR1"}};
  SECTION("sent") {
    CHECK(world.act("signal.send", arguments).exit_status == 0);
    CHECK(sleeper.signal_that_ended_it() == SIGUSR1);
    CHECK(world.act("signal.send", arguments).exit_status == 2);  // it does not run
  }
  SECTION("refused") {
    arguments[1].second = "/bin/other";
    CHECK_THAT(world.act("signal.send", arguments).output, Contains("runs " + sleeper.executable));
    arguments[1].second = sleeper.executable;
    for (const char* name : {"", "9", "SIGUSR1", "SEGV", "STOP"}) {
      arguments[2].second = name;
      CHECK(world.act("signal.send", arguments).exit_status == 2);
    }
    arguments[2].second = "USR1";
    for (const char* pid : {"", "0", "1", "-1", "12x", "12 13", "99999999999"}) {
      world.write("pid", pid);
      CHECK(world.act("signal.send", arguments).exit_status == 2);
    }
    CHECK(kill(sleeper.pid, 0) == 0);
  }
  SECTION("the rest of what is done by signal") {
    arguments.pop_back();
    CHECK(world.act("process.running", arguments).exit_status == 0);
    CHECK(run_probe({"process.running", arguments})->exit_status == 0);
    CHECK(world.act("process.stop", arguments).exit_status == 0);
    CHECK(sleeper.signal_that_ended_it() == SIGTERM);
    CHECK(world.act("process.stop", arguments).exit_status == 0);
    CHECK(world.act("process.running", arguments).exit_status == 1);
    CHECK(world.act("process.reload", arguments).exit_status == 2);
    CHECK(world.act("process.restart", arguments).exit_status == 2);
    Sleeper another(world.at("pid"));
    CHECK(world.act("process.reload", arguments).exit_status == 0);
    CHECK(another.signal_that_ended_it() == SIGHUP);
  }
  SECTION("a restart is done when its supervisor has started it anew") {
    arguments.pop_back();
    std::optional<Sleeper> next;
    std::thread supervisor([&] {
      waitpid(sleeper.pid, nullptr, 0);
      sleeper.pid = 0;
      next.emplace(world.at("pid"));
    });
    const Exit exit = world.act("process.restart", arguments);
    if (const pid_t left = sleeper.pid; exit.exit_status != 0 && left > 0) kill(left, SIGKILL);
    supervisor.join();
    CHECK_THAT(exit.output, Contains("is now"));
    fs::remove(world.at("pid"));
    CHECK(world.act("process.running", arguments).exit_status == 1);
  }
}

TEST_CASE("a supervisor is told in one line, and its answer counts") {
  World world;
  const std::string path = world.at("control");
  const auto tell = [&](const std::string& name, const std::string& answer, Arguments more = {}) {
    fs::remove(path);
    Server server(unix_socket(path), answer);
    more.emplace_back("control", path);
    more.emplace_back("process", "web-1");
    const Exit exit = world.act(name, more);
    return std::pair(server.wait(), exit);
  };
  CHECK(tell("process.restart", "ok\n").first == "restart web-1\n");
  CHECK(tell("process.reload", "ok\n").first == "reload web-1\n");
  CHECK(tell("process.stop", "ok\n").second.exit_status == 0);
  CHECK(tell("workers.set", "ok\n", {{"count", "12"}}).first == "workers web-1 12\n");
  const Exit refused = tell("process.restart", "error there is no web-1\n").second;
  CHECK(refused.exit_status == 2);
  CHECK_THAT(refused.output, Contains("error there is no web-1"));
  CHECK(tell("process.restart", "").second.exit_status == 2);
  CHECK(tell("process.restart", "okay\n").second.exit_status == 2);
  for (const char* name : {"", "web 1", "web\nstop all", "-x", "a/b"})
    CHECK(world.act("process.restart", {{"control", path}, {"process", name}}).exit_status == 2);
  for (const char* count : {"", "-1", "10001", "1 2"})
    CHECK(world.act("workers.set", {{"control", path}, {"process", "web"}, {"count", count}}).exit_status == 2);
}

TEST_CASE("probes of ports and HTTP tell what is there, with the network alone") {
  World world;
  const auto [socket, address] = tcp_socket();
  CHECK(world.act("port.open", {{"address", address}}, true).exit_status == 1);
  {
    Server server(socket, "HTTP/1.1 204 No Content\r\n\r\n");
    CHECK(world.act("http.get", {{"url", "http://" + address + "/health?x=1"}, {"status", "204"}}, true).exit_status ==
          0);
    CHECK(server.wait() == "GET /health?x=1 HTTP/1.1\r\nHost: " + address + "\r\nConnection: close\r\n\r\n");
  }
  const auto [open_socket, open_address] = tcp_socket();
  REQUIRE(listen(open_socket, 1) == 0);
  CHECK(world.act("port.open", {{"address", open_address}}, true).exit_status == 0);
  CHECK(world.act("port.open", {{"address", open_address}}, false).exit_status == 2);
  close(open_socket);
  for (const auto& [answer, status] : Arguments{{"HTTP/1.1 500 Oh\r\n", "1"},
                                                {"nonsense\r\n", "1"},
                                                {"", "1"},
                                                {"HTTP/1.0 200 OK\r\n", "0"},
                                                {"HTTP/1.1 2000 x\r\n", "1"}}) {
    const auto [another, there] = tcp_socket();
    Server server(another, answer);
    const Exit exit = world.act("http.get", {{"url", "http://" + there}, {"status", "200"}}, true);
    server.wait();
    CAPTURE(answer, exit.output);
    CHECK(exit.exit_status == std::stoi(status));
  }
  CHECK(world.act("http.get", {{"url", "http://" + address + "/"}, {"status", "200"}}, true).exit_status == 1);
  for (const char* url : {"http://192.0.2.1:80/", "https://127.0.0.1:443/", "http://localhost/",
                          "http://127.0.0.1:80/a b", "http://127.0.0.1:80/\r\nX: y", "", "http://"})
    CHECK(world.act("http.get", {{"url", url}, {"status", "200"}}, true).exit_status == 2);
  for (const char* wrong : {"", "example.org:80", "127.0.0.1", "127.0.0.1:99999"})
    CHECK(world.act("port.open", {{"address", wrong}}, true).exit_status == 2);
}

TEST_CASE("looks at files and disks need no process, and say the same as with one") {
  World world;
  world.write("file", "content");
  const auto both = [&](const std::string& name, const Arguments& arguments) {
    const auto probe = run_probe({name, arguments});
    REQUIRE(probe);
    CHECK(world.act(name, arguments).exit_status == probe->exit_status);
    return probe->exit_status;
  };
  CHECK(both("file.hash", {{"path", world.at("file")}, {"sha256", to_hex(crypto::sha256("content"))}}) == 0);
  CHECK(both("file.hash", {{"path", world.at("file")}, {"sha256", to_hex(crypto::sha256("other"))}}) == 1);
  CHECK(both("file.hash", {{"path", world.at("not")}, {"sha256", ""}}) == 2);
  CHECK(both("file.hash", {{"path", world.folder}, {"sha256", ""}}) == 2);
  CHECK(both("disk.below", {{"path", "/"}, {"percent", "0"}}) == 1);
  CHECK(both("disk.below", {{"path", "/"}, {"percent", "100"}}) == 0);
  CHECK(both("disk.below", {{"path", "/"}, {"percent", "101"}}) == 2);
  CHECK(both("disk.below", {{"path", "/not/there"}, {"percent", "50"}}) == 2);
  for (const char* needs_a_child : {"unit.state", "port.open", "http.get", "file.restore", "disk.free", "nothing"})
    CHECK_FALSE(run_probe({needs_a_child, {}}));
}

TEST_CASE("a unit's state cannot be told without systemd, nor for what is no unit") {
  World world;
  for (const char* unit : {"", "-H", "a b.service", "../x"})
    CHECK(world.act("unit.state", {{"unit", unit}, {"state", "active"}}).exit_status == 2);
  if (!fs::exists("/run/systemd/system"))
    CHECK(world.act("unit.state", {{"unit", "x.service"}, {"state", "active"}}).exit_status == 2);
}
