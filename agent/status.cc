// See status.h.
#include "agent/status.h"

#include "agent/identity.h"
#include "common/base/json.h"
#include "common/sys/crypto.h"
#include "common/sys/lock_file.h"

namespace reeve::agent {

namespace {

constexpr uint64_t status_bytes_max = 64_KiB;

// Prometheus' text format, version 0.0.4.
class PrometheusText {
 public:
  void add(std::string_view name, std::string_view kind, std::string_view help, uint64_t value) {
    family(name, kind, help);
    sample(name, "", value);
  }
  void family(std::string_view name, std::string_view kind, std::string_view help) {
    text_ += "# HELP reeve_agent_" + std::string(name) + " " + std::string(help) + "\n# TYPE reeve_agent_" +
             std::string(name) + " " + std::string(kind) + "\n";
  }
  void sample(std::string_view name, const std::string& labels, uint64_t value) {
    text_ += "reeve_agent_" + std::string(name) + labels + " " + std::to_string(value) + "\n";
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

uint64_t blocks_held(const SpoolReport& spool) {
  uint64_t blocks = 0;
  for (const Spool::LaneState& lane : spool.view.lanes) blocks += lane.next_durable - lane.first_held;
  return blocks;
}

uint64_t redacted_total(const AgentSnapshot& snapshot) {
  uint64_t replaced = 0;
  for (const secrets::RedactCounters& rule : snapshot.batcher.redacted) replaced += rule.replaced;
  return replaced;
}

// "json 10 parsed, 2 unknown; lua:shop 5 parsed, 1 failed"
std::string parsers_text(const std::vector<ParserCounters>& parsers) {
  std::string text;
  for (const ParserCounters& parser : parsers) {
    text += (text.empty() ? "" : "; ") + parser.name + " " + std::to_string(parser.parsed) + " parsed";
    if (parser.unknown > 0) text += ", " + std::to_string(parser.unknown) + " unknown";
    if (parser.dropped > 0) text += ", " + std::to_string(parser.dropped) + " dropped";
    if (parser.failed > 0) text += ", " + std::to_string(parser.failed) + " failed";
  }
  return text;
}

}  // namespace

uint64_t dropped_total(const AgentSnapshot& snapshot) {
  uint64_t bytes = 0;
  for (const auto& [reason, count] : snapshot.batcher.dropped_bytes) bytes += count;
  return bytes;
}

std::string to_prometheus(const AgentSnapshot& snapshot) {
  PrometheusText text;
  text.add("rows_total", "counter", "Log rows handed on by the collectors.", snapshot.batcher.rows);
  text.add("raw_bytes_total", "counter", "Bytes of these rows.", snapshot.batcher.raw_bytes);
  text.add("points_total", "counter", "Metric points handed on by the collectors.", snapshot.batcher.points);
  text.add("blocks_total", "counter", "Blocks sealed.", snapshot.batcher.blocks);
  text.add("time_suspect_total", "counter", "Rows whose own time was not believed.", snapshot.batcher.time_suspect);
  text.family("dropped_total", "counter", "Bytes that will never be handed on.");
  for (const auto& [reason, bytes] : snapshot.batcher.dropped_bytes) {
    text.sample("dropped_total", "{stage=\"collect\",reason=\"" + printable(reason) + "\"}", bytes);
  }
  text.add("records_cut_total", "counter", "Records of several lines that reached a limit.",
           snapshot.batcher.records_cut);
  text.add("fields_left_out_total", "counter", "Fields beyond what one record may have.",
           snapshot.batcher.fields_left_out);
  text.family("parser_lines_total", "counter", "Lines that a parser was asked about, and what it said.");
  for (const ParserCounters& parser : snapshot.batcher.parsers) {
    const auto sample = [&](std::string_view result, uint64_t lines) {
      text.sample("parser_lines_total", "{parser=\"" + parser.name + "\",result=\"" + std::string(result) + "\"}",
                  lines);
    };
    sample("parsed", parser.parsed);
    sample("unknown", parser.unknown);
    sample("dropped", parser.dropped);
    sample("failed", parser.failed);
  }
  text.family("redacted_total", "counter", "Secrets replaced before they were stored.");
  for (const secrets::RedactCounters& rule : snapshot.batcher.redacted)
    text.sample("redacted_total", "{rule=\"" + rule.name + "\"}", rule.replaced);
  text.add("spool_bytes", "gauge", "Bytes of the spool's segments.", snapshot.spool.bytes_held);
  text.add("spool_blocks", "gauge", "Durable blocks that the server has not acknowledged.",
           blocks_held(snapshot.spool));
  text.add("spool_quarantined_total", "counter", "Damaged pieces set aside.", snapshot.spool.quarantined);
  text.add("spool_full", "gauge", "1 while files wait for room.", snapshot.spool.full_reason.empty() ? 0 : 1);
  text.add("link_up", "gauge", "1 while the server has welcomed us.", snapshot.link == "open" ? 1 : 0);
  text.add("audit_pinned_entries", "gauge", "Entries of the audit that this agent has pinned as its witness.",
           snapshot.audit_size);
  text.add("audit_alarm", "gauge", "1 since the audit's history was seen rewritten, until a person clears it.",
           snapshot.audit_alarm.empty() ? 0 : 1);
  return text.take();
}

std::string to_status_file(const AgentSnapshot& snapshot) {
  Json json;
  json.set("version", snapshot.version);
  json.set("host", snapshot.host);
  json.set("agent_id", snapshot.agent);
  json.set("output", snapshot.output);
  json.set("started", format_rfc3339(snapshot.started));
  json.set("updated", format_rfc3339(snapshot.updated));
  json.set("link", snapshot.link);
  json.set("audit_size", snapshot.audit_size);
  json.set("audit_alarm", snapshot.audit_alarm);
  json.set("rows", snapshot.batcher.rows);
  json.set("points", snapshot.batcher.points);
  json.set("dropped_bytes", dropped_total(snapshot));
  json.set("redacted", redacted_total(snapshot));
  json.set("parsers", parsers_text(snapshot.batcher.parsers));
  json.set("spool_bytes", snapshot.spool.bytes_held);
  json.set("spool_blocks", blocks_held(snapshot.spool));
  json.set("spool_full", snapshot.spool.full_reason);
  json.set("quarantined", snapshot.spool.quarantined);
  return json.dump(2) + "\n";
}

Result<StatusAnswer> read_status(sys::Disk& disk, const AgentConfig& config, const std::string& identity_dir,
                                 WallTime now) {
  StatusAnswer answer;
  const auto line = [&answer](std::string_view name, const std::string& value) {
    answer.text += std::string(name) + std::string(12 - std::min<size_t>(name.size(), 11), ' ') + value + "\n";
  };

  const auto identity = load_identity(disk, identity_dir);
  if (identity.ok()) {
    line("agent", to_string(identity->agent) + " of org " + identity->org);
    line("server", to_string(config.server.value_or(identity->link)));
    const auto info = sys::certificate_info(identity->certificate_pem);
    if (info.ok()) {
      line("certificate", (info->not_after < now ? "expired " : "good until ") + format_rfc3339(info->not_after));
    }
  } else {
    line("agent", identity.error().text());
  }

  // Whoever can take the lock is alone. It is given back at once.
  const auto lock = sys::LockFile::take(config.lock_file());
  answer.running = !lock.ok() && lock.error().code() == Code::unavailable;
  line("running", answer.running ? "yes" : "no");

  const auto text = sys::read_file(disk, config.status_file(), status_bytes_max);
  if (!text.ok()) return answer;
  const Json json = TRY_DURING(parse_json(*text), "read " + config.status_file());
  answer.linked = answer.running && json.string_or("link") == "open";
  line("as of", json.string_or("updated"));
  line("link", answer.running ? json.string_or("link") : "not running");
  const std::string alarm = json.string_or("audit_alarm");
  line("audit", alarm.empty() ? std::to_string(json.int_or("audit_size")) + " entries pinned" : "ALARM: " + alarm);
  line("rows", std::to_string(json.int_or("rows")) + " since " + json.string_or("started"));
  line("dropped", std::to_string(json.int_or("dropped_bytes")) + " bytes");
  if (const std::string parsers = json.string_or("parsers"); !parsers.empty()) line("parsers", parsers);
  line("redacted", std::to_string(json.int_or("redacted")) + " secrets");
  line("spool", std::to_string(json.int_or("spool_blocks")) + " blocks wait, " +
                    std::to_string(json.int_or("spool_bytes")) + " bytes on disk");
  if (const std::string full = json.string_or("spool_full"); !full.empty()) line("full", full);
  if (json.int_or("quarantined") > 0)
    line("quarantine", std::to_string(json.int_or("quarantined")) + " damaged pieces");
  return answer;
}

}  // namespace reeve::agent
