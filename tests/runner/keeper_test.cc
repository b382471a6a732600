#include <catch2/catch.hpp>

#include <csignal>
#include <map>

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/runner/keeper_note.h"
#include "tests/runner/launch_fixture.h"

using namespace reeve;
using namespace reeve::runner;

namespace {

size_t kib_of(pid_t pid, const std::string& key) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(key + ":")) return std::stoul(line.substr(key.size() + 1));
  return 0;
}

pid_t keeper_of(const Fixture& fixture, const Launch& launch) {
  std::ifstream file(fixture.folder + "/steps/" + launch.id, std::ios::binary);
  char pid[4]{};
  file.read(pid, sizeof pid);
  return load_le<int32_t>(pid);
}

// Polls for what the kernel does not tell of.
template <typename Condition>
void await(Condition condition) {
  for (int looks = 0; !condition(); ++looks) {
    REQUIRE(looks < 10'000);
    usleep(1000);
  }
}

Launch misbehaving(Fixture& fixture, const std::string& how, uint32_t timeout_ms = 60) {
  Launch launch = fixture.launch({}, timeout_ms);
  std::get<Program>(launch.what).arguments = {how, fixture.mark(launch)};
  return launch;
}

// The fate of a runner: in a process of its own, so that it can be killed.
template <typename Life>
pid_t runner_process(Life life) {
  const pid_t pid = fork();
  REQUIRE(pid >= 0);
  if (pid > 0) return pid;
  try {
    life();
  } catch (...) {
    _exit(1);
  }
  while (true) pause();
}

}  // namespace

TEST_CASE("a note comes back as it was, and no damaged one does") {
  Exit exit;
  exit.executed = exit.stopped = true;
  exit.exit_status = -7;
  exit.signal = 9;
  exit.detail = "a sentence";
  exit.started_ms = 1'700'000'000'123;
  exit.ended_ms = 1'700'000'000'456;
  exit.output_bytes = 1ULL << 40;
  const Bytes note = encode_note(exit);
  REQUIRE(note.size() == note_bytes);
  const auto back = decode_note(note);
  REQUIRE(back);
  CHECK(encode_note(*back) == note);
  CHECK(back->detail == exit.detail);
  CHECK(back->output_bytes == exit.output_bytes);
  CHECK(back->stopped);
  CHECK_FALSE(back->timed_out);
  for (size_t at = 0; at < note.size(); ++at) {
    Bytes damaged = note;
    damaged[at] ^= 0x10;
    CHECK_FALSE(decode_note(damaged));
  }
  CHECK_FALSE(decode_note(note.substr(1)));
  CHECK_FALSE(decode_note(note + "x"));
  CHECK_FALSE(decode_note(Bytes(note_bytes, '\0')));
  CHECK_FALSE(decode_note(""));
  exit.detail = std::string(5000, 'd');
  CHECK(decode_note(encode_note(exit))->detail.size() > 400);
}

TEST_CASE("nobody of a step survives it, in 200 runs") {
  Fixture fixture;
  const char* ways[] = {"stubborn", "daemon", "family", "bomb", "daemon-and-gone"};
  const bool root = geteuid() == 0;
  size_t survivors = 0;
  for (int round = 0; round < 200; ++round) {
    const std::string how = ways[round % 5];
    Launch launch = misbehaving(fixture, how == "daemon-and-gone" ? "daemon" : how);
    if (how == "daemon-and-gone") std::get<Program>(launch.what).arguments.push_back("gone");
    if (root && round % 2 == 1) launch.user = "nobody";
    launch.grace_ms = 10;
    launch.processes_max = 40;
    launch.output_bytes_max = 1000;
    const Exit exit = fixture.run(launch);
    CAPTURE(how, launch.user, exit.detail);
    CHECK(exit.executed);
    CHECK(exit.output.size() <= 1000);
    if (how == "daemon-and-gone") CHECK(exit.exit_status == 0);
    // On a busy machine the time may be over before it has become stubborn.
    if (how == "stubborn") CHECK((exit.signal == SIGKILL || exit.signal == SIGTERM));
    const size_t left = holders_of(fixture.mark(launch));
    CHECK(left == 0);
    survivors += left;
  }
  CHECK(survivors == 0);
}

TEST_CASE("without a cgroup nobody survives either") {
  if (geteuid() != 0) return;
  // In a mount namespace of its own, where no cgroup is mounted; the keeper inherits that.
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) try {
      const bool hidden =
          unshare(CLONE_NEWNS) == 0 && system("mount --make-rprivate / && umount -R /sys/fs/cgroup") == 0;
      if (!hidden) _exit(77);
      Fixture fixture;
      size_t survivors = 0;
      for (int round = 0; round < 20; ++round) {
        const char* ways[] = {"stubborn", "daemon", "family", "bomb"};
        Launch launch = misbehaving(fixture, ways[round % 4]);
        if (round % 8 >= 4) launch.user = "nobody";
        launch.processes_max = 40;
        fixture.run(launch);
        survivors += holders_of(fixture.mark(launch));
      }
      std::filesystem::remove_all(fixture.folder);
      _exit(survivors == 0 ? 0 : 1);
    } catch (...) {
      _exit(1);
    }
  int status = 0;
  waitpid(child, &status, 0);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) WARN("cgroups could not be hidden here");
  CHECK((WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77));
}

