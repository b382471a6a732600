#include "agent/runner/keeper_note.h"

#include "common/base/crc32c.h"

namespace reeve::runner {
namespace {

constexpr uint32_t magic = 0x314e4b52;  // "RKN1"
constexpr size_t fixed_bytes = 4 + 4 + 4 + 4 + 8 + 8 + 8 + 2;
constexpr size_t detail_bytes_max = note_bytes - fixed_bytes - 4;

}  // namespace

Bytes encode_note(const Exit& exit) {
  Bytes out;
  append_le<uint32_t>(out, magic);
  append_le<uint32_t>(out, (exit.executed ? 1U : 0U) | (exit.timed_out ? 2U : 0U) | (exit.stopped ? 4U : 0U));
  append_le<int32_t>(out, exit.exit_status);
  append_le<uint32_t>(out, exit.signal);
  append_le<int64_t>(out, exit.started_ms);
  append_le<int64_t>(out, exit.ended_ms);
  append_le<uint64_t>(out, exit.output_bytes);
  const BytesView detail = BytesView(exit.detail).substr(0, detail_bytes_max);
  append_le<uint16_t>(out, static_cast<uint16_t>(detail.size()));
  out += detail;
  out.resize(note_bytes - 4);
  append_le<uint32_t>(out, crc32c(out));
  return out;
}

std::optional<Exit> decode_note(BytesView bytes) {
  if (bytes.size() != note_bytes || load_le<uint32_t>(bytes.data()) != magic ||
      load_le<uint32_t>(&bytes[note_bytes - 4]) != crc32c(bytes.substr(0, note_bytes - 4)))
    return std::nullopt;
  const auto flags = load_le<uint32_t>(&bytes[4]);
  const size_t detail = load_le<uint16_t>(&bytes[fixed_bytes - 2]);
  if (detail > detail_bytes_max) return std::nullopt;
  Exit exit;
  exit.executed = (flags & 1) != 0;
  exit.timed_out = (flags & 2) != 0;
  exit.stopped = (flags & 4) != 0;
  exit.exit_status = load_le<int32_t>(&bytes[8]);
  exit.signal = load_le<uint32_t>(&bytes[12]);
  exit.started_ms = load_le<int64_t>(&bytes[16]);
  exit.ended_ms = load_le<int64_t>(&bytes[24]);
  exit.output_bytes = load_le<uint64_t>(&bytes[32]);
  exit.detail = bytes.substr(fixed_bytes, detail);
  return exit;
}

}  // namespace reeve::runner
