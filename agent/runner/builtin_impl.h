// The built-in actions one by one, for builtin.cc.
#pragma once

#include <string>

#include "agent/runner/descriptor.h"
#include "agent/runner/launch.h"
#include "common/base/result.h"

namespace reeve::runner {

struct Answer {
  bool holds = true;  // of an action: always, or it is an Error
  std::string said{};
};

Result<Answer> restart_process(const BuiltIn& action);
Result<Answer> reload_process(const BuiltIn& action);
Result<Answer> stop_process(const BuiltIn& action);
Result<Answer> set_workers(const BuiltIn& action);
Result<Answer> send_signal(const BuiltIn& action);
Result<Answer> process_running(const BuiltIn& action);
Result<Answer> switch_release(const BuiltIn& action);
Result<Answer> free_disk(const BuiltIn& action);
Result<Answer> restore_file(const BuiltIn& action);
Result<Answer> file_hash(const BuiltIn& action);
Result<Answer> disk_below(const BuiltIn& action);
Result<Answer> unit_state(const BuiltIn& action);
Result<Answer> port_open(const BuiltIn& action);
Result<Answer> http_get(const BuiltIn& action);

// A decimal number up to `max`; Code::invalid where it is anything else.
Result<uint64_t> number_of(const BuiltIn& action, const char* argument, uint64_t max);

// A word that cannot be mistaken for an option, a path or a second line.
Result<std::string> name_of(const BuiltIn& action, const char* argument);

// A folder, none of whose parents is a symbolic link.
Result<Descriptor> open_folder(const std::string& path);

}  // namespace reeve::runner