TEST_CASE("keeper and runner stay flat in memory under a flood") {
  Fixture fixture;
  Launch launch = fixture.launch({"flood", "3000000000"}, 60'000);
  const auto running = fixture.prepare(launch);
  const pid_t keeper = keeper_of(fixture, launch);
  const size_t keeper_before = kib_of(keeper, "VmHWM");
  const size_t runner_before = kib_of(getpid(), "VmHWM");
  REQUIRE(keeper_before > 0);
  REQUIRE(running->open_gate().ok());
  size_t keeper_after = 0;
  std::optional<Exit> exit;
  while (!exit) {
    keeper_after = std::max(keeper_after, kib_of(keeper, "VmHWM"));
    usleep(5000);
    exit = running->take_news();
  }
  CHECK(exit->output_bytes >= 3'000'000'000);
  CHECK(exit->output.size() == launch.output_bytes_max);
  WARN("keeper's peak: " << keeper_before << " KiB, then " << keeper_after << " KiB; runner's: " << runner_before
                         << " KiB, then " << kib_of(getpid(), "VmHWM") << " KiB");
  CHECK(keeper_after < keeper_before + 8192);
  CHECK(kib_of(getpid(), "VmHWM") < runner_before + 16384);  // what a sanitizer keeps of freed memory counts too
}

TEST_CASE("a runner killed before the gate opens leaves nothing that ran") {
  Fixture fixture;
  for (int round = 0; round < 10; ++round) {
    const Launch launch = misbehaving(fixture, "touch");
    const pid_t runner = runner_process([&] { fixture.prepare(launch).release(); });
    await([&] { return keeper_of(fixture, launch) > 0; });
    kill(runner, SIGKILL);
    waitpid(runner, nullptr, 0);
    await([&] { return fixture.launcher->find(launch.id)->state != Remains::State::running; });
    const Remains remains = *fixture.launcher->find(launch.id);
    CHECK(remains.state == Remains::State::ended);
    CHECK_FALSE(remains.exit.executed);
    CHECK_FALSE(std::filesystem::exists(fixture.mark(launch)));
  }
}

TEST_CASE("a runner killed after the gate opened learns later how the step ended") {
  Fixture fixture;
  for (int round = 0; round < 10; ++round) {
    const bool stop = round % 2 == 1;
    const Launch launch = misbehaving(fixture, "stubborn", stop ? 20'000 : 300);
    const pid_t runner = runner_process([&] { (void)fixture.prepare(launch).release()->open_gate(); });
    await([&] { return holders_of(fixture.mark(launch)) > 0; });
    kill(runner, SIGKILL);
    waitpid(runner, nullptr, 0);
    CHECK(fixture.launcher->find(launch.id)->state == Remains::State::running);
    if (stop) fixture.launcher->stop_remains(launch.id);
    await([&] { return fixture.launcher->find(launch.id)->state != Remains::State::running; });
    const Remains remains = *fixture.launcher->find(launch.id);
    CHECK(remains.state == Remains::State::ended);
    CHECK(remains.exit.executed);
    CHECK(remains.exit.stopped == stop);
    CHECK(remains.exit.timed_out == !stop);
    CHECK(remains.exit.signal == SIGKILL);
    CHECK(holders_of(fixture.mark(launch)) == 0);
    fixture.launcher->stop_remains(launch.id);  // of nobody: nothing happens
  }
}

TEST_CASE("a keeper that is killed takes the step with it, and nobody claims to know how that ended") {
  Fixture fixture;
  const Launch launch = misbehaving(fixture, "family", 60'000);
  const auto running = fixture.prepare(launch);
  REQUIRE(running->open_gate().ok());
  await([&] { return holders_of(fixture.mark(launch)) > 0; });
  const pid_t keeper = keeper_of(fixture, launch);
  REQUIRE(keeper > 1);
  kill(keeper, SIGKILL);
  const Exit exit = Fixture::wait(*running);
  CHECK(exit.lost);
  CHECK(fixture.launcher->find(launch.id)->state == Remains::State::unknown);
  if (geteuid() == 0) await([&] { return holders_of(fixture.mark(launch)) == 0; });  // by their cgroup
  fixture.launcher->forget(launch.id);
}

TEST_CASE("what no launcher has made is unknown") {
  Fixture fixture;
  CHECK(fixture.launcher->find("never-made")->state == Remains::State::unknown);
  fixture.launcher->stop_remains("never-made");
  fixture.launcher->forget("never-made");
}
