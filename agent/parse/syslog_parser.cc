// What syslog daemons send and what they write to files.
//
//     <34>1 2026-03-01T00:00:00.003Z web-1 su 42 ID47 [auth@32473 user="root"] failed        RFC 5424
//     <34>Mar  1 00:00:00 web-1 su[42]: failed                                               RFC 3164
//     Mar  1 00:00:00 web-1 su[42]: failed           2026-03-01T00:00:00.123456+00:00 web-1 su[42]: failed
//
// The level is the severity of the priority, the service the tag; fields: facility, hostname, pid, msgid, and one for
// each parameter of the structured data (auth@32473.user). The body is the message; where there is none, the line
// stays the body. Octet counts of TCP are taken off by whoever reads the stream.
#include <array>
#include <string_view>

#include "agent/parse/level_word.h"
#include "agent/parse/line_parser.h"
#include "agent/parse/table.h"

namespace reeve::agent {

namespace {

constexpr BytesView byte_order_mark = "\xef\xbb\xbf";
constexpr std::array<BytesView, 24> facilities = {
    "kern",   "user",   "mail",     "daemon", "auth",   "syslog", "lpr",    "news",
    "uucp",   "cron",   "authpriv", "ftp",    "ntp",    "audit",  "alert",  "clock",
    "local0", "local1", "local2",   "local3", "local4", "local5", "local6", "local7",
};

bool is_digit(char c) {
  return static_cast<unsigned char>(c - '0') < 10;
}

// "<0>" to "<191>"; `at` moves behind it.
std::optional<unsigned> take_priority(BytesView line, size_t& at) {
  if (line.empty() || line[0] != '<') return {};
  unsigned value = 0;
  size_t end = 1;
  while (end < line.size() && end <= 3 && is_digit(line[end]))
    value = value * 10 + static_cast<unsigned>(line[end++] - '0');
  if (end == 1 || end >= line.size() || line[end] != '>' || value > 191) return {};
  at = end + 1;
  return value;
}

// The word at `at`; `at` moves behind the blank after it.
BytesView take_word(BytesView line, size_t& at) {
  const size_t end = std::min(line.find(' ', at), line.size());
  const BytesView word = line.substr(at, end - at);
  at = std::min(end + 1, line.size());
  return word;
}

class SyslogParser : public LineFormat {
 public:
  explicit SyslogParser(const LocalOffset& local_offset) : times_(local_offset) {}

  ParseResult parse(Draft& draft, const Emit&) override {
    const BytesView line = draft.body();
    size_t at = 0;
    const auto priority = take_priority(line, at);
    draft.save();
    const bool is_5424 = priority && line.substr(at).starts_with("1 ");
    if (!(is_5424 ? take_5424(draft, line, at + 2) : take_3164(draft, line, at, priority.has_value()))) {
      draft.restore();
      return ParseResult::unknown;
    }
    if (priority) {
      draft.level = level_of_severity(*priority);
      draft.set_field("facility", facilities[*priority / 8]);
    }
    return ParseResult::parsed;
  }

 private:
  bool take_5424(Draft& draft, BytesView line, size_t at) {
    const size_t time_begin = at;
    const BytesView time = take_word(line, at);
    if (time != "-") {
      const auto found = times_.scan(line, time_begin, draft.arrival());
      if (!found || found->end != time_begin + time.size()) return false;
      draft.time = found->time;
    }
    const BytesView host = take_word(line, at);
    const BytesView app = take_word(line, at);
    const BytesView pid = take_word(line, at);
    const BytesView message_id = take_word(line, at);
    if (host.empty() || app.empty() || pid.empty() || message_id.empty() || at >= line.size()) return false;
    if (host != "-") draft.set_field("hostname", host);
    if (app != "-") set_service(draft, app);
    if (pid != "-") draft.set_field("pid", pid);
    if (message_id != "-") draft.set_field("msgid", message_id);

    if (line[at] == '-') {
      ++at;
    } else if (!take_structured_data(draft, line, at)) {
      return false;
    }
    if (at < line.size() && line[at] != ' ') return false;
    BytesView message = line.substr(std::min(at + 1, line.size()));
    if (message.starts_with(byte_order_mark)) message.remove_prefix(byte_order_mark.size());
    if (!message.empty()) draft.set_body(message);
    return true;
  }

