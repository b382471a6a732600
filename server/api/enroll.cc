// How a host becomes an agent: an admin makes a token, the host redeems it for a certificate.
//
// A token is a secret for one use within an hour; the store keeps its hash. The request is signed before the token is
// redeemed, so a wrong request does not use the token up; redeeming it and adding the agent are one transaction.
#include <array>

#include "common/crypto/digest.h"
#include "server/api/audit.h"
#include "server/api/params.h"
#include "server/api/tables.h"
#include "server/authority.h"
#include "server/checkpoints.h"
#include "server/store/store.h"
#include "server/store_writer.h"

namespace reeve::server {
namespace {

constexpr std::string_view token_mark = "rvt_";
constexpr size_t token_secret_bytes = 32;
constexpr size_t token_bytes_max = 256;
constexpr size_t host_bytes_max = 255;
constexpr Duration token_validity_max = 1h;
constexpr Duration token_validity_min = 1s;

Result<Answer> post_enrol_token(ApiContext& context, const ApiRequest& request) {
  TRY(QueryParams::parse(request.query, {}));
  const Json asked = TRY(parse_body(request, {"valid_for"}));
  Duration valid_for = token_validity_max;
  if (const Json* member = asked.find("valid_for")) {
    const std::string* text = member->as_string();
    const std::optional<Duration> duration = text ? parse_duration(*text) : std::nullopt;
    if (!duration || *duration < token_validity_min || *duration > token_validity_max) {
      return Error(Code::invalid, "member \"valid_for\" is " + printable(member->dump(), 80) +
                                      "; allowed is a duration like \"10m\", from 1s to 1h");
    }
    valid_for = *duration;
  }

  const std::string token =
      std::string(token_mark) + context.org + "_" + to_base64url(crypto::random_secret(token_secret_bytes));
  const EnrolToken remembered{.hash = crypto::sha256(token), .expires = request.now + valid_for};
  const AuditEntry entry = audit_entry(
      request, {.action = "agent.token", .detail = Json::Object{{"expires", format_rfc3339(remembered.expires)}}});
  TRY(context.writer.run([&](Store& store) { return store.accounts().add_enrol_token(remembered, entry); }));

  const std::string fingerprint = "sha256:" + context.authority.fingerprint();
  Json body;
  body.set("token", token);
  body.set("expires", format_rfc3339(remembered.expires));
  body.set("ca_fingerprint", fingerprint);
  body.set("command",
           "reeve-agent enroll --server " + context.api_url + " --token " + token + " --ca-fingerprint " + fingerprint);
  return Answer(json_reply(body, 201));
}

// A token names its org between its mark and the next '_'. One of no org here is looked for, in vain, in the default
// one.
ApiContext& org_of(ApiContext& default_org, std::string_view token) {
  if (!token.starts_with(token_mark)) return default_org;
  token.remove_prefix(token_mark.size());
  ApiContext* named = default_org.find_org(token.substr(0, token.find('_')));
  return named ? *named : default_org;
}

Result<Answer> post_enroll(ApiContext& default_org, const ApiRequest& request) {
  TRY(QueryParams::parse(request.query, {}));
  const Json asked = TRY(parse_body(request, {"token", "csr", "host"}));
  const std::string token = TRY(required_text(asked, "token", token_bytes_max));
  const std::string csr = TRY(required_text(asked, "csr", csr_bytes_max));
  const std::string host = TRY(required_text(asked, "host", host_bytes_max));
  ApiContext& context = org_of(default_org, token);

  SystemRandom random;
  const Uuid id = make_uuid_v7(request.now, random);
  const SignedAgent made = TRY_DURING(context.authority.sign_agent(id, csr, request.now), "member \"csr\"");

  Agent agent;
  agent.id = id;
  agent.host = host;
  agent.enrolled = request.now;
  agent.certificate_serial = made.serial;
  agent.certificate_not_after = made.not_after;
  const Bytes hash = crypto::sha256(token);
  const AuditEntry entry =
      audit_entry(request, {.action = "agent.enrol", .target = to_string(id), .detail = Json::Object{{"host", host}}});
  TRY(context.writer.run([&](Store& store) { return store.accounts().enrol_agent(hash, request.now, agent, entry); }));
  context.on_enrolled(id);

  Json body;
  body.set("agent_id", to_string(id));
  body.set("org", context.org);
  body.set("certificate", made.certificate_pem);
  body.set("ca", context.authority.certificate_pem());
  body.set("link", context.link_address);
  body.set("audit_key", to_hex(context.checkpoints->public_key()));
  return Answer(json_reply(body, 201));
}

// -- The table -------------------------------------------------------------------------------------------------------

constexpr std::array<SchemaField, 3> enroll_fields{{
    {"token", "string", "of POST /v1/agents/tokens"},
    {"csr", "string", "PEM"},
    {"host", "string", "its name, at most 255 bytes"},
}};
constexpr Schema enroll_schema{"Enrolment", "A host that wants to be an agent.", enroll_fields};
constexpr std::array<SchemaField, 6> enrolled_fields{{
    {"agent_id", "uuid"},
    {"org", "string"},
    {"certificate", "string", "PEM"},
    {"ca", "string", "PEM"},
    {"link", "string", "host:port to send to"},
    {"audit_key", "string", "the public key that signs the audit's checkpoints, hex"},
}};
constexpr Schema enrolled_schema{"Enrolled", "An agent's identity.", enrolled_fields};
constexpr std::array<SchemaField, 1> ask_token_fields{{{"valid_for?", "string", "a duration, 1s to 1h; default 1h"}}};
constexpr Schema ask_token_schema{"EnrolTokenRequest", "How long a token shall hold.", ask_token_fields};
constexpr std::array<SchemaField, 4> token_fields{{
    {"token", "string", "shown once"},
    {"expires", "time"},
    {"ca_fingerprint", "string", "sha256:<hex>"},
    {"command", "string", "to be run on the host"},
}};
constexpr Schema token_schema{"EnrolToken", "A one-time enrolment token.", token_fields};

constexpr std::array table{
    Route{"POST",
          "/v1/enroll",
          Permission::none,
          post_enroll,
          {.summary = "An agent's enrolment with a one-time token",
           .takes = &enroll_schema,
           .gives = &enrolled_schema,
           .status = 201}},
    Route{"POST",
          "/v1/agents/tokens",
          Permission::agents_write,
          post_enrol_token,
          {.summary = "A one-time enrolment token, and the command that uses it",
           .takes = &ask_token_schema,
           .gives = &token_schema,
           .status = 201}}
        .idempotent(),
};

}  // namespace

std::span<const Route> enroll_routes() {
  return table;
}

}  // namespace reeve::server
