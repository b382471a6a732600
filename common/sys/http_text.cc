// The text of HTTP: tokens, targets, queries, and writing messages. Reading messages is http1.cc.
#include "common/sys/http_text.h"

#include <algorithm>
#include <array>

#include "common/base/check.h"
#include "common/base/json.h"
#include "common/sys/http1.h"

namespace reeve::sys {
namespace {

constexpr size_t query_pairs_max = 200;

char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

void append_headers(Bytes& out, const HttpHeaders& headers) {
  for (const HttpHeader& header : headers) {
    check(is_token(header.name), "a header's name is a token");
    out += header.name;
    out += ": ";
    out += without_breaks(header.value);
    out += "\r\n";
  }
}

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return to_lower(x) == to_lower(y); });
}

bool is_unreserved(char c) {
  return is_alphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_alphanumeric(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool is_host(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return is_unreserved(c) || std::string_view("!$&'()*+,;=:[]%").find(c) != std::string_view::npos;
  });
}

std::string without_breaks(std::string_view value) {
  std::string out(value);
  for (char& c : out) {
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f) c = ' ';
  }
  return out;
}

bool has_token(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    if (equal_ignoring_case(trim(list.substr(0, comma)), token)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

bool split_target(std::string_view target, std::string& path, std::string& query) {
  const bool plain = std::all_of(target.begin(), target.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (target.empty() || !plain) return false;
  if (target == "*") {
    path = target;
    query.clear();
    return true;
  }

  if (target.front() != '/') {
    const size_t scheme_end = target.find("://");
    if (scheme_end == std::string_view::npos) return false;
    const std::string_view scheme = target.substr(0, scheme_end);
    if (!equal_ignoring_case(scheme, "http") && !equal_ignoring_case(scheme, "https")) return false;
    target.remove_prefix(scheme_end + 3);
    target.remove_prefix(std::min(target.find_first_of("/?#"), target.size()));
  }
  target = target.substr(0, target.find('#'));
  const size_t question = std::min(target.find('?'), target.size());
  path = target.substr(0, question);
  if (path.empty()) path = "/";
  query = target.substr(std::min(question + 1, target.size()));
  return true;
}

// -- Declared in http1.h ---------------------------------------------------------------------------------------------

const std::string* find_header(const HttpHeaders& headers, std::string_view name) {
  for (const HttpHeader& header : headers) {
    if (equal_ignoring_case(header.name, name)) return &header.value;
  }
  return nullptr;
}

std::string_view HttpRequest::header(std::string_view name) const {
  const std::string* value = find_header(headers, name);
  return value == nullptr ? std::string_view() : *value;
}

std::string_view HttpResponse::header(std::string_view name) const {
  const std::string* value = find_header(headers, name);
  return value == nullptr ? std::string_view() : *value;
}

namespace {

void append_response_head(Bytes& out, const HttpResponse& response) {
  out += "HTTP/1.1 " + std::to_string(response.status) + " ";
  out += reason_phrase(response.status);
  out += "\r\n";
  append_headers(out, response.headers);
  if (!response.keep_alive) out += "Connection: close\r\n";
}

}  // namespace

Bytes serialize(const HttpResponse& response, bool head_only) {
  Bytes out;
  out.reserve(256 + (head_only ? 0 : response.body.size()));
  append_response_head(out, response);
  const bool has_length = response.status / 100 != 1 && response.status != 204 && response.status != 304;
  if (has_length) out += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
  out += "\r\n";
  if (has_length && !head_only) out += response.body;
  return out;
}

Bytes serialize_stream_head(const HttpResponse& head, bool chunked) {
  Bytes out;
  append_response_head(out, head);
  out += chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n";
  return out;
}

Bytes serialize(const HttpRequest& request) {
  check(is_token(request.method), "a method is a token");
  std::string path;
  std::string query;
  check(request.method == "CONNECT" || split_target(request.target, path, query), "a request's target is a URL's");
  Bytes out;
  out.reserve(256 + request.body.size());
  out += request.method + " " + request.target + " HTTP/1.1\r\n";
  append_headers(out, request.headers);
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
    out += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  }
  out += "\r\n";
  out += request.body;
  return out;
}

std::string_view reason_phrase(int status) {
  struct Reason {
    int status;
    std::string_view phrase;
  };
  static constexpr std::array reasons = {
      Reason{100, "Continue"},
      Reason{101, "Switching Protocols"},
      Reason{200, "OK"},
      Reason{201, "Created"},
      Reason{202, "Accepted"},
      Reason{204, "No Content"},
      Reason{301, "Moved Permanently"},
      Reason{302, "Found"},
      Reason{304, "Not Modified"},
      Reason{307, "Temporary Redirect"},
      Reason{308, "Permanent Redirect"},
      Reason{400, "Bad Request"},
      Reason{401, "Unauthorized"},
      Reason{403, "Forbidden"},
      Reason{404, "Not Found"},
      Reason{405, "Method Not Allowed"},
      Reason{406, "Not Acceptable"},
      Reason{408, "Request Timeout"},
      Reason{409, "Conflict"},
      Reason{410, "Gone"},
      Reason{412, "Precondition Failed"},
      Reason{413, "Content Too Large"},
      Reason{415, "Unsupported Media Type"},
      Reason{417, "Expectation Failed"},
      Reason{422, "Unprocessable Content"},
      Reason{426, "Upgrade Required"},
      Reason{428, "Precondition Required"},
      Reason{429, "Too Many Requests"},
      Reason{431, "Request Header Fields Too Large"},
      Reason{500, "Internal Server Error"},
      Reason{501, "Not Implemented"},
      Reason{502, "Bad Gateway"},
      Reason{503, "Service Unavailable"},
      Reason{504, "Gateway Timeout"},
      Reason{507, "Insufficient Storage"},
  };
  for (const Reason& reason : reasons) {
    if (reason.status == status) return reason.phrase;
  }
  return "Unknown";
}

HttpResponse make_problem(int status, std::string_view detail) {
  Json problem;
  problem.set("type", "about:blank");
  problem.set("title", reason_phrase(status));
  problem.set("status", status);
  problem.set("code", status >= 500 || status == 408 ? "unavailable" : "invalid");
  problem.set("detail", detail);
  HttpResponse response;
  response.status = status;
  response.headers.push_back({"Content-Type", "application/problem+json"});
  response.body = problem.dump() + "\n";
  return response;
}

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_blank) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      const std::optional<Bytes> byte = from_hex(text.substr(i + 1, 2));
      if (!byte || byte->size() != 1) return std::nullopt;
      out += *byte;
      i += 2;
    } else {
      out += plus_is_blank && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::string percent_encode(std::string_view text) {
  static constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (is_unreserved(c)) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  return out;
}

Result<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> pairs;
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    const size_t equals = std::min(pair.find('='), pair.size());
    std::optional<std::string> name = percent_decode(pair.substr(0, equals), true);
    std::optional<std::string> value = percent_decode(pair.substr(std::min(equals + 1, pair.size())), true);
    if (!name || !value) {
      return Error(Code::invalid, "query parameter '" + printable(pair) + "': '%' must be followed by two hex digits");
    }
    if (pairs.size() >= query_pairs_max) {
      return Error(Code::invalid, "more than " + std::to_string(query_pairs_max) + " query parameters");
    }
    pairs.emplace_back(std::move(*name), std::move(*value));
  }
  return pairs;
}

}  // namespace reeve::sys
