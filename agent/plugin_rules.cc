#include "agent/plugin_rules.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string_view>

#include "common/base/bytes.h"

namespace reeve::agent {
namespace {

bool is_whole(const reeve_text& text) {
  return text.size == 0 || text.data != nullptr;
}
std::string_view view_of(const reeve_text& text) {
  return text.size == 0 ? std::string_view() : std::string_view(text.data, text.size);
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_metric_name(std::string_view name) {
  return !name.empty() && name.size() <= plugin_metric_name_bytes_max && is_letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return is_letter(c) || (c >= '0' && c <= '9') || std::string_view(".:/-").find(c) != std::string_view::npos;
         });
}
bool is_key(std::string_view key) {
  return !key.empty() && key.size() <= plugin_key_bytes_max && is_utf8(key) &&
         std::all_of(key.begin(), key.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
}

std::string complaint_about_fields(const reeve_item& item) {
  if (item.fields_count > plugin_fields_max) {
    return "the item has " + std::to_string(item.fields_count) + " fields; allowed: 32";
  }
  if (item.fields_count > 0 && item.fields == nullptr) return "the item counts fields and points at none";
  for (size_t at = 0; at < item.fields_count; ++at) {
    const reeve_field& field = item.fields[at];
    if (!is_whole(field.key) || !is_whole(field.value)) return "a field has a size and no bytes";
    const std::string_view key = view_of(field.key);
    const std::string_view value = view_of(field.value);
    const std::string named = "the field \"" + printable(key, 60) + "\"";
    if (!is_key(key)) return named + " has a wrong key; allowed: 1 to 128 bytes of UTF-8 without control characters";
    for (size_t before = 0; before < at; ++before) {
      if (view_of(item.fields[before].key) == key) return named + " stands there twice";
    }
    if (item.kind == REEVE_LOG) {
      if (value.size() > plugin_field_value_bytes_max) return named + " has a value of more than 8,192 bytes";
    } else if (value.size() > plugin_label_value_bytes_max || !is_utf8(value)) {
      return named + " has a wrong value; allowed in a metric: at most 1,024 bytes of UTF-8";
    }
  }
  return {};
}

}  // namespace

std::string complaint_about_item(const reeve_item* item) {
  if (item == nullptr) return "there is no item";
  if (item->size < sizeof(reeve_item)) {
    return "the item's size is " + std::to_string(item->size) + "; allowed: sizeof(struct reeve_item), " +
           std::to_string(sizeof(reeve_item));
  }
  if (item->time_ns < 0) return "the item's time is before 1970";
  if (!is_whole(item->text) || !is_whole(item->service) || !is_whole(item->unit)) {
    return "a text of the item has a size and no bytes";
  }
  const std::string_view text = view_of(item->text);
  if (item->kind == REEVE_LOG) {
    if (text.empty() || text.size() > plugin_log_bytes_max) {
      return "the message has " + std::to_string(text.size()) + " bytes; allowed: 1 to 65,536";
    }
    if (item->level < REEVE_UNSET || item->level > REEVE_FATAL) {
      return "the level is " + std::to_string(item->level) + "; allowed: 0 to 6";
    }
    const std::string_view service = view_of(item->service);
    if (service.size() > plugin_service_bytes_max || !is_utf8(service)) {
      return "the service is wrong; allowed: at most 128 bytes of UTF-8";
    }
  } else if (item->kind == REEVE_GAUGE || item->kind == REEVE_COUNTER) {
    if (!is_metric_name(text)) {
      return "the metric's name \"" + printable(text, 60) +
             "\" is wrong; allowed: 1 to 256 letters, digits and \"_.:/-\", a letter or \"_\" first";
    }
    const std::string_view unit = view_of(item->unit);
    if (unit.size() > plugin_unit_bytes_max || !is_utf8(unit)) {
      return "the unit is wrong; allowed: at most 32 bytes of UTF-8";
    }
    if (!std::isfinite(item->value)) return "the value of \"" + printable(text, 60) + "\" is no finite number";
  } else {
    return "the item's kind is " + std::to_string(item->kind) + "; allowed: 1 (log), 2 (gauge), 3 (counter)";
  }
  return complaint_about_fields(*item);
}

std::string complaint_about_table(const reeve_plugin* table) {
  if (table == nullptr) return "it has no symbol reeve_plugin_v1";
  // abi and size stand first, and will.
  if (table->abi != REEVE_PLUGIN_ABI) {
    return "its table says ABI " + std::to_string(table->abi) + "; this agent speaks ABI 1";
  }
  if (table->size < sizeof(reeve_plugin) || table->size > 4096) {
    return "its table says " + std::to_string(table->size) + " bytes; ABI 1 has " +
           std::to_string(sizeof(reeve_plugin));
  }
  if (table->name == nullptr || table->summary == nullptr) return "its table has no name or no summary";
  const std::string_view name(table->name, strnlen(table->name, 33));
  const bool fine = !name.empty() && name.size() <= 32 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
  if (!fine) return "its name is \"" + printable(name, 40) + "\"; allowed: 1 to 32 lower-case letters, digits and -";
  const std::string_view summary(table->summary, strnlen(table->summary, 257));
  if (summary.empty() || summary.size() > 256 || !is_utf8(summary)) {
    return "its summary is wrong; allowed: one sentence, at most 256 bytes of UTF-8";
  }
  if (table->open == nullptr || table->poll == nullptr || table->close == nullptr) {
    return "its table has no open, no poll or no close";
  }
  return {};
}

}  // namespace reeve::agent
