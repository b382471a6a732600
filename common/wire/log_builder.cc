// Collects log records and seals them.
//
// Rows wait as one flat array and one string of bodies; columns are built when the block is sealed. add() is on the
// path of every line of a host: it hashes the shape, finds its template in a table, and appends. Nothing is allocated
// for a row but the growth of those arrays.
//
// What does not fit a bound of block_limits.h is never lost: a row whose template does not fit has shape 0 ("left out";
// readers compute its key from the body), a service beyond the bound counts as "(other)", and only fields beyond their
// bound are left out, counted in the header as fields_left_out, since the body holds them anyway.
#include <algorithm>
#include <functional>
#include <string_view>
#include <unordered_map>

#include "common/base/check.h"
#include "common/mine/shape.h"
#include "common/wire/block.h"
#include "common/wire/block_limits.h"
#include "common/wire/column.h"
#include "common/wire/header_codec.h"
#include "common/wire/shape_table.h"

namespace reeve::wire {

namespace {

constexpr uint8_t suspect_bit = 0x80;
constexpr size_t rows_kept_min = 8192;  // room for fewer rows is kept whatever a block held

struct Row {
  int64_t time_ns;
  uint32_t source;
  uint32_t service;
  uint32_t shape;  // 0 where left out, else one more than the template's index
  uint32_t body_bytes;
  uint8_t level;  // with suspect_bit
};

// The count of one template in one bucket; a template's cells form a chain, the newest first.
struct Cell {
  int64_t bucket;
  uint32_t count;
  uint32_t next;
};
constexpr uint32_t no_cell = UINT32_MAX;

struct OpenTemplate {
  ShapeKey shape;
  std::string text;
  std::string example;
  uint32_t cells = no_cell;
  uint32_t cells_count = 0;
};

struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};
using NameIndex = std::unordered_map<std::string, uint32_t, TextHash, std::equal_to<>>;

// Rounds down, also before 1970, and stays where a bucket's start is still a time.
int64_t bucket_of(int64_t time_ns) {
  const int64_t down = time_ns / bucket_ns - (time_ns % bucket_ns < 0);
  return std::max(down, INT64_MIN / bucket_ns);
}

// Most sources write whole seconds, milli- or microseconds; then a delta fits two bytes instead of five.
int64_t largest_unit(const std::vector<Row>& rows) {
  int64_t unit = 1'000'000'000;
  for (const Row& row : rows)
    while (row.time_ns % unit != 0) unit /= 1000;
  return unit;
}

void cut(std::string& text, size_t bytes_max) {
  if (text.size() > bytes_max) text.resize(bytes_max);
}

}  // namespace

struct LogBlockBuilder::State {
  std::string host;
  SeenShapes seen;
  ColumnWriter writer;

  std::vector<SourceRange> sources;
  size_t sources_text_bytes = 0;
  bool source_advanced = false;

  std::vector<Row> rows;
  Bytes bodies;
  WallTime time_min{INT64_MAX};
  WallTime time_max{INT64_MIN};
  uint32_t time_suspect_rows = 0;

  std::vector<ServiceCount> services;
  NameIndex service_index;
  uint32_t last_service = 0;

  std::vector<OpenTemplate> templates;
  ShapeIndex template_index;
  size_t templates_text_bytes = 0;
  std::vector<Cell> cells;
  uint32_t templates_left_out = 0;

  Bytes field_keys;
  NameIndex field_key_index;
  Bytes fields;
  size_t fields_count = 0;
  uint64_t fields_left_out = 0;
  size_t last_row_with_fields = 0;

  Bytes column;  // reused by seal()

  uint32_t service_for(std::string_view name);
  bool count_shape(const ShapeKey& shape, const LogRecord& record, uint32_t& index);
  bool count_in_bucket(OpenTemplate& counted, int64_t bucket);
  bool add_template(const ShapeKey& shape, std::string_view body, bool is_new);
  void add_fields(std::span<const Field> row_fields);
  void clear();

