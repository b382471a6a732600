// What this person believes about an org's keys: ${REEVE_HOME}/trust/<org>/.
//
//     root                      the fingerprint that was pinned, in one line
//     trust-7.rvt               each trust file that was believed; the highest version counts
//     revocation-3.rvt          each revocation list that was believed; the highest version counts
//     trust-8.proposed.rvt      the next one, while signatures are missing
//
// Files are signed envelopes, as the server and the hosts take them. Belief moves by TrustState's rules alone, so that
// neither the server nor a file from a colleague can put a key in here that the roots have not signed. The folder
// itself is believed: whoever can write into it could as well replace the program.
#pragma once

#include <string>
#include <vector>

#include "cli/world.h"
#include "common/base/result.h"
#include "common/warrant/trust.h"

namespace reeve::cli {

// 1 to 64 of a-z, 0-9 and -, as the server has it; so an org's name is safe in a path and in a command.
Status check_org(const std::string& org);

struct LocalTrust {
  std::string org;
  std::string folder;
  warrant::TrustState state;
};

// The orgs that are pinned here, sorted.
Result<std::vector<std::string>> pinned_orgs(World& world);
// The org that was named, or the only one that is pinned.
Result<std::string> choose_org(World& world, const std::string& named);
Result<std::string> trust_folder(const World& world, const std::string& org);

// Code::not_found, saying how to pin it, where nothing is pinned for the org.
Result<LocalTrust> load_trust(World& world, const std::string& org);
// Code::not_found, saying what to do, where only the fingerprint is known yet.
Result<warrant::Trust> known_trust(const LocalTrust& local);

// Begins with a fingerprint. Code::invalid where the org is pinned already.
Result<LocalTrust> pin_org(World& world, const std::string& org, const warrant::RootFingerprint& fingerprint);

// Writes what is new in the state. Gives the path of the newest file of that kind.
Result<std::string> keep_trust(World& world, const LocalTrust& local);
Result<std::string> keep_revocation(World& world, const LocalTrust& local);

std::string proposal_path(const LocalTrust& local, uint64_t version);

// An envelope in a file, by its type. Code::invalid for anything else.
Result<warrant::Envelope> read_envelope_file(sys::Disk& disk, const std::string& path);

}  // namespace reeve::cli
