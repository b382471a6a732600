#include <catch2/catch.hpp>

#include <csignal>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/crypto/digest.h"
#include "tests/runner/launch_fixture.h"

using namespace reeve;
using namespace reeve::runner;
using Catch::Matchers::Contains;

TEST_CASE("a program ends with its status, and its output comes with it") {
  Fixture fixture;
  const Exit exit = fixture.run(fixture.launch({"echo", "hello"}));
  CHECK(exit.executed);
  CHECK(exit.exit_status == 0);
  CHECK(exit.signal == 0);
  CHECK(exit.output == "hello\n");
  CHECK(exit.output_bytes == 6);
  CHECK(exit.detail.empty());
  CHECK(exit.started_ms > 0);
  CHECK(exit.ended_ms >= exit.started_ms);
  CHECK(fixture.run(fixture.launch({"exit", "7"})).exit_status == 7);
  CHECK(fixture.run(fixture.launch({"abort"})).signal == SIGABRT);
  CHECK(fixture.run(fixture.launch({"pipe"})).signal == SIGPIPE);
}

TEST_CASE("nothing runs before the gate opens, nor when it never does") {
  Fixture fixture;
  Launch launch = fixture.launch({});
  const std::string mark = fixture.mark(launch);
  std::get<Program>(launch.what).arguments = {"touch", mark};
  SECTION("given up") {
    fixture.prepare(launch).reset();
    const Remains remains = [&] {
      while (true) {
        const auto found = fixture.launcher->find(launch.id);
        REQUIRE(found.ok());
        if (found->state != Remains::State::running) return *found;
        usleep(1000);
      }
    }();
    CHECK(remains.state == Remains::State::ended);
    CHECK_FALSE(remains.exit.executed);
    CHECK(remains.exit.detail == "the gate was never opened");
    CHECK_FALSE(std::filesystem::exists(mark));
  }
  SECTION("opened later") {
    const auto running = fixture.prepare(launch);
    CHECK(fixture.launcher->find(launch.id)->state == Remains::State::running);
    CHECK_FALSE(std::filesystem::exists(mark));
    CHECK_FALSE(running->take_news());
    REQUIRE(running->open_gate().ok());
    CHECK(Fixture::wait(*running).exit_status == 0);
    CHECK(std::filesystem::exists(mark));
    CHECK_FALSE(running->take_news());
  }
}

TEST_CASE("a launch's id is used once") {
  Fixture fixture;
  const Launch launch = fixture.launch({"exit", "0"});
  CHECK(fixture.run(launch).executed);
  CHECK_FALSE(fixture.launcher->prepare(launch).ok());
  fixture.launcher->forget(launch.id);
  CHECK(fixture.launcher->find(launch.id)->state == Remains::State::unknown);
}

TEST_CASE("what is not fit to be executed is not, and the reason comes back") {
  Fixture fixture;
  const std::string program = fixture.folder + "/program";
  std::filesystem::copy_file(REEVE_HOSTILE, program);
  chmod(program.c_str(), 0755);
  Launch launch = fixture.launch({"exit", "0"});
  auto& what = std::get<Program>(launch.what);
  what.path = program;
  std::string why;
  SECTION("absent") {
    what.path += "-not", why = "No such file";
  }
  SECTION("a folder") {
    what.path = fixture.folder, why = "not a regular file";
  }
  SECTION("a FIFO") {
    what.path = fixture.folder + "/fifo", why = "not a regular file";
    REQUIRE(mkfifo(what.path.c_str(), 0755) == 0);
  }
  SECTION("writable by its group") {
    chmod(program.c_str(), 0775), why = "may be written by others";
  }
  SECTION("writable by everybody") {
    chmod(program.c_str(), 0757), why = "may be written by others";
  }
  SECTION("setuid") {
    chmod(program.c_str(), 04755), why = "setuid";
  }
  SECTION("setgid") {
    chmod(program.c_str(), 02755), why = "setuid or setgid";
  }
  SECTION("not executable") {
    chmod(program.c_str(), 0644), why = "execute";
  }
  SECTION("another SHA-256") {
    what.sha256 = Bytes(32, 'x'), why = "another SHA-256";
  }
  SECTION("no program at all") {
    std::ofstream(program) << "hello", why = "Exec format error";
  }
  SECTION("another's") {
    if (geteuid() != 0) return;
    REQUIRE(chown(program.c_str(), 65534, 65534) == 0);
    why = "belongs neither to root nor to the runner";
  }
  SECTION("no such user") {
    launch.user = "nobody-of-this-name", why = "there is no user";
  }
  SECTION("no such folder") {
    what.working_directory = "/not/there", why = "go to /not/there";
  }
  const Exit exit = fixture.run(launch);
  CHECK_FALSE(exit.executed);
  CHECK(exit.exit_status == 127);
  CHECK_THAT(exit.detail, Contains(why));
}

TEST_CASE("the right SHA-256 lets a program run, and a script runs by its interpreter") {
  Fixture fixture;
  Launch launch = fixture.launch({"exit", "5"});
  std::ifstream in(REEVE_HOSTILE, std::ios::binary);
  const Bytes content((std::istreambuf_iterator<char>(in)), {});
  std::get<Program>(launch.what).sha256 = crypto::sha256(content);
  CHECK(fixture.run(launch).exit_status == 5);

  const std::string script = fixture.folder + "/script";
  std::ofstream(script) << "#!/bin/sh\necho \"script $1\"\nexit 6\n";
  chmod(script.c_str(), 0755);
  Launch other = fixture.launch({"here"});
  std::get<Program>(other.what).path = script;
  const Exit exit = fixture.run(other);
  CHECK(exit.exit_status == 6);
  CHECK(exit.output == "script here\n");
}

