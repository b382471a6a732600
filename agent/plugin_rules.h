// What a plugin may hand over, as plugins/plugin.h promises it: one place for the host and for the conformance test.
#pragma once

#include <cstddef>
#include <string>

#include "plugins/plugin.h"

namespace reeve::agent {

constexpr size_t plugin_log_bytes_max = 65'536;
constexpr size_t plugin_fields_max = 32;
constexpr size_t plugin_key_bytes_max = 128;
constexpr size_t plugin_field_value_bytes_max = 8192;
constexpr size_t plugin_label_value_bytes_max = 1024;
constexpr size_t plugin_service_bytes_max = 128;
constexpr size_t plugin_unit_bytes_max = 32;
constexpr size_t plugin_metric_name_bytes_max = 256;

// What is wrong with the item; empty where it keeps the rules. Reads nothing that the item does not say is there.
std::string complaint_about_item(const reeve_item* item);

// The same of the table that `symbol` points to. Code that reads it must have been loaded from a trusted file.
std::string complaint_about_table(const reeve_plugin* table);

}  // namespace reeve::agent