  // "[id name="value" ...][id ...]"
  static bool take_structured_data(Draft& draft, BytesView line, size_t& at) {
    if (line[at] != '[') return false;
    while (at < line.size() && line[at] == '[') {
      const size_t id_begin = ++at;
      while (at < line.size() && line[at] != ' ' && line[at] != ']' && line[at] != '=' && line[at] != '"') ++at;
      const BytesView id = line.substr(id_begin, at - id_begin);
      if (id.empty()) return false;
      while (at < line.size() && line[at] == ' ') {
        if (!take_parameter(draft, id, line, ++at)) return false;
      }
      if (at >= line.size() || line[at] != ']') return false;
      ++at;
    }
    return true;
  }

  static bool take_parameter(Draft& draft, BytesView id, BytesView line, size_t& at) {
    const size_t name_begin = at;
    while (at < line.size() && line[at] != '=' && line[at] != ' ' && line[at] != ']' && line[at] != '"') ++at;
    const BytesView name = line.substr(name_begin, at - name_begin);
    if (name.empty() || at + 1 >= line.size() || line[at] != '=' || line[at + 1] != '"') return false;
    at += 2;
    const size_t value_begin = at;
    bool escaped = false;
    while (at < line.size() && line[at] != '"') {
      if (line[at] == '\\' && at + 1 < line.size()) {
        escaped = true;
        ++at;
      }
      ++at;
    }
    if (at >= line.size()) return false;
    BytesView value = line.substr(value_begin, at - value_begin);
    ++at;
    if (escaped) value = without_escapes(draft, value);

    char* room = draft.make_room(id.size() + 1 + name.size());
    id.copy(room, id.size());
    room[id.size()] = '.';
    name.copy(room + id.size() + 1, name.size());
    draft.set_field({room, id.size() + 1 + name.size()}, value);
    return true;
  }

  // Only these three are escapes; a backslash before anything else stands for itself.
  static BytesView without_escapes(Draft& draft, BytesView value) {
    char* room = draft.make_room(value.size());
    size_t size = 0;
    for (size_t i = 0; i < value.size(); ++i) {
      const bool escape = value[i] == '\\' && i + 1 < value.size() &&
                          (value[i + 1] == '"' || value[i + 1] == '\\' || value[i + 1] == ']');
      if (escape) ++i;
      room[size++] = value[i];
    }
    return {room, size};
  }

  bool take_3164(Draft& draft, BytesView line, size_t at, bool has_priority) {
    const auto found = times_.scan(line, at, draft.arrival());
    if (found) {
      draft.time = found->time;
      at = found->end;
      if (at < line.size() && line[at] == ':') ++at;  // Cisco
      if (at >= line.size() || line[at] != ' ') return false;
      ++at;
    } else if (!has_priority) {
      return false;
    }
    // "host tag[pid]: message", "tag: message", "host message"
    size_t tag_at = at;
    BytesView host;
    if (found && !ends_as_tag(line, at)) {
      host = take_word(line, tag_at);
      if (host.empty()) return false;
    }
    size_t message_at = tag_at;
    if (ends_as_tag(line, tag_at)) {
      message_at = take_tag(draft, line, tag_at);
    } else if (!has_priority) {
      return false;  // a time and some words: LineParser does as well
    }
    if (!host.empty()) draft.set_field("hostname", host);
    const BytesView message = line.substr(message_at);
    if (!message.empty()) draft.set_body(message);
    return true;
  }

  // "tag:" or "tag[42]:"
  static bool ends_as_tag(BytesView line, size_t at) {
    const size_t end = line.find_first_of(" :[", at);
    if (end == BytesView::npos || end == at || line[end] == ' ' || end - at > LineParser::service_bytes_max)
      return false;
    if (line[end] == ':') return end + 1 == line.size() || line[end + 1] == ' ';
    const size_t close = line.find_first_of(" ]", end);
    return close != BytesView::npos && line[close] == ']' && close + 1 < line.size() && line[close + 1] == ':';
  }

  // Where the message begins.
  static size_t take_tag(Draft& draft, BytesView line, size_t at) {
    const size_t end = line.find_first_of(":[", at);
    draft.service = line.substr(at, end - at);
    size_t colon = end;
    if (line[end] == '[') {
      colon = line.find(']', end) + 1;
      draft.set_field("pid", line.substr(end + 1, colon - end - 2));
    }
    const size_t message = colon + 1;
    return message < line.size() && line[message] == ' ' ? message + 1 : message;
  }

  static void set_service(Draft& draft, BytesView app) {
    if (app.size() <= LineParser::service_bytes_max) {
      draft.service = app;
    } else {
      draft.set_field("app", app);
    }
  }

  TimeScanner times_;
};

}  // namespace

std::unique_ptr<LineFormat> make_syslog_parser(const LocalOffset& local_offset) {
  return std::make_unique<SyslogParser>(local_offset);
}

}  // namespace reeve::agent
