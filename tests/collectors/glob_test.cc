#include "collectors/glob.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "collectors/line_splitter.h"
#include "collectors/rotation_names.h"
#include "tests/sys/temp_directory.h"

using namespace reeve;
using namespace reeve::collect;
using Names = std::vector<std::string>;

namespace {

// Makes the files, and gives what the patterns find of them, relative to the directory.
Names walk(const Names& files, Names include, Names exclude = {}) {
  const TempDirectory directory;
  for (const std::string& file : files) {
    const std::filesystem::path path = directory / file;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << "x";
  }
  for (std::string& pattern : include) pattern.insert(0, directory.path() + "/");
  const Globs globs(std::move(include), std::move(exclude));
  Names found;
  for (const std::string& path : globs.walk(sys::real_disk()).paths) {
    found.push_back(path.substr(directory.path().size() + 1));
  }
  return found;
}

}  // namespace

TEST_CASE("stars, marks and sets match within one name") {
  CHECK(matches_name("*.log", "app.log", false));
  CHECK(matches_name("a*p*.log", "a-map.x.log", false));
  CHECK_FALSE(matches_name("a*p*.log", "a-map.x.log.1", false));
  CHECK(matches_name("app.?og", "app.log", false));
  CHECK_FALSE(matches_name("app.?og", "app.og", false));
  CHECK(matches_name("app.[a-z]og", "app.log", false));
  CHECK_FALSE(matches_name("app.[!a-z]og", "app.log", false));
  CHECK(matches_name("[]]x", "]x", false));
  CHECK(matches_name("a\\*", "a*", false));
  CHECK_FALSE(matches_name("a\\*", "ab", false));
  CHECK(matches_name("a[", "a[", false));
  CHECK(matches_name("", "", false));
  CHECK_FALSE(matches_name("", "a", false));
}

TEST_CASE("a wildcard matches a leading dot only where it is allowed to") {
  CHECK_FALSE(matches_name("*.log", ".app.log", false));
  CHECK_FALSE(matches_name("?app.log", ".app.log", false));
  CHECK(matches_name(".*", ".app.log", false));
  CHECK(matches_name("*.log", ".app.log", true));
}

TEST_CASE("a pattern made to backtrack stays fast") {
  CHECK_FALSE(matches_name("a*a*a*a*a*a*a*a*a*a*a*b", std::string(5000, 'a'), false));
}

TEST_CASE("two stars are any number of directories, none included") {
  CHECK(matches_path("/var/log/**/*.log", "/var/log/app.log"));
  CHECK(matches_path("/var/log/**/*.log", "/var/log/a/b/app.log"));
  CHECK_FALSE(matches_path("/var/log/**/*.log", "/var/app.log"));
  CHECK(matches_path("/var/**", "/var/log/a"));
  CHECK(matches_path("/**/log/**/x", "/a/log/b/log/x"));
  CHECK_FALSE(matches_path("/var/*", "/var/log/a"));
}

TEST_CASE("the walk finds what patterns match, sorted and each once") {
  const Names files{"a.log", "b.txt", "d/c.log", "d/e/f.log", ".hidden/g.log", "d/.h.log"};
  CHECK(walk(files, {"*.log"}) == Names{"a.log"});
  CHECK(walk(files, {"**/*.log"}) == Names{"a.log", "d/c.log", "d/e/f.log"});
  CHECK(walk(files, {"**"}) == Names{"a.log", "b.txt", "d/c.log", "d/e/f.log"});
  CHECK(walk(files, {"*/c.log", "d/*.log"}) == Names{"d/c.log"});
  CHECK(walk(files, {"d/.*"}) == Names{"d/.h.log"});
  CHECK(walk(files, {".hidden/*"}) == Names{".hidden/g.log"});
}

TEST_CASE("excludes without a slash are of names, others of paths") {
  const Names files{"a.log", "b.log", "d/a.log"};
  CHECK(walk(files, {"**/*.log"}, {"a.*"}) == Names{"b.log"});
  CHECK(walk(files, {"**/*.log"}, {"/**/d/*"}) == Names{"a.log", "b.log"});
}

