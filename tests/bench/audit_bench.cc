// How long the audit takes when it is full: prints a table, asserts nothing.
//
//     cmake --preset release -DREEVE_TESTS=ON && cmake --build build/release --target audit_bench
//     build/release/bin/audit_bench /var/tmp/audit-bench 1000000
//
// Arguments: an absent or empty folder, which keeps the store that is made, and how many entries.
#include <charconv>
#include <cstdio>
#include <string>

#include "common/base/log.h"
#include "server/checkpoints.h"
#include "server/store/audit_log.h"
#include "server/store/checksum_vfs.h"
#include "server/store/schema.h"
#include "server/store/sqlite_store.h"
#include "server/store/store_file.h"

namespace reeve::server {
namespace {

AuditEntry numbered(uint64_t n) {
  return {.time = WallTime{1'795'262'400'000'000'000 + static_cast<int64_t>(n) * 1'000'000},
          .actor_kind = "user",
          .actor_id = "0198c2f0-7c1e-7abc-8def-0123456789ab",
          .actor_name = "ada@example.net",
          .action = "agent.token",
          .target = "0198c2f0-7c1e-7abc-8def-" + std::to_string(100'000'000'000 + n),
          .detail = R"({"expires":"2026-11-21T13:00:00Z"})",
          .request_id = "0198c2f0-7c1e-7abc-8def-" + std::to_string(200'000'000'000 + n),
          .peer = "10.0.0.7"};
}

double seconds(Duration duration) {
  return static_cast<double>(duration.count()) / 1e9;
}

Status fill(const std::string& directory, uint64_t count) {
  const std::unique_ptr<ChecksumVfs> vfs = TRY(ChecksumVfs::make(""));
  StoreFile file({.database = {.path = directory + "/org.db", .vfs = vfs->name(), .page_bytes = org_page_bytes},
                  .schema = org_schema,
                  .format = org_format,
                  .upgrades = org_upgrades});
  Database* database = TRY(file.writer());
  for (uint64_t n = 0; n < count;) {
    Transaction transaction = TRY(Transaction::begin(*database));
    for (const uint64_t end = std::min(count, n + 10'000); n < end; ++n) {
      TRY(append_audit(*database, numbered(n)));
    }
    TRY(transaction.commit());
  }
  file.close();
  return {};
}

Status run(const std::string& directory, uint64_t count) {
  set_log_level(LogLevel::warn);
  SystemClock clock;
  const SqliteStoreOptions options{.directory = directory, .disk = sys::real_disk(), .vfs = {}};
  TRY(open_sqlite_store(options));  // made, and closed again

  Instant begun = clock.now();
  TRY(fill(directory, count));
  std::printf("%-52s %8.2f s\n", "append, 10,000 a transaction", seconds(clock.now() - begun));

  const std::unique_ptr<Store> store = TRY(open_sqlite_store(options));
  ServerCounters counters;
  StoreWriter writer(*store, counters, {});
  begun = clock.now();
  Checkpoints::Options signing;
  signing.org = "bench";
  Checkpoints checkpoints({.store = *store, .writer = writer, .counters = counters.audit}, crypto::SigningKey::make(),
                          std::move(signing));
  const AuditCheckpoint first = TRY(checkpoints.current());
  std::printf("%-52s %8.2f s\n", "a pass over all of them, from their rows, signed", seconds(clock.now() - begun));
  std::printf("%-52s %8llu\n", "entries in it", static_cast<unsigned long long>(first.size));

  begun = clock.now();
  TRY(writer.run([&](Store& each) { return each.accounts().append_audit(numbered(count)); }));
  std::printf("%-52s %8.2f ms\n", "one more entry, durable", seconds(clock.now() - begun) * 1e3);
  begun = clock.now();
  const AuditCheckpoint second = TRY(checkpoints.current());
  std::printf("%-52s %8.2f ms\n", "the checkpoint over it, durable", seconds(clock.now() - begun) * 1e3);

  begun = clock.now();
  constexpr int proofs = 1000;
  for (int i = 1; i <= proofs; ++i) {
    TRY(store->accounts().prove_audit(second.size * static_cast<uint64_t>(i) / (proofs + 1) + 1, second.size));
  }
  std::printf("%-52s %8.1f us\n", "a consistency proof", seconds(clock.now() - begun) * 1e6 / proofs);
  return {};
}

}  // namespace
}  // namespace reeve::server

int main(int argc, char** argv) {
  uint64_t count = 0;
  const std::string_view text = argc == 3 ? argv[2] : "";
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (argc != 3 || failure != std::errc() || end != text.data() + text.size() || count == 0) {
    std::fprintf(stderr, "usage: audit_bench FOLDER ENTRIES\n");
    return 2;
  }
  const reeve::Status ran = reeve::server::run(argv[1], count);
  if (!ran.ok()) std::fprintf(stderr, "audit_bench: %s\n", ran.error().text().c_str());
  return ran.ok() ? 0 : 1;
}
