// The tables, as SQLite reads them. A change of either raises its format and adds a step that brings older files along.
#pragma once

#include <cstdint>
#include <span>

namespace reeve::server {

constexpr int64_t org_format = 4;
constexpr int64_t day_format = 2;

// Blocks are tens of kilobytes to a few megabytes: large pages keep their chains short.
constexpr uint32_t org_page_bytes = 4096;
constexpr uint32_t day_page_bytes = 16384;

// What format 1 was; a new file gets it and then every upgrade, so that each table is written down once.
extern const char* const org_schema;
extern const std::span<const char* const> org_upgrades;  // the first makes format 2 of format 1
extern const char* const day_schema;
extern const std::span<const char* const> day_upgrades;

}  // namespace reeve::server
