// See problem.h.
#include "server/api/problem.h"

#include <string>

#include "common/base/json.h"

namespace reeve::server {

int status_of(Code code) {
  switch (code) {
    case Code::invalid:
      return 400;
    case Code::not_found:
      return 404;
    case Code::denied:
      return 403;
    case Code::unavailable:
    case Code::exhausted:
    case Code::cancelled:
      return 503;
    case Code::corrupt:
      return 500;
  }
  return 500;
}

sys::HttpResponse make_problem(const Error& error, std::string_view request_id) {
  return make_problem(status_of(error.code()), to_string(error.code()), error.text(), request_id);
}

sys::HttpResponse make_problem(int status, std::string_view code, std::string_view detail,
                               std::string_view request_id) {
  Json body;
  body.set("type", "about:blank");
  body.set("title", sys::reason_phrase(status));
  body.set("status", status);
  body.set("code", code);
  body.set("detail", detail);
  if (!request_id.empty()) body.set("request_id", request_id);

  sys::HttpResponse response;
  response.status = status;
  response.headers.push_back({"Content-Type", "application/problem+json"});
  if (status == 503) response.headers.push_back({"Retry-After", "1"});
  response.body = body.dump();
  return response;
}

Reply problem_reply(const Problem& problem, std::string_view request_id, sys::HttpHeaders headers) {
  sys::HttpResponse response = make_problem(problem.status, problem.code, problem.detail, request_id);
  return Reply{.status = response.status,
               .content_type = std::string(response.header("Content-Type")),
               .body = std::move(response.body),
               .headers = std::move(headers)};
}

}  // namespace reeve::server
