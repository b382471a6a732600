#include "agent/runner/match.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <random>

#include "agent/runner/policy_paths.h"
#include "tests/sys/temp_directory.h"

namespace reeve::runner {

namespace {

using Kind = ArgumentRule::Kind;

ArgumentRule rule_of(Kind kind, std::vector<std::string> texts, int64_t min = 0, int64_t max = 0) {
  ArgumentRule rule;
  rule.kind = kind;
  rule.texts = std::move(texts);
  rule.min = min;
  rule.max = max;
  if (kind == Kind::pattern) REQUIRE(compile(rule).ok());
  return rule;
}

// -- The reference: what docs/policy.md says, in the plainest way ---------------------------------------------------

bool in_class(char c, const std::string& members) {
  for (size_t i = 0; i < members.size(); i++) {
    if (i + 2 < members.size() && members[i + 1] == '-') {
      if (c >= members[i] && c <= members[i + 2]) return true;
      i += 2;
    } else if (c == members[i]) {
      return true;
    }
  }
  return false;
}

// A pattern of the form [class]{m,n}[class]{m,n}..., tried by backtracking.
struct Part {
  std::string members;
  size_t least;
  size_t most;
};

bool reference_pattern(const std::vector<Part>& parts, size_t part, const std::string& text, size_t at) {
  if (part == parts.size()) return at == text.size();
  for (size_t n = 0; n <= parts[part].most; n++) {
    if (n >= parts[part].least && reference_pattern(parts, part + 1, text, at + n)) return true;
    if (at + n >= text.size() || !in_class(text[at + n], parts[part].members)) return false;
  }
  return false;
}

bool reference_integer(const std::string& text, int64_t min, int64_t max) {
  for (int64_t n = min; n <= max; n++) {
    if (std::to_string(n) == text) return true;
  }
  return false;
}

std::string random_text(std::mt19937& random, std::string_view letters, size_t size_max) {
  std::string text;
  for (size_t left = random() % (size_max + 1); left > 0; left--) text += letters[random() % letters.size()];
  return text;
}

}  // namespace

TEST_CASE("matching agrees with a plain reference on 100,000 random rules and texts") {
  std::mt19937 random(4);
  constexpr std::string_view letters = "ab01-./ \n+";
  const std::vector<std::string> classes = {"ab", "0-9", "a-b0-1", "b./", "a-", "+-/"};
  size_t matched = 0;
  for (int round = 0; round < 100'000; round++) {
    bool expected = false;
    ArgumentRule rule;
    std::string text;
    const auto kind = random() % 3;
    if (kind == 0) {
      std::vector<std::string> texts;
      for (size_t n = 1 + random() % 4; n > 0; n--) texts.push_back(random_text(random, letters, 3));
      text = random() % 3 == 0 ? texts[random() % texts.size()] : random_text(random, letters, 3);
      for (const std::string& one : texts) expected = expected || one == text;
      rule = rule_of(texts.size() == 1 ? Kind::literal : Kind::one_of, texts);
    } else if (kind == 1) {
      const int64_t min = static_cast<int64_t>(random() % 60) - 20;
      const int64_t max = min + static_cast<int64_t>(random() % 60);
      text = random_text(random, "0123+- .", 3);
      expected = reference_integer(text, min, max);
      rule = rule_of(Kind::integer, {}, min, max);
    } else {
      std::vector<Part> parts;
      std::string pattern;
      for (size_t n = 1 + random() % 3; n > 0; n--) {
        const size_t least = random() % 3;
        parts.push_back({classes[random() % classes.size()], least, least + random() % 3});
        pattern +=
            "[" + parts.back().members + "]{" + std::to_string(least) + "," + std::to_string(parts.back().most) + "}";
      }
      text = random_text(random, letters.substr(0, 7), 5);
      expected = reference_pattern(parts, 0, text, 0);
      rule = rule_of(Kind::pattern, {pattern});
      if (!shape_of(pattern).ok()) FAIL(pattern);
    }
    matched += expected ? 1 : 0;
    if (match(rule, text).ok() != expected) FAIL(describe(rule) << " and \"" << text << "\"");
  }
  CHECK(matched > 5'000);
}

TEST_CASE("the shape of a pattern holds for everything that RE2 matches with it") {
  std::mt19937 random(11);
  const std::vector<std::string> atoms = {"a",        "b",           "\\.",     "\\-",  "/",      "-",    "[ab.]",
                                          "[a-b]",    "[.-/]",       "[-a]",    "[a-]", "\\d",    "\\w",  "(a|\\.)",
                                          "(?:-|b?)", "((/a){0,2})", "(\\.?b)", "@",    "[\\d.]", "(a|)", "[+--]"};
  const std::vector<std::string> repeats = {"", "", "", "?", "{0}", "{1}", "{2}", "{0,2}", "{1,3}"};
  size_t matched = 0;
  size_t dotted = 0;
  for (int round = 0; round < 4'000; round++) {
    std::string pattern;
    for (size_t n = 1 + random() % 4; n > 0; n--) {
      pattern += atoms[random() % atoms.size()] + repeats[random() % repeats.size()];
      if (random() % 8 == 0) pattern += "|";
    }
    INFO(pattern);
    const auto shape = shape_of(pattern);
    REQUIRE(shape.ok());
    const ArgumentRule rule = rule_of(Kind::pattern, {pattern});
    for (int i = 0; i < 60; i++) {
      const std::string text = random_text(random, "ab.-/0@_", 5);
      if (!match(rule, text).ok()) continue;
      matched++;
      const auto byte = [&text](size_t at) { return static_cast<unsigned char>(text[at]); };
      bool holds = text.size() <= shape->bytes_max && (!text.empty() || shape->empty);
      if (!text.empty()) holds = holds && shape->first[byte(0)] && shape->last[byte(text.size() - 1)];
      for (size_t at = 0; at < text.size(); at++) holds = holds && shape->any[byte(at)];
      if (text.find("..") != std::string::npos) {
        dotted++;
        holds = holds && shape->two_dots;
      }
      if (!holds) FAIL(text);
    }
  }
  CHECK(matched > 10'000);
  CHECK(dotted > 50);
}

TEST_CASE("the shape of a pattern is no wider than the pattern") {
  CHECK_FALSE(shape_of("[a-z][a-z-]{0,9}")->first['-']);
  CHECK_FALSE(shape_of("a\\.b\\.c")->two_dots);
  CHECK_FALSE(shape_of("(a\\.){1,3}b")->two_dots);
  CHECK(shape_of("(\\.a?){2}")->two_dots);
  CHECK(shape_of("a\\.b?\\.")->two_dots);
  CHECK(shape_of("^[a-z]{2,7}$")->bytes_max == 7);
  CHECK(shape_of("(ab|c{5}){3}")->bytes_max == 15);
}

TEST_CASE("patterns nested or repeated past the bounds are refused, not followed") {
  CHECK(shape_of(std::string(16, '(') + "a" + std::string(16, ')')).ok());
  CHECK_FALSE(shape_of(std::string(17, '(') + "a" + std::string(17, ')')).ok());
  CHECK_FALSE(shape_of(std::string(100'000, '(')).ok());
  CHECK(shape_of("a{1000}").ok());
  CHECK_FALSE(shape_of("a{1001}").ok());
  CHECK_FALSE(shape_of("a{99999999999999999999}").ok());
  CHECK(shape_of("((((((a{1000}){1000}){1000}){1000}){1000}){1000}){1000}")->bytes_max > 1'000'000);
}

TEST_CASE("an integer is written in one way") {
  const ArgumentRule rule = rule_of(Kind::integer, {}, 0, 10);
  for (const char* good : {"0", "1", "10"}) CHECK(match(rule, good).ok());
  for (const char* bad : {"", "-0", "+1", "01", " 1", "1 ", "1.0", "0x1", "11", "-1", "99999999999999999999"}) {
    CHECK_FALSE(match(rule, bad).ok());
  }
}

TEST_CASE("a pattern has to match the whole text") {
  const ArgumentRule rule = rule_of(Kind::pattern, {"[a-z]{1,3}|x\\d"});
  CHECK(match(rule, "abc").ok());
  CHECK(match(rule, "x1").ok());
  for (const char* bad : {"abcd", "abc\n", "x1 ", " abc", "", "ABC"}) CHECK_FALSE(match(rule, bad).ok());
  CHECK_FALSE(match(rule, std::string_view("ab\0", 3)).ok());
}

TEST_CASE("a pattern that was never compiled matches nothing") {
  ArgumentRule rule;
  rule.kind = Kind::pattern;
  rule.texts = {"a"};
  CHECK_FALSE(match(rule, "a").ok());
}

TEST_CASE("path_below takes files and folders below, and nothing that leads elsewhere") {
  TempDirectory temp;
  const std::string folder = temp / "area";
  REQUIRE(::mkdir(folder.c_str(), 0755) == 0);
  REQUIRE(::mkdir((folder + "/sub").c_str(), 0755) == 0);
  REQUIRE(::mkdir((temp / "area-2").c_str(), 0755) == 0);
  for (const std::string& file : {folder + "/file", folder + "/sub/file", temp / "secret", temp / "area-2/file"}) {
    std::ofstream(file) << "x";
  }
  REQUIRE(::symlink((temp / "secret").c_str(), (folder + "/absolute").c_str()) == 0);
  REQUIRE(::symlink("../secret", (folder + "/relative").c_str()) == 0);
  REQUIRE(::symlink("file", (folder + "/inside").c_str()) == 0);
  REQUIRE(::symlink("..", (folder + "/up").c_str()) == 0);
  REQUIRE(::symlink(folder.c_str(), (temp / "alias").c_str()) == 0);
  REQUIRE(::mkfifo((folder + "/fifo").c_str(), 0600) == 0);
  const ArgumentRule rule = rule_of(Kind::path_below, {folder});
  for (const char* good : {"/file", "/sub", "/sub/file"}) CHECK(match(rule, folder + good).ok());
  for (const char* bad :
       {"", "/", "/absent", "/absolute", "/relative", "/inside", "/up/secret", "/up", "/fifo", "/../secret",
        "/sub/../file", "/./file", "//file", "/sub/", "-2/file", "/file/x", "/file\n"}) {
    INFO(bad);
    CHECK_FALSE(match(rule, folder + bad).ok());
  }
  CHECK_FALSE(match(rule, "file").ok());
  CHECK_FALSE(match(rule, "/etc/passwd").ok());
  CHECK_FALSE(match(rule, folder + "/file" + std::string(1, '\0')).ok());
  CHECK_FALSE(match(rule_of(Kind::path_below, {temp / "alias"}), temp / "alias/file").ok());
}

TEST_CASE("of 20,000 walks through links and dots, those that pass are canonical and below") {
  TempDirectory temp;
  const std::string folder = temp / "area";
  REQUIRE(::mkdir(folder.c_str(), 0755) == 0);
  REQUIRE(::mkdir((folder + "/a").c_str(), 0755) == 0);
  for (const std::string& file : {temp / "secret", folder + "/b", folder + "/a/b"}) std::ofstream(file) << "x";
  REQUIRE(::symlink("../..", (folder + "/a/c").c_str()) == 0);
  REQUIRE(::symlink("..", (folder + "/c").c_str()) == 0);
  REQUIRE(::symlink("a/b", (folder + "/link").c_str()) == 0);
  const std::vector<std::string> names = {"a", "b", "c", "..", ".", "", "a/b", "../area", "link", "secret"};
  const ArgumentRule rule = rule_of(Kind::path_below, {folder});
  std::mt19937 random(3);
  size_t accepted = 0;
  for (int i = 0; i < 20'000; i++) {
    std::string path = random() % 8 == 0 ? temp.path() : folder;
    for (size_t n = random() % 5; n > 0; n--) path += "/" + names[random() % names.size()];
    if (!match(rule, path).ok()) continue;
    accepted++;
    if (std::filesystem::canonical(path) != path || !path.starts_with(folder + "/")) FAIL(path);
  }
  CHECK(accepted > 100);
}

TEST_CASE("a trusted program belongs to root all the way, and nobody else may write there") {
  if (::geteuid() != 0) return;  // only root can give files away
  CHECK(trusted_path("/usr/bin/env", 0).ok());
  CHECK(trusted_program("/bin/sleep", 0).ok());  // by way of Debian's /bin -> usr/bin
  TempDirectory temp;
  const std::string folder = temp / "f";
  REQUIRE(::mkdir(folder.c_str(), 0755) == 0);
  const std::string file = folder + "/program";
  std::ofstream(file) << "x";
  const auto passes = [&file](mode_t mode) {
    REQUIRE(::chmod(file.c_str(), mode) == 0);
    return trusted_program(file, 0).ok();
  };
  CHECK(passes(0755));
  CHECK(passes(0500));
  for (const mode_t mode : {0644, 0775, 0757, 04755, 02755}) CHECK_FALSE(passes(mode));
  REQUIRE(passes(0755));
  REQUIRE(::chmod(folder.c_str(), 0775) == 0);
  CHECK_FALSE(trusted_program(file, 0).ok());
  REQUIRE(::chmod(folder.c_str(), 0755) == 0);
  REQUIRE(::chown(file.c_str(), 1234, 0) == 0);
  CHECK_FALSE(trusted_program(file, 0).ok());
  CHECK(trusted_program(file, 1234).ok());
  REQUIRE(::chown(file.c_str(), 0, 0) == 0);
  REQUIRE(::chown(folder.c_str(), 1234, 0) == 0);
  CHECK_FALSE(trusted_program(file, 0).ok());
}

TEST_CASE("a symlink of root's is followed and its target judged; somebody else's is not") {
  if (::geteuid() != 0) return;
  TempDirectory temp;
  REQUIRE(::mkdir((temp / "f").c_str(), 0755) == 0);
  std::ofstream(temp / "f/program") << "x";
  REQUIRE(::chmod((temp / "f/program").c_str(), 0755) == 0);
  REQUIRE(::symlink("f/program", (temp / "link").c_str()) == 0);
  REQUIRE(::symlink("../f/../link", (temp / "f/second").c_str()) == 0);
  CHECK(trusted_program(temp / "link", 0).ok());
  CHECK(trusted_program(temp / "f/second", 0).ok());
  REQUIRE(::lchown((temp / "link").c_str(), 1234, 0) == 0);
  CHECK_FALSE(trusted_program(temp / "link", 0).ok());
  CHECK_FALSE(trusted_program(temp / "f/second", 0).ok());
  REQUIRE(::symlink("loop", (temp / "loop").c_str()) == 0);
  CHECK_FALSE(trusted_path(temp / "loop", 0).ok());
  CHECK_FALSE(trusted_path(temp / "absent", 0).ok());
  CHECK_FALSE(trusted_path("relative", 0).ok());
  CHECK_FALSE(trusted_program(temp / "f", 0).ok());
}

TEST_CASE("a plain path has one spelling") {
  for (const char* good : {"/a", "/usr/bin/env", "/a b", "/..a", "/a..", "/a/.b"}) CHECK(is_plain_path(good));
  for (const char* bad :
       {"", "/", "a", "./a", "/a/", "//a", "/a//b", "/.", "/..", "/a/..", "/../a", "/a/./b", "/a\n"}) {
    INFO(bad);
    CHECK_FALSE(is_plain_path(bad));
  }
  CHECK(is_plain_path("/" + std::string(4094, 'a')));
  CHECK_FALSE(is_plain_path("/" + std::string(4095, 'a')));
}

}  // namespace reeve::runner
