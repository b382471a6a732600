// The first admin that init makes, and users changed while the server is stopped.
#include <sys/stat.h>

#include "common/sys/disk.h"
#include "common/sys/lock_file.h"
#include "common/sys/password.h"
#include "server/auth/auth.h"
#include "server/init.h"
#include "server/org_files.h"
#include "server/orgs.h"
#include "server/store/accounts.h"
#include "server/store/sqlite_store.h"
#include "server/user_command.h"
#include "tests/pch.h"
#include "tests/server/api_harness.h"

namespace reeve::server {
namespace {

struct Folder {
  TempFolder folder;
  SystemClock clock;
  SystemRandom random;
  OrgFiles files{folder.path()};
  ServerConfig config{.data_dir = folder.path()};

  std::vector<std::string> init() {
    const auto said = init_org(sys::real_disk(), clock, random, {.data_dir = folder.path()});
    if (!said.ok()) FAIL(said.error().text());
    return *said;
  }
  std::string first_line(const std::string& path) {
    const Bytes text = sys::read_file(sys::real_disk(), path, 1_KiB).value();
    return text.substr(0, text.find('\n'));
  }
  std::unique_ptr<Store> open(const OrgFiles& of) {
    return open_sqlite_store({.directory = of.store(), .disk = sys::real_disk(), .vfs = {}}).value();
  }
};

bool mentions(const std::vector<std::string>& said, const std::string& text) {
  return std::any_of(said.begin(), said.end(),
                     [&](const std::string& line) { return line.find(text) != std::string::npos; });
}

}  // namespace

TEST_CASE("init makes a first admin whose password only the data folder's owner can read") {
  Folder world;
  const std::vector<std::string> said = world.init();

  CHECK(mentions(said, "first admin: admin@default.local, password in " + world.files.admin_password()));
  const std::string password = world.first_line(world.files.admin_password());
  CHECK(password.size() == 20);
  CHECK_FALSE(mentions(said, password));
  struct stat status {};
  REQUIRE(stat(world.files.admin_password().c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  const User admin = world.open(world.files)->accounts().find_user_by_email("admin@default.local").value();
  CHECK(admin.role == "admin");
  CHECK(sys::password_matches(admin.password_hash, password));
  CHECK(world.first_line(world.files.api_key()).starts_with("rvk_default_"));
}

TEST_CASE("init again keeps the admin, and makes no second one where the first was renamed or left") {
  Folder world;
  world.init();
  const std::string password = world.first_line(world.files.admin_password());

  CHECK(mentions(world.init(), "(kept)"));

  CHECK(world.first_line(world.files.admin_password()) == password);
  CHECK(world.open(world.files)->accounts().list_users().value().size() == 1);
}

TEST_CASE("a further org has an admin of its own") {
  Folder world;
  world.init();
  REQUIRE(add_org(sys::real_disk(), world.clock, world.random, world.config, "acme").ok());

  const OrgFiles acme = world.files.of_org("acme");
  CHECK(world.open(acme)->accounts().find_user_by_email("admin@acme.local").ok());
  CHECK(world.first_line(acme.api_key()).starts_with("rvk_acme_"));
}

TEST_CASE("users are listed, added and given passwords while the server is stopped") {
  Folder world;
  world.init();
  sys::Disk& disk = sys::real_disk();
  const UserChangeOffline bob{.email = "Bob@example.net", .role = "engineer"};

  const auto added = add_user_offline(disk, world.clock, world.random, world.config, bob);
  REQUIRE(added.ok());
  CHECK(added->front() == "added: bob@example.net, engineer");
  const auto listed = list_users_offline(disk, world.config, "");
  REQUIRE(listed->size() == 2);
  CHECK(listed->back() == "bob@example.net  engineer  never signed in");

  const auto changed = set_password_offline(disk, world.clock, world.config, {.email = "bob@example.net"});
  REQUIRE(changed.ok());
  const std::string password = changed->back().substr(std::string("password: ").size());
  const User user = world.open(world.files)->accounts().find_user_by_email("bob@example.net").value();
  CHECK(sys::password_matches(user.password_hash, password));
  CHECK(world.open(world.files)->accounts().list_audit({.limit = 1})->front().actor_name == "reeve-server user");
}

TEST_CASE("what cannot be done offline says why") {
  Folder world;
  world.init();
  sys::Disk& disk = sys::real_disk();
  const auto add = [&](const UserChangeOffline& user) {
    return add_user_offline(disk, world.clock, world.random, world.config, user).error();
  };
  CHECK_THAT(add({.email = "bob"}).text(), Catch::Contains("no e-mail address"));
  CHECK_THAT(add({.email = "b@c", .role = "king"}).text(), Catch::Contains("viewer, engineer"));
  CHECK_THAT(add({.email = "admin@default.local"}).text(), Catch::Contains("a user already"));
  CHECK_THAT(add({.org = "nobody", .email = "b@c"}).text(), Catch::Contains("no org \"nobody\""));
  CHECK(set_password_offline(disk, world.clock, world.config, {.email = "b@c"}).error().code() == Code::not_found);

  const auto lock = sys::LockFile::take(world.files.lock()).value();
  CHECK(add({.email = "b@c"}).code() == Code::unavailable);
  CHECK_THAT(add({.email = "b@c"}).text(), Catch::Contains("stop the server first"));
}

TEST_CASE("the signing key is made once, readable by its owner alone, and a broken one is no silent new one") {
  Folder world;
  const std::string path = world.folder.path() + "/jwt.key";
  const Bytes made = load_or_make_signing_key(sys::real_disk(), path)->public_key();

  CHECK(load_or_make_signing_key(sys::real_disk(), path)->public_key() == made);
  struct stat status {};
  REQUIRE(stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  REQUIRE(sys::write_file_atomically(sys::real_disk(), path, "no key").ok());
  CHECK(load_or_make_signing_key(sys::real_disk(), path).error().code() == Code::invalid);
}

}  // namespace reeve::server
