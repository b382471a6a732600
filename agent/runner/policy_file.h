// Policy files into rules. Strict: a key that is unknown or stands twice, a value of another kind or out of its range,
// a rule that lint refuses and a second document are complaints, with file, line, key, what was found and what is
// allowed. All of them come at once, in the order of the files. docs/policy.md is the reference. Any thread.
#pragma once

#include <string>
#include <vector>

#include "agent/runner/policy_rules.h"
#include "common/base/result.h"

namespace reeve::runner {

constexpr size_t policy_bytes_max = 256_KiB;  // of one file
constexpr size_t policy_files_max = 64;

struct PolicyFile {
  std::string name{};  // for complaints, and as part of the policy's hash
  std::string text{};
};

// As one policy: what is a list or has names may be spread over files, the rest stands once.
Result<Rules> parse_rules(const std::vector<PolicyFile>& files);

}  // namespace reeve::runner
