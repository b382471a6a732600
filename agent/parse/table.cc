// See table.h.
#include "agent/parse/table.h"

#include <array>
#include <cctype>

namespace reeve::agent {

namespace {

constexpr std::array<ParserKind, 5> kinds{{
    {"cri", "Lines of Kubernetes' container logs: takes off time, stream and flag, and joins the pieces of long lines.",
     true, make_cri_parser},
    {"docker", "Docker's json-file: takes off log, stream and time, and joins the pieces of long lines.", true,
     make_docker_parser},
    {"json", "One JSON object a line: time, level, message and service by their usual keys, the rest as fields.", false,
     make_json_parser},
    {"logfmt", "key=value pairs: time, level, message and service by their usual keys, the rest as fields.", false,
     make_logfmt_parser},
    {"syslog", "RFC 5424 with structured data, RFC 3164, and what syslog daemons write to files.", false,
     make_syslog_parser},
}};

constexpr size_t name_bytes_max = 128;

}  // namespace

std::span<const ParserKind> parser_kinds() {
  return kinds;
}

const ParserKind* find_parser_kind(std::string_view name) {
  for (const ParserKind& kind : kinds) {
    if (kind.name == name) return &kind;
  }
  return nullptr;
}

bool is_parser_name(std::string_view name) {
  constexpr std::string_view prefix = "lua:";
  if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  if (name.empty() || name.size() > name_bytes_max) return false;
  for (const char c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_' && c != '-') return false;
  }
  return true;
}

}  // namespace reeve::agent
