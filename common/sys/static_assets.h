// Files that are part of the program, kept gzipped as they were embedded: the page, its scripts and styles.
//
// A pure function of the request: it answers GET and HEAD of the paths in its table, with 304 where the client's copy
// is the same, and 405 for other methods; any other path is somebody else's. It reads no disk, so there is no path to
// escape from.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "common/sys/http1.h"

namespace reeve::sys {

// All of it lives as long as the program.
struct StaticAsset {
  std::string_view path;          // "/assets/index-3f2a1b9c.js"; "/" for the page itself
  std::string_view content_type;  // "text/javascript; charset=utf-8"
  std::string_view gzipped;
  std::string_view etag;  // without quotes; changes with the content
  bool hashed = false;    // the name changes with the content, so a copy is good for ever
};

// The asset that `request` asks for, or nothing. `headers` (a content security policy, say) are added to each answer
// that has a body.
std::optional<HttpResponse> answer_static(std::span<const StaticAsset> assets, const HttpRequest& request,
                                          const HttpHeaders& headers = {});

}  // namespace reeve::sys
