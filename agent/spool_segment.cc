// See spool_segment.h.
#include "agent/spool_segment.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "common/base/check.h"
#include "common/base/crc32c.h"
#include "common/base/log.h"

namespace reeve::agent {

namespace {

constexpr std::string_view name_end = ".segment";
constexpr size_t number_digits = 12;
constexpr size_t nonce_digits = 16;

// The frame at `offset`, where all of it is there and sound.
std::optional<FoundFrame> frame_at(BytesView bytes, uint64_t offset, uint64_t nonce, uint64_t& synced_bytes) {
  const auto header = parse_frame_header(bytes.substr(offset));
  if (!header || header->nonce != nonce || header->offset != offset) return std::nullopt;
  const BytesView rest = bytes.substr(offset + frame_header_bytes);
  if (header->payload_bytes > rest.size()) return std::nullopt;
  const BytesView payload = rest.substr(0, header->payload_bytes);
  if (crc32c(payload) != header->payload_crc) return std::nullopt;
  synced_bytes = std::max(synced_bytes, header->synced_bytes);
  return FoundFrame{header->type, offset, payload};
}

}  // namespace

std::string to_string(const SegmentName& name) {
  char text[64];
  std::snprintf(text, sizeof text, "%012llu-%016llx", static_cast<unsigned long long>(name.number),
                static_cast<unsigned long long>(name.nonce));
  return text + std::string(name_end);
}

std::optional<SegmentName> parse_segment_name(std::string_view text) {
  if (text.size() != number_digits + 1 + nonce_digits + name_end.size() || !text.ends_with(name_end)) {
    return std::nullopt;
  }
  SegmentName name;
  const char* number_end = text.data() + number_digits;
  const char* nonce_end = number_end + 1 + nonce_digits;
  const auto number = std::from_chars(text.data(), number_end, name.number);
  const auto nonce = std::from_chars(number_end + 1, nonce_end, name.nonce, 16);
  if (number.ptr != number_end || nonce.ptr != nonce_end || *number_end != '-') return std::nullopt;
  if (number.ec != std::errc{} || nonce.ec != std::errc{} || to_string(name) != text) return std::nullopt;
  return name;
}

SegmentScan scan_segment(BytesView bytes, uint64_t nonce) {
  char magic[sizeof frame_magic];
  store_le(magic, frame_magic);
  const BytesView magic_bytes(magic, sizeof magic);

  SegmentScan scan;
  uint64_t offset = 0;
  while (offset < bytes.size()) {
    if (const auto frame = frame_at(bytes, offset, nonce, scan.synced_bytes)) {
      scan.frames.push_back(*frame);
      offset = frame->end();
      continue;
    }
    // Headers are checked before payloads are summed, and a header names its own offset: what looks like a frame and is
    // none costs one CRC of 40 bytes.
    const uint64_t begin = offset;
    uint64_t synced_ignored = 0;
    do {
      const size_t found = bytes.find(magic_bytes, offset + 1);
      offset = found == BytesView::npos ? bytes.size() : found;
    } while (offset < bytes.size() && !frame_at(bytes, offset, nonce, synced_ignored));
    scan.damaged.push_back({begin, offset});
  }
  return scan;
}

Result<uint64_t> SegmentWriter::append(FrameType type, BytesView head, BytesView body) {
  check(!broken_, "nothing is appended to a broken segment");
  check(head.size() + body.size() <= frame_payload_bytes_max, "a frame stays below its bound");

  FrameHeader header;
  header.type = type;
  header.payload_bytes = static_cast<uint32_t>(head.size() + body.size());
  header.payload_crc = crc32c(body, crc32c(head));
  header.nonce = name_.nonce;
  header.offset = size_;
  header.synced_bytes = std::max(synced_bytes_, opening_bytes_);
  const Bytes front = encode_frame_header(header).append(head);

  // Body first: until the header is there, nothing on disk looks like a frame.
  Status written = body.empty() ? Status{} : file_->write_at(size_ + front.size(), body);
  if (written.ok()) written = file_->write_at(size_, front);
  if (!written.ok()) {
    if (!file_->truncate(size_).ok()) broken_ = true;
    return written.error();
  }
  const uint64_t offset = size_;
  size_ += front.size() + body.size();
  return offset;
}

Status SegmentWriter::sync() {
  check(!broken_, "a file whose sync failed once is not synced again");
  Status synced = file_->sync();
  if (synced.ok()) {
    synced_bytes_ = size_;
  } else {
    broken_ = true;
    // The cache may go on showing what the disk never got; better nobody finds it there after a restart.
    if (const Status cut = file_->truncate(synced_bytes_); !cut.ok()) {
      log_warn("a segment given up keeps its end", {{"error", cut.error().text()}});
    }
  }
  return synced;
}

}  // namespace reeve::agent
