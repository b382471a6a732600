// What the runner keeps in its own folder, beside the journal: who it is, what it believes, and whether it is locked.
//
//     <folder>/identity    org, host name, epoch and root fingerprint, a line each; written last
//     <folder>/key.pem     the key that signs results, 0600; its public half is the host's id
//     <folder>/trust       the newest trust file, revocation list and freshness statement
//     <folder>/journal     journal.h
//     <folder>/steps/      one status file for each launch, launcher.h
//     <folder>/locked      where it exists nothing runs; its text says why
//
// Blocking; the runner's one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "agent/runner/journal.h"
#include "common/base/result.h"
#include "common/crypto/signing.h"
#include "common/sys/disk.h"
#include "common/warrant/trust.h"

namespace reeve::runner {

struct Identity {
  std::string org{};
  std::string host_name{};
  uint64_t epoch = 0;
  warrant::RootFingerprint root{};
  crypto::SigningKey key;

  Bytes host() const;  // SHA-256 of the key's public half
};

struct EnrolOptions {
  std::string org{};
  std::string host_name{};
  warrant::RootFingerprint root{};
  bool replace = false;
};

class StateFolder {
 public:
  StateFolder(sys::Disk& disk, std::string path) : disk_(disk), path_(std::move(path)) {}

  // A new key, a new epoch above any before, and an empty journal. Code::invalid where there is an identity already and
  // it is not to be replaced.
  Result<Identity> enrol(const EnrolOptions& options, WallTime now);
  Result<Identity> load() const;  // Code::not_found: not enrolled

  Result<std::unique_ptr<Journal>> open_journal() const;
  Result<warrant::TrustState> load_trust(const Identity& identity) const;
  Status save_trust(const warrant::TrustState& trust) const;

  bool locked() const;  // also where that cannot be told
  std::string why_locked() const;
  Status lock(const std::string& why) const;
  Status unlock() const;

  std::string steps() const { return path_ + "/steps"; }

 private:
  std::string file(const char* name) const { return path_ + "/" + name; }

  sys::Disk& disk_;
  std::string path_;
};

}  // namespace reeve::runner
