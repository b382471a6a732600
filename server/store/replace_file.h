// Replaces a damaged database file by a new one made beside it, so that a crash leaves the one or the other.
//
// The new file is built whole at `<path>.new` and closed; then the damaged one becomes `<path>.damaged`, `.damaged-2`,
// ... and the new one takes its name. Up to four damaged ones are kept; then the fourth is replaced.
#pragma once

#include <string>

#include "common/base/result.h"
#include "common/sys/disk.h"

namespace reeve::server {

std::string replacement_path(const std::string& path);

// Removes what an earlier try left at the replacement's path.
Status begin_replacement(sys::Disk& disk, const std::string& path);

// Both files closed. Gives where the damaged one went; empty where there was none.
Result<std::string> finish_replacement(sys::Disk& disk, const std::string& path);

// After a crash: takes the replacement where the file is gone, else removes it, for it may be half done.
Status recover_replacement(sys::Disk& disk, const std::string& path);

// The database with its side files; absent ones are passed by.
Status remove_database(sys::Disk& disk, const std::string& path);

}  // namespace reeve::server
