// See desk.h.
#include "server/fix/desk.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <set>
#include <utility>

#include "common/base/log.h"

namespace reeve::server {
namespace {

constexpr size_t merged_rows_max = 500;     // of one transaction
constexpr Duration busy_pause = 100ms;      // the writer's queue is full
constexpr size_t recent_plans_max = 1'000;  // looked at for steps that are still under way
constexpr Duration recent_plans_age = 48h;

struct Answer {
  FixDesk::Finish finish;
  FixReply reply;
};
struct Merged {};  // its rows went along with an earlier change
using Item = std::variant<SendToRunner, SaveFixes, FindStep, Answer, Merged>;

bool is_plain(const FixChange& change) {
  return !change.trust && !change.revocation && change.runners_gone.empty() && change.new_steps.empty();
}

template <typename T>
void append(std::vector<T>& to, std::vector<T>& from) {
  std::move(from.begin(), from.end(), std::back_inserter(to));
}

// Later rows replace earlier ones, so that two changes in order are one.
bool try_merge(FixChange& change, FixChange& next) {
  if (!is_plain(change) || !is_plain(next)) return false;
  if (change.audit.size() + change.progress.size() + change.receipts.size() > merged_rows_max) return false;
  append(change.runners, next.runners);
  append(change.plans, next.plans);
  append(change.progress, next.progress);
  append(change.approvals, next.approvals);
  append(change.receipts, next.receipts);
  append(change.commands, next.commands);
  append(change.checks, next.checks);
  append(change.audit, next.audit);
  return true;
}

}  // namespace

Result<LoadedPlan> load_plan(const Store& store, const Uuid& plan) {
  LoadedPlan loaded;
  loaded.plan = TRY(store.fixes().find_plan(plan));
  loaded.steps = TRY(store.fixes().list_steps(plan));
  loaded.approvals = TRY(store.fixes().list_approvals(plan));
  return loaded;
}

Result<LoadedFixes> load_fixes(const Store& store, WallTime now) {
  LoadedFixes loaded;
  loaded.trust = TRY(store.fixes().list_trust());
  loaded.revocation = TRY(store.fixes().newest_revocation());
  loaded.runners = TRY(store.fixes().list_runners());
  const std::vector<FixPlan> active = TRY(store.fixes().list_plans({.active_only = true, .limit = fix_plans_max}));
  for (const FixPlan& plan : active) loaded.plans.push_back(TRY(load_plan(store, plan.id)));
  const std::vector<FixPlan> recent = TRY(store.fixes().list_plans({.limit = recent_plans_max}));
  for (const FixPlan& plan : recent) {
    if (!has_ended(plan.state) || plan.command.is_nil() || now - plan.changed > recent_plans_age) continue;
    LoadedPlan ended = TRY(load_plan(store, plan.id));
    const bool under_way = std::any_of(ended.steps.begin(), ended.steps.end(), [](const FixStep& step) {
      return step.progress.state == FixStepState::dispatched;
    });
    if (under_way) loaded.plans.push_back(std::move(ended));
  }
  return loaded;
}

struct FixDesk::Impl : std::enable_shared_from_this<Impl> {
  World world;
  Options options;
  PublicKeys public_keys;
  SystemRandom random;
  std::unique_ptr<FixEngine> engine;  // none: about to be made anew
  std::set<Uuid> online;
  std::deque<Item> queue;
  bool saving = false;
  bool stopped = false;
  uint64_t generation = 0;  // of the engine, so that answers for an older one are known
  sys::TimerId tick_timer;
  sys::TimerId pause_timer;

  Impl(World the_world, Options the_options) : world(std::move(the_world)), options(std::move(the_options)) {}

  FixTime time() const { return {world.loop.clock().now(), world.loop.clock().wall()}; }
  bool has_room() const { return engine != nullptr && queue.size() < options.queue_max; }

