// What the routes of logs have in common: the filters they take, a log as JSON, and what OpenAPI says of both.
#pragma once

#include <array>

#include "server/api/params.h"
#include "server/api/schema.h"
#include "server/query/logs.h"

namespace reeve::server {

// service, host, source, level, template, text, itext, regex. Code::invalid says which parameter is wrong.
Result<wire::LogPredicate> parse_log_filter(const QueryParams& params);

Json render(const FoundLog& log);
Json::Array render(const std::vector<FoundLog>& logs);

// The last hour, where no times are given.
constexpr Duration log_span_default = 1h;

// Parameter lists are written out with these, so that a route's check and its document name the same.
#define LOG_FILTER_NAMES                                                                         \
  {"service"}, {"host"}, {"source"}, {"level"}, {"template"}, {"text", true}, {"itext", true}, { \
    "regex", true                                                                                \
  }
#define LOG_FILTER_NAMES_WITHOUT_TEXT             \
  {"service"}, {"host"}, {"source"}, {"level"}, { \
    "template"                                    \
  }

namespace docs {

inline constexpr Parameter from{"from", "string", "RFC 3339, or before now like -15m; inclusive; default: an hour"};
inline constexpr Parameter to{"to", "string", "RFC 3339, or before now like -15m; exclusive; default: now"};
inline constexpr Parameter service{"service", "string", "exact"};
inline constexpr Parameter host{"host", "string", "exact"};
inline constexpr Parameter source{"source", "string", "exact"};
inline constexpr Parameter level{"level", "'trace','debug','info','warn','error','fatal'", "this severity and above"};
inline constexpr Parameter shape{"template", "string", "a shape key, 32 hex digits"};
inline constexpr Parameter text{"text[]", "string", "a substring, exact case; all that are given must match"};
inline constexpr Parameter itext{"itext[]", "string", "the same, ignoring ASCII case"};
inline constexpr Parameter regex{"regex[]", "string", "RE2"};

}  // namespace docs

inline constexpr std::array<SchemaField, 12> log_fields{{
    {"id", "string", "opaque; for /v1/logs/context"},
    {"time", "time"},
    {"level", "'unset','trace','debug','info','warn','error','fatal'"},
    {"service", "string"},
    {"host", "string"},
    {"source", "string", "the file, journal or port that it came from"},
    {"template", "string", "the shape key of its line, 32 hex digits"},
    {"body", "string", "the line; wrong UTF-8 as U+FFFD"},
    {"body_base64url?", "bytes", "the exact bytes, where they are not UTF-8"},
    {"fields", "map<string>"},
    {"time_suspect?", "bool", "its own time was not believable; this is its arrival's"},
    {"agent", "uuid"},
}};
inline constexpr Schema log_schema{"Log", "One log record.", log_fields};

inline constexpr std::array<SchemaField, 7> log_levels_fields{{
    {"unset?", "int"},
    {"trace?", "int"},
    {"debug?", "int"},
    {"info?", "int"},
    {"warn?", "int"},
    {"error?", "int"},
    {"fatal?", "int"},
}};
inline constexpr Schema log_levels_schema{"LevelCounts", "Rows by level; levels without any are left out.",
                                          log_levels_fields};

inline constexpr std::array<SchemaField, 5> scanned_fields{{
    {"blocks", "int", "looked into"},
    {"blocks_pruned", "int", "ruled out by their header"},
    {"rows", "int", "in the blocks looked into"},
    {"bytes", "int", "of blocks read from the store"},
    {"damaged_blocks", "int", "that could not be read"},
}};
inline constexpr Schema scanned_schema{"Scanned", "What the answer cost.", scanned_fields};
Json render(const ScanCounters& scanned);
Json render(const std::array<uint64_t, wire::level_count>& levels);

}  // namespace reeve::server
