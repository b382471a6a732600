// The page's files, as they lie in the program. Made by server/web/tools/embed.mjs while building, or, in a build
// without the page, by web_assets_off.cc.
#pragma once

#include <span>
#include <string_view>

namespace reeve::server {

struct WebAsset {
  std::string_view path;  // "/", "/docs", "/assets/index-C50Qxwa1.js"
  std::string_view content_type;
  std::string_view etag;  // quoted, from the content
  std::string_view body;
  std::string_view gzip;   // empty: there is none
  bool immutable = false;  // its name changes with its content
};

std::span<const WebAsset> web_assets();

}  // namespace reeve::server
