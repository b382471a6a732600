// See json_items.h.
#include "server/doors/json_items.h"

#include "server/doors/json_dom_impl.h"

namespace reeve::server {
namespace {

constexpr size_t item_id_bytes_max = 128;
constexpr int flatten_depth_max = 8;

template <size_t N>
using Found = std::array<std::optional<dom::element>, N>;

// Reads one item after another into a batch. An item that proves wrong leaves nothing behind.
class ItemReader {
 public:
  explicit ItemReader(DecodedItems& out) : out_(out), batch_(out.batch) {}

  void read(size_t index, dom::element item, ItemForm form) {
    item_begin_ = batch_.fields.size();
    const uint64_t left_out_before = out_.fields_left_out;
    id_text_ = {};
    const Status taken = take(item, form);
    if (!taken.ok()) {
      batch_.fields.resize(item_begin_);
      out_.fields_left_out = left_out_before;
      ++out_.rejected;
    }
    if (!taken.ok() || !id_text_.empty()) {
      out_.entries.push_back(
          {.index = index, .id = std::string(id_text_), .reason = taken.ok() ? "" : taken.error().text()});
    }
  }

  Status webhook(dom::element document, const WebhookNames& names) {
    LogSignal log{.source = SignalSource::webhook, .service = batch_.text.keep(names.service)};
    if (!names.id.empty()) {
      TRY(take_id_text(names.id));
      log.id = keep_id();
      out_.entries.push_back({.index = 0, .id = std::string(id_text_)});
    }
    const size_t begin = batch_.fields.size();
    add_field("event.type", names.type);
    if (!names.source.empty()) add_field("event.source", names.source);
    flatten("", document, 0);
    log.fields = batch_.finish_fields(begin);
    log.body = TRY(body_text(simdjson::minify(document)));
    batch_.logs.push_back(log);
    return {};
  }

 private:
  Status take(dom::element item, ItemForm form) {
    dom::object object;
    if (item.get_object().get(object)) return wrong_member("the item", kind_of(item), "an object");
    // The id first, so that the answer names it whatever else is wrong.
    dom::element id;
    const bool foreign = form == ItemForm::event || form == ItemForm::service_metric;
    if (!object.at_key("id").get(id) || (foreign && !object.at_key("idempotencyKey").get(id))) {
      std::string_view text;
      if (id.get_string().get(text)) return wrong_member("id", kind_of(id), "a string");
      TRY(take_id_text(text));
    }

    dom::element kind;
    if (!object.at_key("kind").get(kind)) {
      std::string_view word;
      if (kind.get_string().get(word)) word = "";
      if (word == "log") return take_log(object);
      if (word == "metric") return take_metric(object);
      if (word == "event") return take_event(object);
      // A span of another system may have a kind of its own ("server", "client").
      if (form != ItemForm::span) {
        return wrong_member("kind", "\"" + printable(word, 40) + "\"", "\"log\", \"metric\" or \"event\"");
      }
    }
    switch (form) {
      case ItemForm::stated:
        return Error(Code::invalid, "kind is absent; allowed is \"log\", \"metric\" or \"event\"");
      case ItemForm::log:
        return take_log(object);
      case ItemForm::metric:
        return take_metric(object);
      case ItemForm::event:
        return take_event(object);
      case ItemForm::span:
        return take_span(object);
      case ItemForm::service_metric:
        return take_service_metric(object);
    }
    return {};
  }

