// See envelope.h.
#include "common/warrant/envelope.h"

#include <algorithm>

#include "common/crypto/digest.h"
#include "common/warrant/codec_impl.h"

namespace reeve::warrant {
namespace {

constexpr size_t envelope_bytes_max = payload_bytes_max + 4_KiB;

}  // namespace

Bytes pre_authentication(std::string_view type, BytesView payload) {
  Bytes out = "DSSEv1 ";
  out.append(std::to_string(type.size())).append(" ").append(type).append(" ");
  out.append(std::to_string(payload.size())).append(" ").append(payload);
  return out;
}

Bytes key_id(BytesView public_key) {
  return crypto::sha256(public_key);
}

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

bool are_distinct(const std::vector<Signature>& signatures) {
  for (auto each = signatures.begin(); each != signatures.end(); ++each) {
    if (std::find(signatures.begin(), each, *each) != each) return false;
  }
  return true;
}

Bytes encode(const Envelope& envelope) {
  return encode_value(envelope);
}
Result<Envelope> decode_envelope(BytesView bytes) {
  return decode_value<Envelope>(bytes, envelope_bytes_max, "envelope");
}

Envelope sign(std::string_view type, Bytes payload, const crypto::SigningKey& key) {
  Envelope envelope{.payload_type = std::string(type), .payload = std::move(payload)};
  add_signature(envelope, key);
  return envelope;
}

void add_signature(Envelope& envelope, const crypto::SigningKey& key) {
  envelope.signatures.push_back({.key_id = key_id(key.public_key()),
                                 .signature = key.sign(pre_authentication(envelope.payload_type, envelope.payload))});
}

bool signed_by(const Envelope& envelope, BytesView public_key) {
  const Bytes id = key_id(public_key);
  const Bytes message = pre_authentication(envelope.payload_type, envelope.payload);
  return std::any_of(envelope.signatures.begin(), envelope.signatures.end(), [&](const Signature& each) {
    return each.key_id == id && crypto::verify_ed25519(public_key, message, each.signature);
  });
}

}  // namespace reeve::warrant
