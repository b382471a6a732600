#include "tests/sim/numbered_block.h"

#include <cstdlib>

#include "common/wire/search.h"
#include "tests/sim/sim_clock.h"

namespace reeve::sim {

wire::SourcePosition numbered_position(uint64_t offset) {
  wire::SourcePosition position;
  position.id = 77;
  position.kind = "file";
  position.name = "/var/log/numbers.log";
  position.device = 1;
  position.inode = 12;
  position.offset = offset;
  return position;
}

Bytes make_numbered_block(uint64_t from, uint64_t to) {
  wire::LogBlockBuilder builder("numbers");
  const uint32_t source = builder.add_source(numbered_position(from));
  for (uint64_t n = from; n < to; ++n) {
    const std::string body = "line " + std::to_string(n);
    builder.add({.time = SimClock::wall_at_start + Duration(static_cast<int64_t>(n) * 1'000'000),
                 .source = source,
                 .service = "numbers",
                 .body = body,
                 .fields = {}});
  }
  builder.advance_source(source, numbered_position(to));
  return builder.seal({});
}

Result<std::vector<uint64_t>> read_numbers(BytesView block) {
  const auto rows = TRY(wire::read_log_block(block));
  std::vector<uint64_t> numbers;
  for (const wire::LogRow& row : rows) {
    if (!row.body.starts_with("line ")) return Error(Code::corrupt, "a row nobody wrote: " + printable(row.body));
    numbers.push_back(std::strtoull(row.body.c_str() + 5, nullptr, 10));
  }
  return numbers;
}

}  // namespace reeve::sim
