// See feeds.h.
#include "server/api/feeds.h"

#include <set>
#include <utility>

#include "common/base/log.h"
#include "server/api/feed_outlet.h"
#include "server/api/worker_pool.h"

namespace reeve::server {
namespace {

constexpr Duration tick_interval = 100ms;
constexpr Duration watched_interval = 5s;  // how often agents are told that somebody watches,
constexpr Duration watched_for = 15s;      // and for how long
constexpr int status_unknown = 401;
constexpr int status_forbidden = 403;
constexpr Duration ended_wait = 5s;  // for a client to take what it is owed after the end

// A turn as it goes out.
struct Told {
  std::vector<std::string> messages = {};
  std::string cursor = {};
  bool more = false;
};

std::string message_of(const char* type, std::string_view cursor) {
  Json message;
  message.set("type", type);
  message.set("cursor", cursor);
  return message.dump();
}

Told tell(FeedTurn turn) {
  Told told{.cursor = std::move(turn.cursor), .more = turn.more};
  told.messages.reserve(turn.events.size());
  for (Json& event : turn.events) {
    const bool is_last = &event == &turn.events.back();
    if (is_last) event.set("cursor", told.cursor);
    told.messages.push_back(event.dump());
  }
  return told;
}

struct Watcher {
  const Route* route = nullptr;
  ApiContext* context = nullptr;
  ApiRequest request = {};
  Watch watch = {};
  std::unique_ptr<FeedOutlet> outlet = {};  // none until a WebSocket is there, and none after the end

  std::string cursor = {};
  bool due = false;      // something was committed since its last turn began
  bool in_turn = false;  // the feeds' thread has it
  bool check_due = false;
  std::optional<Instant> slow_since = {};
  bool dropping = false;
  uint64_t skipped = 0;
  Instant ping_at = {};
  Instant check_at = {};
};
using WatcherPtr = std::shared_ptr<Watcher>;

}  // namespace

struct Feeds::Impl : std::enable_shared_from_this<Impl> {
  sys::Loop& loop;
  const Gate& gate;
  const Options options;
  WorkerPool thread{1, 2};
  std::set<WatcherPtr> watchers;
  struct Ended {
    std::unique_ptr<FeedOutlet> outlet;
    Instant until;  // its last bytes may be on their way
  };
  std::vector<Ended> ended;
  bool round_runs = false;
  Instant round_began;
  Instant watched_at;
  sys::TimerId tick_timer;
  sys::TimerId round_timer;
  bool stopped = false;

  Impl(sys::Loop& the_loop, const Gate& the_gate, Options the_options)
      : loop(the_loop), gate(the_gate), options(the_options) {}

