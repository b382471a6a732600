#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "agent/runner/policy.h"
#include "tests/sys/temp_directory.h"

namespace reeve::runner {

namespace {

bool says(const std::string& text, std::string_view part) {
  INFO(text);
  const bool found = text.find(part) != std::string::npos;
  CHECK(found);
  return found;
}

}  // namespace

TEST_CASE("a folder's files are one policy, in the order of their names") {
  TempDirectory temp;
  std::ofstream(temp / "20-b.yaml") << "version: 1\nunits: [b.service]\n";
  std::ofstream(temp / "10-a.yaml") << "version: 1\nexecution: on\nunits: [a.service]\n";
  std::ofstream(temp / "notes.txt") << "not: [read\n";
  const uint32_t owner = ::geteuid();
  const auto policy = Policy::load(temp.path(), owner);
  INFO((policy.ok() ? "" : policy.error().text()));
  REQUIRE(policy.ok());
  CHECK(policy->execution());
  warrant::Exec reload;
  reload.what = warrant::Action{"unit.reload", {{"unit", std::string("c.service")}}};
  reload.timeout_ms = 1000;
  says(policy->permit(reload, Purpose::exec, 4, "a").error().text(), "allowed: a.service, b.service");
  const Bytes before = policy->hash();
  CHECK(Policy::load(temp.path(), owner)->hash() == before);
  std::ofstream(temp / "20-b.yaml", std::ios::app) << "# a comment\n";
  CHECK(Policy::load(temp.path(), owner)->hash() != before);
  std::ofstream(temp / "30-c.yaml") << "version: 1\nexecution: off\n";
  says(Policy::load(temp.path(), owner).error().text(), "30-c.yaml:2: execution stands in another file");
}

TEST_CASE("a folder with one file has the hash that a check of the file shows") {
  TempDirectory temp;
  const std::string text = "version: 1\n";
  std::ofstream(temp / "a.yaml") << text;
  CHECK(Policy::load(temp.path(), ::geteuid())->hash() == Policy::parse(temp / "a.yaml", text)->hash());
  CHECK(Policy::parse("b.yaml", text)->hash() != Policy::parse("a.yaml", text)->hash());
}

TEST_CASE("no policy, a wrong one and one that others may write to are not loaded") {
  TempDirectory temp;
  const uint32_t owner = ::geteuid();
  CHECK(Policy::load(temp / "absent", owner).error().code() == Code::not_found);
  CHECK(Policy::load(temp.path(), owner).error().code() == Code::not_found);
  const std::string file = temp / "a.yaml";
  std::ofstream(file) << "version: 1\nexec: on\n";
  const auto wrong = Policy::load(temp.path(), owner);
  CHECK(wrong.error().code() == Code::invalid);
  says(wrong.error().text(), "a.yaml:2: exec is no known key; allowed: ");
  std::ofstream(file) << "version: 1\n";
  CHECK(Policy::load(temp.path(), owner).ok());
  for (const mode_t mode : {0664, 0646}) {
    REQUIRE(::chmod(file.c_str(), mode) == 0);
    CHECK(Policy::load(temp.path(), owner).error().code() == Code::denied);
  }
  REQUIRE(::chmod(file.c_str(), 0644) == 0);
  REQUIRE(::chmod(temp.path().c_str(), 0775) == 0);
  CHECK(Policy::load(temp.path(), owner).error().code() == Code::denied);
  REQUIRE(::chmod(temp.path().c_str(), 0755) == 0);
  if (owner != 0) return;
  REQUIRE(::chown(file.c_str(), 1234, 0) == 0);
  CHECK(Policy::load(temp.path(), owner).error().code() == Code::denied);
}

TEST_CASE("a file past its bound is refused") {
  const std::string text = "version: 1\n";
  const std::string filled = text + std::string(256_KiB - text.size(), '#');
  CHECK(Policy::parse("a.yaml", filled).ok());
  CHECK_FALSE(Policy::parse("a.yaml", filled + "#").ok());
  CHECK_FALSE(Policy::parse("a.yaml", "version: 1\nunits: " + std::string(100'000, '[')).ok());
}

}  // namespace reeve::runner
