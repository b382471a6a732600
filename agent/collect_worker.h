// The thread that reads: collectors, parsers and batcher. Its parsers in Lua are its own; when one of their files
// changes, they are loaded anew between two turns.
//
// It polls the collectors, hands sealed blocks to the disk worker, and sleeps until a watched directory changes, a
// collector or the batcher has asked to be called, or somebody has a word for it. While the disk worker is full it
// polls no collector that reads files: they are the buffer.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "agent/batcher.h"
#include "collectors/collector.h"
#include "common/base/mailbox.h"
#include "common/base/time.h"
#include "common/sys/file_watch.h"

namespace reeve::agent {

namespace lua {
class LuaParsers;
}

class CollectWorker {
 public:
  struct Options {
    Batcher::Options batcher;  // but for make_parser
    std::vector<std::string> parser_folders;
    bool until_eof = false;
  };
  struct Handlers {
    // Both on this worker's thread. `try_append` says no (and leaves the block) when the disk worker is full.
    std::function<bool(SealedBlock&& block)> try_append;
    std::function<bool(SealedBlock block)> append;  // waits
    std::function<void(const BatcherCounters& counters)> on_counters;
    std::function<void()> on_eof;  // everything is handed on; once, with until_eof
  };

  // Collectors are made on the worker's thread and live and die there. `wake` makes the worker poll them soon: for
  // those that hear of news on a thread of their own; good for any thread while the collectors live.
  using MakeCollectors =
      std::function<std::vector<std::unique_ptr<collect::Collector>>(const std::function<void()>& wake)>;

  CollectWorker(Options options, Clock& clock, MakeCollectors make_collectors, Handlers handlers);
  ~CollectWorker();  // as stop()

  // Any thread. False: full, say it again later.
  [[nodiscard]] bool try_tell_durable(std::vector<wire::SourcePosition>&& positions);
  [[nodiscard]] bool try_serve_live(Duration duration);
  // There may be room again.
  void wake() { watch_.wake(); }

  // Hands on what is in the open blocks, then ends the thread.
  void stop();

 private:
  struct Durable {
    std::vector<wire::SourcePosition> positions;
  };
  struct Live {
    Duration duration;
  };
  using News = std::variant<Durable, Live>;
  static constexpr size_t news_max = 1024;

  void work(const MakeCollectors& make_collectors);
  void hear();
  bool poll(Instant& next);
  void hand_on_blocks();
  void finish();

  const Options options_;
  Clock& clock_;
  const Handlers handlers_;
  sys::FileWatch watch_;
  Mailbox<News> news_;
  std::atomic<bool> stopping_{false};

  // The worker's own.
  std::unique_ptr<lua::LuaParsers> lua_;  // outlives what it makes
  Batcher batcher_;
  std::vector<std::unique_ptr<collect::Collector>> collectors_;
  std::optional<SealedBlock> held_back_;
  Instant counted_at_{INT64_MIN};
  bool at_end_ = false;

  std::thread thread_;
};

// This host's zone, asked of the C library.
LocalOffset host_local_offset();

}  // namespace reeve::agent
