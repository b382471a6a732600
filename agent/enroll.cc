// See enroll.h.
#include "agent/enroll.h"

#include "common/base/json.h"
#include "common/sys/crypto.h"
#include "common/sys/http_client.h"
#include "common/sys/loop.h"
#include "common/sys/tls.h"

namespace reeve::agent {

namespace {

constexpr Duration patience = 30s;
constexpr std::string_view fingerprint_prefix = "sha256:";

struct ServerUrl {
  bool tls = true;
  Endpoint endpoint;
};

Result<ServerUrl> parse_server_url(std::string_view text) {
  const std::string_view whole = text;
  ServerUrl url;
  if (text.starts_with("https://")) {
    text.remove_prefix(8);
  } else if (text.starts_with("http://")) {
    text.remove_prefix(7);
    url.tls = false;
  } else {
    return Error(Code::invalid, "--server is \"" + printable(whole) + "\"; allowed: https://host:port");
  }
  if (text.ends_with('/')) text.remove_suffix(1);
  const auto endpoint = parse_endpoint(text);
  if (!endpoint) return Error(Code::invalid, "--server is \"" + printable(whole) + "\"; allowed: https://host:port");
  url.endpoint = *endpoint;
  if (!url.tls && !url.endpoint.is_loopback()) {
    return Error(Code::invalid,
                 "--server is \"" + printable(whole) +
                     "\"; plain http is for loopback addresses alone, for the token would be read by all");
  }
  return url;
}

Result<std::string> parse_fingerprint(std::string_view text) {
  std::string_view digits = text;
  if (digits.starts_with(fingerprint_prefix)) digits.remove_prefix(fingerprint_prefix.size());
  const auto bytes = from_hex(digits);
  if (!bytes || bytes->size() != 32) {
    return Error(Code::invalid, "--ca-fingerprint is \"" + printable(text) + "\"; allowed: sha256: and 64 hex digits");
  }
  return to_hex(*bytes);
}

Result<sys::HttpResponse> ask(const ServerUrl& url, const std::string& fingerprint,
                              const std::optional<Endpoint>& proxy, const Json& body) {
  SystemClock clock;
  sys::Loop loop(clock);
  sys::HttpCall call;
  call.connect.host = url.endpoint.host;
  call.connect.port = url.endpoint.port;
  if (url.tls) {
    sys::TlsClientOptions tls;
    tls.ca_fingerprint = fingerprint;
    call.connect.tls = TRY(sys::TlsContext::make_client(tls));
    if (proxy) call.connect.proxy = {.host = proxy->host, .port = proxy->port, .authorization = {}};
  }
  call.method = "POST";
  call.target = "/v1/enroll";
  call.headers = {{"Content-Type", "application/json"}};
  call.body = body.dump();
  call.timeout = patience;

  std::optional<Result<sys::HttpResponse>> answer;
  const auto exchange = sys::send_request(loop, std::move(call), [&answer, &loop](Result<sys::HttpResponse> response) {
    answer = std::move(response);
    loop.stop();
  });
  loop.run_until([&answer] { return answer.has_value(); }, patience + 5s);
  if (!answer) return Error(Code::unavailable, "no answer within " + format_duration(patience));
  return *std::move(answer);
}

Error refusal(const sys::HttpResponse& response) {
  const auto problem = parse_json(response.body);
  const std::string detail = problem.ok() ? problem->string_or("detail") : "";
  const Code code = response.status == 403 ? Code::denied : response.status < 500 ? Code::invalid : Code::unavailable;
  return Error(code, "the server answers " + std::to_string(response.status) +
                         (detail.empty() ? "" : ": " + printable(detail, 500)));
}

}  // namespace

Result<Identity> enroll(sys::Disk& disk, const EnrollOptions& options) {
  const ServerUrl url = TRY(parse_server_url(options.server));
  const std::string fingerprint = TRY(parse_fingerprint(options.ca_fingerprint));
  if (!options.replace && load_identity(disk, options.identity_dir).ok()) {
    return Error(Code::invalid, options.identity_dir + " holds an identity already; --replace gives it up");
  }

  Identity identity;
  identity.key_pem = TRY(sys::make_key());
  Json body;
  body.set("token", options.token);
  const Bytes csr = TRY(sys::make_csr(identity.key_pem, options.host));
  body.set("csr", csr);
  body.set("host", options.host);
  const sys::HttpResponse response =
      TRY_DURING(ask(url, fingerprint, options.proxy, body), "enroll at " + options.server);
  if (response.status != 201) return refusal(response).during("enroll at " + options.server);

  const Json json = TRY_DURING(parse_json(response.body), "enroll: the server's answer");
  const auto agent = parse_uuid(json.string_or("agent_id"));
  const auto link = parse_endpoint(json.string_or("link"));
  if (!agent || !link) return Error(Code::corrupt, "enroll: the server's answer has no agent_id or no link");
  identity.agent = *agent;
  identity.link = *link;
  identity.org = json.string_or("org");
  identity.certificate_pem = json.string_or("certificate");
  identity.ca_pem = json.string_or("ca");
  identity.audit_key = from_hex(json.string_or("audit_key")).value_or("");

  const sys::CertificateInfo ca = TRY_DURING(sys::certificate_info(identity.ca_pem), "enroll: the CA sent");
  if (ca.fingerprint != fingerprint) {
    return Error(Code::denied, "enroll: the server's CA has the fingerprint sha256:" + ca.fingerprint +
                                   ", the command says sha256:" + fingerprint);
  }
  const bool matches = TRY(sys::key_matches(identity.key_pem, identity.certificate_pem));
  if (!matches) return Error(Code::corrupt, "enroll: the certificate sent is not for our key");
  TRY_DURING(save_identity(disk, options.identity_dir, identity), "keep the identity");
  return identity;
}

}  // namespace reeve::agent
