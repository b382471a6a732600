#include "common/sys/static_assets.h"

#include <array>

#include "common/sys/content_coding.h"

using namespace reeve;
using namespace reeve::sys;

namespace {

const Bytes page_text = "<!doctype html><title>Reeve</title>";
const Bytes page_gzipped = gzip(page_text, 9);
const Bytes script_gzipped = gzip("console.log(1)", 9);
const std::array assets = {
    StaticAsset{.path = "/", .content_type = "text/html; charset=utf-8", .gzipped = page_gzipped, .etag = "p1"},
    StaticAsset{.path = "/assets/app-3f2a.js",
                .content_type = "text/javascript",
                .gzipped = script_gzipped,
                .etag = "s1",
                .hashed = true}};

HttpRequest get(std::string path, HttpHeaders headers = {}) {
  HttpRequest request;
  request.method = "GET";
  request.path = std::move(path);
  request.headers = std::move(headers);
  return request;
}

}  // namespace

TEST_CASE("an asset goes out gzipped to who accepts it, and inflated to who does not") {
  const auto gzipped = answer_static(assets, get("/", {{"Accept-Encoding", "gzip, br"}}));
  const auto plain = answer_static(assets, get("/"));

  REQUIRE(gzipped);
  REQUIRE(plain);
  CHECK(gzipped->status == 200);
  CHECK(gzipped->body == page_gzipped);
  CHECK(gzipped->header("Content-Encoding") == "gzip");
  CHECK(gzipped->header("Content-Type") == "text/html; charset=utf-8");
  CHECK(gzipped->header("Vary") == "Accept-Encoding");
  CHECK(plain->body == page_text);
  CHECK(plain->header("Content-Encoding").empty());
}

TEST_CASE("a copy that is the same is not sent again") {
  const auto matching = GENERATE(as<std::string>{}, "W/\"p1\"", "\"p1\"", "\"x\", W/\"p1\"", "*");
  const auto other = GENERATE(as<std::string>{}, "\"p2\"", "p1", "", "W/p1");

  const auto same = answer_static(assets, get("/", {{"If-None-Match", matching}}));
  const auto changed = answer_static(assets, get("/", {{"If-None-Match", other}}));

  CHECK(same->status == 304);
  CHECK(same->body.empty());
  CHECK(same->header("ETag") == "W/\"p1\"");
  CHECK(changed->status == 200);
}

TEST_CASE("hashed names are good for ever, others are asked about each time") {
  CHECK(answer_static(assets, get("/assets/app-3f2a.js"))->header("Cache-Control") ==
        "public, max-age=31536000, immutable");
  CHECK(answer_static(assets, get("/"))->header("Cache-Control") == "no-cache");
}

TEST_CASE("only exact paths of the table are answered, with GET and HEAD alone") {
  const auto elsewhere = GENERATE(as<std::string>{}, "/index", "/assets/", "/assets/../", "//", "/assets/app-3f2a.js/",
                                  "/%61ssets/app-3f2a.js", "*", "");
  CHECK(!answer_static(assets, get(elsewhere)));

  HttpRequest request = get("/");
  request.method = "HEAD";
  CHECK(answer_static(assets, request)->status == 200);
  request.method = "POST";
  const auto refused = answer_static(assets, request);
  CHECK(refused->status == 405);
  CHECK(refused->header("Allow") == "GET, HEAD");
}

TEST_CASE("the page's own headers are added to what has a body") {
  const HttpHeaders own = {{"Content-Security-Policy", "default-src 'self'"}};

  CHECK(answer_static(assets, get("/"), own)->header("Content-Security-Policy") == "default-src 'self'");
  CHECK(answer_static(assets, get("/", {{"If-None-Match", "*"}}), own)->header("Content-Security-Policy").empty());
}
