// The agent as a witness of its org's audit: it remembers the newest checkpoint that it was shown, and says so when the
// next one contradicts it.
//
// What it remembers (the pin: length, Merkle root, and the key that signs) is kept on this host, out of the server's
// reach. A checkpoint must be signed by that key, be no shorter, and prove that what was pinned is its beginning; any
// other raises the alarm. An alarm stays, over restarts too, until a person clears it with `reeve-agent witness
// --reset`; until then nothing new is pinned. It never hinders shipping.
//
// Pure but for load and save, which block; any one thread.
#pragma once

#include <optional>
#include <string>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/sys/disk.h"
#include "common/wire/frames.h"

namespace reeve::agent {

struct WitnessPin {
  Bytes public_key{};   // 32 bytes; empty: the first that is shown is believed
  uint64_t size = 0;    // 0: nothing pinned yet
  Bytes root{};         // 32 bytes, where the size is not 0
  WallTime at{};        // when the checkpoint says it was signed
  std::string alarm{};  // empty: none
  WallTime alarmed{};
  bool operator==(const WitnessPin&) const = default;
};

class Witness {
 public:
  Witness(std::string org, WitnessPin pin) : org_(std::move(org)), pin_(std::move(pin)) {}

  // Whether the pin is another one now, and must be kept.
  bool take(const wire::AuditHead& head, WallTime now);
  const WitnessPin& pin() const { return pin_; }
  wire::AuditPin frame() const;

 private:
  Status judge(const wire::AuditHead& head, WitnessPin& next) const;

  const std::string org_;
  WitnessPin pin_;
};

// Nothing where none was kept yet. A file that cannot be read gives a pin with that as its alarm: what was remembered
// is gone, and that is for a person to know.
std::optional<WitnessPin> load_witness(sys::Disk& disk, const std::string& path, WallTime now);
Status save_witness(sys::Disk& disk, const std::string& path, const WitnessPin& pin);

// For people: what is pinned, and the alarm.
std::string describe(const std::optional<WitnessPin>& pin);

}  // namespace reeve::agent
