// See envelope.h.
#include "common/warrant/envelope.h"

#include <algorithm>

#include "common/crypto/digest.h"
#include "common/warrant/proto_impl.h"

namespace reeve::warrant {
namespace {

constexpr size_t type_bytes_max = 128;
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

void fill(proto::Envelope& out, const Envelope& envelope) {
  out.set_payload_type(envelope.payload_type);
  out.set_payload(envelope.payload);
  for (const Signature& each : envelope.signatures) {
    proto::Signature* signature = out.add_signatures();
    signature->set_key_id(each.key_id);
    signature->set_signature(each.signature);
  }
}

Envelope from_proto(const proto::Envelope& proto) {
  Envelope envelope{.payload_type = proto.payload_type(), .payload = proto.payload()};
  for (const proto::Signature& each : proto.signatures()) {
    envelope.signatures.push_back({.key_id = each.key_id(), .signature = each.signature()});
  }
  return envelope;
}

void look(const Envelope& envelope, Bounds& bounds) {
  const std::string& type = envelope.payload_type;
  const auto printable = [](char c) { return c > ' ' && c <= '~'; };
  bounds.require(!type.empty() && type.size() <= type_bytes_max && std::all_of(type.begin(), type.end(), printable),
                 "the payload type is not 1 to 128 printable characters");
  bounds.require(envelope.payload.size() <= payload_bytes_max, "the payload is longer than 40 KiB");
  const std::vector<Signature>& signatures = envelope.signatures;
  bounds.require(!signatures.empty() && signatures.size() <= signatures_max, "not 1 to 16 signatures");
  for (size_t i = 0; i < signatures.size(); ++i) {
    bounds.size(signatures[i].key_id, crypto::digest_bytes, "a key id has not 32 bytes");
    bounds.size(signatures[i].signature, crypto::signature_bytes, "a signature has not 64 bytes");
    const auto before = signatures.begin() + static_cast<ptrdiff_t>(i);
    bounds.require(std::find(signatures.begin(), before, signatures[i]) == before, "a signature stands in it twice");
  }
}

Bytes encode(const Envelope& envelope) {
  proto::Envelope proto;
  fill(proto, envelope);
  return proto.SerializeAsString();
}

Result<Envelope> decode_envelope(BytesView bytes) {
  return decode_strictly<Envelope, proto::Envelope>(bytes, envelope_bytes_max, "envelope", from_proto, look);
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
  const Bytes message = pre_authentication(envelope.payload_type, envelope.payload);
  return std::any_of(envelope.signatures.begin(), envelope.signatures.end(), [&](const Signature& each) {
    return crypto::verify_ed25519(public_key, message, each.signature);
  });
}

}  // namespace reeve::warrant
