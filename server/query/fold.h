// Folds the points of one series into steps, as they come: block by block, the newest block first, in any order within
// overlapping blocks.
//
// Memory follows the steps, not the points. Only `rate` must see neighbours in order: it holds a block's points back
// until no later block can have any among them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "common/base/time.h"
#include "server/query/metrics.h"

namespace reeve::server {

class SeriesFold {
 public:
  struct Options {
    Aggregation aggregation = Aggregation::avg;
    Duration step{1};
    WallTime from;  // points before only give `rate` its first neighbour
  };

  explicit SeriesFold(const Options& options) : options_(options) {}

  using Point = std::pair<WallTime, double>;

  // The points of one block, of which none to come is newer than `time_max`: blocks come by falling time_max.
  void add(const std::vector<Point>& points, WallTime time_max);

  // Ascending, one point a step that has any, at the step's begin.
  std::vector<Point> finish();

 private:
  struct Step {
    uint64_t count = 0;
    double sum = 0;
    double min = 0;
    double max = 0;
    WallTime last_time;
    double last = 0;
    double increase = 0;
    double elapsed_s = 0;
  };

  int64_t step_of(WallTime time) const;
  void fold(const Point& point);
  void link_newer_than(std::optional<WallTime> time);  // all that is held, where no time is given
  void link(const Point& older);
  double value_of(const Step& step) const;

  const Options options_;
  std::map<int64_t, Step> steps_;
  std::vector<Point> held_;     // rate only
  std::optional<Point> newer_;  // the last one linked
};

}  // namespace reeve::server
