#include "agent/lua/pattern_cache.h"

#include <re2/re2.h>

#include <algorithm>
#include <optional>

namespace reeve::agent::lua {

namespace {

constexpr int64_t pattern_memory_max = int64_t{1} << 20;
constexpr size_t piece_groups_max = 4;  // RE2's one pass gives five spans, and the whole match is one of them
constexpr size_t steps_max = 4000;

RE2::Options options() {
  RE2::Options options(RE2::Quiet);
  options.set_encoding(RE2::Options::EncodingLatin1);
  options.set_max_mem(pattern_memory_max);
  return options;
}

// One past the class that begins at `at`. Nothing for what is not worth following.
std::optional<size_t> end_of_class(std::string_view pattern, size_t at) {
  size_t end = at + 1;
  if (end < pattern.size() && pattern[end] == '^') ++end;
  if (end < pattern.size() && pattern[end] == ']') ++end;
  for (; end < pattern.size() && pattern[end] != ']'; ++end) {
    if (pattern[end] == '\\') ++end;
    if (pattern[end] == '[') return {};
  }
  return end + 1;
}

// Where an anchored pattern can be cut: before a group that stands in no other one. Nothing where a cut could change
// what it means: an alternative or a flag that reaches over it, or a quoted text.
std::vector<std::string> pieces_of(std::string_view pattern) {
  if (!pattern.starts_with('^')) return {};
  std::vector<std::string> pieces;
  size_t begin = 0;   // of the piece under way
  size_t cut = 0;     // the last place where it could end
  size_t groups = 0;  // in it
  size_t groups_to_cut = 0;
  int depth = 0;
  for (size_t at = 0; at < pattern.size(); ++at) {
    const char c = pattern[at];
    if (c == '\\') {
      if (at + 1 < pattern.size() && pattern[at + 1] == 'Q') return {};
      ++at;
    } else if (c == '[') {
      const std::optional<size_t> end = end_of_class(pattern, at);
      if (!end) return {};
      at = *end - 1;
    } else if (c == '|' && depth == 0) {
      return {};
    } else if (c == ')') {
      --depth;
    } else if (c == '(') {
      if (depth++ == 0) {
        cut = at;
        groups_to_cut = groups;
      }
      if (pattern.substr(at, 3) == "(?:") continue;
      if (pattern.substr(at, 2) == "(?") return {};
      if (++groups <= piece_groups_max || cut == begin) continue;
      pieces.emplace_back(pattern.substr(begin, cut - begin));
      begin = cut;
      groups -= groups_to_cut;
      groups_to_cut = 0;
    }
  }
  if (pieces.empty()) return {};
  pieces.emplace_back(pattern.substr(begin));
  return pieces;
}

std::string_view view(const re2::StringPiece& piece) {
  return {piece.data(), piece.size()};
}

}  // namespace

struct Pattern::Compiled {
  explicit Compiled(std::string_view text) : whole(re2::StringPiece(text.data(), text.size()), options()) {}

