// The tables, as SQLite reads them. A change of either raises its format and adds a step that brings older files along.
#pragma once

#include <cstdint>

namespace reeve::server {

constexpr int64_t org_format = 1;
constexpr int64_t day_format = 1;

// Blocks are tens of kilobytes to a few megabytes: large pages keep their chains short.
constexpr uint32_t org_page_bytes = 4096;
constexpr uint32_t day_page_bytes = 16384;

extern const char* const org_schema;
extern const char* const day_schema;

}  // namespace reeve::server
