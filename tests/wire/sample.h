// Blocks and rows that several tests need.
#pragma once

#include <string>
#include <vector>

#include "common/base/crc32c.h"
#include "common/base/random.h"
#include "common/wire/block.h"
#include "common/wire/search.h"

namespace reeve::wire {

constexpr int64_t sample_time_ns = 1'800'000'000'123'456'789;

inline SourcePosition sample_source(uint64_t id = 7) {
  SourcePosition position;
  position.id = id;
  position.kind = "file";
  position.name = "/var/log/app.log";
  position.device = 2049;
  position.inode = 131072;
  position.fingerprint = 0xfeedfacecafebeef;
  position.fingerprint_bytes = 1024;
  position.offset = 4096;
  return position;
}

inline LogRecord sample_record(std::string_view body, int64_t time_ns = sample_time_ns) {
  LogRecord record;
  record.time = {time_ns};
  record.level = Level::info;
  record.service = "app";
  record.body = body;
  return record;
}

// A small block with everything in it.
inline Bytes sample_log_block() {
  LogBlockBuilder builder("web-1");
  const uint32_t file = builder.add_source(sample_source());
  SourcePosition journal;
  journal.id = 8;
  journal.kind = journal.name = "journal";
  journal.cursor = "s=abc;i=1";
  const uint32_t second = builder.add_source(journal);

  builder.add(sample_record("request 1 took 12 ms"));
  builder.add(sample_record("request 2 took 9 ms", sample_time_ns + 15'000'000'000));
  LogRecord failed = sample_record("cannot reach 10.0.0.7:5432: timed out", sample_time_ns - 1'000'000'000);
  failed.level = Level::error;
  failed.time_suspect = true;
  failed.source = second;
  failed.service = "db";
  const Field fields[] = {{"peer", "10.0.0.7:5432"}, {"attempt", "3"}};
  failed.fields = fields;
  builder.add(failed);
  builder.add(sample_record(std::string_view("any\nbytes\0\xff\xfe at all", 19)));
  builder.add(sample_record(""));
  SourcePosition at_end = sample_source();
  at_end.offset = 5000;
  builder.advance_source(file, at_end);
  return builder.seal({});
}

inline Bytes sample_metric_block() {
  MetricBlockBuilder builder("web-1");
  const Field cpu0[] = {{"cpu", "0"}, {"state", "user"}};
  const Field cpu1[] = {{"cpu", "1"}, {"state", "user"}};
  for (int i = 0; i < 4; ++i) {
    const WallTime time{sample_time_ns + i * 10'000'000'000};
    builder.add({"system.cpu.time", "s", MetricKind::counter, cpu0, time, 100.5 + i});
    builder.add({"system.cpu.time", "s", MetricKind::counter, cpu1, time, 200.25 + 2 * i});
    builder.add({"system.memory.usage", "By", MetricKind::gauge, {}, time, 1 << 30});
  }
  return builder.seal({});
}

// Makes the checksums of a changed block right again, so that what lies behind them sees the change.
inline void repair_checksums(Bytes& block) {
  if (block.size() < preamble_bytes) return;
  const auto header_bytes = load_le<uint32_t>(block.data() + 48);
  if (header_bytes <= block.size() - preamble_bytes)
    store_le<uint32_t>(block.data() + 52, crc32c(BytesView(block).substr(preamble_bytes, header_bytes)));
  store_le<uint32_t>(block.data() + 76, crc32c(BytesView(block).substr(0, 76)));
}

}  // namespace reeve::wire
