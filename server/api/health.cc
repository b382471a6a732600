// Whether the server is well, who is asking, and the server's own counters.
#include <array>

#include "common/base/json.h"
#include "server/api/params.h"
#include "server/api/tables.h"
#include "server/counters.h"
#include "server/store_writer.h"
#include "server/version.h"

namespace reeve::server {
namespace {

// Prometheus' text format, version 0.0.4.
class MetricsText {
 public:
  void family(std::string_view name, std::string_view kind, std::string_view help) {
    out_ += "# HELP reeve_" + std::string(name) + " " + std::string(help) + "\n# TYPE reeve_" + std::string(name) +
            " " + std::string(kind) + "\n";
  }
  void sample(std::string_view name, uint64_t value, std::string_view labels = "") {
    out_ += "reeve_" + std::string(name);
    if (!labels.empty()) out_ += "{" + std::string(labels) + "}";
    out_ += " " + std::to_string(value) + "\n";
  }
  void counter(std::string_view name, std::string_view help, uint64_t value) {
    family(name, "counter", help);
    sample(name, value);
  }
  void gauge(std::string_view name, std::string_view help, uint64_t value) {
    family(name, "gauge", help);
    sample(name, value);
  }
  Bytes take() { return std::move(out_); }

 private:
  Bytes out_;
};

void write_doors(MetricsText& text, const DoorCounters& doors) {
  text.family("door_items_total", "counter", "Items that programs pushed over HTTP, by door and what became of them.");
  for (size_t door = 0; door < door_names.size(); ++door) {
    for (size_t outcome = 0; outcome < door_outcome_names.size(); ++outcome) {
      text.sample("door_items_total", doors.items[door][outcome],
                  "door=\"" + std::string(door_names[door]) + "\",outcome=\"" +
                      std::string(door_outcome_names[outcome]) + "\"");
    }
  }
  text.counter("door_times_suspect_total", "Pushed items whose time became that of their arrival.",
               doors.times_suspect);
  text.counter("door_fields_left_out_total", "Fields and labels of pushed items beyond their bound.",
               doors.fields_left_out);
  text.counter("door_redacted_total", "Secrets replaced in pushed items.", doors.redacted);
  text.counter("door_delta_series_total", "Sums of deltas that began at zero.", doors.delta_series_begun);
  text.counter("door_flushes_total", "Commits of gathered requests.", doors.flushes);
  text.counter("door_flushes_failed_total", "Commits of gathered requests that failed.", doors.flushes_failed);
}

Result<Answer> get_health(ApiContext&, const ApiRequest& request) {
  TRY(QueryParams::parse(request.query, {}));
  return Answer(json_reply(Json(Json::Object{{"status", "ok"}})));
}

Result<Answer> get_readiness(ApiContext& context, const ApiRequest& request) {
  TRY(QueryParams::parse(request.query, {}));
  if (const std::optional<std::string> reason = context.writer.paused()) {
    return Error(Code::unavailable, "the store takes no commits: " + *reason);
  }
  return Answer(json_reply(Json(Json::Object{{"status", "ready"}})));
}

Result<Answer> get_info(ApiContext&, const ApiRequest& request) {
  TRY(QueryParams::parse(request.query, {}));
  return Answer(json_reply(Json(Json::Object{{"name", "reeve-server"}, {"version", server_version}})));
}

Result<Answer> get_me(ApiContext&, const ApiRequest& request) {
  TRY(QueryParams::parse(request.query, {}));
  const Credential& who = request.credential;
  Json body;
  body.set("org", who.org);
  body.set("kind", to_string(who.kind));
  if (who.kind == Credential::Kind::key) {
    body.set("key_prefix", who.key_prefix);
  } else {
    body.set("user_id", to_string(who.subject));
  }
  body.set("name", who.name);
  body.set("role", to_string(who.role));
  Json::Array permissions;
  for (const Grant& grant : grants) {
    if (grant.permission != Permission::none && may(who, grant.permission)) permissions.push_back(grant.name);
  }
  body.set("permissions", std::move(permissions));
  body.set("server_version", server_version);
  body.set("server_time", format_rfc3339(request.now));
  return Answer(json_reply(body));
}

Result<Answer> get_own_metrics(ApiContext& context, const ApiRequest& request) {
  TRY(QueryParams::parse(request.query, {}));
  const ServerCounters& own = context.counters;
  const StoreCounters stored = TRY(context.store.counters());
  MetricsText text;

  text.gauge("link_sessions", "Agents linked now.", own.sessions);
  text.counter("link_sessions_total", "Links opened.", own.sessions_total);
  text.counter("link_sessions_replaced_total", "Links replaced by a newer one of the same agent.",
               own.sessions_replaced);
  text.counter("link_denied_total", "Links refused for their certificate.", own.links_denied);
  text.counter("link_refused_busy_total", "Links refused while ingest was paused.", own.links_refused_busy);
  text.counter("link_received_bytes_total", "Bytes of frames received.", own.link_bytes_received);
  text.counter("link_frames_bad_total", "Frames that broke the protocol.", own.ingest.frames_bad);
  text.counter("link_frames_unknown_total", "Frames of a kind this version does not know.", own.ingest.frames_unknown);
  text.counter("certificates_renewed_total", "Agent certificates renewed.", own.certificates_renewed);
  text.counter("ingest_duplicates_total", "Blocks that came again and were acknowledged again.",
               own.ingest.blocks_duplicate);
  text.counter("ingest_epoch_conflicts_total", "Agents whose spool was lost or rolled back.",
               own.ingest.epoch_conflicts);

  text.family("dropped_total", "counter", "What was not kept, by stage and reason: blocks, or sequences of blocks.");
  text.sample("dropped_total", own.ingest.blocks_rejected, R"(stage="ingest",reason="rejected")");
  text.sample("dropped_total", own.ingest.sequences_missing, R"(stage="link",reason="gap")");
  text.sample("dropped_total", stored.damaged_blocks, R"(stage="store",reason="damaged")");
  text.sample("dropped_total", own.blocks_expired, R"(stage="store",reason="retention")");

  text.counter("store_commits_total", "Transactions that stored blocks or gaps.", own.commits);
  text.counter("store_commits_failed_total", "Transactions that failed.", own.commits_failed);
  text.counter("store_committed_blocks_total", "Blocks stored since the start.", own.blocks_stored);
  text.counter("store_committed_bytes_total", "Bytes of blocks stored since the start.", own.bytes_stored);
  text.counter("store_gaps_total", "Gaps stored since the start.", own.gaps_stored);
  text.gauge("store_blocks", "Blocks in the store.", stored.blocks);
  text.gauge("store_rows", "Rows in the store's blocks.", stored.rows);
  text.gauge("store_bytes", "Bytes of the store's blocks.", stored.bytes);
  text.gauge("store_paused", "1 while commits are refused.", context.writer.paused() ? 1 : 0);
  text.gauge("store_queue_depth", "Tasks waiting for the store's writer.", context.writer.queued());
  text.gauge("store_queue_bytes", "Bytes of blocks waiting for the store's writer.", context.writer.queued_bytes());

  text.counter("audit_checkpoints_total", "Checkpoints of the audit signed.", own.audit.checkpoints);
  text.counter("audit_passes_total", "Times that all of the audit was hashed anew.", own.audit.passes);
  text.counter("audit_passes_failed_total", "Times that it could not be read.", own.audit.passes_failed);
  text.counter("audit_entries_strange_total", "Entries found changed, missing or put in, each time they were read.",
               own.audit.entries_strange);
  text.counter("audit_alarms_total", "Alarms that witnesses raised.", own.audit.alarms);

  write_doors(text, own.doors);

  text.counter("api_requests_total", "Requests that reached a route.", own.requests);
  text.counter("api_client_errors_total", "Requests answered with 4xx.", own.requests_client_error);
  text.counter("api_server_errors_total", "Requests answered with 5xx.", own.requests_server_error);
  text.counter("api_refused_busy_total", "Requests refused because too many waited.", own.requests_refused_busy);
  text.counter("api_timeouts_total", "Connections ended because their peer was slow or idle.", own.api_timeouts);
  text.counter("api_stalled_total", "Connections cut because their peer did not take its answer.", own.api_stalled);
  text.counter("api_floods_total", "HTTP/2 connections ended for floods of control frames.", own.api_floods);
  text.counter("api_refused_peer_total", "Connections beyond what one address may have.", own.api_refused_peer);
  text.gauge("api_queue_depth", "Requests waiting for a thread.", context.api_queued ? context.api_queued() : 0);
  return Answer(Reply{.status = 200, .content_type = "text/plain; version=0.0.4; charset=utf-8", .body = text.take()});
}

// -- The table
// ---------------------------------------------------------------------------------------------------------

constexpr std::array<SchemaField, 1> status_fields{{{"status", "string", "\"ok\" while the process serves"}}};
constexpr Schema status_schema{"Status", "The process is there.", status_fields};
constexpr std::array<SchemaField, 2> info_fields{{{"name", "string"}, {"version", "string"}}};
constexpr Schema info_schema{"Info", "What answers here.", info_fields};
constexpr std::array<SchemaField, 9> me_fields{{
    {"org", "string", "whose data this credential sees"},
    {"kind", "'key','token','session'", "what was sent as the credential"},
    {"key_prefix?", "string", "of the API key, where one was sent"},
    {"user_id?", "uuid", "of the person, where one is signed in"},
    {"name", "string", "the person's e-mail or the key's label"},
    {"role", "string"},
    {"permissions", "string[]", "what the role and the key's scopes allow"},
    {"server_version", "string"},
    {"server_time", "time"},
}};
constexpr Schema me_schema{"Me", "Who is asking, and what they may do.", me_fields};

constexpr std::array table{
    Route{"GET",
          "/healthz",
          Permission::none,
          get_health,
          {.summary = "Whether the process serves", .gives = &status_schema},
          RunsOn::loop},
    Route{"GET",
          "/readyz",
          Permission::none,
          get_readiness,
          {.summary = "Whether the store takes commits; 503 with the reason where not", .gives = &status_schema},
          RunsOn::loop},
    Route{"GET",
          "/metrics",
          Permission::none,
          get_own_metrics,
          {.summary = "The server's own counters, as Prometheus text", .gives_type = "text/plain"}},
    Route{"GET", "/v1/info", Permission::none, get_info, {.summary = "Name and version", .gives = &info_schema}},
    // Where other systems' probes look.
    Route{"GET",
          "/api/v1/health",
          Permission::none,
          get_health,
          {.summary = "As /healthz", .gives = &status_schema},
          RunsOn::loop},
    Route{"GET",
          "/actuator/health",
          Permission::none,
          get_health,
          {.summary = "As /healthz", .gives = &status_schema},
          RunsOn::loop},
    Route{"GET",
          "/actuator/metrics",
          Permission::none,
          get_own_metrics,
          {.summary = "As /metrics", .gives_type = "text/plain"}},
    Route{"GET", "/actuator/info", Permission::none, get_info, {.summary = "As /v1/info", .gives = &info_schema}},
    Route{"GET", "/v1/me", Permission::signals_read, get_me, {.summary = "Who is asking", .gives = &me_schema}},
};

}  // namespace

std::span<const Route> health_routes() {
  return table;
}

}  // namespace reeve::server
