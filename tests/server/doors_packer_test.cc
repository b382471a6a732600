// What the packer makes of batches: blocks by host and time, ids with the block their rows are in.
#include "common/wire/search.h"
#include "server/doors/packer.h"
#include "tests/pch.h"

namespace reeve::server {
namespace {

constexpr WallTime noon{1'795'262'400'000'000'000};  // 2026-11-21T12:00:00Z

ItemId make_id(uint8_t n) {
  ItemId id;
  id.bytes.fill(n);
  return id;
}

struct Packing {
  DoorCounters counters;
  Packer packer{counters, {}};
  std::vector<std::unique_ptr<SignalBatch>> batches;

  SignalBatch& batch() { return *batches.emplace_back(std::make_unique<SignalBatch>()); }
  std::vector<PackedBlock> pack(std::unordered_set<ItemId> known = {}) {
    std::vector<const SignalBatch*> all;
    for (const auto& each : batches) all.push_back(each.get());
    return packer.pack(all, std::move(known), noon);
  }
};

void add_log(SignalBatch& batch, std::string_view body, std::string_view host = "", std::optional<WallTime> time = noon,
             uint32_t id = no_item_id) {
  batch.logs.push_back({.time = time,
                        .level = wire::Level::info,
                        .service = "shop",
                        .host = batch.text.keep(host),
                        .body = batch.text.keep(body),
                        .id = id});
}

void add_point(SignalBatch& batch, std::string_view name, double value, bool delta = false) {
  batch.points.push_back({.time = noon, .name = batch.text.keep(name), .is_delta = delta, .value = value});
}

std::vector<std::string> bodies(const PackedBlock& block) {
  std::vector<std::string> all;
  const auto rows = wire::read_log_block(block.bytes).value();
  for (const wire::LogRow& row : rows) all.push_back(row.body);
  return all;
}

std::string host_of(const PackedBlock& block) {
  return wire::parse_header(block.bytes).value().host;
}

double value_of(const PackedBlock& block) {
  return wire::parse_header(block.bytes).value().series.at(0).last;
}

}  // namespace

TEST_CASE("rows of many requests lie in one block, in their order") {
  Packing packing;
  add_log(packing.batch(), "first");
  SignalBatch& second = packing.batch();
  add_log(second, "second");
  add_log(second, "third");

  const auto blocks = packing.pack();

  REQUIRE(blocks.size() == 1);
  CHECK(wire::verify_block(blocks[0].bytes).ok());
  CHECK(bodies(blocks[0]) == std::vector<std::string>{"first", "second", "third"});
}

TEST_CASE("a pushed secret is replaced in the body, in fields, and so in the template, and is counted") {
  Packing packing;
  SignalBatch& batch = packing.batch();
  add_log(batch, "sign in with password=hunter22 failed");
  batch.logs.back().fields = {.begin = 0, .count = 1};
  batch.fields.push_back({"api_key", "k-123456789"});

  const auto blocks = packing.pack();

  REQUIRE(blocks.size() == 1);
  const auto rows = wire::read_log_block(blocks[0].bytes).value();
  CHECK(rows[0].body == "sign in with password=[redacted:password] failed");
  CHECK(rows[0].fields[0].second.starts_with("[redacted:"));
  CHECK(wire::parse_header(blocks[0].bytes).value().templates[0].example.find("hunter22") == std::string::npos);
  CHECK(packing.counters.redacted == 2);
}

TEST_CASE("each host has a block of its own, up to the bound; beyond it the host is a field") {
  Packing packing;
  SignalBatch& batch = packing.batch();
  for (int i = 0; i < 70; ++i) add_log(batch, "line", "host-" + std::to_string(i));

  const auto blocks = packing.pack();

  REQUIRE(blocks.size() == 65);
  CHECK(host_of(blocks[0]) == "host-0");
  CHECK(host_of(blocks[63]) == "host-63");
  CHECK(host_of(blocks[64]).empty());
  const auto rows = wire::read_log_block(blocks[64].bytes).value();
  REQUIRE(rows.size() == 6);
  CHECK(rows[0].fields == std::vector<std::pair<std::string, std::string>>{{"host", "host-64"}});
}

TEST_CASE("rows far apart in time go into different blocks, sorted") {
  Packing packing;
  SignalBatch& batch = packing.batch();
  add_log(batch, "now");
  add_log(batch, "yesterday", "", noon - 20h);
  add_log(batch, "a second later", "", noon + 1s);

  const auto blocks = packing.pack();

  REQUIRE(blocks.size() == 2);
  CHECK(bodies(blocks[0]) == std::vector<std::string>{"yesterday"});
  CHECK(bodies(blocks[1]) == std::vector<std::string>{"now", "a second later"});
}

TEST_CASE("a thousand rows of a thousand days do not become a thousand blocks") {
  Packing packing;
  SignalBatch& batch = packing.batch();
  for (int i = 0; i < 600; ++i) add_log(batch, "line", "", noon - std::chrono::hours(i));

  const auto blocks = packing.pack();

  CHECK(blocks.size() <= 66);
  size_t rows = 0;
  for (const PackedBlock& block : blocks) rows += bodies(block).size();
  CHECK(rows == 600);
}

TEST_CASE("a time too far ahead or older than retention becomes now, and a row says so") {
  Packing packing;
  SignalBatch& batch = packing.batch();
  add_log(batch, "just believed", "", noon + 24h);
  add_log(batch, "ahead", "", noon + 24h + 1ns);
  add_log(batch, "just kept", "", noon - 24h * 30);
  add_log(batch, "too old", "", noon - 24h * 30 - 1ns);
  add_log(batch, "none", "", std::nullopt);

  std::map<std::string, wire::LogRow> rows;
  for (const PackedBlock& block : packing.pack()) {
    const auto of_block = wire::read_log_block(block.bytes).value();
    for (const wire::LogRow& row : of_block) rows[row.body] = row;
  }

  CHECK(rows.at("just believed").time == noon + 24h);
  CHECK_FALSE(rows.at("just believed").time_suspect);
  CHECK(rows.at("ahead").time == noon);
  CHECK(rows.at("ahead").time_suspect);
  CHECK(rows.at("just kept").time == noon - 24h * 30);
  CHECK(rows.at("too old").time_suspect);
  CHECK(rows.at("none").time == noon);
  CHECK_FALSE(rows.at("none").time_suspect);
  CHECK(packing.counters.times_suspect == 2);
}

TEST_CASE("an id goes with the block that its row is in, and an item known by its id is left out") {
  Packing packing;
  SignalBatch& batch = packing.batch();
  add_log(batch, "one", "a", noon, batch.add_id(make_id(1)));
  add_log(batch, "two", "b", noon, batch.add_id(make_id(2)));
  add_log(batch, "three", "a", noon, batch.add_id(make_id(3)));
  add_log(batch, "two again", "b", noon, batch.add_id(make_id(2)));

  const auto blocks = packing.pack({make_id(3)});

  REQUIRE(blocks.size() == 2);
  CHECK(bodies(blocks[0]) == std::vector<std::string>{"one"});
  CHECK(blocks[0].ids == std::vector<ItemId>{make_id(1)});
  CHECK(bodies(blocks[1]) == std::vector<std::string>{"two"});
  CHECK(blocks[1].ids == std::vector<ItemId>{make_id(2)});
}

TEST_CASE("a request that goes by one id is taken whole or not at all, its id with its last block") {
  Packing packing;
  SignalBatch& batch = packing.batch();
  add_log(batch, "one", "a");
  add_log(batch, "two", "b");
  batch.request_id = make_id(9);
  SignalBatch& again = packing.batch();
  add_log(again, "one", "a");
  again.request_id = make_id(9);
  SignalBatch& old = packing.batch();
  add_log(old, "old", "a");
  old.request_id = make_id(8);

  const auto blocks = packing.pack({make_id(8)});

  REQUIRE(blocks.size() == 2);
  CHECK(bodies(blocks[0]) == std::vector<std::string>{"one"});
  CHECK(blocks[0].ids.empty());
  CHECK(blocks[1].ids == std::vector<ItemId>{make_id(9)});
}

TEST_CASE("deltas add up over packs, and what was not stored is taken back") {
  Packing packing;
  add_point(packing.batch(), "requests", 3, true);
  CHECK(value_of(packing.pack().at(0)) == 3);
  packing.packer.keep();

  CHECK(value_of(packing.pack().at(0)) == 6);
  packing.packer.take_back();

  CHECK(value_of(packing.pack().at(0)) == 6);
  CHECK(packing.counters.delta_series_begun == 1);
}

TEST_CASE("sums of deltas are bounded: a series that was long silent begins anew") {
  DeltaSums sums(2);
  bool begun = false;
  for (const char* series : {"a", "b", "c", "a"}) sums.add(series, 1, begun);
  CHECK_FALSE(begun);  // "a" was in the older generation still
  for (const char* series : {"d", "e", "f"}) sums.add(series, 1, begun);

  CHECK(sums.add("b", 1, begun) == 1);
  CHECK(begun);
  CHECK(sums.size() <= 4);
}

TEST_CASE("more series than a block takes are spread over blocks, and none is left out") {
  Packing packing;
  SignalBatch& batch = packing.batch();
  for (int i = 0; i < 10'000; ++i) add_point(batch, "series-" + std::to_string(i), i);

  const auto blocks = packing.pack();

  REQUIRE(blocks.size() == 2);
  CHECK(wire::parse_header(blocks[0].bytes).value().series.size() +
            wire::parse_header(blocks[1].bytes).value().series.size() ==
        10'000);
}

TEST_CASE("a point beyond the hosts' bound keeps its host as a label") {
  Packing packing;
  SignalBatch& batch = packing.batch();
  for (int i = 0; i < 65; ++i) {
    const size_t begin = batch.fields.size();
    batch.fields.push_back({"zone", "eu"});
    batch.points.push_back({.time = noon,
                            .host = batch.text.keep("host-" + std::to_string(i)),
                            .name = "cpu",
                            .labels = batch.finish_labels(begin),
                            .value = 1});
  }

  const auto blocks = packing.pack();

  REQUIRE(blocks.size() == 65);
  const wire::BlockHeader header = wire::parse_header(blocks[64].bytes).value();
  CHECK(header.host.empty());
  CHECK(header.series.at(0).labels ==
        std::vector<std::pair<std::string, std::string>>{{"host", "host-64"}, {"zone", "eu"}});
}

}  // namespace reeve::server