  void add(const WatcherPtr& watcher, std::unique_ptr<FeedOutlet> outlet, FeedTurn first);
  void begin_round();
  void run_round(const std::vector<WatcherPtr>& round);
  void deliver(const WatcherPtr& watcher, const Told& told);
  void send(Watcher& watcher, std::string_view message, std::string_view cursor);
  void ping(Watcher& watcher);
  void note_pace(Watcher& watcher);
  void end(const WatcherPtr& watcher, std::string_view reason);
  void leave(const WatcherPtr& watcher);
  void tick();
  void tell_agents(bool at_once);
};

// -- Coming and going ------------------------------------------------------------------------------------------------

Feeds::Feeds(sys::Loop& loop, const Gate& gate, Options options) : impl_(std::make_shared<Impl>(loop, gate, options)) {}

Feeds::~Feeds() {
  stop();
}

bool Feeds::try_open(const Asked& asked) {
  Impl& impl = *impl_;
  if (impl.stopped || impl.watchers.size() >= impl.options.watchers_max) return false;
  const auto watcher = std::make_shared<Watcher>(
      Watcher{.route = asked.route, .context = asked.context, .request = asked.request, .watch = asked.watch});
  if (asked.wants_websocket) {
    asked.responder.upgrade({.text = true}, [weak = impl_->weak_from_this(), watcher,
                                             first = asked.first](std::unique_ptr<sys::WebSocket> socket) {
      const auto self = weak.lock();
      if (!self || self->stopped || self->watchers.size() >= self->options.watchers_max) return;
      auto outlet = make_socket_outlet(std::move(socket), [weak, watcher] {
        if (const auto alive = weak.lock()) alive->leave(watcher);
      });
      self->add(watcher, std::move(outlet), first);
    });
    return true;
  }

  sys::HttpResponse head;
  head.headers = asked.headers;
  head.headers.push_back({"Content-Type", "text/event-stream"});
  head.headers.push_back({"X-Accel-Buffering", "no"});  // proxies that gather would make it no stream
  auto outlet = make_event_stream(asked.responder.start(std::move(head)), [weak = impl_->weak_from_this(), watcher] {
    if (const auto alive = weak.lock()) alive->leave(watcher);
  });
  impl.add(watcher, std::move(outlet), asked.first);
  return true;
}

void Feeds::Impl::add(const WatcherPtr& watcher, std::unique_ptr<FeedOutlet> outlet, FeedTurn first) {
  const Instant now = loop.clock().now();
  watcher->outlet = std::move(outlet);
  watcher->ping_at = now + options.ping_interval;
  watcher->check_at = now + options.check_interval;
  watchers.insert(watcher);
  if (!tick_timer) {
    tick_timer = loop.every(
        tick_interval, [this] { tick(); }, "feeds");
  }
  tell_agents(true);

  deliver(watcher, tell(std::move(first)));
  ping(*watcher);
  // What was committed since the first turn woke nobody here.
  watcher->due = true;
  begin_round();
}

void Feeds::Impl::end(const WatcherPtr& watcher, std::string_view reason) {
  if (watchers.erase(watcher) == 0) return;
  watcher->outlet->end(reason);
  ended.push_back({std::move(watcher->outlet), loop.clock().now() + ended_wait});
}

// Its client has left. We are inside of the outlet's own callback, so it is destroyed later.
void Feeds::Impl::leave(const WatcherPtr& watcher) {
  if (watchers.erase(watcher) == 0) return;
  ended.push_back({std::move(watcher->outlet), Instant()});
}

void Feeds::on_commit() {
  if (impl_->stopped) return;
  for (const WatcherPtr& watcher : impl_->watchers) watcher->due = true;
  impl_->begin_round();
}

size_t Feeds::watchers() const {
  return impl_->watchers.size();
}

void Feeds::stop() {
  Impl& impl = *impl_;
  if (impl.stopped) return;
  impl.stopped = true;
  impl.loop.cancel(impl.tick_timer);
  impl.loop.cancel(impl.round_timer);
  const std::set<WatcherPtr> all = impl.watchers;
  for (const WatcherPtr& watcher : all) impl.end(watcher, "the server stops");
  impl.thread.stop();
}

// -- Turns -----------------------------------------------------------------------------------------------------------

// Gives everybody who is due a turn; one round at a time.
void Feeds::Impl::begin_round() {
  if (stopped || round_runs || round_timer) return;
  const Instant now = loop.clock().now();
  if (now - round_began < options.turn_pause) {
    round_timer = loop.after(
        options.turn_pause,
        [this] {
          round_timer = {};
          begin_round();
        },
        "feeds");
    return;
  }

  std::vector<WatcherPtr> round;
  for (const WatcherPtr& watcher : watchers) {
    note_pace(*watcher);
    const bool waits_for_room = watcher->slow_since && !watcher->dropping;
    if (!watcher->check_due && (!watcher->due || waits_for_room)) continue;
    watcher->due = false;
    watcher->in_turn = true;
    watcher->request.now = loop.clock().wall();
    watcher->request.called = now;
    round.push_back(watcher);
  }
  if (round.empty()) return;
  round_began = now;
  round_runs = thread.try_run([self = shared_from_this(), round] { self->run_round(round); });
  check(round_runs, "one round at a time always finds its thread free");
}

// On the feeds' thread.
void Feeds::Impl::run_round(const std::vector<WatcherPtr>& round) {
  for (const WatcherPtr& watcher : round) {
    if (std::exchange(watcher->check_due, false)) {
      // Too many requests, or a store that cannot tell right now, say nothing about the credential.
      const auto verdict = gate.admit(*watcher->route, watcher->request);
      const auto* refusal = std::get_if<Refusal>(&verdict);
      if (refusal && (refusal->status == status_unknown || refusal->status == status_forbidden)) {
        loop.post([self = shared_from_this(), watcher] { self->end(watcher, "the credential has ended"); }, "feeds");
        continue;
      }
    }
    Result<FeedTurn> turn = watcher->watch(watcher->cursor);
    if (!turn.ok()) {
      log_warn("a live feed ended", {{"path", watcher->route->pattern}, {"error", turn.error().text()}});
      loop.post([self = shared_from_this(), watcher] { self->end(watcher, "the server cannot go on"); }, "feeds");
      continue;
    }
    loop.post(
        [self = shared_from_this(), watcher, told = tell(std::move(*turn))] {
          watcher->in_turn = false;
          if (self->watchers.contains(watcher)) self->deliver(watcher, told);
        },
        "feeds");
  }
  loop.post(
      [self = shared_from_this()] {
        self->round_runs = false;
        self->begin_round();
      },
      "feeds");
}

void Feeds::Impl::deliver(const WatcherPtr& watcher, const Told& told) {
  watcher->cursor = told.cursor;
  if (told.more) watcher->due = true;
  note_pace(*watcher);
  if (watcher->dropping) {
    watcher->skipped += told.messages.size();
    // Once at the present, and with room again, it goes on from there.
    if (told.more || watcher->slow_since) return;
    watcher->dropping = false;
    Json message;
    message.set("type", "skipped");
    message.set("count", std::exchange(watcher->skipped, 0));
    message.set("cursor", watcher->cursor);
    send(*watcher, message.dump(), watcher->cursor);
    return;
  }
  for (const std::string& message : told.messages) {
    const bool is_last = &message == &told.messages.back();
    send(*watcher, message, is_last ? std::string_view(told.cursor) : "");
  }
}

// What finds no room at all is dropped, and counted as what a slow client misses.
void Feeds::Impl::send(Watcher& watcher, std::string_view message, std::string_view cursor) {
  if (watcher.skipped == 0 && watcher.outlet->send(message, cursor)) return;
  watcher.dropping = true;
  ++watcher.skipped;
}

void Feeds::Impl::ping(Watcher& watcher) {
  watcher.ping_at = loop.clock().now() + options.ping_interval;
  // Its cursor is behind what was dropped; who has not heard of that must not come back with it.
  if (watcher.dropping) return;
  // One that has no room for a ping needs none.
  (void)watcher.outlet->send(message_of("ping", watcher.cursor), watcher.cursor);
}

void Feeds::Impl::note_pace(Watcher& watcher) {
  if (watcher.outlet->unsent_bytes() <= options.unsent_bytes_slow) {
    watcher.slow_since.reset();
    return;
  }
  const Instant now = loop.clock().now();
  if (!watcher.slow_since) watcher.slow_since = now;
  if (now - *watcher.slow_since >= options.slow_max) watcher.dropping = true;
}

// -- By the clock ----------------------------------------------------------------------------------------------------

void Feeds::Impl::tick() {
  const Instant now = loop.clock().now();
  std::erase_if(ended, [now](const Ended& each) { return each.until <= now; });
  for (const WatcherPtr& watcher : watchers) {
    if (now >= watcher->check_at && !watcher->in_turn) {
      watcher->check_at = now + options.check_interval;
      watcher->check_due = true;
    }
    // One that was dropping is asked again even where nothing is new, so that it learns what it missed.
    if (watcher->dropping) watcher->due = true;
    if (now >= watcher->ping_at) ping(*watcher);
  }
  tell_agents(false);
  begin_round();
}

void Feeds::Impl::tell_agents(bool at_once) {
  const Instant now = loop.clock().now();
  if (!at_once && now - watched_at < watched_interval) return;
  watched_at = now;
  std::set<ApiContext*> contexts;
  for (const WatcherPtr& watcher : watchers) contexts.insert(watcher->context);
  for (ApiContext* context : contexts) context->on_watched(watched_for);
}

std::string first_cursor(const ApiRequest& request) {
  if (const std::string* last = sys::find_header(request.headers, "Last-Event-ID")) return *last;
  const auto pairs = sys::parse_query(request.query);
  if (!pairs.ok()) return "";
  for (const auto& [name, value] : *pairs) {
    if (name == "cursor") return value;
  }
  return "";
}

}  // namespace reeve::server
