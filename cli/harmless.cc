// One pass over the characters of valid UTF-8; what is not valid has been escaped by byte before.
#include "cli/harmless.h"

#include <cstdint>
#include <cstdio>

#include "common/base/bytes.h"

namespace reeve::cli {

namespace {

struct Character {
  char32_t value = 0;
  size_t length = 1;
  bool is_valid = true;
};

Character first_character(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {.value = lead};
  const size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (text.size() < length || !is_utf8(text.substr(0, length))) return {.value = lead, .is_valid = false};

  char32_t value = lead & (0x7f >> length);
  for (size_t i = 1; i < length; ++i) value = value << 6 | (static_cast<unsigned char>(text[i]) & 0x3f);
  return {.value = value, .length = length};
}

// Characters beyond ASCII that move the cursor, reorder what stands around them, or cannot be seen.
bool deceives(char32_t c) {
  return (c >= 0x80 && c < 0xa0) || c == 0xad || c == 0x61c || c == 0x180e || (c >= 0x200b && c <= 0x200f) ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
         (c >= 0xe0000 && c <= 0xe0fff);
}

bool is_control(char32_t c) {
  return c < 0x20 || c == 0x7f;
}

void append_escape(std::string& out, const char* format, char32_t value) {
  char buffer[16];
  std::snprintf(buffer, sizeof buffer, format, static_cast<unsigned>(value));
  out += buffer;
}

void append_harmless(std::string& out, std::string_view foreign, const std::string_view* line_indent) {
  while (!foreign.empty()) {
    const Character c = first_character(foreign);
    if (c.value == '\n') {
      out += line_indent != nullptr ? "\n" : "\\n";
      if (line_indent != nullptr) out += *line_indent;
    } else if (!c.is_valid || (is_control(c.value) && c.value != '\t')) {
      append_escape(out, "\\x%02x", c.value);
    } else if (deceives(c.value)) {
      append_escape(out, "\\u%04x", c.value);
    } else {
      out += foreign.substr(0, c.length);
    }
    foreign.remove_prefix(c.length);
  }
}

}  // namespace

std::string harmless_line(std::string_view foreign) {
  std::string out;
  append_harmless(out, foreign, nullptr);
  return out;
}

std::string harmless_lines(std::string_view foreign, std::string_view indent) {
  while (foreign.ends_with('\n') || foreign.ends_with('\r')) foreign.remove_suffix(1);
  std::string out;
  append_harmless(out, foreign, &indent);
  return out;
}

std::string harmless_json(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  while (!json.empty()) {
    const Character c = first_character(json);
    if (c.value == 0x7f || (c.is_valid && deceives(c.value))) {
      if (c.value > 0xffff) {
        append_escape(out, "\\u%04x", 0xd800 + ((c.value - 0x10000) >> 10));
        append_escape(out, "\\u%04x", 0xdc00 + ((c.value - 0x10000) & 0x3ff));
      } else {
        append_escape(out, "\\u%04x", c.value);
      }
    } else {
      out += json.substr(0, c.length);
    }
    json.remove_prefix(c.length);
  }
  return out;
}

size_t width_of(std::string_view text) {
  size_t width = 0;
  for (const char c : text) width += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  return width;
}

}  // namespace reeve::cli
