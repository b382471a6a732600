// Where an agent's rows may go. A row here is all that `--list` and the configuration need to know of one.
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace reeve::agent {

enum class Output { server, blackhole };

struct OutputRow {
  Output output;
  std::string_view name;
  std::string_view summary;
};

constexpr std::array<OutputRow, 2> outputs{{
    {Output::server, "server", "seals blocks, spools them, and ships them over the link"},
    {Output::blackhole, "blackhole", "discards rows after time, level and shape key; for measuring what reading costs"},
}};

constexpr std::optional<Output> find_output(std::string_view name) {
  for (const OutputRow& row : outputs) {
    if (row.name == name) return row.output;
  }
  return std::nullopt;
}

}  // namespace reeve::agent
