// Handing out every log that matches, as NDJSON or CSV, while it is read: the memory it takes does not follow the logs.
//
// CSV is for spreadsheets, and what was logged is foreign: a cell that a spreadsheet would take for a formula gets an
// apostrophe in front. NDJSON is exact; its last line says that it is whole.
#include "server/query/log_export.h"

#include <array>

#include "server/api/log_filter.h"
#include "server/api/tables.h"

namespace reeve::server {
namespace {

constexpr size_t piece_bytes = 64_KiB;

// Gathers small texts into pieces worth sending.
class Pieces {
 public:
  explicit Pieces(const sys::ResponseStream& out) : out_(out) {}

  Status add(std::string_view text) {
    gathered_ += text;
    return gathered_.size() < piece_bytes ? Status() : flush();
  }
  Status flush() {
    Bytes piece = std::move(gathered_);
    gathered_.clear();
    return piece.empty() ? Status() : out_.write(std::move(piece));
  }

 private:
  const sys::ResponseStream& out_;
  Bytes gathered_;
};

// RFC 4180, with the guard against formulas.
void append_cell(std::string& line, std::string_view value) {
  constexpr std::string_view formula_begins = "=+-@\t\r";
  constexpr std::string_view quoted_for = ",\"\r\n";
  const bool guarded = !value.empty() && formula_begins.find(value.front()) != std::string_view::npos;
  const bool quoted = guarded || value.find_first_of(quoted_for) != std::string_view::npos;
  if (!line.empty()) line += ',';
  if (!quoted) {
    line += value;
    return;
  }
  line += '"';
  if (guarded) line += '\'';
  for (const char c : value) {
    if (c == '"') line += '"';
    line += c;
  }
  line += '"';
}

std::string csv_line(const FoundLog& log) {
  Json fields(Json::Object{});
  for (const auto& [key, value] : log.row.fields) fields.set(key, value);
  std::string line;
  append_cell(line, format_rfc3339(log.row.time));
  append_cell(line, wire::to_string(log.row.level));
  append_cell(line, to_utf8(log.row.service));
  append_cell(line, to_utf8(log.host));
  append_cell(line, to_utf8(log.row.source));
  append_cell(line, to_string(log.row.shape));
  append_cell(line, to_utf8(log.row.body));
  append_cell(line, log.row.fields.empty() ? "" : fields.dump());
  append_cell(line, log.row.time_suspect ? "true" : "");
  append_cell(line, to_string(log.agent));
  append_cell(line, log_id(log));
  return line + "\r\n";
}
constexpr std::string_view csv_head = "time,level,service,host,source,template,body,fields,time_suspect,agent,id\r\n";

Status write_csv(ApiContext& context, const wire::LogPredicate& predicate, const sys::ResponseStream& out) {
  Pieces pieces(out);
  TRY(pieces.add(csv_head));
  TRY(export_logs(
      context.store, predicate, [&](const FoundLog& log) { return pieces.add(csv_line(log)); },
      report_damage_to(context.writer)));
  return pieces.flush();
}

Status write_ndjson(ApiContext& context, const wire::LogPredicate& predicate, const sys::ResponseStream& out) {
  Pieces pieces(out);
  const LogExport done = TRY(export_logs(
      context.store, predicate, [&](const FoundLog& log) { return pieces.add(render(log).dump() + "\n"); },
      report_damage_to(context.writer)));
  Json end;
  end.set("end", true);
  end.set("rows", done.rows);
  if (done.scanned.damaged_blocks > 0) end.set("damaged_blocks", done.scanned.damaged_blocks);
  TRY(pieces.add(end.dump() + "\n"));
  return pieces.flush();
}

Result<Answer> get_export(ApiContext& context, const ApiRequest& request) {
  const QueryParams params = TRY(QueryParams::parse(request.query, {{"from"}, {"to"}, LOG_FILTER_NAMES, {"format"}}));
  wire::LogPredicate predicate = TRY(parse_log_filter(params));
  const QueryParams::Range range = TRY(params.range(request.now, log_span_default));
  predicate.from = range.from;
  predicate.to = range.to;
  const std::string format = params.text("format").value_or("ndjson");
  if (format != "ndjson" && format != "csv") return bad_parameter("format", format, "ndjson or csv");

  Streamed streamed;
  const bool is_csv = format == "csv";
  streamed.content_type = is_csv ? "text/csv; charset=utf-8" : "application/x-ndjson";
  streamed.headers = {{"Content-Disposition", "attachment; filename=\"logs." + format + "\""}};
  streamed.produce = [&context, predicate, is_csv](const sys::ResponseStream& out) {
    return is_csv ? write_csv(context, predicate, out) : write_ndjson(context, predicate, out);
  };
  return Answer(std::move(streamed));
}

// -- The table -------------------------------------------------------------------------------------------------------

constexpr std::array export_query{
    docs::from,
    docs::to,
    docs::service,
    docs::host,
    docs::source,
    docs::level,
    docs::shape,
    docs::text,
    docs::itext,
    docs::regex,
    Parameter{"format", "'ndjson','csv'", "default ndjson"},
};

constexpr std::array table{
    Route{"GET",
          "/v1/logs/export",
          Permission::signals_read,
          get_export,
          {.summary = "Every log that matches, oldest block first; the last NDJSON line is {\"end\":true,\"rows\":n}",
           .query = export_query,
           .gives = &log_schema,
           .gives_type = "application/x-ndjson"}},
};

}  // namespace

std::span<const Route> log_export_routes() {
  return table;
}

}  // namespace reeve::server