  template <typename Member>
  BytesView varints(Member member);
  BytesView times();
  BytesView levels();
  BytesView fields_column();
  BlockHeader header();
};

LogBlockBuilder::LogBlockBuilder(std::string host) : state_(std::make_unique<State>()) {
  cut(host, name_bytes_max);
  state_->host = std::move(host);
}

LogBlockBuilder::~LogBlockBuilder() = default;

uint32_t LogBlockBuilder::add_source(const SourcePosition& position) {
  check(state_->sources.size() < sources_max, "a block is sealed long before it has that many sources");
  SourceRange range{.position = position, .begin = position.offset};
  const bool crowded = state_->sources_text_bytes > sources_text_bytes_max;
  cut(range.position.kind, name_bytes_max);
  cut(range.position.name, crowded ? source_name_bytes_crowded : source_text_bytes_max);
  cut(range.position.cursor, source_text_bytes_max);
  state_->sources_text_bytes += range.position.kind.size() + range.position.name.size() + range.position.cursor.size();
  state_->sources.push_back(std::move(range));
  return static_cast<uint32_t>(state_->sources.size() - 1);
}

void LogBlockBuilder::advance_source(uint32_t source, const SourcePosition& position) {
  check(source < state_->sources.size(), "a source is added before it is advanced");
  SourcePosition& held = state_->sources[source].position;
  check(position.id == held.id, "a source keeps its id");
  held.offset = position.offset;
  if (position.cursor != held.cursor) {
    state_->sources_text_bytes -= held.cursor.size();
    held.cursor = position.cursor;
    cut(held.cursor, source_text_bytes_max);
    state_->sources_text_bytes += held.cursor.size();
  }
  held.fingerprint = position.fingerprint;
  held.fingerprint_bytes = position.fingerprint_bytes;
  held.finished = position.finished;
  state_->source_advanced = true;
}

bool LogBlockBuilder::add(const LogRecord& record) {
  State& s = *state_;
  check(s.rows.size() < rows_max && s.bodies.size() + record.body.size() <= column_raw_bytes_max,
        "a block is sealed long before it has that many rows or bytes");
  check(record.source < s.sources.size(), "a record's source was added before");
  check(static_cast<size_t>(record.level) < level_count, "a level is one of those there are");

  const mine::ShapeHash hash = mine::shape_hash(record.body);
  Row row{};
  const bool is_new = s.count_shape({hash.high, hash.low}, record, row.shape);
  row.time_ns = record.time.ns;
  row.source = record.source;
  row.service = s.service_for(record.service);
  row.body_bytes = static_cast<uint32_t>(record.body.size());
  row.level = static_cast<uint8_t>(record.level);
  if (record.time_suspect) {
    row.level |= suspect_bit;
    ++s.time_suspect_rows;
  }
  ++s.services[row.service].levels[static_cast<size_t>(record.level)];
  s.time_min = std::min(s.time_min, record.time);
  s.time_max = std::max(s.time_max, record.time);
  s.bodies.append(record.body);
  if (!record.fields.empty()) s.add_fields(record.fields);
  s.rows.push_back(row);
  return is_new;
}

uint32_t LogBlockBuilder::rows() const {
  return static_cast<uint32_t>(state_->rows.size());
}

uint64_t LogBlockBuilder::raw_bytes() const {
  const State& s = *state_;
  return s.bodies.size() + s.fields.size() + s.sources_text_bytes + 4 * s.rows.size();
}

bool LogBlockBuilder::empty() const {
  return state_->rows.empty() && !state_->source_advanced;
}

WallTime LogBlockBuilder::time_min() const {
  return state_->time_min;
}

WallTime LogBlockBuilder::time_max() const {
  return state_->time_max;
}

