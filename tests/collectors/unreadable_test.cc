// What root may read, others may not: these tests drop to `nobody` in a child where they run as root.
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <functional>

#include "common/base/log.h"
#include "tests/collectors/file_fixture.h"

using namespace reeve;
using namespace reeve::collect;

namespace {

// Runs `body` in a child as an unprivileged user, and gives its exit code.
int run_unprivileged(const std::string& directory, const std::function<int()>& body) {
  constexpr uid_t nobody = 65534;
  std::filesystem::permissions(directory, std::filesystem::perms::all);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 && (::setgid(nobody) != 0 || ::setuid(nobody) != 0)) ::_exit(100);
    ::_exit(body());
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

}  // namespace

TEST_CASE("an unreadable file and directory are counted and retried, and the others go on") {
  FileFixture f;
  std::filesystem::create_directory(f.directory / "closed");
  f.config.include = {f.directory / "*.log", f.directory / "*/*.log"};
  f.append("a.log", "secret\n");
  f.append("b.log", "open\n");
  f.append("closed/c.log", "hidden\n");
  std::filesystem::permissions(f.directory / "a.log", std::filesystem::perms::none);
  std::filesystem::permissions(f.directory / "closed", std::filesystem::perms::none);
  std::filesystem::permissions(f.directory / "b.log", std::filesystem::perms::others_read,
                               std::filesystem::perm_options::add);

  const int tries = run_unprivileged(f.directory.path(), [&] {
    set_log_descriptor(-1);
    f.start();
    if (f.settle_and_take() != Lines{"open"}) return 101;
    f.pass(5s);
    if (f.settle_and_take() != Lines{}) return 102;
    return static_cast<int>(f.collector->counters().unreadable);
  });
  CHECK(tries >= 2);
  CHECK(tries < 100);
  std::filesystem::permissions(f.directory / "closed", std::filesystem::perms::owner_all);
}
