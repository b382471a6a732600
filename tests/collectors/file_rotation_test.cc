// Renames, deletions, copies and restarts, one by one; file_random_test.cc mixes them.
#include <catch2/catch.hpp>

#include "collectors/file.h"
#include "tests/collectors/file_fixture.h"

using namespace reeve;
using namespace reeve::collect;

TEST_CASE("the descriptor of a renamed file is kept until it is quiet and everything read from it is durable") {
  FileFixture f;
  f.append("app.log", "one\n");
  f.start();
  f.settle();
  f.rename("app.log", "app.log.1");
  f.settle();
  f.make_durable();

  f.pass(f.config.gone_wait - 10s);
  f.append("app.log.1", "late\n");
  CHECK(f.settle_and_take() == Lines{"one", "late"});
  f.pass(f.config.gone_wait);
  f.settle();
  CHECK(f.intake.latest()[0].finished);
  CHECK(f.collector->counters().open_files == 1);

  f.make_durable();
  CHECK(f.collector->counters().open_files == 0);
  CHECK(f.collector->counters().files == 0);
}

TEST_CASE("a file that was let go and is put back before that is durable goes on where it was") {
  FileFixture f;
  f.append("app.log", "one\n");
  f.start();
  f.settle();
  f.rename("app.log", "elsewhere");
  f.settle();
  f.pass(f.config.gone_wait);
  CHECK(f.settle_and_take() == Lines{"one"});
  CHECK(f.intake.latest()[0].finished);

  f.rename("elsewhere", "app.log");
  f.append("app.log", "two\n");
  CHECK(f.settle_and_take() == Lines{"two"});
  CHECK_FALSE(f.intake.latest()[0].finished);
}

TEST_CASE("the last line of a renamed file that never ends is handed on when the file has been quiet") {
  FileFixture f;
  f.append("app.log", "one\ntw");
  f.start();
  f.settle();
  f.rename("app.log", "app.log.1");
  CHECK(f.settle_and_take() == Lines{"one"});

  f.append("app.log.1", "o");
  CHECK(f.settle_and_take() == Lines{});
  f.pass(f.config.gone_wait);
  CHECK(f.settle_and_take() == Lines{"two"});
  CHECK(f.intake.latest()[0].offset == 7);
}

TEST_CASE("a deleted file is read to its end") {
  FileFixture f;
  f.append("app.log", "one\n");
  f.start();
  f.settle();
  f.append("app.log", "two\nlast");
  f.remove("app.log");

  CHECK(f.settle_and_take() == Lines{"one", "two"});
  f.pass(f.config.gone_wait);
  CHECK(f.settle_and_take() == Lines{"last"});
  f.make_durable();
  f.settle();
  CHECK(f.collector->counters().files == 0);
}

TEST_CASE("a renamed file that a glob matches under its new name goes on as the same source") {
  FileFixture f;
  f.config.include = {f.directory / "app*"};
  f.append("app.log", "one\n");
  f.start();
  f.settle();
  f.rename("app.log", "app.log.1");
  f.append("app.log.1", "two\n");

  CHECK(f.settle_and_take() == Lines{"one", "two"});
  CHECK(f.intake.latest().size() == 1);
  CHECK(f.collector->counters().rotated == 0);
}

TEST_CASE("a restart goes on where the durable position is") {
  FileFixture f;
  f.append("app.log", "one\ntw");
  f.start();
  CHECK(f.settle_and_take() == Lines{"one"});

  f.append("app.log", "o\n");
  f.restart();
  CHECK(f.settle_and_take() == Lines{"two"});
  CHECK(f.intake.latest().size() == 1);
}

TEST_CASE("a file renamed while the agent was stopped is finished under a name that no glob matches") {
  FileFixture f;
  f.append("app.log", "one\n");
  f.start();
  f.settle();
  f.append("app.log", "two\n");
  f.rename("app.log", "old-app");
  f.append("app.log", "three\n");
  f.take();
  f.restart();

  CHECK(sorted(f.settle_and_take()) == Lines{"three", "two"});
  CHECK(f.collector->counters().lost == 0);
}

TEST_CASE("generations that came and went while the agent was stopped are read, older ones are not") {
  FileFixture f;
  f.append("app.log.2", "ancient\n");
  f.append("app.log", "one\n");
  f.start();
  f.settle();
  f.take();

  f.append("app.log", "two\n");
  f.rename("app.log.2", "app.log.4");
  f.rename("app.log", "app.log.3");
  f.append("app.log.2", "three\n");
  f.append("app.log.1", "four\n");
  f.append("app.log", "five\n");
  f.append("app.log.1.gz", "six\n");
  f.append("app.logbook", "seven\n");
  f.restart();
  CHECK(sorted(f.settle_and_take()) == Lines{"five", "four", "three", "two"});

  f.restart();
  CHECK(f.settle_and_take() == Lines{});
}

// Found by the simulator: the beginning of a line was all the new file held, and the missed generation began alike.
TEST_CASE("a missed generation that begins like the file after it is no copy of that file") {
  FileFixture f;
  f.append("app.log", "one\n");
  f.start();
  f.settle();
  f.take();

  f.rename("app.log", "app.log.2");
  f.append("app.log.1", "host: two\n");
  f.append("app.log", "host: ");
  f.restart();
  CHECK(f.settle_and_take() == Lines{"host: two"});
  f.append("app.log", "three\n");
  CHECK(f.settle_and_take() == Lines{"host: three"});
}

