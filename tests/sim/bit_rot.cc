// Files are weighed by their size, so that every bit on the disk has the same chance.
#include "tests/sim/bit_rot.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/spool.h"
#include "common/base/check.h"
#include "server/store/sqlite_store.h"
#include "tests/sim/numbered_block.h"
#include "tests/sim/sim_clock.h"
#include "tests/sim/sqlite_vfs.h"

namespace reeve::sim {
namespace {

using wire::Lane;
using Image = std::map<std::string, Bytes>;  // path -> content

const Uuid agent_id{{1, 2, 3}};
constexpr uint64_t blocks_total = 40;

Image take_image(const SimDisk& disk) {
  Image image;
  for (const std::string& path : disk.files()) image[path] = Bytes(disk.contents(path));
  return image;
}

void put_image(const Image& image, SimDisk& disk) {
  for (const auto& [path, content] : image) {
    check(disk.make_directories(sys::parent_directory(path)).ok(), "an image's directories can be made");
    auto file = disk.open(path, sys::OpenMode::create_new);
    check(file.ok() && (*file)->write_at(0, content).ok() && (*file)->sync().ok(), "an image can be written");
    check(disk.sync_directory(sys::parent_directory(path)).ok(), "an image's names can be synced");
  }
}

struct Flip {
  std::string path;
  uint64_t bit = 0;
  std::string text() const {
    return "bit " + std::to_string(bit % 8) + " of byte " + std::to_string(bit / 8) + " in " + path;
  }
};

Flip draw_flip(const Image& image, Random& random) {
  uint64_t total = 0;
  for (const auto& [path, content] : image) total += content.size() * 8;
  uint64_t at = random.below(total);
  for (const auto& [path, content] : image) {
    if (at < content.size() * 8) return {path, at};
    at -= content.size() * 8;
  }
  check(false, "the drawn bit lies in one of the files");
  return {};
}

// -- The spool -------------------------------------------------------------------------------------------------------

agent::Spool::Options spool_options() {
  agent::Spool::Options options;
  options.directory = "/spool";
  options.segment_bytes_max = 8_KiB;
  return options;
}

struct FilledSpool {
  Image image;
  Uuid epoch;
  std::vector<Bytes> blocks;      // by sequence - 1
  std::vector<uint64_t> offsets;  // of the source before each block, and at the end
};

Result<FilledSpool> fill_spool(uint64_t seed) {
  SeededRandom random(seed);
  SimDisk disk(random);
  auto spool = TRY(agent::Spool::open(disk, random, agent_id, spool_options()));
  FilledSpool filled{.image = {}, .epoch = spool->epoch(), .blocks = {}, .offsets = {0}};
  for (uint64_t sequence = 1; sequence <= blocks_total; ++sequence) {
    const uint64_t to = filled.offsets.back() + 1 + random.below(20);
    TRY(spool->append(Lane::live, make_numbered_block(filled.offsets.back(), to), {numbered_position(to)}));
    filled.offsets.push_back(to);
    if (sequence == blocks_total || random.one_in(2)) TRY(spool->sync());
  }
  for (uint64_t sequence = 1; sequence <= blocks_total; ++sequence) {
    filled.blocks.push_back(TRY(spool->read(Lane::live, sequence)));
  }
  filled.image = take_image(disk);
  return filled;
}

// How many blocks are missing, all of them accounted for.
Result<uint64_t> read_spool(const FilledSpool& filled, agent::Spool& spool) {
  if (spool.epoch() != filled.epoch) return Error(Code::corrupt, "the stream epoch is forgotten");
  const uint64_t next = spool.lane(Lane::live).next_durable;
  if (next < blocks_total || next > blocks_total + 1) {
    return Error(Code::corrupt, "the next sequence is " + std::to_string(next));
  }
  const auto positions = spool.positions();
  const uint64_t offset = positions.empty() ? 0 : positions[0].offset;
  if (positions.size() != 1 || offset != filled.offsets[next - 1]) {
    return Error(Code::corrupt, "the source resumes at " + std::to_string(offset) + ", the last block ends at " +
                                    std::to_string(filled.offsets[next - 1]));
  }

  // A block that was cut off as torn comes again from its source; it is not missing.
  uint64_t missing = 0;
  for (uint64_t sequence = 1; sequence < next; ++sequence) {
    const auto block = spool.read(Lane::live, sequence);
    if (block.ok() && *block != filled.blocks[sequence - 1]) {
      return Error(Code::corrupt, "block " + std::to_string(sequence) + " came back different");
    }
    if (block.ok()) continue;
    ++missing;
    const auto gaps = spool.gaps();
    const bool said = std::any_of(gaps.begin(), gaps.end(), [&](const agent::SpoolGap& gap) {
      return gap.lane == Lane::live && gap.from <= sequence && sequence <= gap.to;
    });
    if (!said) return Error(Code::corrupt, "block " + std::to_string(sequence) + " is missing and no gap says so");
  }
  return missing;
}

Status go_on_with_spool(const FilledSpool& filled, agent::Spool& spool) {
  const uint64_t next = spool.lane(Lane::live).next_durable;
  const uint64_t from = filled.offsets[next - 1];
  TRY(spool.append(Lane::live, make_numbered_block(from, from + 1), {numbered_position(from + 1)}));
  TRY(spool.sync());
  TRY(spool.read(Lane::live, next));
  return spool.acknowledge(Lane::live, next);
}

Result<uint64_t> flip_in_spool(const FilledSpool& filled, const Flip& flip, Random& random) {
  SimDisk disk(random);
  put_image(filled.image, disk);
  disk.flip_bit(flip.path, flip.bit);
  auto spool = TRY_DURING(agent::Spool::open(disk, random, agent_id, spool_options()), "open");
  const uint64_t missing = TRY(read_spool(filled, *spool));
  if (missing > 1) return Error(Code::corrupt, std::to_string(missing) + " blocks are missing");
  if (missing == 1 && spool->quarantined_total() == 0) {
    return Error(Code::corrupt, "a block is missing and nothing is in quarantine");
  }
  TRY_DURING(go_on_with_spool(filled, *spool), "go on");
  return missing;
}

// -- The store -------------------------------------------------------------------------------------------------------

constexpr const char* store_directory = "/data/org";

struct FilledStore {
  Image image;
  std::vector<Bytes> blocks;  // by sequence - 1
};

server::SqliteStoreOptions store_options(SimDisk& disk, const SqliteVfs& vfs) {
  return {.directory = store_directory, .disk = disk, .vfs = vfs.name(), .exclusive = true};
}

// Odd seeds leave the files as a kill leaves them, with their logs; even ones as a clean stop does.
Result<FilledStore> fill_store(uint64_t seed) {
  SeededRandom random(seed);
  SimClock clock;
  SimDisk disk(random, &clock);
  const SqliteVfs vfs(disk, random, clock);
  auto store = TRY(server::open_sqlite_store(store_options(disk, vfs)));
  FilledStore filled;
  for (uint64_t sequence = 1; sequence <= blocks_total; ++sequence) {
    server::IncomingBlock block;
    block.identity = {agent_id, agent_id, Lane::live, sequence};
    block.arrival = clock.wall() + (sequence <= blocks_total / 2 ? Duration(0) : Duration(24h));
    block.bytes = make_numbered_block(sequence * 10'000, sequence * 10'000 + 1'000 + random.below(6'000));
    wire::stamp_block(block.bytes, block.identity);
    filled.blocks.push_back(block.bytes);
    TRY(store->commit_blocks({&block, 1}));
  }
  if (seed % 2 == 1) disk.stop();
  store.reset();
  if (seed % 2 == 1) disk.restart(SimDisk::Crash::process_killed);
  filled.image = take_image(disk);
  return filled;
}

// Reads as the query side does: verify, and set aside what does not.
Result<uint64_t> read_store(const FilledStore& filled, server::Store& store) {
  std::vector<server::BlockRef> refs;
  const Status visited = store.visit_blocks_by_commit({}, [&](const server::BlockRef& block) {
    refs.push_back(block);
    return true;
  });
  if (!visited.ok() && visited.error().code() != Code::corrupt) return visited.error();

  uint64_t read = 0;
  for (const server::BlockRef& ref : refs) {
    auto bytes = store.read_block(ref);
    if (!bytes.ok() || !wire::verify_block(*bytes).ok()) {
      TRY_DURING(store.set_aside(ref, "damaged"), "set aside");
      bytes = store.read_block(ref);  // sound again where a neighbour had spoilt the page
    }
    if (!bytes.ok()) continue;
    if (std::find(filled.blocks.begin(), filled.blocks.end(), *bytes) == filled.blocks.end()) {
      return Error(Code::corrupt, "a block came back different");
    }
    ++read;
  }
  if (read > blocks_total) return Error(Code::corrupt, "there are more blocks than before");
  const uint64_t missing = blocks_total - read;
  const server::StoreCounters counters = TRY(store.counters());
  if (counters.damaged_blocks != missing) {
    return Error(Code::corrupt, std::to_string(missing) + " blocks are missing, " +
                                    std::to_string(counters.damaged_blocks) + " were counted");
  }
  return missing;
}

struct StoreFlip {
  uint64_t missing = 0;
  bool refused = false;
};

Result<StoreFlip> flip_in_store(const FilledStore& filled, const Flip& flip, Random& random) {
  SimClock clock;
  SimDisk disk(random, &clock);
  const SqliteVfs vfs(disk, random, clock);
  put_image(filled.image, disk);
  disk.flip_bit(flip.path, flip.bit);
  auto store = server::open_sqlite_store(store_options(disk, vfs));
  if (!store.ok()) {
    if (store.error().code() != Code::corrupt) return store.error().during("open");
    return StoreFlip{.missing = 0, .refused = true};
  }
  return StoreFlip{.missing = TRY(read_store(filled, **store)), .refused = false};
}

}  // namespace

