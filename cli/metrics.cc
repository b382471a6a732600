// Lists series and draws curves.
#include "cli/metrics.h"

#include "cli/harmless.h"
#include "cli/profile.h"
#include "cli/render.h"

namespace reeve::cli {

namespace {

// A curve that stands alone in a stream of lines needs what the answer says once for all of them.
std::string curve_line(const Curves& curves, const Curve& curve) {
  Json json;
  json.set("name", curves.name);
  json.set("unit", curves.unit);
  json.set("agg", curves.agg);
  json.set("step_ms", curves.step / 1ms);
  for (const auto& [member, value] : *curve.json.as_object()) json.set(member, value);
  return harmless_json(json.dump()) + "\n";
}

}  // namespace

Status run_metrics_list(World& world, const MetricsListOptions& options) {
  const Profile profile = TRY(load_profile(world));
  Client client(world.http, profile);
  std::vector<Series> series = TRY(client.series(options.filter));

  if (options.json) {
    std::string text;
    for (const Series& one : series) text += harmless_json(one.json.dump()) + "\n";
    return world.screen.print(text);
  }
  if (series.empty()) {
    const bool is_filtered = !options.filter.match.empty() || !options.filter.labels.empty();
    world.screen.say(is_filtered ? "no series that matches has points in that time; `reeve metrics` lists all"
                                 : "no series has points in that time; `reeve status` shows whether agents are online");
    return {};
  }
  return world.screen.print(render_series(std::move(series), world.clock.wall()));
}

Status run_metrics_query(World& world, const MetricsQueryOptions& options) {
  const Profile profile = TRY(load_profile(world));
  Client client(world.http, profile);
  const Curves curves = TRY(client.curves(options.filter, options.step, options.agg));
  if (curves.curves.empty())
    return Error(Code::not_found, "no series named \"" + options.filter.name + "\"" +
                                      (options.filter.labels.empty() ? "" : " with these labels") +
                                      " has points in that time; `reeve metrics` lists what there is");

  if (options.json) {
    std::string text;
    for (const Curve& curve : curves.curves) text += curve_line(curves, curve);
    TRY(world.screen.print(text));
  } else {
    const Style style{.has_colour = world.screen.has_colour(), .zone = options.zone};
    TRY(world.screen.print(render_curves(curves, world.screen.columns(), style)));
  }
  if (curves.is_truncated) world.screen.say("there are more series than shown; --label KEY:VALUE narrows them");
  return {};
}

}  // namespace reeve::cli
