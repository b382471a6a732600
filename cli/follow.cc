// Following.
//
// The place to go on from is taken before the last few lines are searched, so nothing can fall between the two; what
// is stored in that moment comes both ways and is shown once. While the server is away we try again with growing
// pauses, from the same place, so its absence costs no line.
#include <algorithm>

#include "cli/log_writer.h"

namespace reeve::cli {

namespace {

constexpr Duration tail_wait = 20s;
constexpr Backoff::Limits pauses{.min = 250ms, .max = 5s};

class Follower {
 public:
  Follower(World& world, Client& client, const LogsOptions& options)
      : world_(world), client_(client), options_(options), writer_(world.screen, options), backoff_(pauses) {}

  Status run() {
    TRY(begin());
    while (true) {
      // After an outage we ask without waiting, so that its end is told at once.
      Result<TailAnswer> answer = client_.tail(options_.filter, cursor_, is_away_ ? Duration{} : tail_wait);
      if (!answer) {
        TRY(recover(answer.error()));
        continue;
      }
      note_return();
      cursor_ = std::move(answer->cursor);
      drop_already_shown(answer->lines);
      TRY(writer_.write(answer->lines));
    }
  }

 private:
  // The last few lines, and the place from where to follow.
  Status begin() {
    const TailAnswer place = TRY(client_.tail(options_.filter, std::nullopt, Duration{}));
    cursor_ = place.cursor;
    if (options_.rows_max == 0) return {};

    Found found = TRY(find_lines(client_, options_.filter, options_.rows_max, Keep::both));
    TRY(writer_.write(found.lines));
    for (const LogLine& line : found.lines) shown_.push_back(line.json);
    return {};
  }

  // Only the first answer can repeat what begin() has shown.
  void drop_already_shown(std::vector<LogLine>& lines) {
    if (shown_.empty()) return;
    std::erase_if(lines, [this](const LogLine& line) {
      const auto same = std::find(shown_.begin(), shown_.end(), line.json);
      if (same == shown_.end()) return false;
      shown_.erase(same);
      return true;
    });
    shown_.clear();
  }

  // Ok when another try makes sense, after a pause.
  Status recover(const Error& error) {
    if (error.code() == Code::invalid && is_away_) return begin_anew(error);
    if (error.code() != Code::unavailable) return error;
    if (!is_away_) world_.screen.say(error.text() + "; trying again until it answers, Ctrl-C ends");
    is_away_ = true;
    if (!world_.patience.wait(backoff_.take_next(world_.random))) return Error(Code::cancelled, "interrupted");
    return {};
  }

  // A server that came back without its old data knows nothing of our place.
  Status begin_anew(const Error& error) {
    const Result<TailAnswer> place = client_.tail(options_.filter, std::nullopt, Duration{});
    if (!place) return error;
    cursor_ = place->cursor;
    is_away_ = false;
    backoff_.reset();
    world_.screen.say("the server is back but does not know where this left off (" + error.text() +
                      "); going on from now, lines in between are not shown");
    return {};
  }

  void note_return() {
    if (is_away_) world_.screen.say("the server answers again; nothing is skipped");
    is_away_ = false;
    backoff_.reset();
  }

  World& world_;
  Client& client_;
  const LogsOptions& options_;
  LogWriter writer_;
  Backoff backoff_;
  std::string cursor_;
  std::vector<std::string> shown_;
  bool is_away_ = false;
};

}  // namespace

Status follow_lines(World& world, Client& client, const LogsOptions& options) {
  Status ended = Follower(world, client, options).run();
  if (!ended && ended.error().code() == Code::cancelled) return {};
  return ended;
}

}  // namespace reeve::cli
