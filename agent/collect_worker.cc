// See collect_worker.h.
#include "agent/collect_worker.h"

#include <algorithm>
#include <ctime>
#include <set>
#include <utility>

#include "agent/lua/parsers.h"
#include "common/base/log.h"
#include "common/sys/disk.h"

namespace reeve::agent {

namespace {

constexpr Duration nap_max = 1s;
constexpr Duration count_interval = 1s;

Batcher::Options with_parsers(Batcher::Options options, lua::LuaParsers& parsers) {
  options.make_parser = [&parsers](std::string_view name) { return parsers.make(name); };
  return options;
}

}  // namespace

LocalOffset host_local_offset() {
  tzset();
  return [](WallTime local) {
    const auto offset_at = [](int64_t utc) {
      const auto seconds = static_cast<std::time_t>(utc);
      std::tm parts{};
      return localtime_r(&seconds, &parts) == nullptr ? 0 : parts.tm_gmtoff;
    };
    // The offset is a function of UTC, which is what we look for; the second try is right but for the hour that a
    // change to winter time repeats, where either answer is.
    const int64_t seconds = local.ns / 1'000'000'000;
    const int64_t guess = seconds - offset_at(seconds);
    return Duration(std::chrono::seconds(offset_at(guess)));
  };
}

CollectWorker::CollectWorker(Options options, Clock& clock, MakeCollectors make_collectors, Handlers handlers)
    : options_(std::move(options)),
      clock_(clock),
      handlers_(std::move(handlers)),
      news_(news_max, [this] { watch_.wake(); }),
      lua_(std::make_unique<lua::LuaParsers>(
          sys::real_disk(),
          lua::LuaParsers::Options{.folders = options_.parser_folders, .local_offset = options_.batcher.local_offset})),
      batcher_(with_parsers(options_.batcher, *lua_)),
      thread_([this, make = std::move(make_collectors)] { work(make); }) {}

CollectWorker::~CollectWorker() {
  stop();
}

void CollectWorker::stop() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  watch_.wake();
  thread_.join();
}

bool CollectWorker::try_tell_durable(std::vector<wire::SourcePosition>&& positions) {
  return news_.try_send(Durable{std::move(positions)});
}

bool CollectWorker::try_serve_live(Duration duration) {
  return news_.try_send(Live{duration});
}

void CollectWorker::work(const MakeCollectors& make_collectors) {
  collectors_ = make_collectors([this] { watch_.wake(); });
  bool eof_told = false;
  while (!stopping_) {
    hear();
    lua_->refresh(clock_.now());
    Instant next{INT64_MAX};
    const bool more = poll(next);
    hand_on_blocks();

    if (options_.until_eof && at_end_ && !eof_told) {
      eof_told = true;
      finish();
      handlers_.on_eof();
    }
    if (more && !held_back_) continue;

    std::set<std::string> directories;
    for (const auto& collector : collectors_) {
      for (std::string& directory : collector->watched_directories()) directories.insert(std::move(directory));
    }
    for (std::string& directory : lua_->watched_directories()) directories.insert(std::move(directory));
    watch_.set_directories({directories.begin(), directories.end()});
    const Duration nap = std::clamp<Duration>(next - clock_.now(), 0ns, nap_max);
    if (nap > 0ns) watch_.wait(nap);
  }
  if (!eof_told) {
    batcher_.begin_turn(clock_.now(), clock_.wall());
    for (const auto& collector : collectors_) collector->on_stop(batcher_);
    batcher_.seal_all();
    while (held_back_ || (held_back_ = batcher_.take_sealed())) {
      if (!handlers_.append(std::move(*held_back_))) break;
      held_back_.reset();
    }
  }
  handlers_.on_counters(batcher_.counters());
  collectors_.clear();
}

void CollectWorker::hear() {
  while (auto news = news_.try_receive()) {
    if (const auto* durable = std::get_if<Durable>(&*news)) {
      for (const auto& collector : collectors_) collector->on_durable(durable->positions);
    } else {
      batcher_.serve_live(clock_.now() + std::get<Live>(*news).duration);
    }
  }
}

// Whether there is more to read right now; `next` is when to come back otherwise.
bool CollectWorker::poll(Instant& next) {
  const Instant now = clock_.now();
  batcher_.begin_turn(now, clock_.wall());
  bool more = false;
  bool at_end = true;
  for (const auto& collector : collectors_) {
    const collect::Poll polled = collector->poll(now, clock_.wall(), batcher_);
    more = more || polled.more;
    at_end = at_end && polled.at_end;
    next = std::min(next, polled.next);
  }
  at_end_ = at_end && !more && !batcher_.full();
  batcher_.begin_turn(clock_.now(), clock_.wall());
  batcher_.end_turn(!more);
  next = std::min(next, batcher_.next_seal());

  const auto discarded = batcher_.take_discarded();
  if (!discarded.empty()) {
    for (const auto& collector : collectors_) collector->on_durable(discarded);
  }
  if (now >= counted_at_ + count_interval) {
    counted_at_ = now;
    handlers_.on_counters(batcher_.counters());
  }
  return more;
}

void CollectWorker::hand_on_blocks() {
  while (held_back_ || (held_back_ = batcher_.take_sealed())) {
    if (!handlers_.try_append(std::move(*held_back_))) return;  // the block is untouched
    held_back_.reset();
  }
}

// Everything there is has been read: whatever was held back goes, too.
void CollectWorker::finish() {
  batcher_.begin_turn(clock_.now(), clock_.wall());
  for (const auto& collector : collectors_) collector->flush(batcher_);
  batcher_.finish_held();
  batcher_.seal_all();
  while (held_back_ || (held_back_ = batcher_.take_sealed())) {
    if (!handlers_.append(std::move(*held_back_))) return;
    held_back_.reset();
  }
  handlers_.on_counters(batcher_.counters());
}

}  // namespace reeve::agent
