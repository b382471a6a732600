// Builds queries, reads answers, and turns problem+json into errors.
#include "cli/api.h"

#include <algorithm>

namespace reeve::cli {

namespace {

constexpr Duration answer_timeout = 30s;
constexpr Duration tail_timeout = 10s;  // beyond the wait that was asked for: a dead connection must not look quiet
constexpr Duration export_wait = 2min;
constexpr size_t pages_max = 1000;

using Query = std::vector<std::pair<std::string, std::string>>;

void add(Query& query, const char* name, const std::string& value) {
  if (!value.empty()) query.emplace_back(name, value);
}

void add_filter(Query& query, const LogFilter& filter) {
  add(query, "service", filter.service);
  add(query, "host", filter.host);
  add(query, "source", filter.source);
  add(query, "level", filter.level);
  add(query, "template", filter.shape);
  for (const std::string& text : filter.texts) add(query, filter.ignore_case ? "itext" : "text", text);
  for (const std::string& regex : filter.regexes) add(query, "regex", (filter.ignore_case ? "(?i)" : "") + regex);
}

void add_filter(Query& query, const SeriesFilter& filter) {
  add(query, "name", filter.name);
  add(query, "match", filter.match);
  for (const auto& [key, value] : filter.labels) {
    std::string label = key;
    label.append(":").append(value);
    query.emplace_back("label", std::move(label));
  }
  add(query, "from", filter.from);
  add(query, "to", filter.to);
}

Error strange_answer(std::string_view what) {
  return Error(Code::corrupt, "the server's answer is not understood: " + std::string(what) +
                                  "; are server and command line of one version?");
}

Result<const Json::Array*> rows_of(const Json& answer, std::string_view member) {
  const Json* rows = answer.find(member);
  if (rows == nullptr || !rows->is_array()) return strange_answer("it has no list \"" + std::string(member) + "\"");
  return rows->as_array();
}

std::optional<WallTime> time_of(const Json& row, std::string_view member) {
  return parse_rfc3339(row.string_or(member));
}

std::optional<double> number_of(const Json& row, std::string_view member) {
  const Json* value = row.find(member);
  return value != nullptr ? value->as_number() : std::nullopt;
}

// A length of time in milliseconds; what no clock could mean is cut to 250 years.
Duration milliseconds_of(const Json& row, std::string_view member) {
  static constexpr int64_t ms_max = int64_t{250} * 365 * 86'400 * 1000;
  return Duration(1ms) * std::clamp<int64_t>(row.int_or(member), 0, ms_max);
}

bool is_true(const Json& row, std::string_view member) {
  const Json* value = row.find(member);
  return value != nullptr && value->as_bool() != nullptr && *value->as_bool();
}

Labels labels_of(const Json& row) {
  Labels labels;
  const Json* object = row.find("labels");
  if (object == nullptr || !object->is_object()) return labels;
  for (const auto& [key, value] : *object->as_object())
    labels.emplace_back(key, value.is_string() ? *value.as_string() : value.dump());
  return labels;
}

Result<std::vector<LogLine>> read_lines(const Json& answer) {
  const Json::Array* rows = TRY(rows_of(answer, "logs"));
  std::vector<LogLine> lines;
  lines.reserve(rows->size());
  for (const Json& row : *rows) {
    const std::optional<WallTime> time = time_of(row, "time");
    if (!time) return strange_answer("a line's time is \"" + row.string_or("time") + "\"");
    lines.push_back({.time = *time,
                     .level = row.string_or("level"),
                     .service = row.string_or("service"),
                     .host = row.string_or("host"),
                     .body = row.string_or("body"),
                     .is_time_suspect = is_true(row, "time_suspect"),
                     .json = row.dump()});
  }
  return lines;
}

Agent read_agent(const Json& row) {
  Agent agent{.id = row.string_or("id"),
              .host = row.string_or("host"),
              .version = row.string_or("version"),
              .state = row.string_or("state"),
              .last_seen = time_of(row, "last_seen"),
              .spool_bytes = row.int_or("spool_bytes"),
              .dropped = row.int_or("dropped_total"),
              .oldest_unsent_age = milliseconds_of(row, "oldest_unsent_age_ms"),
              .gaps = {},
              .json = row};
  const Json* gaps = row.find("gaps");
  if (gaps == nullptr || !gaps->is_array()) return agent;
  for (const Json& gap : *gaps->as_array())
    agent.gaps.push_back({.lane = gap.string_or("lane"),
                          .from = gap.int_or("from"),
                          .to = gap.int_or("to"),
                          .reason = gap.string_or("reason")});
  return agent;
}

Result<Curve> read_curve(const Json& row) {
  Curve curve{.labels = labels_of(row), .points = {}, .json = row};
  const Json::Array* points = TRY(rows_of(row, "points"));
  for (const Json& pair : *points) {
    const Json::Array* both = pair.as_array();
    const std::string* time_text = both != nullptr && both->size() == 2 ? (*both)[0].as_string() : nullptr;
    const std::optional<WallTime> time = time_text != nullptr ? parse_rfc3339(*time_text) : std::nullopt;
    if (!time) return strange_answer("a point is " + pair.dump() + " instead of [time, value]");
    curve.points.push_back({.time = *time, .value = (*both)[1].as_number()});
  }
  return curve;
}

Code code_of(int status) {
  if (status == 401 || status == 403) return Code::denied;
  if (status == 404) return Code::not_found;
  if (status == 429 || status >= 500) return Code::unavailable;
  return Code::invalid;
}

Error refusal(const std::string& server, const HttpAnswer& answer) {
  const Result<Json> problem = parse_json(answer.body);
  std::string detail = problem ? problem->string_or("detail", problem->string_or("title")) : "";
  std::string request_id = problem ? problem->string_or("request_id", answer.request_id) : answer.request_id;
  if (detail.empty()) detail = "status " + std::to_string(answer.status) + " without a reason";

  std::string text = answer.status == 401   ? server + " does not accept the API key: " + detail
                     : answer.status == 403 ? server + " does not allow this: " + detail
                                            : server + " said no (" + std::to_string(answer.status) + "): " + detail;
  if (!request_id.empty()) text += " (request " + request_id + ")";
  return Error(code_of(answer.status), text);
}

}  // namespace

Result<HttpAnswer> Client::send(const std::string& method, const std::string& path, Query query, Bytes body,
                                Duration wait) {
  return http_.fetch({.method = method,
                      .server = profile_.url,
                      .path = path,
                      .query = std::move(query),
                      .key = profile_.key,
                      .body = std::move(body),
                      .ca_pem = profile_.ca_pem,
                      .timeout = wait > Duration{} ? wait + tail_timeout : answer_timeout});
}

Result<Json> Client::get(const std::string& path, Query query, Duration wait) {
  const HttpAnswer answer = TRY(send("GET", path, std::move(query), {}, wait));
  if (answer.status < 200 || answer.status > 299) return refusal(profile_.url, answer);
  Result<Json> json = parse_json(answer.body);
  if (!json) return strange_answer(json.error().text());
  return json;
}

Result<Json> Client::post(const std::string& path, const Json& body) {
  const HttpAnswer answer = TRY(send("POST", path, {}, body.dump()));
  if (answer.status < 200 || answer.status > 299) return refusal(profile_.url, answer);
  if (answer.body.empty()) return Json();
  Result<Json> json = parse_json(answer.body);
  if (!json) return strange_answer(json.error().text());
  return json;
}

Result<Me> Client::me() {
  const Json json = TRY(get("/v1/me", {}));
  return Me{.org = json.string_or("org"),
            .key_prefix = json.string_or("key_prefix"),
            .role = json.string_or("role"),
            .server_version = json.string_or("server_version")};
}

Result<std::optional<std::string>> Client::why_not_ready() {
  const HttpAnswer answer = TRY(send("GET", "/readyz", {}, {}));
  if (answer.status == 200) return std::optional<std::string>();
  return std::optional(refusal(profile_.url, answer).text());
}

Result<LogPage> Client::logs(const LogFilter& filter, uint64_t rows_max, const std::optional<std::string>& cursor) {
  check(rows_max >= 1 && rows_max <= log_page_rows_max, "a page is as long as the API allows");
  Query query;
  add(query, "from", filter.from);
  add(query, "to", filter.to);
  add_filter(query, filter);
  query.emplace_back("limit", std::to_string(rows_max));
  if (cursor) query.emplace_back("cursor", *cursor);

  const Json json = TRY(get("/v1/logs", std::move(query)));
  LogPage page;
  page.lines = TRY(read_lines(json));
  const std::string next = json.string_or("next_cursor");
  if (!next.empty()) page.next_cursor = next;
  if (const Json* scanned = json.find("scanned")) {
    page.blocks_scanned = static_cast<uint64_t>(scanned->int_or("blocks"));
    page.blocks_damaged = static_cast<uint64_t>(scanned->int_or("damaged_blocks"));
  }
  return page;
}

Result<Json> Client::histogram(const LogFilter& filter) {
  Query query;
  add(query, "from", filter.from);
  add(query, "to", filter.to);
  add_filter(query, filter);
  Json json = TRY(get("/v1/logs/histogram", std::move(query)));
  TRY(rows_of(json, "buckets"));
  return json;
}

Result<Json> Client::templates(const LogFilter& filter, uint64_t count_max) {
  Query query;
  add(query, "from", filter.from);
  add(query, "to", filter.to);
  add_filter(query, filter);
  query.emplace_back("limit", std::to_string(count_max));
  Json json = TRY(get("/v1/logs/templates", std::move(query)));
  TRY(rows_of(json, "templates"));
  return json;
}

Result<TailAnswer> Client::tail(const LogFilter& filter, const std::optional<std::string>& cursor, Duration wait) {
  Query query;
  add_filter(query, filter);
  if (cursor) {
    query.emplace_back("cursor", *cursor);
    query.emplace_back("wait", format_duration(wait));
  }
  const Json json = TRY(get("/v1/logs/tail", std::move(query), wait));
  TailAnswer answer;
  answer.lines = TRY(read_lines(json));
  answer.cursor = json.string_or("cursor");
  if (answer.cursor.empty()) return strange_answer("it has no cursor");
  return answer;
}

Result<std::vector<Series>> Client::series(const SeriesFilter& filter) {
  Query query;
  add_filter(query, filter);
  const Json json = TRY(get("/v1/metrics", std::move(query)));
  const Json::Array* rows = TRY(rows_of(json, "series"));
  std::vector<Series> all;
  all.reserve(rows->size());
  for (const Json& row : *rows)
    all.push_back({.name = row.string_or("name"),
                   .unit = row.string_or("unit"),
                   .kind = row.string_or("kind"),
                   .labels = labels_of(row),
                   .last = number_of(row, "last"),
                   .last_time = time_of(row, "last_time"),
                   .json = row});
  return all;
}

Result<Curves> Client::curves(const SeriesFilter& filter, const std::string& step, const std::string& agg) {
  Query query;
  add_filter(query, filter);
  add(query, "step", step);
  add(query, "agg", agg);
  const Json json = TRY(get("/v1/metrics/query", std::move(query)));
  const Json::Array* rows = TRY(rows_of(json, "series"));
  Curves result{.name = json.string_or("name"),
                .unit = json.string_or("unit"),
                .agg = json.string_or("agg"),
                .step = milliseconds_of(json, "step_ms"),
                .is_truncated = is_true(json, "truncated"),
                .curves = {}};
  for (const Json& row : *rows) {
    Curve curve = TRY(read_curve(row));
    result.curves.push_back(std::move(curve));
  }
  return result;
}

Result<std::vector<Agent>> Client::agents() {
  std::vector<Agent> all;
  std::string cursor;
  for (size_t pages = 0; pages < pages_max; ++pages) {
    Query query;
    add(query, "cursor", cursor);
    const Json json = TRY(get("/v1/agents", std::move(query)));
    const Json::Array* rows = TRY(rows_of(json, "agents"));
    for (const Json& row : *rows) all.push_back(read_agent(row));
    cursor = json.string_or("next_cursor");
    if (cursor.empty()) return all;
  }
  return Error(Code::exhausted, "the list of agents does not end after " + std::to_string(pages_max) + " pages");
}

Result<Token> Client::make_token(const std::string& valid_for) {
  Json body{Json::Object{}};
  if (!valid_for.empty()) body.set("valid_for", valid_for);
  const Json json = TRY(post("/v1/agents/tokens", body));
  Token token{.command = json.string_or("command"), .expires = time_of(json, "expires"), .json = json};
  if (token.command.empty()) return strange_answer("it has no command");
  return token;
}

Result<Json> Client::audit(Query query) {
  return get("/v1/audit", std::move(query));
}

Result<Bytes> Client::audit_export(uint64_t from, uint64_t leaves) {
  HttpAnswer answer = TRY(send("GET", "/v1/audit/export",
                               {{"from", std::to_string(from)}, {"limit", std::to_string(leaves)}}, {}, export_wait));
  if (answer.status < 200 || answer.status > 299) return refusal(profile_.url, answer);
  return std::move(answer.body);
}

Status Client::revoke(const std::string& agent_id) {
  TRY(post("/v1/agents/" + agent_id + "/revoke", Json(Json::Object{})));
  return {};
}

}  // namespace reeve::cli
