// The bounds of a block's parts. They belong to the format: a builder keeps them, a reader refuses what breaks them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/base/bytes.h"

namespace reeve::wire {

constexpr uint32_t rows_max = 1u << 22;

constexpr size_t sources_max = 32'768;
constexpr size_t sources_text_bytes_max = 1_MiB;  // of their texts; beyond it, names are cut to
constexpr size_t source_name_bytes_crowded = 32;  // this many bytes
constexpr size_t services_max = 1024;             // the last is `other_service` where there were more
constexpr size_t templates_max = 4096;
constexpr size_t templates_text_bytes_max = 256_KiB;  // of texts and examples together
constexpr size_t template_buckets_max = 64;           // of one template; 10 min of record time need 61
constexpr size_t buckets_max = 131'072;               // of all templates
constexpr size_t series_max = 8192;
constexpr size_t series_text_bytes_max = 2_MiB;
constexpr size_t labels_per_series_max = 64;
constexpr size_t columns_max = 64;
constexpr size_t sketches_max = 1024;
constexpr size_t counters_max = 1024;

constexpr size_t name_bytes_max = 256;          // of a host, service, metric, label or field key; cut beyond
constexpr size_t source_text_bytes_max = 4096;  // of a source's name and cursor, each
constexpr size_t template_text_bytes_max = 1024;
constexpr size_t example_bytes_max = 512;
constexpr size_t label_value_bytes_max = 1024;

constexpr size_t field_keys_max = 1024;     // in the key dictionary; further keys stand beside their values
constexpr size_t fields_per_row_max = 256;  // further fields of a row are left out and counted
constexpr size_t fields_max = 2u << 20;

constexpr int64_t bucket_ns = 10'000'000'000;

constexpr const char other_service[] = "(other)";

}  // namespace reeve::wire