Result<RotOutcome> flip_bits_of_spool(uint64_t seed, uint64_t flips) {
  const FilledSpool filled = TRY(fill_spool(seed));
  SeededRandom random(seed);
  RotOutcome outcome{.flips = flips};
  for (uint64_t i = 0; i < flips; ++i) {
    const Flip flip = draw_flip(filled.image, random);
    const uint64_t missing = TRY_DURING(flip_in_spool(filled, flip, random), "spool, " + flip.text());
    if (missing == 0) ++outcome.harmless;
    outcome.blocks_missing += missing;
    outcome.blocks_missing_max = std::max(outcome.blocks_missing_max, missing);
  }
  return outcome;
}

Result<RotOutcome> flip_bits_of_store(uint64_t seed, uint64_t flips) {
  const FilledStore filled = TRY(fill_store(seed));
  SeededRandom random(seed);
  RotOutcome outcome{.flips = flips};
  for (uint64_t i = 0; i < flips; ++i) {
    const Flip flip = draw_flip(filled.image, random);
    const StoreFlip result = TRY_DURING(flip_in_store(filled, flip, random), "store, " + flip.text());
    if (result.missing == 0 && !result.refused) ++outcome.harmless;
    if (result.refused) ++outcome.refused;
    outcome.blocks_missing += result.missing;
    outcome.blocks_missing_max = std::max(outcome.blocks_missing_max, result.missing);
  }
  return outcome;
}

}  // namespace reeve::sim
