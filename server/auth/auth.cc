// See auth.h.
#include "server/auth/auth.h"

#include "common/crypto/digest.h"
#include "common/crypto/signing.h"
#include "common/sys/password.h"

namespace reeve::server {
namespace {

constexpr uint64_t key_file_bytes_max = 4_KiB;
constexpr size_t requests_counted_max = 20'000;  // credentials and orgs at once
constexpr size_t failures_counted_max = 20'000;
constexpr size_t unguessable_bytes = 32;

std::string address_of(const Auth::Attempt& attempt) {
  return "a " + attempt.org + " " + attempt.email;
}

// Whoever has one address of a v6 network has them all.
std::string network_of(const Auth::Attempt& attempt) {
  const std::string& peer = attempt.peer;
  if (peer.find(':') == std::string::npos) return "p " + peer;
  size_t end = 0;
  for (int group = 0; group < 4 && end != std::string::npos; ++group) {
    end = peer.find(':', group == 0 ? 0 : end + 1);
    if (end != std::string::npos && peer.substr(end).starts_with("::")) break;
  }
  return "p " + peer.substr(0, end);
}

}  // namespace

Result<crypto::SigningKey> load_or_make_signing_key(sys::Disk& disk, const std::string& path) {
  const Result<Bytes> kept = sys::read_file(disk, path, key_file_bytes_max);
  if (kept.ok()) return TRY_DURING(crypto::SigningKey::from_pem(*kept), path);
  if (kept.error().code() != Code::not_found) return kept.error();
  const crypto::SigningKey made = crypto::SigningKey::make();
  TRY(sys::write_file_atomically(disk, path, made.pem()));
  return made;
}

Auth::Auth(crypto::SigningKey key, RequestLimits limits)
    : requests(requests_counted_max),
      key_(std::move(key)),
      public_key_(key_.public_key()),
      sealing_key_(key_.derive("reeve: answers to requests with an Idempotency-Key")),
      limits_(limits),
      failures_(failures_counted_max),
      hashing_(hashing_threads, hashing_queue_max) {}

Status Auth::run_hashing(std::function<void()> work) {
  if (hashing_.try_run(std::move(work))) return {};
  return Error(Code::unavailable, "too many people are signing in at once; try again in a second");
}

SlidingWindow::Verdict Auth::try_attempt(const Attempt& attempt, Instant now) {
  const SlidingWindow::Verdict by_peer = failures_.try_count(network_of(attempt), failures_per_peer_max, now);
  if (!by_peer.allowed) return by_peer;
  const SlidingWindow::Verdict by_address = failures_.try_count(address_of(attempt), failures_per_address_max, now);
  if (!by_address.allowed) failures_.take_back(network_of(attempt), now);
  return by_address;
}

void Auth::succeeded(const Attempt& attempt, Instant now) {
  failures_.take_back(network_of(attempt), now);
  failures_.take_back(address_of(attempt), now);
}

const std::string& Auth::nobodys_hash() {
  std::call_once(nobody_once_, [this] {
    const Result<std::string> made = sys::hash_password(crypto::random_secret(unguessable_bytes));
    if (made.ok()) nobody_ = *made;  // without memory nobody signs in, whoever they say they are
  });
  return nobody_;
}

void Auth::stop() {
  hashing_.stop();
}

}  // namespace reeve::server
