#include "collectors/file.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <set>

#include "collectors/file_source.h"

#include "tests/collectors/file_fixture.h"

using namespace reeve;
using namespace reeve::collect;

TEST_CASE("lines are handed on once, as they come, without their ends") {
  FileFixture f;
  f.append("app.log", "one\ntwo\n");
  f.start();

  CHECK(f.settle_and_take() == Lines{"one", "two"});
  CHECK(f.settle_and_take() == Lines{});
  f.append("app.log", "three\n");
  CHECK(f.settle_and_take() == Lines{"three"});
}

TEST_CASE("any bytes pass: NUL, carriage return, invalid UTF-8, and empty lines") {
  FileFixture f;
  f.append("app.log", std::string_view("a\0b\r\n\n\xff\xfe\n", 9));
  f.start();

  CHECK(f.settle_and_take() == Lines{Bytes("a\0b\r", 4), "", "\xff\xfe"});
}

TEST_CASE("a last line without its end is held back until the end comes") {
  FileFixture f;
  f.append("app.log", "one\ntw");
  f.start();

  CHECK(f.settle_and_take() == Lines{"one"});
  f.append("app.log", "o");
  CHECK(f.settle_and_take() == Lines{});
  f.append("app.log", "\nthree");
  CHECK(f.settle_and_take() == Lines{"two"});
  f.collector->flush(f.intake);
  CHECK(f.take() == Lines{"three"});
}

TEST_CASE("a file renamed while it is read is read to its end, and its successor from its head") {
  FileFixture f;
  f.append("app.log", "one\n");
  f.start();
  CHECK(f.settle_and_take() == Lines{"one"});

  f.append("app.log", "two\n");
  f.rename("app.log", "app.log.1");
  f.append("app.log", "three\n");
  f.append("app.log.1", "late\n");
  Lines lines = f.settle_and_take();
  std::sort(lines.begin(), lines.end());
  CHECK(lines == Lines{"late", "three", "two"});
  CHECK(f.collector->counters().rotated == 1);
}

TEST_CASE("two files that begin alike are two files") {
  FileFixture f;
  f.append("worker-1.log", "started\n");
  f.start();
  f.settle();
  f.append("worker-2.log", "started\n");
  f.append("worker-3.log", "started\nand more\n");

  CHECK(f.settle_and_take() == Lines{"started", "started", "started", "and more"});
}

