// Errors as RFC 9457 problems.
#pragma once

#include <string_view>

#include "common/base/result.h"
#include "common/sys/http1.h"
#include "server/api/request.h"

namespace reeve::server {

// The status an error of a handler is answered with.
int status_of(Code code);

// application/problem+json: title and status by the code, the error's text as detail.
sys::HttpResponse make_problem(const Error& error, std::string_view request_id);

// The same with a status that no code stands for (401, 405).
sys::HttpResponse make_problem(int status, std::string_view code, std::string_view detail, std::string_view request_id);

// The same from a handler: for what no Code stands for (401, 409, 429).
struct Problem {
  int status = 400;
  std::string_view code = "invalid";
  std::string detail = {};
};
Reply problem_reply(const Problem& problem, std::string_view request_id, sys::HttpHeaders headers = {});

}  // namespace reeve::server
