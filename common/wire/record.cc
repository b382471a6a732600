// Names of levels and shape keys as text.
#include "common/wire/record.h"

namespace reeve::wire {

namespace {

constexpr std::array<std::string_view, level_count> level_names = {"unset", "trace", "debug", "info",
                                                                   "warn",  "error", "fatal"};

// Up to eight letters as one number, whatever their case: a spelling is then one comparison.
constexpr uint64_t packed(std::string_view word) {
  uint64_t value = 0;
  for (char c : word) value = value << 8 | static_cast<uint8_t>(c | 0x20);
  return value;
}

}  // namespace

std::string_view to_string(Level level) {
  const auto index = static_cast<size_t>(level);
  return index < level_count ? level_names[index] : level_names[0];
}

std::optional<Level> parse_level(std::string_view text) {
  if (text.empty() || text.size() > 11) return std::nullopt;
  for (char c : text) {
    const char lower = static_cast<char>(c | 0x20);
    if (lower < 'a' || lower > 'z') return std::nullopt;
  }
  if (text.size() > 8) {
    if (packed(text.substr(0, 8)) == packed("informat") && packed(text.substr(8)) == packed("ion")) return Level::info;
    if (packed(text.substr(0, 8)) == packed("emergenc") && packed(text.substr(8)) == packed("y")) return Level::fatal;
    return std::nullopt;
  }
  switch (packed(text)) {
    case packed("unset"):
      return Level::unset;
    case packed("trace"):
    case packed("verbose"):
    case packed("finest"):
    case packed("finer"):
    case packed("t"):
      return Level::trace;
    case packed("debug"):
    case packed("dbg"):
    case packed("fine"):
    case packed("d"):
      return Level::debug;
    case packed("info"):
    case packed("inf"):
    case packed("notice"):
    case packed("note"):
    case packed("i"):
    case packed("n"):
      return Level::info;
    case packed("warn"):
    case packed("warning"):
    case packed("wrn"):
    case packed("w"):
      return Level::warn;
    case packed("error"):
    case packed("err"):
    case packed("severe"):
    case packed("e"):
      return Level::error;
    case packed("fatal"):
    case packed("crit"):
    case packed("critical"):
    case packed("alert"):
    case packed("emerg"):
    case packed("panic"):
    case packed("f"):
    case packed("c"):
      return Level::fatal;
    default:
      return std::nullopt;
  }
}

std::string to_string(const ShapeKey& key) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text(32, '0');
  for (size_t i = 0; i < 16; ++i) {
    text[i] = digits[key.high >> (60 - 4 * i) & 15];
    text[16 + i] = digits[key.low >> (60 - 4 * i) & 15];
  }
  return text;
}

std::optional<ShapeKey> parse_shape_key(std::string_view text) {
  if (text.size() != 32) return std::nullopt;
  const std::optional<Bytes> bytes = from_hex(text);
  if (!bytes) return std::nullopt;
  ShapeKey key;
  for (size_t i = 0; i < 8; ++i) {
    key.high = key.high << 8 | static_cast<uint8_t>((*bytes)[i]);
    key.low = key.low << 8 | static_cast<uint8_t>((*bytes)[8 + i]);
  }
  return key;
}

}  // namespace reeve::wire
