// The parsers that are built in. Adding one: one file, one row here.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "agent/parse/parser.h"
#include "agent/parse/time_scanner.h"

namespace reeve::agent {

struct ParserKind {
  std::string_view name;
  std::string_view summary;  // one sentence
  // Takes off what a container runtime put around each line; runs before lines are joined.
  bool framing = false;
  std::unique_ptr<LineFormat> (*make)(const LocalOffset& local_offset);
};

std::span<const ParserKind> parser_kinds();
const ParserKind* find_parser_kind(std::string_view name);  // nullptr where none is built in

// Whether a configuration may name a parser so: a built-in one, or one that a factory makes ("nginx", "lua:nginx").
bool is_parser_name(std::string_view name);

std::unique_ptr<LineFormat> make_json_parser(const LocalOffset& local_offset);
std::unique_ptr<LineFormat> make_logfmt_parser(const LocalOffset& local_offset);
std::unique_ptr<LineFormat> make_syslog_parser(const LocalOffset& local_offset);
std::unique_ptr<LineFormat> make_cri_parser(const LocalOffset& local_offset);
std::unique_ptr<LineFormat> make_docker_parser(const LocalOffset& local_offset);

}  // namespace reeve::agent
