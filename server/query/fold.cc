// Sums, extremes and rates by step.
#include "server/query/fold.h"

#include <algorithm>

namespace reeve::server {

int64_t SeriesFold::step_of(WallTime time) const {
  const int64_t step = options_.step.count();
  return time.ns / step - (time.ns % step < 0);
}

void SeriesFold::add(const std::vector<Point>& points, WallTime time_max) {
  if (options_.aggregation != Aggregation::rate) {
    for (const Point& point : points) fold(point);
    return;
  }
  link_newer_than(time_max);
  held_.insert(held_.end(), points.begin(), points.end());
}

void SeriesFold::fold(const Point& point) {
  const auto& [time, value] = point;
  Step& step = steps_[step_of(time)];
  step.min = step.count == 0 ? value : std::min(step.min, value);
  step.max = step.count == 0 ? value : std::max(step.max, value);
  if (step.count == 0 || time >= step.last_time) {
    step.last_time = time;
    step.last = value;
  }
  step.sum += value;
  ++step.count;
}

void SeriesFold::link_newer_than(std::optional<WallTime> time) {
  std::sort(held_.begin(), held_.end());
  while (!held_.empty() && (!time || held_.back().first > *time)) {
    link(held_.back());
    held_.pop_back();
  }
}

void SeriesFold::link(const Point& older) {
  const std::optional<Point> newer = std::exchange(newer_, older);
  if (!newer || newer->first < options_.from || newer->first == older.first) return;
  // A counter that falls began again at 0: what it shows is what it gained since.
  const double gained = newer->second >= older.second ? newer->second - older.second : newer->second;
  Step& step = steps_[step_of(newer->first)];
  step.increase += gained;
  step.elapsed_s += std::chrono::duration<double>(newer->first - older.first).count();
  ++step.count;
}

double SeriesFold::value_of(const Step& step) const {
  switch (options_.aggregation) {
    case Aggregation::avg:
      return step.sum / static_cast<double>(step.count);
    case Aggregation::min:
      return step.min;
    case Aggregation::max:
      return step.max;
    case Aggregation::sum:
      return step.sum;
    case Aggregation::last:
      return step.last;
    case Aggregation::count:
      return static_cast<double>(step.count);
    case Aggregation::rate:
      return step.increase / step.elapsed_s;
  }
  return 0;
}

std::vector<SeriesFold::Point> SeriesFold::finish() {
  link_newer_than(std::nullopt);
  std::vector<Point> points;
  points.reserve(steps_.size());
  for (const auto& [index, step] : steps_) {
    points.emplace_back(WallTime{index * options_.step.count()}, value_of(step));
  }
  return points;
}

}  // namespace reeve::server
