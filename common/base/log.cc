// Formats a line and writes it in one call. A line that cannot be written is lost: a log must never stop the work.
#include "common/base/log.h"

#include <unistd.h>

#include <atomic>

#include "common/base/bytes.h"
#include "common/base/time.h"

namespace reeve {

namespace {

std::atomic<LogLevel> level_min{LogLevel::info};
std::atomic<int> descriptor{STDERR_FILENO};

const char* name_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "DEBUG";
    case LogLevel::info:
      return "INFO";
    case LogLevel::warn:
      return "WARN";
    case LogLevel::error:
      return "ERROR";
  }
  return "?";
}

bool needs_quotes(std::string_view value) {
  return value.empty() || value.find_first_of(" =\"") != std::string_view::npos;
}

void write_line(LogLevel level, const char* sentence, LogFields fields) {
  if (level < level_min.load(std::memory_order_relaxed)) return;
  SystemClock clock;
  const WallTime now = clock.wall();
  std::string line = format_log_line(format_rfc3339(WallTime{now.ns - now.ns % 1'000'000}), level, sentence, fields);
  line.push_back('\n');
  // A full disk or a closed pipe loses the line on purpose; see the top.
  [[maybe_unused]] const ssize_t written = write(descriptor.load(std::memory_order_relaxed), line.data(), line.size());
}

}  // namespace

std::string format_log_line(std::string_view time, LogLevel level, std::string_view sentence, LogFields fields) {
  std::string line(time);
  line.append(" ").append(name_of(level)).append(" ").append(sentence);
  for (const LogField& field : fields) {
    const std::string value = printable(field.value, 2000);
    line.append(" ").append(field.key).append("=");
    if (!needs_quotes(value)) {
      line += value;
      continue;
    }
    line.push_back('"');
    for (char c : value) {
      if (c == '"' || c == '\\') line.push_back('\\');
      line.push_back(c);
    }
    line.push_back('"');
  }
  return line;
}

void log_debug(const char* sentence, LogFields fields) {
  write_line(LogLevel::debug, sentence, fields);
}
void log_info(const char* sentence, LogFields fields) {
  write_line(LogLevel::info, sentence, fields);
}
void log_warn(const char* sentence, LogFields fields) {
  write_line(LogLevel::warn, sentence, fields);
}
void log_error(const char* sentence, LogFields fields) {
  write_line(LogLevel::error, sentence, fields);
}

void set_log_level(LogLevel level) {
  level_min = level;
}
void set_log_descriptor(int fd) {
  descriptor = fd;
}

}  // namespace reeve
