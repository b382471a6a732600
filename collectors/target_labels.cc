#include "collectors/target_labels.h"

#include <algorithm>

namespace reeve::collect {
namespace {

bool by_key(const wire::Field& a, const wire::Field& b) {
  return a.key < b.key;
}

}  // namespace

TargetLabels::TargetLabels(std::vector<std::pair<std::string, std::string>> labels) : labels_(std::move(labels)) {
  renamed_.push_back({"host", "exported_host"});
  for (const auto& [key, value] : labels_) {
    own_.push_back({key, value});
    if (key != "host") renamed_.push_back({key, "exported_" + key});
  }
  std::sort(own_.begin(), own_.end(), by_key);
}

std::span<const wire::Field> TargetLabels::join(std::span<const wire::Field> page,
                                                std::vector<wire::Field>& out) const {
  out.assign(own_.begin(), own_.end());
  for (wire::Field label : page) {
    for (const Renamed& renamed : renamed_) {
      if (label.key == renamed.from) {
        label.key = renamed.to;
        break;
      }
    }
    out.push_back(label);
  }
  std::stable_sort(out.begin(), out.end(), by_key);
  // A page that has exported_job beside job keeps the first of the two.
  out.erase(std::unique(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.key == b.key; }),
            out.end());
  return out;
}

}  // namespace reeve::collect
