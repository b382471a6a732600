// What stands in the page's place where the server was built without it.
#include <array>

#include "server/api/web_assets.h"

namespace reeve::server {

std::span<const WebAsset> web_assets() {
  static constexpr std::string_view words =
      "This reeve-server was built without its page (REEVE_WEB=OFF).\n"
      "Its API describes itself at /openapi.json, and the command line, reeve, speaks to it.\n";
  static constexpr std::array<WebAsset, 2> all{{
      {"/", "text/plain; charset=utf-8", "\"no-page\"", words, {}, false},
      {"/docs", "text/plain; charset=utf-8", "\"no-page\"", words, {}, false},
  }};
  return all;
}

}  // namespace reeve::server
