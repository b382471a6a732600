// How trust files and revocation lists look to the person who signs them. Pure; names are made harmless.
#pragma once

#include <optional>
#include <string>

#include "common/base/time.h"
#include "common/warrant/trust.h"

namespace reeve::cli {

// "1 2 2 3 never" as "risk 0: 1, risk 1: 2, ...".
std::string render_approvals_min(const std::vector<uint32_t>& approvals_min);

// All of it: fingerprint, expiry, who may do what.
std::string render_trust(const warrant::Trust& trust, const warrant::TrustState* state, WallTime now);

// What is different from `before`, one line each, then the risky ones marked; all of it where there is none before.
std::string render_trust_changes(const std::optional<warrant::Trust>& before, const warrant::Trust& next, WallTime now);

std::string render_revocation(const warrant::Revocation& revocation);

}  // namespace reeve::cli
