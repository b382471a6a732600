// The scripts of tests/agent/hostile, as data.
#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace reeve::agent {

struct HostileScript {
  std::string name;
  std::string text;  // a whole file
};

// "@x@" stands for x, 3000 times.
inline std::string with_repeats(const std::string& text) {
  std::string result;
  size_t at = 0;
  for (size_t mark = text.find('@'); mark != std::string::npos; mark = text.find('@', at)) {
    const size_t end = text.find('@', mark + 1);
    if (end == std::string::npos) break;
    result += text.substr(at, mark - at);
    for (int i = 0; i < 3000; ++i) result += text.substr(mark + 1, end - mark - 1);
    at = end + 1;
  }
  return result + text.substr(at);
}

inline std::vector<HostileScript> read_hostile_scripts(const std::string& file) {
  std::ifstream in(std::string(REEVE_SOURCE_DIR) + "/tests/agent/hostile/" + file);
  std::stringstream all;
  all << in.rdbuf();
  const std::string text = all.str();

  constexpr std::string_view mark = "--- ";
  constexpr std::string_view chunk = "chunk ";
  std::vector<HostileScript> scripts;
  size_t at = text.find(mark);
  while (at != std::string::npos) {
    const size_t line_end = text.find('\n', at);
    std::string name = text.substr(at + mark.size(), line_end - at - mark.size());
    const size_t next = text.find("\n--- ", line_end);
    const size_t end = next == std::string::npos ? text.size() : next;
    std::string body = text.substr(line_end + 1, end - line_end - 1);
    if (name.starts_with(chunk)) {
      name.erase(0, chunk.size());
      body = with_repeats(body);
    } else {
      body = "return {parse = function(record) " + body + "\nend}";
    }
    scripts.push_back({file + ": " + name, body});
    at = next == std::string::npos ? next : next + 1;
  }
  return scripts;
}

}  // namespace reeve::agent
