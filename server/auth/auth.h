// What all orgs of one server share to know who asks: the key that signs tokens, the threads that hash passwords, and
// the counts of requests and of failed sign-ins.
//
// Any thread, but for stop().
#pragma once

#include <functional>
#include <string>

#include "common/base/result.h"
#include "common/crypto/signing.h"
#include "common/sys/disk.h"
#include "server/api/worker_pool.h"
#include "server/auth/sliding_window.h"
#include "server/config.h"

namespace reeve::server {

constexpr size_t password_bytes_min = 10;
constexpr size_t password_bytes_max = 256;

// The signing key's file: made where it is absent. Whoever reads it can sign in as anybody.
Result<crypto::SigningKey> load_or_make_signing_key(sys::Disk& disk, const std::string& path);

class Auth {
 public:
  explicit Auth(crypto::SigningKey key, RequestLimits limits = {});

  const crypto::SigningKey& key() const { return key_; }
  const Bytes& public_key() const { return public_key_; }
  const Bytes& sealing_key() const { return sealing_key_; }  // for answers that are remembered
  const RequestLimits& limits() const { return limits_; }

  // Hashing a password takes 64 MiB and a tenth of a second: at most two at once, on threads of their own, so that
  // neither the memory nor the API's threads are used up. Code::unavailable when as many wait as may.
  Status run_hashing(std::function<void()> work);

  // Whether a sign-in may be tried; it counts as failed until succeeded() says otherwise, so that many tries at once
  // are counted too. Per address (of an org), and per peer. A v6 peer is its /64.
  struct Attempt {
    std::string org;
    std::string email;
    std::string peer;
  };
  SlidingWindow::Verdict try_attempt(const Attempt& attempt, Instant now);
  void succeeded(const Attempt& attempt, Instant now);

  SlidingWindow requests;

  // A hash that no password has, as costly to check as any: for e-mails that nobody has.
  const std::string& nobodys_hash();

  void stop();  // before the store's writers are stopped

  static constexpr uint64_t failures_per_address_max = 5;
  static constexpr uint64_t failures_per_peer_max = 30;
  static constexpr size_t hashing_threads = 2;
  static constexpr size_t hashing_queue_max = 16;

 private:
  const crypto::SigningKey key_;
  const Bytes public_key_;
  const Bytes sealing_key_;
  const RequestLimits limits_;
  SlidingWindow failures_;
  std::once_flag nobody_once_;
  std::string nobody_;
  WorkerPool hashing_;
};

}  // namespace reeve::server
