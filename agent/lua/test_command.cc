#include "agent/lua/test_command.h"

#include <algorithm>
#include <vector>

#include "agent/lua/golden.h"
#include "agent/lua/parser_files.h"

namespace reeve::agent::lua {

namespace {

constexpr uint64_t golden_bytes_max = 4_MiB;
constexpr std::string_view extension = ".lua";

// One parser and the inputs that are its.
struct Subject {
  std::string name;
  std::string path;
  std::vector<std::string> inputs;
};

class Tester {
 public:
  Tester(sys::Disk& disk, const TestOptions& options) : disk_(disk), options_(options) {}

  TestAnswer run();

 private:
  void find(const std::string& directory, bool may_descend, std::vector<Subject>& subjects);
  void test(const Subject& subject);
  void compare(Script& script, const Subject& subject, const std::string& input);
  void update(const Subject& subject, const std::string& path, const std::string& got);

  void fail(const std::string& subject, const std::string& reason) {
    ++answer_.failures;
    answer_.text += paint("31", "FAIL") + " " + subject + ": " + reason + "\n";
  }
  std::string paint(std::string_view colour, const std::string& text) const {
    return options_.coloured ? "\033[" + std::string(colour) + "m" + text + "\033[0m" : text;
  }

  sys::Disk& disk_;
  const TestOptions& options_;
  TestAnswer answer_;
};

std::string file_name_of(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

void Tester::find(const std::string& directory, bool may_descend, std::vector<Subject>& subjects) {
  const auto entries = disk_.list(directory);
  if (!entries.ok()) return fail(directory, entries.error().text());
  size_t parsers = 0;
  for (const sys::DirectoryEntry& entry : *entries) parsers += !entry.is_directory && entry.name.ends_with(extension);
  for (const sys::DirectoryEntry& entry : *entries) {
    if (entry.is_directory) {
      if (may_descend && !entry.name.starts_with('.')) find(directory + "/" + entry.name, false, subjects);
      continue;
    }
    if (!entry.name.ends_with(extension)) continue;
    Subject subject{entry.name.substr(0, entry.name.size() - extension.size()), directory + "/" + entry.name, {}};
    for (const sys::DirectoryEntry& other : *entries) {
      const bool is_its = parsers == 1 || other.name.starts_with(subject.name);
      if (!other.is_directory && other.name.ends_with(golden_in) && is_its) {
        subject.inputs.push_back(directory + "/" + other.name);
      }
    }
    subjects.push_back(std::move(subject));
  }
}

void Tester::update(const Subject& subject, const std::string& path, const std::string& got) {
  const auto before = sys::read_file(disk_, path, golden_bytes_max);
  if (before.ok() && *before == got) return;
  const Status written = sys::write_file_atomically(disk_, path, got);
  if (!written.ok()) return fail(subject.name, written.error().text());
  answer_.text += "wrote " + path + "\n";
}

void Tester::compare(Script& script, const Subject& subject, const std::string& input) {
  const auto text = sys::read_file(disk_, input, golden_bytes_max);
  if (!text.ok()) return fail(subject.name, text.error().text());
  const std::string got = golden_results(script, *text);
  const std::string path = input.substr(0, input.size() - golden_in.size()) + std::string(golden_out);
  const std::vector<std::string_view> records = split_golden_records(*text);
  answer_.records += static_cast<int>(records.size());
  if (options_.update) return update(subject, path, got);

  const auto expected = sys::read_file(disk_, path, golden_bytes_max);
  if (!expected.ok()) return fail(subject.name, expected.error().text() + "; --update writes it");
  const std::vector<std::string_view> wanted = split_golden_records(*expected);
  const std::vector<std::string_view> made = split_golden_records(got);
  for (size_t i = 0; i < std::max(wanted.size(), made.size()); ++i) {
    if (i < wanted.size() && i < made.size() && wanted[i] == made[i]) continue;
    fail(subject.name, file_name_of(input) + ", record " + std::to_string(i + 1));
    if (i < records.size()) answer_.text += "    " + std::string(records[i].substr(0, records[i].find('\n'))) + "\n";
    if (i < wanted.size()) answer_.text += paint("31", "  - " + std::string(wanted[i])) + "\n";
    if (i < made.size()) answer_.text += paint("32", "  + " + std::string(made[i])) + "\n";
  }
}

void Tester::test(const Subject& subject) {
  ++answer_.parsers;
  const auto text = sys::read_file(disk_, subject.path, ParserFiles::file_bytes_max);
  if (!text.ok()) return fail(subject.name, text.error().text());
  auto script = Script::load(file_name_of(subject.path), *text, {}, {});
  if (!script.ok()) return fail(subject.name, script.error().text());
  const int failures = answer_.failures;
  const int records = answer_.records;
  for (const std::string& input : subject.inputs) compare(**script, subject, input);
  if (answer_.failures != failures) return;
  answer_.text += paint("32", "ok") + "   " + subject.name + ": " +
                  (subject.inputs.empty() ? "loads, but has no golden files"
                                          : std::to_string(answer_.records - records) + " records") +
                  "\n";
}

TestAnswer Tester::run() {
  std::vector<Subject> subjects;
  find(options_.directory, true, subjects);
  for (const Subject& subject : subjects) test(subject);
  if (subjects.empty() && answer_.failures == 0) fail(options_.directory, "there is no parser, no *.lua");
  answer_.text += std::to_string(answer_.parsers) + " parsers, " + std::to_string(answer_.records) + " records, " +
                  std::to_string(answer_.failures) + " failures\n";
  return std::move(answer_);
}

}  // namespace

TestAnswer test_parsers(sys::Disk& disk, const TestOptions& options) {
  return Tester(disk, options).run();
}

}  // namespace reeve::agent::lua
