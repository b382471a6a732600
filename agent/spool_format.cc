// See spool_format.h. Integers are little-endian or varints; texts and lists carry their size in front.
#include "agent/spool_format.h"

#include "common/base/crc32c.h"

namespace reeve::agent {

namespace {

constexpr uint8_t format_version = 1;
constexpr size_t crc_at = frame_header_bytes - sizeof(uint32_t);

void append_text(Bytes& out, BytesView text) {
  append_varint(out, text.size());
  out += text;
}

void append_position(Bytes& out, const wire::SourcePosition& position) {
  append_le(out, position.id);
  append_text(out, position.kind);
  append_text(out, position.name);
  append_varint(out, position.device);
  append_varint(out, position.inode);
  append_le(out, position.fingerprint);
  append_varint(out, position.fingerprint_bytes);
  append_varint(out, position.offset);
  append_text(out, position.cursor);
  append_varint(out, position.finished ? 1 : 0);
}

void append_gap(Bytes& out, const SpoolGap& gap) {
  append_varint(out, static_cast<uint64_t>(gap.lane));
  append_varint(out, gap.from);
  append_varint(out, gap.to);
  append_text(out, gap.reason);
}

void append_numbers(Bytes& out, const LaneNumbers& numbers) {
  for (const uint64_t number : numbers) append_varint(out, number);
}

template <typename T, typename Append>
void append_list(Bytes& out, const std::vector<T>& items, const Append& append) {
  append_varint(out, items.size());
  for (const T& item : items) append(out, item);
}

// Takes values off the front; after the first that does not fit, failed() is true and everything else is empty.
class Taker {
 public:
  explicit Taker(BytesView bytes) : bytes_(bytes) {}

  bool failed() const { return failed_; }
  BytesView rest() const { return bytes_; }

  uint64_t varint() {
    const auto value = take_varint(bytes_);
    if (!value) failed_ = true;
    return failed_ ? 0 : *value;
  }

  uint64_t u64() {
    const BytesView raw = take(sizeof(uint64_t));
    return failed_ ? 0 : load_le<uint64_t>(raw.data());
  }

  Uuid uuid() {
    const auto id = Uuid::from_bytes(take(16));
    return id.value_or(Uuid{});
  }

  std::string text() { return std::string(take(varint())); }

  wire::Lane lane() {
    const uint64_t value = varint();
    if (value >= wire::lane_count) failed_ = true;
    return failed_ ? wire::Lane::live : static_cast<wire::Lane>(value);
  }

  LaneNumbers numbers() {
    LaneNumbers result{};
    for (uint64_t& number : result) number = varint();
    return result;
  }

  wire::SourcePosition position() {
    wire::SourcePosition result;
    result.id = u64();
    result.kind = text();
    result.name = text();
    result.device = varint();
    result.inode = varint();
    result.fingerprint = u64();
    result.fingerprint_bytes = static_cast<uint32_t>(varint());
    result.offset = varint();
    result.cursor = text();
    result.finished = varint() != 0;
    return result;
  }

  SpoolGap gap() {
    SpoolGap result;
    result.lane = lane();
    result.from = varint();
    result.to = varint();
    result.reason = text();
    return result;
  }

  // Each item takes at least a byte, so the count is bounded by what is there.
  template <typename T, typename TakeOne>
  std::vector<T> list(const TakeOne& take_one) {
    const uint64_t count = varint();
    if (count > bytes_.size()) failed_ = true;
    std::vector<T> result;
    for (uint64_t i = 0; i < count && !failed_; ++i) result.push_back(take_one());
    return result;
  }

  std::vector<wire::SourcePosition> positions() {
    return list<wire::SourcePosition>([this] { return position(); });
  }
  std::vector<SpoolGap> gaps() {
    return list<SpoolGap>([this] { return gap(); });
  }

 private:
  BytesView take(uint64_t count) {
    if (failed_ || count > bytes_.size()) {
      failed_ = true;
      return {};
    }
    const BytesView taken = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return taken;
  }

