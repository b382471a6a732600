// Sends a plan file, and looks at what became of it.
#include "cli/plan.h"

#include "cli/api.h"
#include "cli/harmless.h"
#include "cli/plan_steps.h"
#include "cli/profile.h"
#include "common/base/ids.h"
#include "common/sys/yaml.h"

namespace reeve::cli {

Status run_plan(World& world, const PlanOptions& options) {
  const Bytes text = TRY(sys::read_file(world.disk, options.file, sys::YamlReader::text_bytes_max));
  const Json body = TRY(parse_plan_file(options.file, text));

  const Profile profile = TRY(load_profile(world));
  Client client(world.http, profile);
  const Json answer = TRY(client.post("/v1/fix/plan", body));
  if (options.json) return world.screen.print(harmless_json(answer.dump()) + "\n");
  const std::string id = answer.string_or("id");
  if (!parse_uuid(id)) return Error(Code::corrupt, "the server calls the plan \"" + id + "\", which is no id");
  const PlanSteps plan = TRY(read_plan(answer, id));
  for (const std::string& sentence : plan.contradictions) world.screen.say("warning: " + sentence);

  const int64_t needed = answer.int_or("approvals_needed");
  return world.screen.print(
      "plan   " + id + "\nhash   " + to_hex(plan.root) + "\nsteps  " + std::to_string(plan.steps.size()) + " on " +
      std::to_string(plan.hosts) + (plan.hosts == 1 ? " host" : " hosts") + ", highest risk " +
      std::to_string(plan.risk_max) + "\n\nthe server asks for " + std::to_string(needed) +
      (needed == 1 ? " approval" : " approvals") + ", by:\n  reeve approve " + id + " --key FILE\n");
}

}  // namespace reeve::cli
