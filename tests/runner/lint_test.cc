#include "agent/runner/lint.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "agent/runner/lint_names.h"
#include "agent/runner/policy.h"
#include "agent/runner/policy_rules.h"
#include "tests/runner/owned_folder.h"

namespace reeve::runner {

namespace {

const std::string policies = REEVE_SOURCE_DIR "/tests/runner/policies/";

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::filesystem::path> files_in(const std::string& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(policies + folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::string> lines_of(const std::filesystem::path& path) {
  std::istringstream text(read(path));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) {
    if (!line.empty() && line.front() != '#') lines.push_back(line);
  }
  return lines;
}

std::string complaints(const CommandRule& rule) {
  std::string all;
  for (const std::string& one : lint(rule)) all += one + "\n";
  return all;
}

}  // namespace

TEST_CASE("the list of refused programs is sorted and has each name once") {
  const auto twice = std::adjacent_find(refused_programs.begin(), refused_programs.end(), std::greater_equal<>());
  CHECK(twice == refused_programs.end());
  CHECK(std::is_sorted(fixed_argument_programs.begin(), fixed_argument_programs.end()));
  CHECK(refused_programs.size() >= 250);
  for (const std::string_view name : fixed_argument_programs) {
    CHECK_FALSE(std::binary_search(refused_programs.begin(), refused_programs.end(), name));
  }
}

TEST_CASE("shells, interpreters and known escapes are refused under every name they go by") {
  const auto paths = lines_of(policies + "refused_programs.txt");
  CHECK(paths.size() >= 150);
  for (const std::string& path : paths) {
    INFO(path);
    CHECK(refuse_program(path).find("is a shell or an interpreter") != std::string::npos);
  }
}

TEST_CASE("programs without known escapes are not refused") {
  for (const std::string& path : lines_of(policies + "harmless_programs.txt")) {
    INFO(path << ": " << refuse_program(path));
    CHECK(refuse_program(path).empty());
  }
}

TEST_CASE("sane policies are accepted") {
  const auto files = files_in("good");
  CHECK(files.size() >= 30);
  for (const auto& file : files) {
    const auto policy = Policy::parse(file.filename(), read(file));
    INFO(file << ": " << (policy.ok() ? "" : policy.error().text()));
    CHECK(policy.ok());
  }
}

TEST_CASE("each bad policy draws the complaint that its first line says, with file and line") {
  const auto files = files_in("bad");
  CHECK(files.size() >= 150);
  for (const auto& file : files) {
    const std::string text = read(file);
    const std::string wanted = text.substr(2, text.find('\n') - 2);
    const auto policy = Policy::parse(file.filename(), text);
    INFO(file << ": " << (policy.ok() ? "accepted" : policy.error().text()));
    REQUIRE_FALSE(policy.ok());
    CHECK(policy.error().code() == Code::invalid);
    CHECK(policy.error().text().find(wanted) != std::string::npos);
    CHECK(policy.error().text().starts_with(file.filename().string() + ":"));
  }
}

TEST_CASE("the policy that is shipped is accepted, and has execution off") {
  const auto policy = Policy::parse("policy.yaml", read(REEVE_SOURCE_DIR "/installers/policy.yaml"));
  INFO((policy.ok() ? "" : policy.error().text()));
  REQUIRE(policy.ok());
  CHECK_FALSE(policy->execution());
}

TEST_CASE("the shipped policy is accepted with all of its examples") {
  std::istringstream text(read(REEVE_SOURCE_DIR "/installers/policy.yaml"));
  std::string all;
  size_t examples = 0;
  for (std::string line; std::getline(text, line);) {
    const bool example = line.starts_with("#|");
    examples += example ? 1 : 0;
    all += (example ? line.substr(2) : line) + "\n";
  }
  const auto policy = Policy::parse("policy.yaml", all);
  INFO((policy.ok() ? "" : policy.error().text()));
  CHECK(policy.ok());
  CHECK(examples > 20);
}

TEST_CASE("a symlink to a shell is a shell, whatever its name") {
  const OwnedFolder folder;
  REQUIRE(::symlink("/bin/sh", (folder / "harmless").c_str()) == 0);
  REQUIRE(::symlink("harmless", (folder / "more-harmless").c_str()) == 0);
  CHECK(refuse_program(folder / "harmless").find("is a shell or an interpreter") != std::string::npos);
  CHECK(refuse_program(folder / "more-harmless").find("is a shell or an interpreter") != std::string::npos);
}

TEST_CASE("a script is refused unless its content is pinned") {
  const OwnedFolder folder;
  CommandRule rule;
  rule.path = folder / "clear-cache";
  std::ofstream(rule.path) << "#!/bin/sh\n";
  CHECK(complaints(rule).find("is a script") != std::string::npos);
  rule.sha256 = Bytes(32, 'x');
  CHECK(complaints(rule).empty());
  rule.sha256 = Bytes(31, 'x');
  CHECK(complaints(rule).find("sha256") != std::string::npos);
  rule.sha256.clear();
  std::ofstream(rule.path) << "no script";
  CHECK(complaints(rule).empty());
}

TEST_CASE("a program that is setuid, or lies where others may write, is refused") {
  const OwnedFolder folder;
  CommandRule rule;
  rule.path = folder / "clear-cache";
  std::ofstream(rule.path) << "no script";
  for (const mode_t mode : {04755, 02755}) {
    REQUIRE(::chmod(rule.path.c_str(), mode) == 0);
    CHECK(complaints(rule).find("setuid") != std::string::npos);
  }
  REQUIRE(::chmod(rule.path.c_str(), 0755) == 0);
  CHECK(complaints(rule).empty());
  for (const mode_t mode : {0775, 0757, 01777}) {
    REQUIRE(::chmod(folder.path().c_str(), mode) == 0);
    CHECK(complaints(rule).find("others may write to") != std::string::npos);
  }
}

}  // namespace reeve::runner
