// What the server says about trust, taken only as far as the roots that are pinned here have signed it.
#pragma once

#include "cli/api.h"
#include "cli/keys_store.h"

namespace reeve::cli {

// Takes newer trust files and revocation lists from the server, and keeps them. Nothing newer is no error: what the
// server leaves out cannot be seen from here, only what it forges.
Status fetch_trust(World& world, Client& client, LocalTrust& local);

// An envelope as the API writes it.
Result<warrant::Envelope> parse_envelope(const std::string& base64, const std::string& what);

}  // namespace reeve::cli
