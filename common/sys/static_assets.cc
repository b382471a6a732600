#include "common/sys/static_assets.h"

#include <algorithm>

#include "common/base/check.h"
#include "common/sys/content_coding.h"

namespace reeve::sys {
namespace {

constexpr uint64_t asset_bytes_max = 64_MiB;  // inflated

// RFC 9110 section 13.1.2: any of a list, weak or strong, or "*".
bool names_etag(std::string_view list, std::string_view quoted) {
  if (list == "*") return true;
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    std::string_view one = list.substr(0, comma);
    list.remove_prefix(std::min(comma + 1, list.size()));
    while (!one.empty() && (one.front() == ' ' || one.front() == '\t')) one.remove_prefix(1);
    while (!one.empty() && (one.back() == ' ' || one.back() == '\t')) one.remove_suffix(1);
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one == quoted) return true;
  }
  return false;
}

}  // namespace

std::optional<HttpResponse> answer_static(std::span<const StaticAsset> assets, const HttpRequest& request,
                                          const HttpHeaders& headers) {
  const auto found = std::find_if(assets.begin(), assets.end(),
                                  [&request](const StaticAsset& asset) { return asset.path == request.path; });
  if (found == assets.end()) return std::nullopt;
  if (request.method != "GET" && request.method != "HEAD") {
    HttpResponse refusal = make_problem(405, "only GET and HEAD are answered here");
    refusal.headers.push_back({"Allow", "GET, HEAD"});
    return refusal;
  }

  // Weak: the same page, gzipped or not.
  const std::string quoted = "\"" + std::string(found->etag) + "\"";
  HttpResponse response;
  response.compress = HttpResponse::Compress::never;
  response.headers = {{"ETag", "W/" + quoted},
                      {"Cache-Control", found->hashed ? "public, max-age=31536000, immutable" : "no-cache"},
                      {"Vary", "Accept-Encoding"}};
  if (names_etag(request.header("If-None-Match"), quoted)) {
    response.status = 304;
    return response;
  }

  response.headers.push_back({"Content-Type", std::string(found->content_type)});
  response.headers.push_back({"X-Content-Type-Options", "nosniff"});
  response.headers.insert(response.headers.end(), headers.begin(), headers.end());
  if (accepts_gzip(request.header("Accept-Encoding"))) {
    response.headers.push_back({"Content-Encoding", "gzip"});
    response.body = found->gzipped;
    return response;
  }
  Result<Bytes> plain = decode_content(ContentCoding::gzip, found->gzipped, asset_bytes_max);
  check(plain.ok(), "an embedded asset is gzip");
  response.body = std::move(plain).value();
  return response;
}

}  // namespace reeve::sys