  Status begin(LoadedFixes loaded);
  void enqueue(FixActions actions);
  void pump();
  void save(SaveFixes item);
  void on_saved(const Status& saved);
  void find(const FindStep& item);
  void fail(const Error& why);
  void reload();
  void pause(Duration duration, void (Impl::*then)());
  void answer_all(const Error& why);
};

Status FixDesk::Impl::begin(LoadedFixes loaded) {
  auto fresh = std::make_unique<FixEngine>(options.org, options.keys, options.engine, random);
  TRY(fresh->load(std::move(loaded), time()));
  engine = std::move(fresh);
  ++generation;
  FixActions actions;
  for (const Uuid& agent : online) engine->on_online(agent, time(), actions);
  enqueue(std::move(actions));
  pump();
  return {};
}

void FixDesk::Impl::enqueue(FixActions actions) {
  for (FixAction& action : actions) {
    std::visit([this](auto& each) { queue.emplace_back(std::move(each)); }, action);
  }
}

void FixDesk::Impl::pump() {
  while (!queue.empty() && !saving && !pause_timer && !stopped) {
    Item item = std::move(queue.front());
    queue.pop_front();
    if (auto* change = std::get_if<SaveFixes>(&item)) {
      save(std::move(*change));
    } else if (const auto* message = std::get_if<SendToRunner>(&item)) {
      // An agent without a link is told again when it is back.
      (void)world.send(message->agent, message->message);
    } else if (const auto* wanted = std::get_if<FindStep>(&item)) {
      find(*wanted);
    } else if (auto* answer = std::get_if<Answer>(&item)) {
      answer->finish(std::move(answer->reply));
    }
  }
}

void FixDesk::Impl::save(SaveFixes item) {
  for (Item& later : queue) {
    auto* next = std::get_if<SaveFixes>(&later);
    if (next == nullptr) continue;
    if (!try_merge(item.change, next->change)) break;
    later = Merged{};
  }
  const auto change = std::make_shared<const FixChange>(std::move(item.change));
  saving = world.writer.try_run([weak = weak_from_this(), &loop = world.loop, change, of = generation](Store& store) {
    const Status saved = store.fixes().apply(*change);
    loop.post(
        [weak, saved, of] {
          const auto self = weak.lock();
          if (self && !self->stopped && self->generation == of) self->on_saved(saved);
        },
        "fixes");
  });
  if (saving) return;
  queue.emplace_front(SaveFixes{*change});
  pause(busy_pause, &Impl::pump);
}

void FixDesk::Impl::on_saved(const Status& saved) {
  saving = false;
  if (!saved.ok()) return fail(saved.error());
  pump();
}

void FixDesk::Impl::find(const FindStep& item) {
  const auto look = [weak = weak_from_this(), &loop = world.loop, item, of = generation](Store& store) {
    std::shared_ptr<LoadedPlan> found;
    const Result<StepPlace> place = store.fixes().find_step(item.step);
    if (place.ok()) {
      Result<LoadedPlan> plan = load_plan(store, place->plan);
      if (plan.ok()) found = std::make_shared<LoadedPlan>(std::move(*plan));
    }
    loop.post(
        [weak, found, item, of] {
          const auto self = weak.lock();
          if (!self || self->stopped || self->generation != of || !self->engine) return;
          FixActions actions;
          self->engine->on_step_found(item.agent, found.get(), self->time(), actions);
          self->enqueue(std::move(actions));
          self->pump();
        },
        "fixes");
  };
  if (world.writer.try_run(look)) return;
  queue.emplace_front(item);
  pause(busy_pause, &Impl::pump);
}

// -- Beginning anew --------------------------------------------------------------------------------------------------

void FixDesk::Impl::answer_all(const Error& why) {
  std::deque<Item> dropped = std::exchange(queue, {});
  for (Item& item : dropped) {
    if (auto* answer = std::get_if<Answer>(&item)) answer->finish(why);
  }
}

void FixDesk::Impl::fail(const Error& why) {
  log_error("fixes begin anew from the store", {{"org", options.org}, {"error", why.text()}});
  engine.reset();
  ++generation;
  saving = false;
  answer_all(why);
  pause(options.reload_pause, &Impl::reload);
}

void FixDesk::Impl::reload() {
  const bool taken =
      world.writer.try_run([weak = weak_from_this(), &loop = world.loop, now = time().wall](Store& store) {
        auto loaded = std::make_shared<Result<LoadedFixes>>(load_fixes(store, now));
        loop.post(
            [weak, loaded] {
              const auto self = weak.lock();
              if (!self || self->stopped) return;
              const Status begun = loaded->ok() ? self->begin(std::move(**loaded)) : Status(loaded->error());
              if (begun.ok()) return;
              log_error("fixes cannot begin", {{"org", self->options.org}, {"error", begun.error().text()}});
              self->pause(self->options.reload_pause, &Impl::reload);
            },
            "fixes");
      });
  if (!taken) pause(options.reload_pause, &Impl::reload);
}

void FixDesk::Impl::pause(Duration duration, void (Impl::*then)()) {
  world.loop.cancel(pause_timer);
  pause_timer = world.loop.after(
      duration,
      [this, then] {
        pause_timer = {};
        (this->*then)();
      },
      "fixes");
}

// -- The public face -------------------------------------------------------------------------------------------------

FixDesk::FixDesk(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

FixDesk::~FixDesk() {
  stop();
}

Result<std::unique_ptr<FixDesk>> FixDesk::open(World world, Options options) {
  auto impl = std::make_shared<Impl>(std::move(world), std::move(options));
  impl->public_keys = {.planner = impl->options.keys.planner.public_key(),
                       .freshness = impl->options.keys.freshness.public_key(),
                       .audit = impl->options.audit_key};
  LoadedFixes loaded = TRY(load_fixes(impl->world.store, impl->time().wall));
  TRY(impl->begin(std::move(loaded)));
  impl->tick_timer = impl->world.loop.every(
      impl->options.tick_interval,
      [raw = impl.get()] {
        if (!raw->has_room()) return;
        FixActions actions;
        raw->engine->tick(raw->time(), actions);
        raw->enqueue(std::move(actions));
        raw->pump();
      },
      "fixes");
  return std::unique_ptr<FixDesk>(new FixDesk(std::move(impl)));
}

void FixDesk::ask(Work work, Finish finish) {
  impl_->world.loop.post(
      [weak = std::weak_ptr(impl_), work = std::move(work), finish = std::move(finish)] {
        const auto self = weak.lock();
        if (!self || self->stopped) return finish(Error(Code::unavailable, "the server stops"));
        if (!self->has_room()) return finish(Error(Code::unavailable, "fixes are busy; try again in a second"));
        FixActions actions;
        FixReply reply = work(*self->engine, self->time(), actions);
        self->enqueue(std::move(actions));
        self->queue.emplace_back(Answer{finish, std::move(reply)});
        self->pump();
      },
      "fixes");
}

const FixDesk::PublicKeys& FixDesk::public_keys() const {
  return impl_->public_keys;
}

void FixDesk::on_open(const Uuid& agent) {
  impl_->online.insert(agent);
  if (!impl_->engine) return;
  FixActions actions;
  impl_->engine->on_online(agent, impl_->time(), actions);
  impl_->enqueue(std::move(actions));
  impl_->pump();
}

void FixDesk::on_message(const Uuid& agent, BytesView message) {
  if (!impl_->has_room()) return;
  FixActions actions;
  impl_->engine->on_message(agent, message, impl_->time(), actions);
  impl_->enqueue(std::move(actions));
  impl_->pump();
}

void FixDesk::on_closed(const Uuid& agent) {
  impl_->online.erase(agent);
  if (impl_->engine) impl_->engine->on_offline(agent);
}

void FixDesk::stop() {
  if (impl_->stopped) return;
  impl_->stopped = true;
  impl_->world.loop.cancel(impl_->tick_timer);
  impl_->world.loop.cancel(impl_->pause_timer);
  impl_->answer_all(Error(Code::unavailable, "the server stops"));
}

}  // namespace reeve::server