TEST_CASE("the hole that truncation leaves under a writer that does not append is skipped and counted") {
  FileFixture f;
  f.append("app.log", std::string(10'000, 'a') + "\n");
  f.start();
  f.settle();
  f.take();
  f.truncate("app.log");
  std::filesystem::resize_file(f.directory / "app.log", 600'000);
  f.append("app.log", "after the hole\n");

  CHECK(f.settle_and_take() == Lines{"after the hole"});
  CHECK(f.intake.drops["hole"] == 600'000);
}

TEST_CASE("a line at the cap is one row, one byte more makes it two, and nothing is lost") {
  FileFixture f;
  f.config.line_bytes_max = 16;
  f.append("app.log", std::string(16, 'a') + "\n" + std::string(17, 'b') + "\n" + std::string(16, 'c'));
  f.start();

  CHECK(f.settle_and_take() == Lines{std::string(16, 'a'), std::string(16, 'b'), "b"});
  f.append("app.log", "c");
  CHECK(f.settle_and_take() == Lines{std::string(16, 'c')});
  f.append("app.log", "\n");
  CHECK(f.settle_and_take() == Lines{"c"});
  CHECK(f.collector->counters().line_cuts == 2);
}

TEST_CASE("a long line is not cut inside of a character") {
  FileFixture f;
  f.config.line_bytes_max = 16;
  f.append("app.log", std::string(15, 'a') + "\u00e9b\n");
  f.start();

  CHECK(f.settle_and_take() == Lines{std::string(15, 'a'), "\u00e9b"});
}

TEST_CASE("a line longer than everything that is read at once comes in rows of the cap") {
  FileFixture f;
  f.config.line_bytes_max = 64 * 1024;
  f.append("app.log", std::string(1'000'000, 'x') + "\nnext\n");
  f.start();

  const Lines lines = f.settle_and_take();
  REQUIRE(lines.size() == 17);
  CHECK(lines[0].size() == 65'536);
  CHECK(lines[15].size() == 1'000'000 - 15 * 65'536);
  CHECK(lines[16] == "next");
}

TEST_CASE("a start at the end begins with the line that is being written") {
  FileFixture f;
  f.config.start = FileConfig::Start::end;
  f.append("app.log", "old\nhalf");
  f.append("other.log", "old\n");
  f.start();
  CHECK(f.settle_and_take() == Lines{});

  f.append("app.log", " and half\n");
  f.append("other.log", "new\n");
  f.append("later.log", "all of it\n");
  CHECK(sorted(f.settle_and_take()) == Lines{"all of it", "half and half", "new"});
}

TEST_CASE("a start at the end keeps its place over a restart before the first row") {
  FileFixture f;
  f.config.start = FileConfig::Start::end;
  f.append("app.log", "old\n");
  f.start();
  f.settle();
  f.append("app.log", "new\n");
  f.append("unseen.log", "made while stopped\n");
  f.restart();

  CHECK(sorted(f.settle_and_take()) == Lines{"made while stopped", "new"});
}

TEST_CASE("of a file longer than allowed from the head, the last bytes are read from the next line start") {
  FileFixture f;
  f.config.head_bytes_max = 8;
  f.append("exact.log", "12345\nabc\ndef\n");
  f.append("inside.log", "12345\nabcd\nefg\n");
  f.append("short.log", "1234567\n");
  f.append("one.log", "a single line without an end");
  f.start();

  CHECK(sorted(f.settle_and_take()) == Lines{"1234567", "abc", "def", "efg"});
  f.append("one.log", "\nnext\n");
  CHECK(f.settle_and_take() == Lines{"", "next"});
}

TEST_CASE("a full intake gets no more, and no line is lost over it") {
  FileFixture f;
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "line " + std::to_string(i) + "\n";
  f.append("app.log", text);
  f.intake.rows_max = 1;
  f.start();

  Lines all;
  for (int i = 0; i < 100 && all.size() < 100'000; ++i) {
    f.settle();
    CHECK(f.intake.rows.size() < 60'000);  // one slice is handed on whole
    for (Bytes& line : f.take()) all.push_back(std::move(line));
  }
  REQUIRE(all.size() == 100'000);
  CHECK(all[99'999] == "line 99999");
}

TEST_CASE("a poll is bounded, and files take turns") {
  FileFixture f;
  const std::string line(1023, 'x');
  for (const char* name : {"a.log", "b.log", "c.log"}) {
    std::string text;
    for (int i = 0; i < 4096; ++i) text += line + "\n";
    f.append(name, text);
  }
  f.start();

  CHECK(f.collector->poll(f.now, f.wall, f.intake).more);
  CHECK(f.intake.rows.size() <= 1100);
  std::set<uint64_t> sources;
  for (const auto& row : f.intake.rows) sources.insert(row.source);
  CHECK(sources.size() == 3);
  CHECK(f.settle_and_take().size() == 3 * 4096);
}

TEST_CASE("more files than descriptors are all followed, through appends, renames and deletions") {
  FileFixture f;
  f.config.open_files_max = 3;
  for (int i = 0; i < 20; ++i) f.append(std::to_string(i) + ".log", "first " + std::to_string(i) + "\n");
  f.start();
  CHECK(f.settle_and_take().size() == 20);
  CHECK(f.collector->counters().open_files <= 3);

  for (int i = 0; i < 20; ++i) {
    const std::string name = std::to_string(i) + ".log";
    f.append(name, "second\n");
    if (i % 3 == 0) f.rename(name, name + ".1");
    if (i % 3 == 0) f.append(name, "third\n");
  }
  CHECK(f.settle_and_take().size() == 27);
  CHECK(f.collector->counters().lost == 0);
}

TEST_CASE("a closed file that is deleted while unread bytes are known is counted as lost") {
  FileFixture f;
  f.config.open_files_max = 1;
  f.append("a.log", "one\n");
  f.append("b.log", "one\n");
  f.start();
  f.settle();
  f.append("a.log", "two\n");
  f.append("b.log", "two\n");
  f.remove("a.log");
  f.remove("b.log");
  f.settle();

  // One of the two was open and could be read; the other had been closed, and nobody knows what it grew to.
  CHECK(f.take().size() == 3);
}

TEST_CASE("no more files are followed than allowed, and those left out have their turn when others are gone") {
  FileFixture f;
  f.config.files_max = 1;
  f.append("a.log", "a\n");
  f.append("b.log", "b\n");
  f.start();
  CHECK(f.settle_and_take() == Lines{"a"});
  CHECK(f.collector->counters().refused >= 1);

  f.remove("a.log");
  f.settle();
  f.make_durable();
  f.pass(f.config.gone_wait);
  f.settle();
  f.make_durable();
  f.pass(f.config.scan_interval);
  CHECK(f.settle_and_take() == Lines{"b"});
}

TEST_CASE("links are followed, and a file with two names is read once") {
  FileFixture f;
  f.append("target", "one\n");
  std::filesystem::create_symlink("target", f.directory / "a.log");
  std::filesystem::create_symlink("target", f.directory / "b.log");
  std::filesystem::create_hard_link(f.directory / "target", f.directory / "c.log");
  std::filesystem::create_symlink("nowhere", f.directory / "broken.log");
  f.start();

  CHECK(f.settle_and_take() == Lines{"one"});
}

TEST_CASE("what is no regular file is left alone") {
  FileFixture f;
  REQUIRE(::mkfifo((f.directory / "pipe.log").c_str(), 0600) == 0);
  std::filesystem::create_directory(f.directory / "dir.log");
  f.append("app.log", "one\n");
  f.start();

  CHECK(f.settle_and_take() == Lines{"one"});
}

TEST_CASE("a collector without files is at its end, and finds the directory when it appears") {
  FileFixture f;
  f.config.include = {f.directory / "later/*.log"};
  f.start();
  CHECK(f.settle_and_take() == Lines{});

  std::filesystem::create_directory(f.directory / "later");
  f.append("later/app.log", "one\n");
  f.pass(2s);
  CHECK(f.settle_and_take() == Lines{"one"});
  CHECK(f.collector->watched_directories() == std::vector<std::string>{f.directory / "later"});
}

TEST_CASE("rows are called after the config, or after the path") {
  FileFixture f;
  f.append("shop.log", "one\n");
  f.start();
  f.settle();
  CHECK(f.intake.rows[0].service == "shop");

  f.config.service = "till";
  f.intake.positions.clear();
  f.take();
  f.restart();
  f.settle();
  CHECK(f.intake.rows[0].service == "till");

  CHECK(service_of_path("/var/log/nginx/access.log") == "nginx");
  CHECK(service_of_path("/var/log/postgresql/15/main.log") == "postgresql");
  CHECK(service_of_path("/var/log/dpkg.log") == "dpkg");
  CHECK(service_of_path("/srv/shop.log.1") == "shop");
  CHECK(service_of_path("/srv/shop-20261121.log") == "shop");
  CHECK(service_of_path("/srv/node1.log") == "node1");
  CHECK(service_of_path("/srv/.hidden.log") == ".hidden");
}

TEST_CASE("positions of other collectors and of files no longer asked for are left alone") {
  FileFixture f;
  wire::SourcePosition journal;
  journal.id = 1;
  journal.kind = "journal";
  wire::SourcePosition elsewhere;
  elsewhere.id = 2;
  elsewhere.kind = "file";
  elsewhere.name = "/nowhere/app.log";
  f.saved = {journal, elsewhere};
  f.append("app.log", "one\n");
  f.start();

  CHECK(f.settle_and_take() == Lines{"one"});
  CHECK_FALSE(f.intake.positions.contains(1));
  CHECK_FALSE(f.intake.positions.contains(2));
}

TEST_CASE("a restored file that is nowhere any more is finished, so that its position can be forgotten") {
  FileFixture f;
  f.append("app.log", "one\n");
  f.start();
  f.settle();
  f.remove("app.log");
  f.restart();
  f.settle();

  REQUIRE(f.intake.latest().size() == 1);
  CHECK(f.intake.latest()[0].finished);
  CHECK(f.collector->counters().lost == 1);
}

TEST_CASE("every row handed on lies before the position that follows it") {
  FileFixture f;
  f.append("app.log", "one\ntwo\nthree");
  f.start();
  f.settle();

  REQUIRE(f.intake.advances.size() == 2);
  CHECK(f.intake.advances[0].position.offset == 0);
  CHECK(f.intake.advances[0].rows == 0);
  CHECK(f.intake.advances[1].position.offset == 8);
  CHECK(f.intake.advances[1].rows == 2);
  CHECK(f.intake.advances[1].position.fingerprint_bytes == 8);
}

TEST_CASE("the fingerprint grows with what was read, up to its cap") {
  FileFixture f;
  const std::string line(99, 'x');
  f.start();
  std::string content;
  for (int i = 0; i < 15; ++i) {
    f.append("app.log", line + "\n");
    content += line + "\n";
    f.settle();
    const wire::SourcePosition position = f.intake.latest()[0];
    const size_t covered = std::min<size_t>(content.size(), 1024);
    CHECK(position.fingerprint_bytes == covered);
    CHECK(position.fingerprint == fingerprint_of(BytesView(content).substr(0, covered)));
  }
}
