// The words of `reeve keys`.
#pragma once

#include <vector>

#include "cli/args.h"
#include "cli/command_rows.h"

namespace reeve::cli {

// What was typed, before it is looked at. Outlives the rows.
struct KeysTyped {
  KeysInitOptions init;
  KeysNewOptions fresh;
  KeysApproverAddOptions add;
  KeysApproverRemoveOptions remove;
  KeysRotateOptions rotate;
  KeysRenewOptions renew;
  KeysSignOptions sign;
  KeysRevokeOptions revoke;
  KeysShowOptions show;
  KeysPinOptions pin;
  KeysTakeOptions take;
  KeysFetchOptions fetch;
  KeysPushOptions push;

  std::string expires;
  std::string threshold;
  std::string approvals;
  std::string risk_max;
};

std::vector<CommandRow<Command>> keys_rows(KeysTyped& typed);

}  // namespace reeve::cli
