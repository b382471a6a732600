// Which paths on this host can be relied on. What only root (or the policy's owner) can change stays as it was checked;
// everything else is somebody's to swap. Blocks on the disk; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace reeve::runner {

// Absolute, at most 4,095 bytes, printable, no empty, "." or ".." component and no slash at the end.
bool is_plain_path(std::string_view path);

// Code::denied unless the path and every folder on the way belong to root or `owner` and nobody else may write there.
// Symlinks are followed where they themselves pass, as in Debian's /bin -> usr/bin. A folder with the sticky bit may be
// written to by others, since they cannot replace what is not theirs.
Status trusted_path(const std::string& path, uint32_t owner);

// A trusted_path that is also a regular file to execute, without setuid, setgid or file capabilities.
Status trusted_program(const std::string& path, uint32_t owner);

enum class Below : uint8_t { file_or_folder, folder };

// Code::denied unless `path` exists below `folder` (not the folder itself), as a regular file or a folder. The kernel
// does the walk (openat2): no symlink in either, no "..", no way out.
Status resolve_below(const std::string& folder, std::string_view path, Below wanted);

}  // namespace reeve::runner