  RE2 whole;
  std::vector<std::unique_ptr<RE2>> pieces;
};

Pattern::Pattern(std::string_view text) : text_(text) {}

Pattern::~Pattern() = default;

std::unique_ptr<Pattern> Pattern::compile(std::string_view text, std::string& reason) {
  if (text.size() > pattern_bytes_max) {
    reason = "a pattern of " + std::to_string(text.size()) + " bytes; allowed: " + std::to_string(pattern_bytes_max);
    return nullptr;
  }
  std::unique_ptr<Pattern> pattern(new Pattern(text));
  pattern->compiled_ = std::make_unique<Compiled>(text);
  Compiled& compiled = *pattern->compiled_;
  if (!compiled.whole.ok()) {
    reason = "pattern \"" + printable(text.substr(0, 200)) + "\": " + compiled.whole.error();
    return nullptr;
  }
  pattern->groups_ = static_cast<size_t>(compiled.whole.NumberOfCapturingGroups());
  pattern->steps_ = static_cast<size_t>(std::max(1, compiled.whole.ProgramSize()));
  if (pattern->groups_ > groups_max) {
    reason = "a pattern of " + std::to_string(pattern->groups_) + " groups; allowed: " + std::to_string(groups_max);
    return nullptr;
  }
  if (pattern->steps_ > steps_max) {
    reason = "pattern \"" + printable(text.substr(0, 200)) + "\" is too large";
    return nullptr;
  }
  if (pattern->groups_ <= piece_groups_max) return pattern;

  size_t groups = 0;
  for (const std::string& piece : pieces_of(text)) {
    compiled.pieces.push_back(std::make_unique<RE2>(piece, options()));
    if (!compiled.pieces.back()->ok()) {
      compiled.pieces.clear();
      return pattern;
    }
    groups += static_cast<size_t>(compiled.pieces.back()->NumberOfCapturingGroups());
  }
  if (groups != pattern->groups_) compiled.pieces.clear();
  return pattern;
}

bool Pattern::match_pieces(std::string_view text, Groups& groups) const {
  const re2::StringPiece whole(text.data(), text.size());
  size_t at = 0;
  size_t group = 1;
  std::array<re2::StringPiece, groups_max + 1> found;
  for (const auto& piece : compiled_->pieces) {
    const auto count = static_cast<size_t>(piece->NumberOfCapturingGroups());
    if (!piece->Match(whole, at, text.size(), RE2::ANCHOR_START, found.data(), static_cast<int>(count) + 1))
      return false;
    for (size_t i = 1; i <= count; ++i) groups[group++] = view(found[i]);
    at = static_cast<size_t>(found[0].data() - text.data()) + found[0].size();
  }
  groups[0] = text.substr(0, at);
  return true;
}

bool Pattern::match(std::string_view text, size_t from, Groups& groups) const {
  if (from == 0 && !compiled_->pieces.empty() && match_pieces(text, groups)) return true;
  const re2::StringPiece whole(text.data(), text.size());
  // Without groups RE2 asks its automaton, which knows a line of somebody else at once; with many it would not.
  if (groups_ > piece_groups_max && !compiled_->whole.Match(whole, from, text.size(), RE2::UNANCHORED, nullptr, 0)) {
    return false;
  }
  std::array<re2::StringPiece, groups_max + 1> found;
  if (!compiled_->whole.Match(whole, from, text.size(), RE2::UNANCHORED, found.data(), static_cast<int>(groups_) + 1)) {
    return false;
  }
  for (size_t i = 0; i <= groups_; ++i) groups[i] = view(found[i]);
  return true;
}

PatternCache::Entry* PatternCache::find(std::string_view text) {
  // Literals of a script keep their address; the text itself decides.
  uint8_t& recent = recent_[(reinterpret_cast<uintptr_t>(text.data()) >> 4) % slots];
  if (recent < entries_.size() && entries_[recent].pattern->text() == text) return &entries_[recent];
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].pattern->text() != text) continue;
    recent = static_cast<uint8_t>(i);
    return &entries_[i];
  }
  return nullptr;
}

const Pattern* PatternCache::find_or_compile(std::string_view text) {
  compiled_last_ = false;
  if (Entry* known = find(text)) {
    known->used = ++uses_;
    return known->pattern.get();
  }
  compiled_last_ = true;
  std::unique_ptr<Pattern> pattern = Pattern::compile(text, error_);
  if (!pattern) return nullptr;
  if (entries_.size() < patterns_max) {
    entries_.emplace_back();
  } else {
    std::swap(*std::min_element(entries_.begin(), entries_.end(),
                                [](const Entry& a, const Entry& b) { return a.used < b.used; }),
              entries_.back());
  }
  entries_.back() = {std::move(pattern), ++uses_};
  return entries_.back().pattern.get();
}

}  // namespace reeve::agent::lua
