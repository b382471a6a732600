// The page: files that lie in the program, each with a hash to ask by, and the policy under which a browser may run
// them. The policy has no exception: scripts and styles come from files of ours, and nothing from anywhere else.
#include <algorithm>
#include <array>

#include "common/sys/http1.h"
#include "server/api/tables.h"
#include "server/api/web_assets.h"

namespace reeve::server {
namespace {

constexpr std::string_view content_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
constexpr std::string_view permissions_policy =
    "camera=(), geolocation=(), microphone=(), payment=(), usb=(), clipboard-write=(self)";

std::string_view header_of(const ApiRequest& request, std::string_view name) {
  const std::string* found = sys::find_header(request.headers, name);
  return found ? std::string_view(*found) : std::string_view();
}

// One of the comma-separated words of a header's value, without the word's parameters; "gzip;q=0" is a refusal.
bool names(std::string_view list, std::string_view wanted) {
  while (!list.empty()) {
    const size_t end = list.find(',');
    std::string_view word = list.substr(0, end);
    list = end == std::string_view::npos ? std::string_view() : list.substr(end + 1);
    while (word.starts_with(' ')) word.remove_prefix(1);
    if (word.starts_with("W/")) word.remove_prefix(2);  // what a proxy may have made of our ETag
    const size_t parameters = word.find(';');
    const bool refused = parameters != std::string_view::npos && (word.ends_with("q=0") || word.ends_with("q=0.0"));
    std::string_view name = word.substr(0, parameters);
    while (name.ends_with(' ')) name.remove_suffix(1);
    if (name == wanted) return !refused;
  }
  return false;
}

Result<Answer> get_file(ApiContext&, const ApiRequest& request) {
  const std::span<const WebAsset> all = web_assets();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const WebAsset& each) { return each.path == request.path; });
  if (found == all.end()) return Error(Code::not_found, "the page has no file " + printable(request.path));

  Reply reply;
  reply.headers = {
      {"ETag", std::string(found->etag)},
      {"Cache-Control", found->immutable ? "public, max-age=31536000, immutable" : "no-cache"},
      {"Vary", "Accept-Encoding"},
      {"Content-Security-Policy", std::string(content_policy)},
      {"Permissions-Policy", std::string(permissions_policy)},
      {"Referrer-Policy", "no-referrer"},
      {"X-Content-Type-Options", "nosniff"},
      {"Cross-Origin-Opener-Policy", "same-origin"},
      {"Cross-Origin-Resource-Policy", "same-origin"},
  };
  if (names(header_of(request, "If-None-Match"), found->etag)) {
    reply.status = 304;
    return Answer(std::move(reply));
  }
  reply.content_type = found->content_type;
  const bool compressed = !found->gzip.empty() && names(header_of(request, "Accept-Encoding"), "gzip");
  if (compressed) reply.headers.push_back({"Content-Encoding", "gzip"});
  reply.body = compressed ? found->gzip : found->body;
  return Answer(std::move(reply));
}

// -- The table
// ---------------------------------------------------------------------------------------------------------

constexpr std::array table{
    Route{"GET", "/", Permission::none, get_file, {.summary = "The page", .gives_type = "text/html"}, RunsOn::loop},
    Route{"GET",
          "/docs",
          Permission::none,
          get_file,
          {.summary = "This description, to read", .gives_type = "text/html"},
          RunsOn::loop},
    Route{"GET",
          "/icon.svg",
          Permission::none,
          get_file,
          {.summary = "The page's icon", .gives_type = "image/svg+xml"},
          RunsOn::loop},
    Route{"GET",
          "/assets/{file}",
          Permission::none,
          get_file,
          {.summary = "A file that the page needs", .gives_type = "application/octet-stream"},
          RunsOn::loop},
};

}  // namespace

std::span<const Route> web_routes() {
  return table;
}

}  // namespace reeve::server