TEST_CASE("two renames between two looks lose nothing") {
  FileFixture f;
  f.append("app.log", "one\n");
  f.start();
  f.settle();
  f.rename("app.log", "app.log.2");
  f.append("app.log", "two\n");
  f.rename("app.log", "app.log.1");
  f.append("app.log", "three\n");

  CHECK(sorted(f.settle_and_take()) == Lines{"one", "three", "two"});
}

// Found by the simulator: the writer was slow to make its new file, and that file was rotated before we looked again.
TEST_CASE("a generation that came and went after a look at an empty path is read") {
  FileFixture f;
  f.append("app.log", "one\n");
  f.start();
  f.settle();
  f.rename("app.log", "app.log.2");
  f.settle();
  f.append("app.log", "two\n");
  f.rename("app.log", "app.log.1");
  f.append("app.log", "three\n");

  CHECK(sorted(f.settle_and_take()) == Lines{"one", "three", "two"});
}

TEST_CASE("an inode given to another file is a new source, read from its head") {
  FileFixture f;
  f.append("app.log", "one of the first file\n");
  f.start();
  f.settle();
  f.take();
  wire::SourcePosition position = f.intake.latest()[0];
  f.collector.reset();
  f.append("new.log", "another file, and a longer one than the first\n");
  f.remove("app.log");
  const auto identity = f.disk->stat(f.directory / "new.log")->identity;
  position.inode = identity.inode;
  f.saved = {position};
  f.start();

  CHECK(f.settle_and_take() == Lines{"another file, and a longer one than the first"});
  CHECK(f.collector->counters().truncated == 1);
  CHECK(f.intake.positions[position.id].finished);
}

TEST_CASE("a file emptied in place is read from its head as a new source") {
  FileFixture f;
  f.append("app.log", "one\ntwo\n");
  f.start();
  f.settle();
  f.truncate("app.log");
  f.append("app.log", "three\n");

  CHECK(f.settle_and_take() == Lines{"one", "two", "three"});
  CHECK(f.collector->counters().truncated == 1);
  CHECK(f.intake.latest().size() == 2);
}

TEST_CASE("a file emptied and filled beyond its old size between two looks is told by its beginning") {
  FileFixture f;
  f.append("app.log", "one\n");
  f.start();
  f.settle();
  f.truncate("app.log");
  f.append("app.log", "two, which is longer\n");

  CHECK(f.settle_and_take() == Lines{"one", "two, which is longer"});
}

TEST_CASE("what was not read of a file that was copied and emptied is read from the copy") {
  FileFixture f;
  f.append("app.log", "one\n");
  f.start();
  f.settle();
  f.append("app.log", "two\n");
  f.copy("app.log", "app.log.1");
  f.truncate("app.log");
  f.append("app.log", "three\n");

  CHECK(sorted(f.settle_and_take()) == Lines{"one", "three", "two"});
  f.restart();
  CHECK(f.settle_and_take() == Lines{});
}

TEST_CASE("a file copied and emptied while the agent was stopped is finished from its copy") {
  FileFixture f;
  f.append("app.log", "one\n");
  f.start();
  f.settle();
  f.take();
  f.append("app.log", "two\n");
  f.copy("app.log", "app.log-20261121");
  f.truncate("app.log");
  f.append("app.log", "three\n");
  f.restart();

  CHECK(sorted(f.settle_and_take()) == Lines{"three", "two"});
}

TEST_CASE("a copy that globs match is not read a second time") {
  FileFixture f;
  f.config.include = {f.directory / "app.log*"};
  f.append("app.log", "one\n");
  f.start();
  f.settle();
  f.append("app.log", "two\n");
  f.copy("app.log", "app.log.1");
  CHECK(f.settle_and_take() == Lines{"one", "two"});

  SECTION("and reading goes on in it when the original is emptied") {
    f.append("app.log", "three\n");
    f.copy("app.log", "app.log.1");
    f.truncate("app.log");
    f.append("app.log", "four\n");
    CHECK(sorted(f.settle_and_take()) == Lines{"four", "three"});
  }
  SECTION("while what is appended to it later is its own") {
    f.pass(f.config.gone_wait);
    CHECK(f.settle_and_take() == Lines{});
    f.append("app.log.1", "of the copy\n");
    f.append("app.log", "of the original\n");
    CHECK(sorted(f.settle_and_take()) == Lines{"of the copy", "of the original"});
  }
  SECTION("nor after a restart") {
    f.restart();
    f.append("app.log", "three\n");
    CHECK(f.settle_and_take() == Lines{"three"});
  }
  SECTION("nor when it was emptied while the agent was stopped") {
    f.append("app.log", "three\n");
    f.copy("app.log", "app.log.1");
    f.truncate("app.log");
    f.append("app.log", "four\n");
    f.restart();
    CHECK(sorted(f.settle_and_take()) == Lines{"four", "three"});
  }
}