TEST_CASE("links to directories are entered by name and by star, not by two stars") {
  const TempDirectory directory;
  std::filesystem::create_directory(directory / "real");
  std::ofstream(directory / "real/a.log") << "x";
  std::filesystem::create_symlink("real", directory / "link");
  std::filesystem::create_symlink(".", directory / "circle");

  CHECK(Globs({directory / "link/*.log"}, {}).walk(sys::real_disk()).paths == Names{directory / "link/a.log"});
  CHECK(Globs({directory / "l*/*.log"}, {}).walk(sys::real_disk()).paths == Names{directory / "link/a.log"});
  CHECK(Globs({directory / "**/*.log"}, {}).walk(sys::real_disk()).paths == Names{directory / "real/a.log"});
}

TEST_CASE("a walk that would not end is cut short and says so") {
  const TempDirectory directory;
  std::string deep = directory.path();
  for (int i = 0; i < 40; ++i) deep += "/d";
  std::filesystem::create_directories(deep);
  std::ofstream(deep + "/a.log") << "x";

  const Globs::Walk walk = Globs({directory / "**/*.log"}, {}).walk(sys::real_disk());
  CHECK(walk.paths.empty());
  CHECK(walk.cut_short);
}

TEST_CASE("patterns that can match nothing are refused with the reason") {
  CHECK(Globs::validate("/var/log/**/*.log").ok());
  CHECK(Globs::validate("/a/[b-c]*").ok());
  for (const char* pattern : {"", "relative/*.log", "/var/log/"}) {
    INFO(pattern);
    REQUIRE_FALSE(Globs::validate(pattern).ok());
    CHECK(Globs::validate(pattern).error().code() == Code::invalid);
  }
  CHECK_FALSE(Globs::validate("/var/[a").ok());
  CHECK(Globs::validate("/var/\\[a").ok());
}

TEST_CASE("names that rotation gives are told from others") {
  for (const char* name : {"app.log.1", "app.log.10", "app.log-20261121", "app.log.2026-11-21", "app.log_3",
                           "app.1.log", "app-20261121.log", "app.log.old", "app.log.2026-11-21T02:54:00Z"}) {
    INFO(name);
    CHECK(is_rotation_of("app.log", name));
  }
  for (const char* name : {"app.log", "app.log.1.gz", "app.log.err", "app.logbook", "app-error.log", "other.log.1",
                           "app.log.", "app", ""}) {
    INFO(name);
    CHECK_FALSE(is_rotation_of("app.log", name));
  }
  CHECK(is_rotation_of("messages", "messages.1"));
  CHECK_FALSE(is_rotation_of(".log", "x.log"));
}

TEST_CASE("of counted generations the smaller is younger, of dated ones the later") {
  CHECK(is_younger_rotation("app.log", "app.log.1", "app.log.2"));
  CHECK(is_younger_rotation("app.log", "app.log.9", "app.log.10"));
  CHECK(is_younger_rotation("app.log", "app.1.log", "app.2.log"));
  CHECK_FALSE(is_younger_rotation("app.log", "app.log.2", "app.log.1"));
  CHECK_FALSE(is_younger_rotation("app.log", "app.log.1", "app.log.1"));
  CHECK(is_younger_rotation("app.log", "app.log-20261121", "app.log-20261120"));
  CHECK(is_younger_rotation("app.log", "app.2026-11-21.log", "app.2026-11-20.log"));
}

TEST_CASE("where a long line is cut does not depend on how it was read") {
  const std::string text = std::string(10, 'a') + "\u00e9\u4e16\U0001f600" + std::string(30, '\x80') + "b\nshort\n";
  std::vector<Bytes> whole;
  split_lines(text, 16, true, [&](BytesView row) { whole.emplace_back(row); });

  for (size_t step = 17; step < 40; ++step) {
    std::vector<Bytes> rows;
    size_t at = 0;
    while (at < text.size()) {
      const bool last = at + step >= text.size();
      const Split split =
          split_lines(BytesView(text).substr(at, step), 16, last, [&](BytesView r) { rows.emplace_back(r); });
      REQUIRE(split.consumed > 0);
      at += split.consumed;
    }
    CHECK(rows == whole);
  }
}
