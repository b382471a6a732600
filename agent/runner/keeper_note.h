// What a keeper leaves behind about a step: in its status file, and as its one message to the runner.
//
// A status file has a fixed size and is preallocated, so that a full disk cannot keep the note from being written: the
// keeper's process id, then the note. The note has a fixed size too and ends with a CRC32C; the output is not in it.
// The message is the note followed by the output. Values; any thread.
#pragma once

#include <optional>

#include "agent/runner/launcher.h"
#include "common/base/bytes.h"

namespace reeve::runner {

constexpr size_t note_bytes = 512;
constexpr size_t note_offset = 512;  // in the status file; the keeper's process id, 4 bytes, stands at 0
constexpr size_t status_bytes = note_offset + note_bytes;
constexpr size_t kept_output_bytes_max = 64_KiB;  // whatever a launch says

Bytes encode_note(const Exit& exit);
std::optional<Exit> decode_note(BytesView bytes);  // exactly note_bytes; nothing where it was never written, or is torn

}  // namespace reeve::runner