TEST_CASE("a program inherits nothing but what the launch says") {
  Fixture fixture;
  const int leaked = open("/dev/null", O_RDONLY);  // not closed on exec
  Launch launch = fixture.launch({"describe"});
  auto& program = std::get<Program>(launch.what);
  program.environment = {{"A", "1"}, {"EMPTY", ""}};
  program.working_directory = "/usr";
  SECTION("as we are") {}
  SECTION("as nobody") {
    if (geteuid() != 0) return;
    launch.user = "nobody";
  }
  const Exit exit = fixture.run(launch);
  close(leaked);
  INFO(exit.output);
  const int uid = launch.user.empty() ? static_cast<int>(geteuid()) : 65534;
  CHECK_THAT(exit.output, Contains("uid " + std::to_string(uid) + " "));
  CHECK_THAT(exit.output, Contains(" sid 1 pgrp 1 umask 077"));
  CHECK_THAT(exit.output, Contains("fd 0\nfd 1\nfd 2\nenv") && !Contains("signal"));
  CHECK_THAT(exit.output, Contains("env A=1\nenv EMPTY=\ncwd /usr\n"));
  CHECK_THAT(exit.output, Contains("CapEff:\t0000000000000000") && Contains("CapPrm:\t0000000000000000") &&
                              Contains("CapBnd:\t0000000000000000") && Contains("CapAmb:\t0000000000000000"));
  CHECK_THAT(exit.output, Contains("NoNewPrivs:\t1") && Contains("Seccomp:\t2"));
  if (!launch.user.empty()) CHECK_THAT(exit.output, Contains(" gid 65534 groups 1 "));
}

TEST_CASE("what no step needs is forbidden to it, and its keeper is out of reach") {
  Fixture fixture;
  Launch launch = fixture.launch({"forbidden"});
  SECTION("as we are") {}
  SECTION("as nobody") {
    if (geteuid() != 0) return;
    launch.user = "nobody";
  }
  SECTION("with the network") {
    launch.network = true;
  }
  const Exit exit = fixture.run(launch);
  INFO(exit.output);
  CHECK(exit.exit_status == 0);
  for (const char* what : {"mount", "umount", "ptrace", "unshare", "clone", "bpf", "io_uring", "keyctl", "kill-keeper",
                           "kill-keepers-group", "kill-all", "tgkill-keeper", "pidfd-keeper", "setsig", "chown"})
    CHECK_THAT("\n" + exit.output, Contains("\n" + std::string(what) + " EPERM\n"));
  CHECK_THAT(exit.output,
             Contains("clone3 ENOSYS\n") && Contains("memory-keeper EACCES\n") && Contains("fd-keeper EACCES\n"));
  CHECK_THAT(exit.output, Contains("unix allowed\n"));
  for (const char* family : {"inet", "inet6", "netlink"})
    CHECK_THAT(exit.output, Contains(std::string(family) + (launch.network ? " allowed\n" : " EAFNOSUPPORT\n")));
  CHECK_THAT(exit.output, Contains(launch.network ? "packet EPERM\n" : "packet EAFNOSUPPORT\n"));
}

TEST_CASE("output is capped at the limit, one past it and at none, and all of it is counted") {
  Fixture fixture;
  for (const auto& [cap, text] :
       std::vector<std::pair<uint32_t, size_t>>{{8, 7}, {8, 8}, {0, 5}, {4096, 4095}, {4096, 4096}}) {
    Launch launch = fixture.launch({"echo", std::string(text, 'a')});  // and a line's end
    launch.output_bytes_max = cap;
    const Exit exit = fixture.run(launch);
    CAPTURE(cap, text);
    CHECK(exit.output_bytes == text + 1);
    CHECK(exit.output.size() == std::min<size_t>(cap, text + 1));
    if (cap == 4096 && text == 4096) CHECK_THAT(exit.output, Contains("[4097 bytes in all; the middle is left out]"));
  }
  Launch launch = fixture.launch({"flood", "200000000"});
  launch.output_bytes_max = 32768;
  const Exit exit = fixture.run(launch);
  CHECK(exit.output_bytes >= 200'000'000);
  CHECK(exit.output.size() == 32768);
  CHECK(exit.exit_status == 0);
}

TEST_CASE("a program is stopped when its time is up, and when it is told to") {
  Fixture fixture;
  const Launch slow = [&] {
    Launch made = fixture.launch({}, 100);
    std::get<Program>(made.what).arguments = {"sleep", fixture.mark(made)};
    return made;
  }();
  const Exit late = fixture.run(slow);
  CHECK(late.timed_out);
  CHECK_FALSE(late.stopped);
  CHECK(late.signal == SIGTERM);

  Launch stubborn = fixture.launch({});
  std::get<Program>(stubborn.what).arguments = {"stubborn", fixture.mark(stubborn)};
  const auto running = fixture.prepare(stubborn);
  REQUIRE(running->open_gate().ok());
  while (holders_of(fixture.mark(stubborn)) == 0) usleep(1000);
  running->stop();
  const Exit stopped = Fixture::wait(*running);
  CHECK(stopped.stopped);
  CHECK_FALSE(stopped.timed_out);
  CHECK(stopped.signal == SIGKILL);
}

TEST_CASE("memory is limited") {
  Fixture fixture;
  Launch launch = fixture.launch({"memory"});
  launch.memory_bytes_max = 64_MiB;
  const Exit exit = fixture.run(launch);
  CHECK((exit.exit_status == 3 || exit.signal == SIGKILL));
}
