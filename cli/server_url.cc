// Reads the few URLs that can name a server.
#include "cli/server_url.h"

#include <charconv>

#include "common/base/bytes.h"

namespace reeve::cli {

namespace {

constexpr size_t url_bytes_max = 300;

Error refuse(std::string_view text, std::string_view why) {
  return Error(Code::invalid, "the server's URL is \"" + printable(text) + "\", " + std::string(why) +
                                  "; allowed is https://HOST[:PORT], or http://127.0.0.1[:PORT] on this machine");
}

bool is_host(std::string_view host) {
  static constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
  return !host.empty() && host.find_first_not_of(allowed) == std::string_view::npos;
}

bool is_ipv6(std::string_view host) {
  return !host.empty() && host.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
}

// 127.x.y.z in four plain decimals; "127.evil.example" is a name like any other.
bool is_ipv4_loopback(std::string_view host) {
  if (!host.starts_with("127.")) return false;
  int parts = 0;
  while (!host.empty()) {
    unsigned part = 0;
    const auto [end, error] = std::from_chars(host.data(), host.data() + host.size(), part);
    if (error != std::errc{} || part > 255) return false;
    ++parts;
    host.remove_prefix(static_cast<size_t>(end - host.data()));
    if (host.empty()) break;
    if (host[0] != '.') return false;
    host.remove_prefix(1);
    if (host.empty()) return false;
  }
  return parts == 4;
}

bool is_loopback(std::string_view host) {
  return host == "localhost" || host == "::1" || is_ipv4_loopback(host);
}

bool is_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() && port >= 1 && port <= 65535;
}

}  // namespace

Result<ServerUrl> parse_server_url(std::string_view text) {
  if (text.size() > url_bytes_max) return refuse(text, "longer than " + std::to_string(url_bytes_max) + " bytes");
  std::string_view rest = text;
  ServerUrl url;
  if (rest.starts_with("https://")) {
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
    url.is_tls = false;
  } else {
    return refuse(text, "which does not begin with https://");
  }
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.find_first_of("/?#@") != std::string_view::npos) return refuse(text, "which holds more than host and port");

  std::string_view port;
  bool has_port = false;
  if (rest.starts_with('[')) {
    const size_t close = rest.find(']');
    if (close == std::string_view::npos || !is_ipv6(rest.substr(1, close - 1)))
      return refuse(text, "which has no IPv6 address between its brackets");
    url.host = rest.substr(1, close - 1);
    const std::string_view after = rest.substr(close + 1);
    has_port = after.starts_with(':');
    if (!after.empty() && !has_port) return refuse(text, "which has something other than a port after its host");
    if (has_port) port = after.substr(1);
  } else {
    const size_t colon = rest.find(':');
    url.host = rest.substr(0, colon);
    has_port = colon != std::string_view::npos;
    if (has_port) port = rest.substr(colon + 1);
    if (!is_host(url.host)) return refuse(text, "which has no proper host name");
  }
  if (has_port && !is_port(port)) return refuse(text, "whose port is not a number from 1 to 65535");
  if (!url.is_tls && !is_loopback(url.host))
    return refuse(text, "which would send the API key unencrypted over the network");

  url.text = std::string(url.is_tls ? "https://" : "http://") + std::string(rest);
  return url;
}

}  // namespace reeve::cli