  Status take_log(dom::object object) {
    static constexpr std::array<std::string_view, 8> names{"kind",    "id",   "time",  "body",
                                                           "service", "host", "level", "fields"};
    Found<names.size()> found;
    TRY(collect_members(object, names, found));
    LogSignal log;
    log.time = TRY(time_of(found[2], "time"));
    if (!found[3]) return Error(Code::invalid, "body is absent; a log has one, a string");
    log.body = TRY(text_of(found[3], "body", signal_text_bytes_max));
    log.service = TRY(text_of(found[4], "service", signal_name_bytes_max));
    log.host = TRY(text_of(found[5], "host", signal_name_bytes_max));
    const std::string_view level = TRY(text_of(found[6], "level", 32));
    if (!level.empty()) {
      const std::optional<wire::Level> known = wire::parse_level(level);
      if (!known) {
        return wrong_member("level", "\"" + printable(level) + "\"", "trace, debug, info, warn, error or fatal");
      }
      log.level = *known;
    }
    const size_t begin = batch_.fields.size();
    const uint64_t left_out = out_.fields_left_out;
    if (found[7]) {
      if (!found[7]->is_object()) return wrong_member("fields", kind_of(*found[7]), "an object");
      flatten("", *found[7], 0);
    }
    if (out_.fields_left_out > left_out) {
      return Error(Code::invalid, "fields has more than " + std::to_string(signal_fields_max) +
                                      " values, or a key over " + std::to_string(signal_name_bytes_max) +
                                      " or a value over " + std::to_string(signal_value_bytes_max) + " bytes");
    }
    log.fields = batch_.finish_fields(begin);
    log.id = keep_id();
    batch_.logs.push_back(log);
    return {};
  }

  Status take_metric(dom::object object) {
    static constexpr std::array<std::string_view, 9> names{"kind", "id",          "time", "name",  "value",
                                                           "unit", "metric_kind", "host", "labels"};
    Found<names.size()> found;
    TRY(collect_members(object, names, found));
    PointSignal point;
    point.time = TRY(time_of(found[2], "time"));
    point.name = TRY(required_name(found[3], "name"));
    point.value = TRY(number_of(found[4], "value"));
    point.unit = TRY(text_of(found[5], "unit", signal_name_bytes_max));
    const std::string_view kind = TRY(text_of(found[6], "metric_kind", 32));
    if (!kind.empty() && kind != "gauge" && kind != "counter") {
      return wrong_member("metric_kind", "\"" + printable(kind) + "\"", "gauge or counter");
    }
    point.kind = kind == "counter" ? wire::MetricKind::counter : wire::MetricKind::gauge;
    point.host = TRY(text_of(found[7], "host", signal_name_bytes_max));
    const size_t begin = batch_.fields.size();
    TRY(add_labels(found[8], "labels", point));
    return add_point(point, begin);
  }

  Status take_event(dom::object object) {
    static constexpr std::array<std::string_view, 13> names{
        "kind",    "id",   "time",       "type",        "source",    "service",       "text",
        "payload", "host", "occurredAt", "occurred_at", "timestamp", "idempotencyKey"};
    Found<names.size()> found;
    TRY(collect_members(object, names, found));
    LogSignal log{.source = SignalSource::event};
    for (const size_t at : {2, 9, 10, 11}) {
      if (found[at] && !log.time) log.time = TRY(time_of(found[at], names[at]));
    }
    const std::string_view type = TRY(required_name(found[3], "type"));
    const std::string_view source = TRY(text_of(found[4], "source", signal_name_bytes_max));
    log.service = TRY(text_of(found[5], "service", signal_name_bytes_max));
    log.body = TRY(text_of(found[6], "text", signal_text_bytes_max));
    log.host = TRY(text_of(found[8], "host", signal_name_bytes_max));
    const size_t begin = batch_.fields.size();
    batch_.fields.push_back({"event.type", type});
    if (!source.empty()) batch_.fields.push_back({"event.source", source});
    std::string body(type);
    if (found[7]) {
      flatten("", *found[7], 0);
      body += " " + simdjson::minify(*found[7]);
    }
    if (log.body.empty()) log.body = TRY(body_text(body));
    log.fields = batch_.finish_fields(begin);
    log.id = keep_id();
    batch_.logs.push_back(log);
    return {};
  }

  // Whoever made it decides what is in it.
  Status take_span(dom::object object) {
    LogSignal log{.source = SignalSource::span};
    const size_t begin = batch_.fields.size();
    batch_.fields.push_back({"event.type", "span"});
    std::string_view name = "span";
    for (const dom::key_value_pair member : object) {
      std::optional<dom::element> value = member.value;
      if (member.key == "id") continue;
      if (member.key == "time" || member.key == "start_time" || member.key == "timestamp") {
        log.time = TRY(time_of(value, member.key));
      } else if (member.key == "service" || member.key == "service_name") {
        log.service = TRY(text_of(value, member.key, signal_name_bytes_max));
      } else if (member.key == "host") {
        log.host = TRY(text_of(value, member.key, signal_name_bytes_max));
      } else {
        if (member.key == "name") name = TRY(text_of(value, member.key, signal_text_bytes_max));
        flatten(std::string(member.key), member.value, 1);
      }
    }
    log.body = batch_.text.keep(name);
    log.fields = batch_.finish_fields(begin);
    log.id = keep_id();
    batch_.logs.push_back(log);
    return {};
  }