Bytes LogBlockBuilder::seal(const SealOptions& options) {
  State& s = *state_;
  s.writer.begin(options.zstd_level);
  s.writer.add(ColumnType::time, s.times());
  s.writer.add(ColumnType::source, s.varints(&Row::source));
  s.writer.add(ColumnType::level, s.levels());
  s.writer.add(ColumnType::service, s.varints(&Row::service));
  s.writer.add(ColumnType::shape, s.varints(&Row::shape));
  s.writer.add(ColumnType::body_bytes, s.varints(&Row::body_bytes));
  s.writer.add(ColumnType::body, s.bodies);
  if (s.fields_count > 0) s.writer.add(ColumnType::fields, s.fields_column());

  HeaderCounters counters;
  if (s.fields_left_out > 0) counters.emplace_back("fields_left_out", s.fields_left_out);
  BlockHeader header = s.header();
  Bytes block = s.writer.take_block(BlockKind::logs, header, counters);
  s.clear();
  return block;
}

void LogBlockBuilder::discard() {
  state_->clear();
}

// -- Counting --------------------------------------------------------------------------------------------------------

uint32_t LogBlockBuilder::State::service_for(std::string_view name) {
  name = name.substr(0, name_bytes_max);
  if (last_service < services.size() && services[last_service].name == name) return last_service;
  if (const auto found = service_index.find(name); found != service_index.end()) return last_service = found->second;

  const bool fits = services.size() + 1 < services_max;
  if (!fits && services.size() == services_max) return last_service = services_max - 1;
  services.push_back({.name = fits ? std::string(name) : other_service});
  last_service = static_cast<uint32_t>(services.size() - 1);
  service_index.emplace(services.back().name, last_service);
  return last_service;
}

// True where the shape was not seen before. `index` is what the row gets.
bool LogBlockBuilder::State::count_shape(const ShapeKey& shape, const LogRecord& record, uint32_t& index) {
  uint32_t found = template_index.find(shape);
  bool is_new = false;
  if (found == ShapeIndex::none) {
    is_new = !seen.touch(shape);
    if (add_template(shape, record.body, is_new)) {
      found = static_cast<uint32_t>(templates.size() - 1);
      // Only now: a shape that found no room is still new to the next block, and so gets there with its example.
      if (is_new) seen.add(shape);
    }
  }
  if (found == ShapeIndex::none || !count_in_bucket(templates[found], bucket_of(record.time.ns))) {
    ++templates_left_out;
    index = 0;
  } else {
    index = found + 1;
  }
  return is_new;
}

// Only a new shape brings its texts: they would be a quarter of a block of diverse lines, and who needs the text of a
// known one masks any of its rows.
bool LogBlockBuilder::State::add_template(const ShapeKey& shape, std::string_view body, bool is_new) {
  if (templates.size() >= templates_max) return false;
  OpenTemplate added;
  added.shape = shape;
  if (is_new) {
    added.text = mine::shape_text(body, template_text_bytes_max);
    added.example = body.substr(0, example_bytes_max);
  }
  const size_t text_bytes = added.text.size() + added.example.size();
  if (templates_text_bytes + text_bytes > templates_text_bytes_max) return false;

  templates_text_bytes += text_bytes;
  templates.push_back(std::move(added));
  template_index.insert(shape, static_cast<uint32_t>(templates.size() - 1));
  return true;
}

bool LogBlockBuilder::State::count_in_bucket(OpenTemplate& counted, int64_t bucket) {
  for (uint32_t at = counted.cells; at != no_cell; at = cells[at].next) {
    if (cells[at].bucket != bucket) continue;
    ++cells[at].count;
    return true;
  }
  if (counted.cells_count >= template_buckets_max || cells.size() >= buckets_max) return false;
  cells.push_back({bucket, 1, counted.cells});
  counted.cells = static_cast<uint32_t>(cells.size() - 1);
  ++counted.cells_count;
  return true;
}

