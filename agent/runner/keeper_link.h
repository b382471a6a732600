// The runner's end of a keeper, the same for every way to start one: the files in which keepers leave their notes, the
// gate, and the news.
//
// A keeper holds a flock on its status file through the description that the runner opened, and no other process has
// it: while the lock is held, the keeper lives, and the process id in the file is its own.
//
// One thread: the runner's.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/runner/descriptor.h"
#include "agent/runner/launcher.h"

namespace reeve::runner {

class StatusFiles {
 public:
  explicit StatusFiles(std::string directory) : directory_(std::move(directory)) {}
  Result<Descriptor> make(const std::string& launch_id);  // preallocated, locked, durable; never one that is there
  Result<Remains> find(const std::string& launch_id) const;
  bool signal_keeper(const std::string& launch_id,
                     int number) const;  // false: it does not live, or may not be signalled
  void forget(const std::string& launch_id);

 private:
  std::string path(const std::string& launch_id) const { return directory_ + "/" + launch_id; }
  std::string directory_;
};

class KeptProcess : public Running {
 public:
  // `on_lost` is called when the keeper died without a word.
  KeptProcess(Descriptor order, Descriptor news, std::function<std::optional<Exit>()> on_lost)
      : order_(std::move(order)), news_(std::move(news)), on_lost_(std::move(on_lost)) {}

  Status await();  // until the keeper waits at the gate; at most keeper_ready_ms_max
  Status open_gate() override;
  void stop() override;
  int descriptor() const override { return news_.get(); }
  std::optional<Exit> take_news() override;

 private:
  Descriptor order_;
  Descriptor news_;
  std::function<std::optional<Exit>()> on_lost_;
  Bytes received_{};
  bool ended_ = false;
};

// What becomes the keeper's descriptors 0, 1 and 2, and the runner's end. The launch is written already.
struct Gate {
  Descriptor order{};
  Descriptor news{};
  Descriptor status{};
  std::unique_ptr<KeptProcess> ours{};
};
Result<Gate> make_gate(StatusFiles& files, const Launch& launch, const std::function<void()>& on_lost);

constexpr int keeper_ready_ms_max = 10'000;

}  // namespace reeve::runner
