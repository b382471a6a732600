// One regular expression of a configuration over bytes, compiled once: RE2, so that no line can make it slow.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/bytes.h"

namespace reeve::agent {

// Nothing where it is one, otherwise what is wrong with it.
std::optional<std::string> complaint_about_pattern(std::string_view pattern);

class Pattern {
 public:
  explicit Pattern(const std::string& pattern);  // one without a complaint
  ~Pattern();

  // Anywhere in the line.
  bool matches(BytesView line) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace reeve::agent
