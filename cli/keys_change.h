// The way from a wish to a signed file: the next trust file or revocation list, its signatures, and where it ends up.
//
// A next trust file is believed here the moment its thresholds are met; until then it lies beside as a proposal, and
// there is at most one, so that two root holders cannot sign different versions N+1 by accident.
#pragma once

#include <string>
#include <vector>

#include "cli/keys.h"
#include "cli/keys_store.h"
#include "common/crypto/signing.h"
#include "common/warrant/trust.h"

namespace reeve::cli {

// How much of a hash a person types to confirm what was shown: more than a habit, less than a chore.
constexpr size_t confirm_digits = 8;

// The signing keys that were named, opened; root.pem of the org's folder where none was.
Result<std::vector<crypto::SigningKey>> open_roots(World& world, const LocalTrust& local, const RootSigners& signers);

// "NAME=FILE" or "NAME=HEX". A file that is not there is made, a key file is opened: both then sign. Otherwise only the
// public half is known, and its holder signs elsewhere.
struct NamedRoot {
  warrant::RootKey root;
  std::optional<crypto::SigningKey> key;
};
Result<std::vector<NamedRoot>> read_named_roots(World& world, const std::vector<std::string>& texts,
                                                const std::vector<std::string>& pass_files);

// The server's public keys for `kinds`, as given; from the server only where that was asked for, and once the person
// has confirmed them. Kinds that stay empty are left alone.
Result<warrant::Trust> with_online_keys(World& world, warrant::Trust trust, const OnlineKeys& online, bool keep);

// As hosts will read it: sorted, within the bounds. The text of an error says what is wrong with it.
Result<Bytes> trust_body(warrant::Trust trust);

// A key that is no root of `trust` nor of `before` has no business here.
Status sign_as_root(warrant::Envelope& envelope, const std::vector<crypto::SigningKey>& keys,
                    const warrant::Trust& trust, const std::optional<warrant::Trust>& before);

// Version N+1 of what is believed: signed with the keys, then believed and kept, or kept as a proposal.
Status change_trust(World& world, LocalTrust& local, warrant::Trust next, const std::vector<crypto::SigningKey>& keys,
                    bool push);

// Takes an envelope that has its signatures, and says so. False where signatures are missing: then who is.
Result<bool> settle_trust(World& world, LocalTrust& local, const warrant::Envelope& envelope, bool push);

// Sends an envelope to the server.
Status push_envelope(World& world, const warrant::Envelope& envelope);

// Whether the person types `wanted`. Code::cancelled otherwise; Code::unavailable, naming --yes, without a terminal.
Status confirm_by_typing(World& world, const std::string& question, const std::string& wanted);

int64_t milliseconds(WallTime time);

}  // namespace reeve::cli
