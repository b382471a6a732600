// Who may sign what in this org, as its root keys have signed it. Nothing here makes or changes such a file: that is
// done where the keys are, and a host believes none of it without their signatures.
#include <array>

#include "common/warrant/envelope.h"
#include "common/warrant/trust.h"
#include "server/api/audit.h"
#include "server/api/fix_json.h"
#include "server/api/params.h"
#include "server/api/problem.h"
#include "server/api/tables.h"
#include "server/store/store.h"

namespace reeve::server {
namespace {

constexpr uint64_t trust_body_bytes_max = 256_KiB;  // an envelope in base64, generously

std::string text_of(const Bytes& bytes) {
  return to_base64url(bytes);
}

Result<Answer> get_trust(ApiContext& context, const ApiRequest& request) {
  TRY(QueryParams::parse(request.query, {}));
  const std::vector<SignedVersion> versions = TRY(context.store.fixes().list_trust());
  const std::optional<SignedVersion> revocation = TRY(context.store.fixes().newest_revocation());
  Json::Array chain;
  for (const SignedVersion& each : versions) chain.push_back(text_of(each.envelope));
  Json fingerprint;
  if (!versions.empty()) {
    const warrant::Envelope newest = TRY(warrant::decode_envelope(versions.back().envelope));
    const warrant::Trust trust = TRY(warrant::decode_trust(newest.payload));
    fingerprint = Json(warrant::to_string(warrant::root_fingerprint(trust)));
  }
  Json keys = Json(Json::Object{});
  if (context.fixes != nullptr) {
    const FixDesk::PublicKeys& ours = context.fixes->public_keys();
    keys.set("planner", to_hex(ours.planner));
    keys.set("freshness", to_hex(ours.freshness));
    keys.set("audit", to_hex(ours.audit));
  }
  Json body;
  body.set("version", versions.empty() ? uint64_t{0} : versions.back().version);
  body.set("envelope", versions.empty() ? Json() : Json(text_of(versions.back().envelope)));
  body.set("chain", std::move(chain));
  body.set("root_fingerprint", std::move(fingerprint));
  body.set("revocation", revocation ? Json(text_of(revocation->envelope)) : Json());
  body.set("revocation_version", revocation ? revocation->version : uint64_t{0});
  body.set("online_keys", std::move(keys));
  return Answer(json_reply(body));
}

constexpr std::array<SchemaField, 1> new_envelope_fields{{{"envelope", "bytes", "signed by root keys"}}};
constexpr Schema new_envelope_schema{"SignedEnvelope", "A DSSE envelope (docs/warrant.md).", new_envelope_fields};

Result<Bytes> read_envelope(const ApiRequest& request) {
  TRY(QueryParams::parse(request.query, {}));
  const Json body = TRY_DURING(parse_json(request.body), "the body is not JSON");
  TRY(check_against(body, new_envelope_schema));
  const std::optional<Bytes> bytes = from_base64url(body.string_or("envelope"));
  if (!bytes) return Error(Code::invalid, "member \"envelope\" is not base64url without padding");
  return *bytes;
}

Result<Json> render_version(const FixReply& reply) {
  return Json(Json::Object{{"version", reply.version}});
}

Result<Answer> post_trust(ApiContext& context, const ApiRequest& request) {
  const Bytes envelope = TRY(read_envelope(request));
  const AuditEntry entry = audit_entry(request, {.action = "trust.change"});
  return ask_desk(
      context, request,
      [envelope, entry](FixEngine& engine, FixTime time, FixActions& actions) {
        return engine.take_trust(envelope, entry, time, actions);
      },
      render_version);
}

Result<Answer> post_revocation(ApiContext& context, const ApiRequest& request) {
  const Bytes envelope = TRY(read_envelope(request));
  const AuditEntry entry = audit_entry(request, {.action = "trust.revoke"});
  return ask_desk(
      context, request,
      [envelope, entry](FixEngine& engine, FixTime time, FixActions& actions) {
        return engine.take_revocation(envelope, entry, time, actions);
      },
      render_version);
}

constexpr std::array<SchemaField, 3> keys_fields{{{"planner", "string"}, {"freshness", "string"}, {"audit", "string"}}};
constexpr Schema keys_schema{"OnlineKeys", "The server's own public keys, hex.", keys_fields};
constexpr std::array<SchemaField, 7> trust_fields{{
    {"version", "int", "0: there is none yet"},
    {"envelope", "bytes|null", "the newest trust file"},
    {"chain", "bytes[]", "every version, ascending"},
    {"root_fingerprint", "string|null", "what a host is told when it is enrolled"},
    {"revocation", "bytes|null", "the newest list of what is revoked"},
    {"revocation_version", "int"},
    {"online_keys", "OnlineKeys", "", &keys_schema},
}};
constexpr Schema trust_schema{"Trust", "Who may sign what.", trust_fields};
constexpr std::array<SchemaField, 1> version_fields{{{"version", "int"}}};
constexpr Schema version_schema{"SignedVersion", "What is current now.", version_fields};

constexpr std::array table{
    Route{"GET",
          "/v1/trust",
          Permission::signals_read,
          get_trust,
          {.summary = "Who may sign what, and the server's own keys", .gives = &trust_schema}},
    Route{"POST",
          "/v1/trust",
          Permission::org_admin,
          post_trust,
          {.summary = "The next version of the trust file, signed by root keys",
           .takes = &new_envelope_schema,
           .gives = &version_schema,
           .status = 201}}
        .taking(trust_body_bytes_max)
        .idempotent(),
    Route{"POST",
          "/v1/trust/revocations",
          Permission::org_admin,
          post_revocation,
          {.summary = "The next list of what is revoked, signed by a root key",
           .takes = &new_envelope_schema,
           .gives = &version_schema,
           .status = 201}}
        .taking(trust_body_bytes_max)
        .idempotent(),
};

}  // namespace

std::span<const Route> trust_routes() {
  return table;
}

}  // namespace reeve::server
