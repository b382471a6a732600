// Signed bytes: DSSE 1.0 envelopes with Ed25519 signatures.
//
// A signature is over PAE(type, payload) = "DSSEv1 <len type> <type> <len payload> <payload>", lengths in decimal. What
// was verified is what is used: nobody parses an envelope twice. A key's id is the SHA-256 of its public half; a
// signature counts only beside the id of the key that made it, so that nothing in an envelope can be changed unnoticed.
// Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/crypto/signing.h"

namespace reeve::warrant {

constexpr size_t payload_bytes_max = 40_KiB;
constexpr size_t signatures_max = 16;

// One purpose each: a key signs payloads of its own types and no others.
constexpr std::string_view type_trust = "application/vnd.reeve.trust.v1+protobuf";
constexpr std::string_view type_revocation = "application/vnd.reeve.revocation.v1+protobuf";
constexpr std::string_view type_freshness = "application/vnd.reeve.freshness.v1+protobuf";
constexpr std::string_view type_approval = "application/vnd.reeve.approval.v1+protobuf";
constexpr std::string_view type_dispatch = "application/vnd.reeve.dispatch.v1+protobuf";
constexpr std::string_view type_order = "application/vnd.reeve.order.v1+protobuf";
constexpr std::string_view type_result = "application/vnd.reeve.result.v1+protobuf";
constexpr std::string_view type_preflight = "application/vnd.reeve.preflight.v1+protobuf";
constexpr std::string_view type_checkpoint = "application/vnd.reeve.checkpoint.v1+protobuf";

struct Signature {
  Bytes key_id{};     // 32 bytes
  Bytes signature{};  // 64 bytes
  bool operator==(const Signature&) const = default;
};

struct Envelope {
  std::string payload_type{};
  Bytes payload{};
  std::vector<Signature> signatures{};
  bool operator==(const Envelope&) const = default;
};

Bytes pre_authentication(std::string_view type, BytesView payload);
Bytes key_id(BytesView public_key);

Bytes encode(const Envelope& envelope);
// Code::invalid for anything but the one encoding of an envelope within the bounds. Of unknown type it may be.
Result<Envelope> decode_envelope(BytesView bytes);

Envelope sign(std::string_view type, Bytes payload, const crypto::SigningKey& key);
void add_signature(Envelope& envelope, const crypto::SigningKey& key);

// Whether one of the envelope's signatures is this key's.
bool signed_by(const Envelope& envelope, BytesView public_key);

}  // namespace reeve::warrant
