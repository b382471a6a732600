// Words are cut at blanks, within the first few bytes; brackets around a word and a colon behind it do not count.
#include "cli/line_head.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <string>

namespace reeve::cli {

namespace {

constexpr size_t word_bytes_max = 64;

struct Cut {
  std::string_view word;  // bare
  std::string_view rest;  // without the blanks before it
};

// The first `count` words as one.
std::optional<Cut> cut_words(std::string_view text, size_t count) {
  size_t end = text.find(' ');
  for (size_t i = 1; i < count && end != std::string_view::npos; ++i) end = text.find(' ', end + 1);
  if (end > word_bytes_max) return std::nullopt;  // also where there was no blank
  Cut cut{.word = text.substr(0, end), .rest = text.substr(end)};
  cut.rest.remove_prefix(std::min(cut.rest.find_first_not_of(' '), cut.rest.size()));
  if (cut.word.ends_with(':')) cut.word.remove_suffix(1);
  if (cut.word.starts_with('[') && cut.word.ends_with(']')) cut.word = cut.word.substr(1, cut.word.size() - 2);
  return cut;
}

bool reads_as(std::string_view word, WallTime time) {
  const std::optional<WallTime> with_offset = parse_rfc3339(word);
  if (with_offset) return *with_offset == time;
  return parse_rfc3339(std::string(word) + "Z") == time;
}

bool is_level(std::string_view word, std::string_view level) {
  std::string lower(word);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower == level || (lower == "warning" && level == "warn");
}

}  // namespace

std::string_view without_repeated_head(std::string_view body, WallTime time, std::string_view level) {
  // A time is one word, or two: "2026-11-21 02:54:00,120".
  std::optional<Cut> cut = cut_words(body, 1);
  if (!cut || !reads_as(cut->word, time)) cut = cut_words(body, 2);
  if (!cut || !reads_as(cut->word, time) || cut->rest.empty()) return body;

  const std::optional<Cut> after = cut_words(cut->rest, 1);
  return after && is_level(after->word, level) && !after->rest.empty() ? after->rest : cut->rest;
}

}  // namespace reeve::cli
