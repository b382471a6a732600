// How fast the store on disk takes blocks and searches them: prints a table, asserts nothing.
//
//     cmake --preset release -DREEVE_TESTS=ON && cmake --build build/release --target store_bench
//     build/release/bin/store_bench /var/tmp/store-bench 60
//
// Arguments: an absent or empty folder on the disk to measure, and how many blocks of 4 MiB of lines. Run it alone on
// the machine; the lines are web requests with random addresses, sizes and ids.
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "common/base/random.h"
#include "server/query/logs.h"
#include "server/store/sqlite_store.h"

namespace reeve::server {
namespace {

constexpr uint64_t block_raw_bytes = 4_MiB;

struct Corpus {
  std::vector<IncomingBlock> blocks;
  uint64_t rows = 0;
  uint64_t raw_bytes = 0;
  uint64_t sealed_bytes = 0;
};

std::string make_line(Random& random) {
  static constexpr const char* paths[] = {"/api/users", "/api/orders", "/health", "/login", "/static/app.js"};
  char line[256];
  std::snprintf(line, sizeof line, "10.0.%u.%u GET %s/%u HTTP/1.1 %d %u rt=0.%03u request_id=%08x",
                static_cast<unsigned>(random.below(256)), static_cast<unsigned>(random.below(256)),
                paths[random.below(5)], static_cast<unsigned>(random.below(100'000)), random.one_in(50) ? 500 : 200,
                static_cast<unsigned>(random.below(100'000)), static_cast<unsigned>(random.below(1000)),
                static_cast<unsigned>(random.below(UINT32_MAX)));
  return line;
}

Corpus make_corpus(uint64_t blocks, WallTime begin) {
  Corpus corpus;
  SeededRandom random(1);
  Uuid agent;
  agent.bytes.fill(1);
  wire::LogBlockBuilder builder("bench");
  WallTime time = begin;
  for (uint64_t sequence = 1; sequence <= blocks; ++sequence) {
    wire::SourcePosition position;
    position.kind = "file";
    position.name = "/var/log/web.log";
    const uint32_t source = builder.add_source(position);
    while (builder.raw_bytes() < block_raw_bytes) {
      time = time + 100us;
      const std::string line = make_line(random);
      const wire::Level level = random.one_in(100) ? wire::Level::error : wire::Level::info;
      builder.add({.time = time, .level = level, .source = source, .service = "web", .body = line, .fields = {}});
    }
    corpus.rows += builder.rows();
    corpus.raw_bytes += builder.raw_bytes();
    const wire::BlockIdentity identity{agent, agent, wire::Lane::live, sequence};
    Bytes bytes = builder.seal({});
    wire::stamp_block(bytes, identity);
    corpus.sealed_bytes += bytes.size();
    corpus.blocks.push_back({identity, time, std::move(bytes)});
  }
  return corpus;
}

double seconds_since(Instant begin) {
  return std::chrono::duration<double>(SystemClock().now() - begin).count();
}

Status take_blocks(Store& store, Corpus& corpus, uint8_t agent, size_t group) {
  for (IncomingBlock& block : corpus.blocks) {
    block.identity.agent.bytes.fill(agent);
    wire::stamp_block(block.bytes, block.identity);
  }
  const Instant begin = SystemClock().now();
  const std::span<const IncomingBlock> all = corpus.blocks;
  for (size_t at = 0; at < all.size(); at += group) {
    TRY(store.commit_blocks(all.subspan(at, std::min(group, all.size() - at))));
  }
  const double seconds = seconds_since(begin);
  std::printf("take, %2zu a commit        %8.1f blocks/s  %8.1f MiB of lines/s\n", group,
              static_cast<double>(all.size()) / seconds, static_cast<double>(corpus.raw_bytes) / 1_MiB / seconds);
  return {};
}

Status search(const Store& store, const char* name, const wire::LogPredicate& predicate) {
  LogQuery query{.predicate = predicate, .limit = 100, .cursor = {}, .limits = {.bytes_max = 64_GiB}};
  const Instant begin = SystemClock().now();
  const LogPage page = TRY(query_logs(store, query));
  const double seconds = seconds_since(begin);
  std::printf("%-24s %8.1f ms  %4zu rows  %5lu blocks read  %5lu ruled out  %6.2f M lines/s\n", name, seconds * 1e3,
              page.rows.size(), page.scanned.blocks, page.scanned.blocks_pruned,
              static_cast<double>(page.scanned.rows) / seconds / 1e6);
  return {};
}

Status run(const std::string& folder, uint64_t blocks) {
  Corpus corpus = make_corpus(blocks, WallTime{1'795'262'400'000'000'000});
  std::printf("%lu blocks, %lu lines, %.1f MiB, %.1f MiB sealed\n", blocks, corpus.rows,
              static_cast<double>(corpus.raw_bytes) / 1_MiB, static_cast<double>(corpus.sealed_bytes) / 1_MiB);
  const std::unique_ptr<Store> store =
      TRY(open_sqlite_store({.directory = folder, .disk = sys::real_disk(), .vfs = {}}));
  TRY(take_blocks(*store, corpus, 1, 1));
  TRY(take_blocks(*store, corpus, 2, 8));

  wire::LogPredicate any;
  wire::LogPredicate text;
  text.text.push_back(TRY(wire::TextMatcher::literal("stands in no line", false)));
  wire::LogPredicate itext;
  itext.text.push_back(TRY(wire::TextMatcher::literal("STANDS in no line", true)));
  wire::LogPredicate regex;
  regex.text.push_back(TRY(wire::TextMatcher::regex("stands [0-9]+ times")));
  wire::LogPredicate fatal;
  fatal.level_min = wire::Level::fatal;
  TRY(search(*store, "the newest 100", any));
  TRY(search(*store, "text in no line", text));
  TRY(search(*store, "text, case ignored", itext));
  TRY(search(*store, "regular expression", regex));
  return search(*store, "a level that no block has", fatal);
}

}  // namespace
}  // namespace reeve::server

int main(int argc, char** argv) {
  uint64_t blocks = 0;
  const std::string_view count = argc == 3 ? argv[2] : "";
  const bool counted = std::from_chars(count.data(), count.data() + count.size(), blocks).ec == std::errc{};
  if (!counted || blocks == 0 || std::filesystem::exists(std::filesystem::path(argv[1]) / "org.db")) {
    std::fprintf(stderr, "usage: store_bench EMPTY_FOLDER BLOCKS\n");
    return 2;
  }
  const reeve::Status done = reeve::server::run(argv[1], blocks);
  if (!done.ok()) std::fprintf(stderr, "%s\n", done.error().text().c_str());
  return done.ok() ? 0 : 1;
}
