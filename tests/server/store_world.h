// What tests of the store and of queries stand on: small real blocks, and a store of either kind in a place of its own.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "common/base/random.h"
#include "common/wire/block.h"
#include "server/store/sqlite_store.h"
#include "server/store/store.h"

namespace reeve::server::test {

constexpr WallTime noon{1'795'262'400'000'000'000};  // 2026-11-21T12:00:00Z

inline Uuid make_id(uint8_t n) {
  Uuid id;
  id.bytes.fill(n);
  return id;
}

struct Line {
  WallTime time;
  std::string body;
  std::string service = "web";
  wire::Level level = wire::Level::info;
};

// A sealed and stamped block of these lines.
Bytes make_log_block(const wire::BlockIdentity& identity, const std::vector<Line>& lines,
                     const std::string& host = "host-1");

struct Sample {
  std::string name;
  WallTime time;
  double value = 0;
  wire::MetricKind kind = wire::MetricKind::gauge;
  std::vector<std::pair<std::string, std::string>> labels = {};
};
Bytes make_metric_block(const wire::BlockIdentity& identity, const std::vector<Sample>& samples,
                        const std::string& host = "host-1");

// The `sequence`-th block of agent `agent`: `rows` lines "agent <a> block <s> row <r>", a second apart, from noon plus
// a minute a sequence. It arrives as it ends, unless told otherwise.
IncomingBlock make_block(uint8_t agent, uint64_t sequence, uint32_t rows = 3, Duration arrival_later = Duration(0));

std::vector<CommitOutcome> commit(Store& store, const std::vector<IncomingBlock>& blocks);

// Everything in the index, newest first.
std::vector<BlockRef> list_blocks(const Store& store, const BlockQuery& query = {});

// A folder of the test's own, gone with it.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  std::string path() const { return path_; }

 private:
  std::string path_;
};

// The two kinds of store, for TEMPLATE_TEST_CASE.
struct InMemory {
  std::unique_ptr<Store> store = make_memory_store();
};
struct OnDisk {
  TemporaryFolder folder;
  std::unique_ptr<Store> store = open();

  std::unique_ptr<Store> open();
  void reopen() {
    store.reset();
    store = open();
  }
};

}  // namespace reeve::server::test
