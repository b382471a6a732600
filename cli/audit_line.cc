// See audit_line.h.
#include "cli/audit_line.h"

#include <charconv>
#include <string>

namespace reeve::cli {

namespace {

class LineReader {
 public:
  explicit LineReader(std::string_view line) : rest_(line) {}

  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool at(char c) const { return !rest_.empty() && rest_.front() == c; }
  bool is_done() const { return rest_.empty(); }

  bool read_number(int64_t& value) {
    const char* end = rest_.data() + rest_.size();
    const auto [stopped, error] = std::from_chars(rest_.data(), end, value);
    if (error != std::errc{}) return false;
    rest_.remove_prefix(static_cast<size_t>(stopped - rest_.data()));
    return true;
  }

  bool read_text(std::string& text) {
    text.clear();
    if (!take('"')) return false;
    while (true) {
      const size_t plain = rest_.find_first_of("\"\\");
      if (plain == std::string_view::npos) return false;
      text += rest_.substr(0, plain);
      rest_.remove_prefix(plain);
      if (take('"')) return true;
      rest_.remove_prefix(1);
      if (!read_escape(text)) return false;
    }
  }

 private:
  bool read_escape(std::string& text) {
    if (rest_.empty()) return false;
    const char c = rest_.front();
    rest_.remove_prefix(1);
    constexpr std::string_view names = "\"\\/bfnrt";
    constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
    const size_t named = names.find(c);
    if (named != std::string_view::npos) {
      text += meanings[named];
      return true;
    }
    // The server escapes nothing else but control characters.
    unsigned code = 0;
    if (c != 'u' || rest_.size() < 4) return false;
    const auto [stopped, error] = std::from_chars(rest_.data(), rest_.data() + 4, code, 16);
    if (error != std::errc{} || stopped != rest_.data() + 4 || code >= 0x80) return false;
    text += static_cast<char>(code);
    rest_.remove_prefix(4);
    return true;
  }

  std::string_view rest_;
};

Error bad_line() {
  return Error(Code::invalid, "is no line of an export");
}

struct Member {
  std::string_view name;
  std::string AuditEntry::*text;
};
constexpr Member members[] = {
    {"actor_kind", &AuditEntry::actor_kind}, {"actor_id", &AuditEntry::actor_id},
    {"actor_name", &AuditEntry::actor_name}, {"action", &AuditEntry::action},
    {"target", &AuditEntry::target},         {"detail", &AuditEntry::detail},
    {"request_id", &AuditEntry::request_id}, {"peer", &AuditEntry::peer},
};
constexpr std::string_view exact_suffix = "_base64url";  // of what is no text

bool set_member(AuditEntry& entry, std::string_view name, const std::string& value, unsigned& seen) {
  const bool exact = name.ends_with(exact_suffix);
  if (exact) name.remove_suffix(exact_suffix.size());
  for (size_t i = 0; i < std::size(members); ++i) {
    if (members[i].name != name) continue;
    if ((seen & (1U << i)) != 0) return false;  // twice
    seen |= 1U << i;
    if (!exact) {
      entry.*members[i].text = value;
      return true;
    }
    const std::optional<Bytes> bytes = from_base64url(value);
    entry.*members[i].text = bytes.value_or("");
    return bytes.has_value();
  }
  return false;
}

constexpr unsigned all_members = (1U << std::size(members)) - 1;

}  // namespace

Result<AuditLine> parse_audit_line(std::string_view text) {
  LineReader reader(text);
  AuditLine line;
  AuditEntry entry;
  unsigned seen = 0;
  bool has_leaf = false;
  bool has_id = false;
  bool has_hash = false;
  bool has_time = false;
  std::string name;
  std::string value;
  if (!reader.take('{')) return bad_line();
  do {
    if (!reader.read_text(name) || !reader.take(':')) return bad_line();
    if (reader.at('"')) {
      if (!reader.read_text(value)) return bad_line();
      if (name == "hash" && !has_hash) {
        const std::optional<Bytes> hash = from_hex(value);
        if (!hash) return bad_line();
        line.hash = *hash;
        has_hash = true;
      } else if (!set_member(entry, name, value, seen)) {
        return bad_line();
      }
      continue;
    }
    int64_t number = 0;
    if (!reader.read_number(number)) return bad_line();
    if (name == "leaf" && !has_leaf) {
      line.leaf = number;
      has_leaf = true;
    } else if (name == "id" && !has_id) {
      line.id = static_cast<uint64_t>(number);
      has_id = true;
    } else if (name == "time_ns" && !has_time) {
      entry.time = WallTime{number};
      has_time = true;
    } else {
      return bad_line();
    }
  } while (reader.take(','));
  if (!reader.take('}') || !reader.is_done() || !has_leaf || !has_id || !has_hash) return bad_line();
  const bool whole = seen == all_members && has_time;
  const bool without = seen == 0 && !has_time;
  if (!whole && !without) return bad_line();
  if (line.hash.size() != (line.leaf < 0 ? 0U : 32U) || line.leaf < -1) return bad_line();
  if (whole) {
    entry.id = line.id;
    line.entry = std::move(entry);
  }
  return line;
}

}  // namespace reeve::cli
