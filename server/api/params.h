// Reading what a client sent, strictly: an unknown or repeated name is an error, and every error says which parameter,
// what stood there, and what is allowed.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/json.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "server/api/request.h"

namespace reeve::server {

struct ParamSpec {
  std::string_view name;
  bool repeatable = false;
};

// The query of a URL. Getters give nothing where the parameter is absent.
class QueryParams {
 public:
  static Result<QueryParams> parse(std::string_view query, std::initializer_list<ParamSpec> allowed);

  std::optional<std::string> text(std::string_view name) const;
  std::vector<std::string> all(std::string_view name) const;
  Result<std::optional<uint64_t>> number(std::string_view name, uint64_t min, uint64_t max) const;
  Result<std::optional<Duration>> duration(std::string_view name, Duration min, Duration max) const;
  // RFC 3339, or before `now` as "-15m".
  Result<std::optional<WallTime>> time(std::string_view name, WallTime now) const;
  // [from, to), `to` being now and `from` lying `span` before it where they are absent.
  struct Range {
    WallTime from;
    WallTime to;
  };
  Result<Range> range(WallTime now, Duration span) const;
  // label=key:value, repeatable.
  Result<std::vector<std::pair<std::string, std::string>>> labels() const;

 private:
  std::vector<std::pair<std::string, std::string>> pairs_;
};

// A request's JSON object whose members are among `allowed`. An empty body is an empty object; the
// Content-Type is not asked, because `curl -d` claims a form.
Result<Json> parse_body(const ApiRequest& request, std::initializer_list<std::string_view> allowed);

// The member as text of 1 to `chars_max` bytes; Code::invalid where it is absent or anything else.
Result<std::string> required_text(const Json& body, std::string_view name, size_t bytes_max);

// Code::invalid for "name": what is allowed, and what was found.
Error bad_parameter(std::string_view name, std::string_view found, std::string_view allowed);

}  // namespace reeve::server