// Rows without fields take no byte: how far on from the last row with fields, how many, then key and value of each.
void LogBlockBuilder::State::add_fields(std::span<const Field> row_fields) {
  size_t room = std::min(row_fields.size(), fields_per_row_max);
  size_t bytes = fields.size() + field_keys.size();
  for (const Field& field : row_fields) bytes += field.key.size() + field.value.size() + 16;
  if (fields_count + room > fields_max || bytes > column_raw_bytes_max) room = 0;
  fields_left_out += row_fields.size() - room;
  row_fields = row_fields.first(room);
  if (room == 0) return;

  append_varint(fields, rows.size() - last_row_with_fields);
  append_varint(fields, row_fields.size());
  last_row_with_fields = rows.size();
  fields_count += row_fields.size();

  for (const Field& field : row_fields) {
    const std::string_view key = field.key.substr(0, name_bytes_max);
    auto found = field_key_index.find(key);
    if (found == field_key_index.end() && field_key_index.size() < field_keys_max) {
      append_varint(field_keys, key.size());
      field_keys.append(key);
      found = field_key_index.emplace(key, static_cast<uint32_t>(field_key_index.size() + 1)).first;
    }
    if (found != field_key_index.end()) {
      append_varint(fields, found->second);
    } else {
      append_varint(fields, 0);
      append_varint(fields, key.size());
      fields.append(key);
    }
    append_varint(fields, field.value.size());
    fields.append(field.value);
  }
}

void LogBlockBuilder::State::clear() {
  sources.clear();
  sources_text_bytes = 0;
  source_advanced = false;
  if (rows.capacity() > rows_kept_min && rows.size() < rows.capacity() / 8) std::vector<Row>().swap(rows);
  rows.clear();
  clear_buffer(bodies);
  clear_buffer(column);
  time_min = {INT64_MAX};
  time_max = {INT64_MIN};
  time_suspect_rows = 0;
  services.clear();
  service_index.clear();
  last_service = 0;
  templates.clear();
  template_index.clear();
  templates_text_bytes = 0;
  cells.clear();
  templates_left_out = 0;
  field_keys.clear();
  field_key_index.clear();
  clear_buffer(fields);
  fields_count = 0;
  fields_left_out = 0;
  last_row_with_fields = 0;
}

// -- Columns ---------------------------------------------------------------------------------------------------------

template <typename Member>
BytesView LogBlockBuilder::State::varints(Member member) {
  column.clear();
  for (const Row& row : rows) {
    const uint32_t value = row.*member;
    if (value < 0x80)
      column.push_back(static_cast<char>(value));
    else
      append_varint(column, value);
  }
  return column;
}

BytesView LogBlockBuilder::State::times() {
  column.clear();
  const int64_t unit = largest_unit(rows);
  append_varint(column, static_cast<uint64_t>(unit));
  uint64_t before = 0;
  for (const Row& row : rows) {
    // Unsigned, so that the distance between two far times wraps; reading wraps back.
    const auto value = static_cast<uint64_t>(row.time_ns / unit);
    append_varint(column, zigzag(static_cast<int64_t>(value - before)));
    before = value;
  }
  return column;
}

BytesView LogBlockBuilder::State::levels() {
  column.clear();
  for (const Row& row : rows) column.push_back(static_cast<char>(row.level));
  return column;
}

BytesView LogBlockBuilder::State::fields_column() {
  column.clear();
  append_varint(column, field_key_index.size());
  column += field_keys;
  column += fields;
  return column;
}

BlockHeader LogBlockBuilder::State::header() {
  BlockHeader header;
  header.miner_version = mine::shape_version;
  header.host = host;
  if (!rows.empty()) {
    header.time_min = time_min;
    header.time_max = time_max;
  }
  header.rows = static_cast<uint32_t>(rows.size());
  header.raw_bytes = bodies.size() + rows.size();
  header.time_suspect_rows = time_suspect_rows;
  header.sources = std::move(sources);
  header.services = std::move(services);
  header.templates_left_out = templates_left_out;
  header.templates.reserve(templates.size());
  for (OpenTemplate& open : templates) {
    TemplateCount counted{open.shape, std::move(open.text), std::move(open.example), {}};
    for (uint32_t at = open.cells; at != no_cell; at = cells[at].next)
      counted.buckets.push_back({WallTime{cells[at].bucket * bucket_ns}, cells[at].count});
    std::ranges::sort(counted.buckets, {}, &BucketCount::start);
    header.templates.push_back(std::move(counted));
  }
  return header;
}

}  // namespace reeve::wire