  BytesView bytes_;
  bool failed_ = false;
};

}  // namespace

Bytes encode_frame_header(const FrameHeader& header) {
  Bytes out;
  append_le(out, frame_magic);
  append_le(out, static_cast<uint8_t>(header.type));
  append_le(out, format_version);
  append_le(out, uint16_t{0});
  append_le(out, header.payload_bytes);
  append_le(out, header.payload_crc);
  append_le(out, header.nonce);
  append_le(out, header.offset);
  append_le(out, header.synced_bytes);
  append_le(out, crc32c(out));
  return out;
}

std::optional<FrameHeader> parse_frame_header(BytesView bytes) {
  if (bytes.size() < frame_header_bytes || load_le<uint32_t>(bytes.data()) != frame_magic) return std::nullopt;
  if (load_le<uint32_t>(bytes.data() + crc_at) != crc32c(bytes.substr(0, crc_at))) return std::nullopt;

  FrameHeader header;
  header.type = static_cast<FrameType>(bytes[4]);
  header.payload_bytes = load_le<uint32_t>(bytes.data() + 8);
  header.payload_crc = load_le<uint32_t>(bytes.data() + 12);
  header.nonce = load_le<uint64_t>(bytes.data() + 16);
  header.offset = load_le<uint64_t>(bytes.data() + 24);
  header.synced_bytes = load_le<uint64_t>(bytes.data() + 32);
  const bool known = header.type >= FrameType::snapshot && header.type <= FrameType::checkpoint;
  if (!known || static_cast<uint8_t>(bytes[5]) != format_version) return std::nullopt;
  if (header.payload_bytes > frame_payload_bytes_max) return std::nullopt;
  return header;
}

Bytes encode(const Snapshot& snapshot) {
  Bytes out;
  out += snapshot.agent.view();
  out += snapshot.epoch.view();
  append_numbers(out, snapshot.acknowledged);
  append_numbers(out, snapshot.next);
  append_list(out, snapshot.positions, append_position);
  append_list(out, snapshot.gaps, append_gap);
  append_list(out, snapshot.former_epochs, [](Bytes& to, const FormerEpoch& former) {
    to += former.epoch.view();
    append_varint(to, former.segment_last);
    append_numbers(to, former.shift);
  });
  append_list(out, snapshot.older_segments, [](Bytes& to, const OlderSegment& older) {
    append_varint(to, older.number);
    append_varint(to, older.valid_bytes);
  });
  return out;
}

Bytes encode(const Checkpoint& checkpoint) {
  Bytes out;
  out += checkpoint.epoch.view();
  append_numbers(out, checkpoint.acknowledged);
  append_numbers(out, checkpoint.next);
  append_list(out, checkpoint.positions, append_position);
  append_list(out, checkpoint.gaps, append_gap);
  return out;
}

Bytes encode(const BlockHead& head) {
  Bytes out;
  out += head.epoch.view();
  append_varint(out, static_cast<uint64_t>(head.lane));
  append_varint(out, head.sequence);
  append_list(out, head.positions, append_position);
  return out;
}

std::optional<Snapshot> parse_snapshot(BytesView payload) {
  Taker taker(payload);
  Snapshot snapshot;
  snapshot.agent = taker.uuid();
  snapshot.epoch = taker.uuid();
  snapshot.acknowledged = taker.numbers();
  snapshot.next = taker.numbers();
  snapshot.positions = taker.positions();
  snapshot.gaps = taker.gaps();
  snapshot.former_epochs = taker.list<FormerEpoch>([&taker] {
    FormerEpoch former;
    former.epoch = taker.uuid();
    former.segment_last = taker.varint();
    former.shift = taker.numbers();
    return former;
  });
  snapshot.older_segments = taker.list<OlderSegment>([&taker] {
    OlderSegment older;
    older.number = taker.varint();
    older.valid_bytes = taker.varint();
    return older;
  });
  if (taker.failed() || !taker.rest().empty()) return std::nullopt;
  return snapshot;
}

std::optional<Checkpoint> parse_checkpoint(BytesView payload) {
  Taker taker(payload);
  Checkpoint checkpoint;
  checkpoint.epoch = taker.uuid();
  checkpoint.acknowledged = taker.numbers();
  checkpoint.next = taker.numbers();
  checkpoint.positions = taker.positions();
  checkpoint.gaps = taker.gaps();
  if (taker.failed() || !taker.rest().empty()) return std::nullopt;
  return checkpoint;
}

std::optional<BlockHead> take_block_head(BytesView& payload) {
  Taker taker(payload);
  BlockHead head;
  head.epoch = taker.uuid();
  head.lane = taker.lane();
  head.sequence = taker.varint();
  head.positions = taker.positions();
  if (taker.failed()) return std::nullopt;
  payload = taker.rest();
  return head;
}

}  // namespace reeve::agent