  Status take_service_metric(dom::object object) {
    static constexpr std::array<std::string_view, 8> names{"kind",  "id",   "service_name", "metric_type",
                                                           "value", "tags", "timestamp",    "idempotencyKey"};
    Found<names.size()> found;
    TRY(collect_members(object, names, found));
    PointSignal point;
    const std::string_view service = TRY(required_name(found[2], "service_name"));
    point.name = TRY(required_name(found[3], "metric_type"));
    point.value = TRY(number_of(found[4], "value"));
    point.time = TRY(time_of(found[6], "timestamp"));
    const size_t begin = batch_.fields.size();
    batch_.fields.push_back({"service", service});
    TRY(add_labels(found[5], "tags", point));
    return add_point(point, begin);
  }

  // -- Parts of items

  Status take_id_text(std::string_view text) {
    if (text.empty() || text.size() > item_id_bytes_max) {
      return wrong_member("id", "a string of " + std::to_string(text.size()) + " bytes", "1 to 128 bytes");
    }
    id_text_ = text;
    return {};
  }
  uint32_t keep_id() { return id_text_.empty() ? no_item_id : batch_.add_id(hash_item_id("item", id_text_)); }

  Status add_point(PointSignal& point, size_t labels_begin) {
    point.labels = batch_.finish_labels(labels_begin);
    if (point.labels.count > signal_labels_max) {
      return Error(Code::invalid, "labels has " + std::to_string(point.labels.count) + " members; at most " +
                                      std::to_string(signal_labels_max) + " are taken");
    }
    point.id = keep_id();
    batch_.points.push_back(point);
    return {};
  }

  // Our queries know the host as a label, so it may come as one.
  Status add_labels(const std::optional<dom::element>& value, std::string_view name, PointSignal& point) {
    if (!value) return {};
    dom::object labels;
    if (value->get_object().get(labels)) return wrong_member(name, kind_of(*value), "an object");
    for (const dom::key_value_pair label : labels) {
      const std::optional<std::string_view> text = scalar_text(label.value, scalar_);
      const std::string where = std::string(name) + "." + printable(label.key, 60);
      if (!text) return wrong_member(where, kind_of(label.value), "a string, a number, true or false");
      if (label.key.size() > signal_name_bytes_max || text->size() > signal_label_bytes_max) {
        return wrong_member(
            where, std::to_string(text->size()) + " bytes",
            std::to_string(signal_label_bytes_max) + ", and a key of at most " + std::to_string(signal_name_bytes_max));
      }
      if (label.key == "host") {
        if (point.host.empty()) point.host = batch_.text.keep(text->substr(0, signal_name_bytes_max));
        continue;
      }
      batch_.fields.push_back({batch_.text.keep(label.key), batch_.text.keep(*text)});
    }
    return {};
  }

  Result<std::string_view> text_of(const std::optional<dom::element>& value, std::string_view name, size_t bytes_max) {
    if (!value) return std::string_view();
    std::string_view text;
    if (value->get_string().get(text)) return wrong_member(name, kind_of(*value), "a string");
    if (text.size() > bytes_max) {
      return wrong_member(name, std::to_string(text.size()) + " bytes", "at most " + std::to_string(bytes_max));
    }
    return batch_.text.keep(text);
  }

  Result<std::string_view> required_name(const std::optional<dom::element>& value, std::string_view name) {
    const std::string_view text = TRY(text_of(value, name, signal_name_bytes_max));
    if (text.empty()) return Error(Code::invalid, std::string(name) + " is absent or empty; it must be there");
    return text;
  }

