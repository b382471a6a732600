// GET /v1/trust, judged by TrustState.
#include "cli/keys_fetch.h"

namespace reeve::cli {

Result<warrant::Envelope> parse_envelope(const std::string& base64, const std::string& what) {
  const std::optional<Bytes> bytes = from_base64url(base64);
  if (!bytes) return Error(Code::corrupt, "the server's " + what + " is no base64url");
  return TRY_DURING(warrant::decode_envelope(*bytes), "the server's " + what);
}

Status fetch_trust(World& world, Client& client, LocalTrust& local) {
  const Json answer = TRY(client.get("/v1/trust"));
  const uint64_t trust_before = local.state.trust_version();
  const uint64_t list_before = local.state.revocation_version();
  const Json* chain = answer.find("chain");
  if (chain != nullptr && chain->is_array()) {
    for (const Json& one : *chain->as_array()) {
      const std::string* text = one.as_string();
      const warrant::Envelope envelope = TRY(parse_envelope(text != nullptr ? *text : "", "trust file"));
      TRY_DURING(local.state.take_trust(envelope), "the server shows trust that the roots have not signed");
      // Each version is kept, so that it can be handed on in order.
      if (local.state.trust_version() > trust_before && envelope == local.state.kept().trust.back())
        TRY(keep_trust(world, local));
    }
  }
  const std::string list = answer.string_or("revocation");
  if (!list.empty() && local.state.trust()) {
    const warrant::Envelope envelope = TRY(parse_envelope(list, "revocation list"));
    TRY_DURING(local.state.take_revocation(envelope), "the server shows a revocation list that no root has signed");
    if (local.state.revocation_version() > list_before) TRY(keep_revocation(world, local));
  }
  return {};
}

}  // namespace reeve::cli
