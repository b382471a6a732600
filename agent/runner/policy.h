// What this host allows, whatever has been signed: /etc/reeve/policy.d/*.yaml, read by the runner alone.
//
// Without a policy, or with one that is wrong anywhere, execution is off. What no rule names is denied. docs/policy.md
// describes the file; lint.h refuses rules that would hand out a shell. Values; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/runner/launch.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/warrant/step.h"

namespace reeve::runner {

// What an Exec is wanted for. A probe, a precondition or a dry run may only use what policy marks read_only; a dry run
// of a program only what it lists under unapproved_read_only.
enum class Purpose : uint8_t { exec, rollback, probe, precondition, dry_run };

class Policy {
 public:
  // Reads every *.yaml of the folder, in the order of their names, as one policy. Each must belong to `owner` (a uid)
  // and be writable by nobody else, and so must every folder above it. Code::invalid with file, line and key;
  // Code::not_found where there is no file.
  static Result<Policy> load(const std::string& directory, uint32_t owner = 0);
  // For tests and `reeve-runner check FILE`: no look at owners.
  static Result<Policy> parse(const std::string& name, std::string_view text);
  static Policy deny_all();  // execution off; its hash is that of no file
  Policy(Policy&&) noexcept;
  Policy& operator=(Policy&&) noexcept;
  ~Policy();

  bool execution() const;
  const Bytes& hash() const;  // 32 bytes: of the files' names and bytes
  const std::array<uint32_t, warrant::risk_highest + 1>& approvals_min() const;  // 0: never
  uint32_t rate_per_hour() const;                                                // steps started
  bool open_at(WallTime now) const;                                              // within a window, or there are none

  // The launch for it, or Code::denied saying which rule came closest and what it allows. `id` becomes Launch::id;
  // `risk` is the step's, and must not be below the rule's. Looks at the disk: programs, owners, paths.
  Result<Launch> permit(const warrant::Exec& exec, Purpose purpose, uint32_t risk, const std::string& id) const;

 private:
  struct Impl;
  explicit Policy(std::unique_ptr<const Impl> impl);
  std::unique_ptr<const Impl> impl_;
};

}  // namespace reeve::runner
