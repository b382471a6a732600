// The server's API (docs/api.md) as typed calls.
//
// Answers are foreign: a member of the wrong kind is Code::corrupt with the place, never a crash; what the screen shows
// of them is made harmless when it is rendered. Each row keeps its JSON for
// --json.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/http.h"
#include "cli/profile.h"
#include "common/base/json.h"
#include "common/base/result.h"
#include "common/base/time.h"

namespace reeve::cli {

// A page of lines as the API allows it.
constexpr uint64_t log_page_rows_max = 1000;

struct LogFilter {
  std::string from;  // in the API's form; empty for its default
  std::string to;
  std::string service;
  std::string host;
  std::string source;
  std::string level;
  std::string shape;               // 32 hex digits
  std::vector<std::string> texts;  // all of these ...
  bool ignore_case = false;        // ... in any case
  std::vector<std::string> regexes;
};

struct LogLine {
  WallTime time;
  std::string level;
  std::string service;
  std::string host;
  std::string body;
  bool is_time_suspect = false;
  std::string json;  // the whole row in one line: text takes a tenth of what the tree takes
};

struct LogPage {
  std::vector<LogLine> lines;  // newest first
  std::optional<std::string> next_cursor;
  uint64_t blocks_scanned = 0;
  uint64_t blocks_damaged = 0;
};

struct TailAnswer {
  std::vector<LogLine> lines;  // in the order of their storage
  std::string cursor;
};

using Labels = std::vector<std::pair<std::string, std::string>>;

struct SeriesFilter {
  std::string name;   // exact
  std::string match;  // a part of the name
  Labels labels;
  std::string from;
  std::string to;
};

struct Series {
  std::string name;
  std::string unit;
  std::string kind;
  Labels labels;
  std::optional<double> last;
  std::optional<WallTime> last_time;
  Json json;
};

struct Point {
  WallTime time;
  std::optional<double> value;
};

struct Curve {
  Labels labels;
  std::vector<Point> points;
  Json json;
};

struct Curves {
  std::string name;
  std::string unit;
  std::string agg;
  Duration step{};
  bool is_truncated = false;
  std::vector<Curve> curves;
};

struct LaneGap {
  std::string lane;
  int64_t from = 0;
  int64_t to = 0;
  std::string reason;
};

struct Agent {
  std::string id;
  std::string host;
  std::string version;
  std::string state;
  std::optional<WallTime> last_seen;
  int64_t spool_bytes = 0;
  int64_t dropped = 0;
  Duration oldest_unsent_age{};
  std::vector<LaneGap> gaps;
  Json json;
};

struct Token {
  std::string command;
  std::optional<WallTime> expires;
  Json json;
};

struct Me {
  std::string org;
  std::string key_prefix;
  std::string role;
  std::string server_version;
};

// Errors say what the server said, with the request's id. One thread; `http` outlives it.
class Client {
 public:
  Client(HttpFetch& http, Profile profile) : http_(http), profile_(std::move(profile)) {}

  const std::string& url() const { return profile_.url; }

  Result<Me> me();
  // Nothing where it takes commits; else its reason.
  Result<std::optional<std::string>> why_not_ready();

  Result<LogPage> logs(const LogFilter& filter, uint64_t rows_max, const std::optional<std::string>& cursor);
  // The answers as they are; "buckets" and "templates" are there and lists.
  Result<Json> histogram(const LogFilter& filter);
  Result<Json> templates(const LogFilter& filter, uint64_t count_max);
  // Without a cursor: the cursor of now. With one: what is new since, after waiting for it at most `wait`.
  Result<TailAnswer> tail(const LogFilter& filter, const std::optional<std::string>& cursor, Duration wait);

  Result<std::vector<Series>> series(const SeriesFilter& filter);
  // `step` and `agg` empty for the API's defaults.
  Result<Curves> curves(const SeriesFilter& filter, const std::string& step, const std::string& agg);

  Result<std::vector<Agent>> agents();
  Result<Token> make_token(const std::string& valid_for);  // empty for the API's default
  Status revoke(const std::string& agent_id);              // a UUID

  using Query = std::vector<std::pair<std::string, std::string>>;
  Result<Json> audit(Query query);                             // a page of /v1/audit
  Result<Bytes> audit_export(uint64_t from, uint64_t leaves);  // as the server writes it
  // The answer of any other route, as it is. An answer without a body is null.
  Result<Json> get(const std::string& path, Query query = {}, Duration wait = {});
  Result<Json> post(const std::string& path, const Json& body);

 private:
  Result<HttpAnswer> send(const std::string& method, const std::string& path, Query query, Bytes body,
                          Duration wait = {});

  HttpFetch& http_;
  const Profile profile_;
};

}  // namespace reeve::cli
