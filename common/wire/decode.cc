// Decoders of single columns. Foreign bytes end here: everything is bounded before it is reserved.
#include "common/wire/decode.h"

#include <algorithm>
#include <bit>
#include <optional>

#include "common/wire/block_limits.h"

namespace reeve::wire {

namespace {

constexpr uint64_t varint_bytes_max = 10;

Error corrupt(std::string_view column, const std::string& what) {
  return Error(Code::corrupt, "column " + std::string(column) + ": " + what);
}

// take_varint, without a call for the one-byte values that most are.
bool take_number(BytesView& in, uint64_t& value) {
  if (!in.empty() && static_cast<uint8_t>(in.front()) < 0x80) {
    value = static_cast<uint8_t>(in.front());
    in.remove_prefix(1);
    return true;
  }
  const std::optional<uint64_t> taken = take_varint(in);
  if (taken) value = *taken;
  return taken.has_value();
}

bool take_text(BytesView& in, BytesView& text) {
  uint64_t count = 0;
  if (!take_number(in, count) || count > in.size()) return false;
  text = in.substr(0, count);
  in.remove_prefix(count);
  return true;
}

}  // namespace

Status read_times(const ColumnReader& reader, uint32_t rows, std::vector<int64_t>& out) {
  Bytes raw;
  TRY(reader.read(ColumnType::time, varint_bytes_max * (uint64_t{rows} + 1), raw));
  BytesView rest = raw;
  uint64_t unit = 0;
  if (!take_number(rest, unit) || (unit != 1 && unit != 1'000 && unit != 1'000'000 && unit != 1'000'000'000))
    return corrupt("time", "its unit is " + std::to_string(unit) + "; known are 1, 10^3, 10^6 and 10^9 ns");

  out.resize(rows);
  uint64_t value = 0;
  for (int64_t& time : out) {
    uint64_t step = 0;
    if (!take_number(rest, step)) return corrupt("time", "ends before its rows");
    value += static_cast<uint64_t>(unzigzag(step));
    time = static_cast<int64_t>(value * unit);
  }
  if (!rest.empty()) return corrupt("time", "has bytes after its last row");
  return {};
}

Status read_indexes(const ColumnReader& reader, ColumnType type, uint32_t rows, uint64_t limit,
                    std::vector<uint32_t>& out) {
  const std::string name = "of type " + std::to_string(static_cast<uint32_t>(type));
  Bytes raw;
  TRY(reader.read(type, varint_bytes_max * rows, raw));
  BytesView rest = raw;
  out.resize(rows);
  for (uint32_t& index : out) {
    uint64_t value = 0;
    if (!take_number(rest, value)) return corrupt(name, "ends before its rows");
    if (value >= limit)
      return corrupt(name, "has the value " + std::to_string(value) + "; there are " + std::to_string(limit));
    index = static_cast<uint32_t>(value);
  }
  if (!rest.empty()) return corrupt(name, "has bytes after its last row");
  return {};
}

Status read_levels(const ColumnReader& reader, uint32_t rows, Bytes& out) {
  TRY(reader.read(ColumnType::level, rows, out));
  if (out.size() != rows) return corrupt("level", "ends before its rows");
  for (const char value : out)
    if ((static_cast<uint8_t>(value) & ~time_suspect_bit) >= level_count)
      return corrupt("level", "has a level that does not exist");
  return {};
}

Status read_bodies(const ColumnReader& reader, uint32_t rows, Bodies& out) {
  const uint64_t bytes = reader.raw_bytes(ColumnType::body);
  std::vector<uint32_t> lengths;
  TRY(read_indexes(reader, ColumnType::body_bytes, rows, std::min(bytes, column_raw_bytes_max) + 1, lengths));

  // Lengths and bodies are compared before the bodies are decompressed.
  out.offsets.resize(size_t{rows} + 1);
  uint64_t end = 0;
  for (uint32_t row = 0; row < rows; ++row) {
    out.offsets[row] = static_cast<uint32_t>(end);
    end += lengths[row];
    if (end > bytes) break;
  }
  if (end != bytes) return corrupt("body", "has " + std::to_string(bytes) + " bytes; its rows do not add up to that");
  out.offsets[rows] = static_cast<uint32_t>(end);
  return reader.read(ColumnType::body, column_raw_bytes_max, out.bytes);
}

Status FieldRows::read(const ColumnReader& reader, uint32_t rows) {
  if (!reader.has(ColumnType::fields)) return {};
  TRY(reader.read(ColumnType::fields, column_raw_bytes_max, bytes_));
  BytesView rest = bytes_;

  uint64_t keys = 0;
  if (!take_number(rest, keys) || keys > field_keys_max) return corrupt("fields", "has too many keys");
  keys_.resize(keys);
  for (BytesView& key : keys_)
    if (!take_text(rest, key)) return corrupt("fields", "ends in its keys");

  uint64_t row = 0;
  uint64_t total = 0;
  while (!rest.empty()) {
    uint64_t step = 0;
    uint64_t count = 0;
    if (!take_number(rest, step) || !take_number(rest, count)) return corrupt("fields", "ends in a row");
    if (step >= rows || row + step >= rows || (step == 0 && !starts_.empty()))
      return corrupt("fields", "has a row that does not exist");
    total += count;
    if (count > fields_per_row_max || total > fields_max) return corrupt("fields", "has too many fields");
    row += step;
    starts_.push_back(
        {static_cast<uint32_t>(row), static_cast<uint32_t>(bytes_.size() - rest.size()), static_cast<uint32_t>(count)});
    for (uint64_t i = 0; i < count; ++i) {
      uint64_t key = 0;
      BytesView text;
      if (!take_number(rest, key) || key > keys || (key == 0 && !take_text(rest, text)) || !take_text(rest, text))
        return corrupt("fields", "has a field that is cut or names no key");
    }
  }
  return {};
}

std::vector<std::pair<std::string, std::string>> FieldRows::row(uint32_t row) const {
  const auto start = std::lower_bound(starts_.begin(), starts_.end(), row,
                                      [](const RowStart& each, uint32_t wanted) { return each.row < wanted; });
  if (start == starts_.end() || start->row != row) return {};

  BytesView rest = BytesView(bytes_).substr(start->offset);
  std::vector<std::pair<std::string, std::string>> fields;
  fields.reserve(start->count);
  for (uint32_t i = 0; i < start->count; ++i) {
    uint64_t key = 0;
    BytesView name;
    BytesView value;
    bool whole = take_number(rest, key);
    if (key > 0)
      name = keys_[key - 1];
    else
      whole = whole && take_text(rest, name);
    whole = whole && take_text(rest, value);
    check(whole, "fields were validated when they were read");
    fields.emplace_back(name, value);
  }
  return fields;
}

Status read_values(const ColumnReader& reader, const std::vector<uint32_t>& series, size_t series_count,
                   std::vector<double>& out) {
  Bytes raw;
  TRY(reader.read(ColumnType::value, varint_bytes_max * series.size(), raw));
  BytesView rest = raw;
  std::vector<uint64_t> before(series_count, 0);
  out.resize(series.size());
  for (size_t row = 0; row < series.size(); ++row) {
    uint64_t swapped = 0;
    if (!take_number(rest, swapped)) return corrupt("value", "ends before its rows");
    uint64_t& bits = before[series[row]];
    bits ^= __builtin_bswap64(swapped);
    out[row] = std::bit_cast<double>(bits);
  }
  if (!rest.empty()) return corrupt("value", "has bytes after its last row");
  return {};
}

}  // namespace reeve::wire
