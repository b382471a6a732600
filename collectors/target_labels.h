// The labels that every series of one target carries.
//
// A label of the page that has the name of one of them, or "host", which is ours, becomes exported_<name>, as in
// Prometheus: a page cannot pass for another one.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/wire/record.h"

namespace reeve::collect {

class TargetLabels {
 public:
  // At most one of each name.
  explicit TargetLabels(std::vector<std::pair<std::string, std::string>> labels);
  TargetLabels(TargetLabels&&) = default;  // views into the strings stay: the vectors' own storage moves

  // Sorted by key.
  std::span<const wire::Field> own() const { return own_; }

  // These and the page's, sorted by key, no key twice. `out` is the room for the answer.
  std::span<const wire::Field> join(std::span<const wire::Field> page, std::vector<wire::Field>& out) const;

 private:
  std::vector<std::pair<std::string, std::string>> labels_;
  std::vector<wire::Field> own_;
  struct Renamed {
    std::string from;
    std::string to;
  };
  std::vector<Renamed> renamed_;
};

}  // namespace reeve::collect
