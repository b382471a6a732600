// The JSON doors: POST /v1/signals/ingest and the routes of other systems that mean the same. docs/api.md has the
// items' forms; one handler serves all of them, and the path says how an item is meant that does not say its kind.
#include <array>

#include "common/base/json.h"
#include "server/api/params.h"
#include "server/doors/door.h"
#include "server/doors/json_items.h"
#include "server/doors/tables.h"

namespace reeve::server {
namespace {

// {"accepted":n,"rejected":n,"items":[...]}. Written by hand: it is on the path of every request.
Reply answer_items(size_t accepted, const std::vector<ItemEntry>& entries, size_t rejected) {
  Bytes body =
      "{\"accepted\":" + std::to_string(accepted) + ",\"rejected\":" + std::to_string(rejected) + ",\"items\":[";
  for (const ItemEntry& entry : entries) {
    if (body.back() != '[') body += ',';
    body += "{\"index\":" + std::to_string(entry.index);
    if (!entry.id.empty()) body += ",\"id\":" + Json(entry.id).dump();
    if (entry.reason.empty()) {
      body += ",\"status\":\"accepted\"}";
    } else {
      body += ",\"status\":\"rejected\",\"code\":\"invalid\",\"detail\":" + Json(entry.reason).dump() + "}";
    }
  }
  body += "]}";
  return Reply{.status = 200, .content_type = "application/json", .body = std::move(body)};
}

Result<Answer> take(ApiContext& context, const ApiRequest& request, Door door, Result<DecodedItems> decoded) {
  if (!decoded.ok()) {
    count_items(context, door, DoorOutcome::invalid, 1);
    return decoded.error();
  }
  if (decoded->items > json_items_max) {
    return Answer(refuse(request, 413,
                         "the body has " + std::to_string(decoded->items) + " items; at most " +
                             std::to_string(json_items_max) + " are taken"));
  }
  count_items(context, door, DoorOutcome::invalid, decoded->rejected);
  count_fields_left_out(context, decoded->fields_left_out);
  const size_t accepted = decoded->items - decoded->rejected;
  return store_then_reply(context, door, std::move(decoded->batch),
                          [accepted, rejected = decoded->rejected, entries = std::move(decoded->entries)] {
                            return answer_items(accepted, entries, rejected);
                          });
}

template <Door door, ItemForm form>
Result<Answer> take_items(ApiContext& context, const ApiRequest& request) {
  TRY(QueryParams::parse(request.query, {}));
  return take(context, request, door, decode_items(request.body, form));
}

Result<Answer> take_webhook(ApiContext& context, const ApiRequest& request) {
  const QueryParams params = TRY(QueryParams::parse(request.query, {{"type"}, {"source"}, {"service"}}));
  std::array<std::string, 3> values;
  size_t at = 0;
  for (const char* name : {"type", "source", "service"}) {
    values[at] = params.text(name).value_or("");
    if (values[at].size() > signal_name_bytes_max) {
      return bad_parameter(name, values[at], "at most " + std::to_string(signal_name_bytes_max) + " bytes");
    }
    ++at;
  }
  WebhookNames names{.source = values[1], .service = values[2]};
  if (!values[0].empty()) names.type = values[0];
  // What senders call the id by which a delivery that comes again can be known.
  for (const char* header : {"X-GitHub-Delivery", "X-Gitlab-Event-UUID", "Webhook-Id"}) {
    const std::string* id = sys::find_header(request.headers, header);
    if (id != nullptr && names.id.empty()) names.id = *id;
  }
  return take(context, request, Door::webhook, decode_webhook(request.body, names));
}

// -- The table
// ---------------------------------------------------------------------------------------------------------

constexpr std::array<SchemaField, 17> item_fields{{
    {"kind?", "'log','metric','event'", "must be there on /v1/signals/ingest"},
    {"id?", "string", "1 to 128 bytes; an id that was accepted in the last 24 hours is not stored again"},
    {"time?", "time", "absent: when it came"},
    {"host?", "string"},
    {"service?", "string", "of a log or event"},
    {"body?", "string", "of a log, required; at most 256 KiB"},
    {"level?", "string", "of a log: trace, debug, info, warn, error, fatal"},
    {"fields?", "map<any>", "of a log: at most 200 values; members of members become outer.inner"},
    {"name?", "string", "of a metric, required"},
    {"value?", "number", "of a metric, required"},
    {"unit?", "string", "of a metric"},
    {"metric_kind?", "'gauge','counter'", "of a metric"},
    {"labels?", "map<string>", "of a metric: at most 60"},
    {"type?", "string", "of an event, required"},
    {"source?", "string", "of an event"},
    {"text?", "string", "of an event: what people read"},
    {"payload?", "any", "of an event: its members become fields"},
}};
constexpr Schema item_schema{"SignalItem", "A log, a metric or an event.", item_fields};
constexpr std::array<SchemaField, 1> items_fields{{{"items", "SignalItem[]", "at most 10,000", &item_schema}}};
constexpr Schema items_schema{"SignalItems", "Items to store; the bare array is taken as well.", items_fields};

constexpr std::array<SchemaField, 6> service_metric_fields{{
    {"service_name", "string"},
    {"metric_type", "string", "the metric's name"},
    {"value", "number"},
    {"tags?", "map<string>"},
    {"timestamp?", "time"},
    {"id?", "string"},
}};
constexpr Schema service_metric_schema{"ServiceMetric", "A point of a service; an array of them is taken as well.",
                                       service_metric_fields};

constexpr std::array<SchemaField, 5> entry_fields{{
    {"index", "int", "in the request"},
    {"id?", "string", "as sent"},
    {"status", "'accepted','rejected'"},
    {"code?", "string"},
    {"detail?", "string", "what was wrong with it"},
}};
constexpr Schema entry_schema{"SignalItemAnswer", "What became of an item with an id, or of a rejected one.",
                              entry_fields};
constexpr std::array<SchemaField, 3> answer_fields{{
    {"accepted", "int"},
    {"rejected", "int"},
    {"items", "SignalItemAnswer[]", "those with an id, and the rejected ones", &entry_schema},
}};
constexpr Schema answer_schema{"SignalsAnswer", "What became of the items; what is accepted is stored.", answer_fields};

constexpr std::array<Parameter, 3> webhook_query{{
    {"type", "string", "the event's type; \"webhook\" where absent"},
    {"source", "string"},
    {"service", "string"},
}};

constexpr RouteDocs items_docs(std::string_view summary, const Schema* takes = &items_schema) {
  return {.summary = summary, .takes = takes, .gives = &answer_schema};
}

constexpr std::array table{
    Route{"POST", "/v1/signals/ingest", Permission::signals_write, take_items<Door::ingest, ItemForm::stated>,
          items_docs("Store logs, metrics and events; answered after the commit")}
        .taking(door_body_bytes_max),
    Route{"POST", "/ingest/logs", Permission::signals_write, take_items<Door::ingest, ItemForm::log>,
          items_docs("The same; an item without a kind is a log")}
        .taking(door_body_bytes_max),
    Route{"POST", "/ingest/metrics", Permission::signals_write, take_items<Door::metrics, ItemForm::metric>,
          items_docs("The same; an item without a kind is a metric")}
        .taking(door_body_bytes_max),
    Route{"POST", "/ingest/traces", Permission::signals_write, take_items<Door::spans, ItemForm::span>,
          items_docs("Spans as events of type span; their members become fields")}
        .taking(door_body_bytes_max),
    Route{"POST",
          "/ingest/webhook",
          Permission::signals_write,
          take_webhook,
          {.summary = "Any JSON as one event", .query = webhook_query, .gives = &answer_schema}}
        .taking(signal_text_bytes_max),
    Route{"POST", "/api/v1/events", Permission::signals_write, take_items<Door::events, ItemForm::event>,
          items_docs("One event, or an array of them")}
        .taking(door_body_bytes_max),
    Route{"POST", "/api/events", Permission::signals_write, take_items<Door::events, ItemForm::event>,
          items_docs("One event, or an array of them")}
        .taking(door_body_bytes_max),
    Route{"POST", "/api/metrics", Permission::signals_write, take_items<Door::metrics, ItemForm::service_metric>,
          items_docs("A point of a service, or an array of them", &service_metric_schema)}
        .taking(door_body_bytes_max),
};

}  // namespace

std::span<const Route> ingest_routes() {
  return table;
}

}  // namespace reeve::server
