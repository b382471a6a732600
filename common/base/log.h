// Our own log: a constant sentence plus fields.
//
//     log_info("segment sealed", {{"segment", id}, {"bytes", size}});
//     2026-11-21T02:54:00.123Z INFO segment sealed segment=7 bytes=8388608
//
// The sentence never contains a value, so our own miner templates our own logs perfectly; values go into fields, quoted
// where they need it. Secrets do not go into fields at all. One line is one write(2), so threads do not interleave.
#pragma once

#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>

namespace reeve {

enum class LogLevel { debug, info, warn, error };

struct LogField {
  std::string_view key;
  std::string value;

  LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
  LogField(std::string_view k, const char* v) : key(k), value(v) {}
  LogField(std::string_view k, const std::string& v) : key(k), value(v) {}
  template <std::integral T>
  LogField(std::string_view k, T v) : key(k), value(std::to_string(v)) {}
};

using LogFields = std::initializer_list<LogField>;

// Any thread. `sentence` is a literal.
void log_debug(const char* sentence, LogFields fields = {});
void log_info(const char* sentence, LogFields fields = {});
void log_warn(const char* sentence, LogFields fields = {});
void log_error(const char* sentence, LogFields fields = {});

// Lines below `level` are not written; the default is info. Where: a file descriptor, 2 by default; -1 discards.
void set_log_level(LogLevel level);
void set_log_descriptor(int descriptor);

// The line without its newline, as it would be written. For tests.
std::string format_log_line(std::string_view time, LogLevel level, std::string_view sentence, LogFields fields);

}  // namespace reeve