  Result<double> number_of(const std::optional<dom::element>& value, std::string_view name) {
    if (!value) return Error(Code::invalid, std::string(name) + " is absent; it must be a number");
    double number = 0;
    if (value->get_double().get(number)) return wrong_member(name, kind_of(*value), "a number");
    return number;
  }

  // RFC 3339; a number is seconds since 1970, or milliseconds where it is too large for these.
  Result<std::optional<WallTime>> time_of(const std::optional<dom::element>& value, std::string_view name) {
    if (!value) return std::optional<WallTime>();
    std::string_view text;
    double number = 0;
    if (!value->get_string().get(text)) {
      const std::optional<WallTime> time = parse_rfc3339(text);
      if (!time) return wrong_member(name, "\"" + printable(text, 60) + "\"", "RFC 3339, as 2026-11-21T12:00:00Z");
      return time;
    }
    if (value->get_double().get(number)) return wrong_member(name, kind_of(*value), "a time in RFC 3339");
    constexpr double seconds_max = 1e11;
    const double ns = number < seconds_max ? number * 1e9 : number * 1e6;
    if (!(number >= 0) || ns > 9.2e18) return wrong_member(name, "a number out of range", "a time in RFC 3339");
    return std::optional(WallTime{static_cast<int64_t>(ns)});
  }

  Result<std::string_view> body_text(std::string_view text) {
    if (text.size() <= signal_text_bytes_max) return batch_.text.keep(text);
    return Error(Code::invalid, "the event has " + std::to_string(text.size()) + " bytes; at most " +
                                    std::to_string(signal_text_bytes_max) + " are taken");
  }

  void add_field(std::string_view key, std::string_view value) {
    batch_.fields.push_back({batch_.text.keep(key), batch_.text.keep(value)});
  }

  // Members of members as "outer.inner"; lists as JSON.
  void flatten(const std::string& key, dom::element value, int depth) {
    dom::object object;
    if (depth < flatten_depth_max && !value.get_object().get(object)) {
      for (const dom::key_value_pair member : object) {
        flatten(key.empty() ? std::string(member.key) : key + "." + std::string(member.key), member.value, depth + 1);
      }
      return;
    }
    if (key.empty() || value.is_null()) return;
    std::optional<std::string_view> text = scalar_text(value, scalar_);
    if (!text) {
      scalar_ = simdjson::minify(value);
      text = scalar_;
    }
    if (key.size() > signal_name_bytes_max || text->size() > signal_value_bytes_max ||
        batch_.fields.size() - item_begin_ >= signal_fields_max) {
      ++out_.fields_left_out;
      return;
    }
    add_field(key, *text);
  }
  DecodedItems& out_;
  SignalBatch& batch_;
  std::string_view id_text_;
  size_t item_begin_ = 0;  // in the batch's fields
  std::string scalar_;
};

}  // namespace

Result<DecodedItems> decode_items(BytesView body, ItemForm form) {
  const dom::element document = TRY(parse_document(body));
  DecodedItems out;
  ItemReader reader(out);
  dom::array items;
  dom::object wrapper;
  bool is_array = !document.get_array().get(items);
  if (!is_array && document.get_object().get(wrapper)) {
    return Error(Code::invalid, "the body is " + std::string(kind_of(document)) +
                                    "; allowed is an array of items or {\"items\": [...]}");
  }
  dom::element inside;
  if (!is_array && !wrapper.at_key("items").get(inside)) {
    if (inside.get_array().get(items)) {
      return Error(Code::invalid, "items is " + std::string(kind_of(inside)) + "; allowed is an array");
    }
    if (wrapper.size() != 1) return Error(Code::invalid, "unknown members beside items");
    is_array = true;
  }
  if (!is_array) {
    out.items = 1;
    reader.read(0, document, form);
  } else {
    out.items = items.size();
    if (out.items <= json_items_max) {
      size_t index = 0;
      for (const dom::element item : items) reader.read(index++, item, form);
    }
  }
  forget_document();
  return out;
}

Result<DecodedItems> decode_webhook(BytesView body, const WebhookNames& names) {
  const dom::element document = TRY(parse_document(body));
  DecodedItems out;
  out.items = 1;
  ItemReader reader(out);
  TRY(reader.webhook(document, names));
  forget_document();
  return out;
}

}  // namespace reeve::server
