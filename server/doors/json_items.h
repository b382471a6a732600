// The JSON that programs push: items of logs, metrics and events, and the forms that other systems' clients send.
//
// Strict where the form is ours: an unknown member, a repeated one, or one of the wrong type makes its item wrong, with
// a reason; the other items count. The forms of others are read as their senders mean them.
//
// Any thread. Keeps a parser for each, whose memory is given back after a large document.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "server/doors/signals.h"

namespace reeve::server {

constexpr size_t json_items_max = 10'000;

// How an item is meant that does not say its kind.
enum class ItemForm : uint8_t {
  stated,  // it must say
  log,
  metric,
  event,
  span,            // {"name","trace_id","span_id", ...}: any members
  service_metric,  // {"service_name","metric_type","value","tags"?,"timestamp"?}
};

struct ItemEntry {
  size_t index = 0;
  std::string id = {};      // as sent
  std::string reason = {};  // empty: accepted
};

struct DecodedItems {
  SignalBatch batch;
  size_t items = 0;  // beyond json_items_max nothing was decoded
  size_t rejected = 0;
  std::vector<ItemEntry> entries;  // of each item with an id and each rejected one
  uint64_t fields_left_out = 0;    // of events, whose body has them all the same
};

// An array of items, {"items": [...]}, or one item. Code::invalid where it is no JSON or none of these.
Result<DecodedItems> decode_items(BytesView body, ItemForm form);

struct WebhookNames {
  std::string_view type = "webhook";
  std::string_view source = {};
  std::string_view service = {};
  std::string_view id = {};  // empty: none
};
// Any JSON as one event.
Result<DecodedItems> decode_webhook(BytesView body, const WebhookNames& names);

}  // namespace reeve::server
