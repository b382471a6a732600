// A plugin's life on its own thread, and the functions of the host that it calls.
#include <unistd.h>

#include <algorithm>
#include <exception>

#include "agent/plugin_rules.h"
#include "agent/plugin_shared.h"
#include "common/base/log.h"

namespace reeve::agent {
namespace {

constexpr size_t item_overhead_bytes = 128;  // counted for each, so that small ones are bounded, too
constexpr size_t log_bytes_max = 1024;
constexpr uint32_t log_lines_max = 100;  // in log_window
constexpr Duration log_window = 1min;
constexpr size_t more_in_a_row_max = 1000;

std::string copy(const reeve_text& text) {
  return text.size == 0 ? std::string() : std::string(text.data, text.size);
}

PluginCollector::Shared& self_of(void* self) {
  return *static_cast<PluginCollector::Shared*>(self);
}

}  // namespace

size_t PluginItem::bytes() const {
  size_t sum = item_overhead_bytes + text.size() + service.size() + unit.size();
  for (const auto& field : fields) sum += field.first.size() + field.second.size() + 2 * sizeof(std::string);
  return sum;
}

PluginCollector::Shared::Shared(PluginConfig the_config, std::function<void()> wake, PluginOwner the_owner)
    : config(std::move(the_config)), owner(the_owner), wake_(std::move(wake)) {
  host_.size = sizeof host_;
  host_.self = this;
  host_.emit = [](void* self, const reeve_item* item) { return self_of(self).emit(item); };
  host_.log = [](void* self, int32_t level, const char* text, size_t size) {
    self_of(self).log(level, text == nullptr ? std::string_view() : std::string_view(text, size));
  };
  host_.monotonic_ns = [](void* self) { return self_of(self).clock_.now().ns; };
}

void PluginCollector::Shared::set_name(std::string name) {
  const std::lock_guard lock(mutex_);
  name_ = std::move(name);
}

int32_t PluginCollector::Shared::emit(const reeve_item* item) {
  const std::string complaint = complaint_about_item(item);
  if (!complaint.empty()) {
    log(REEVE_ERROR, "emitted what no plugin may: " + complaint);
    const std::lock_guard lock(mutex_);
    ++refused_bytes_;
    if (item != nullptr && item->size >= sizeof(reeve_item)) refused_bytes_ += item->text.size;
    return REEVE_INVALID;
  }

  PluginItem made;
  made.kind = item->kind;
  made.time = item->time_ns == 0 ? clock_.wall() : WallTime{item->time_ns};
  made.text = copy(item->text);
  made.level = item->level;
  made.service = copy(item->service);
  made.unit = copy(item->unit);
  made.value = item->value;
  for (size_t at = 0; at < item->fields_count; ++at) {
    made.fields.emplace_back(copy(item->fields[at].key), copy(item->fields[at].value));
  }
  std::sort(made.fields.begin(), made.fields.end());

  const std::lock_guard lock(mutex_);
  if (closed_) return REEVE_CLOSED;
  if (made.service.empty()) made.service = name_;
  const size_t bytes = made.bytes();
  if (bytes_ + bytes > held_bytes_max) return REEVE_FULL;
  bytes_ += bytes;
  items_.push_back(std::move(made));
  if (items_.size() == 1) wake_();
  return REEVE_OK;
}

void PluginCollector::Shared::log(int32_t level, std::string_view text) {
  std::string name;
  uint64_t left_out = 0;
  {
    const std::lock_guard lock(mutex_);
    const Instant now = clock_.now();
    if (log_window_.ns == INT64_MIN || now - log_window_ > log_window) {
      log_window_ = now;
      logged_ = 0;
      left_out = std::exchange(log_left_out_, 0);
    }
    if (++logged_ > log_lines_max) {
      ++log_left_out_;
      return;
    }
    name = name_;
  }
  if (left_out > 0) log_warn("plugin said too much", {{"plugin", name}, {"lines_left_out", left_out}});
  const auto say = level >= REEVE_ERROR                           ? log_error
                   : level == REEVE_WARN                          ? log_warn
                   : level == REEVE_DEBUG || level == REEVE_TRACE ? log_debug
                                                                  : log_info;
  say("plugin says", {{"plugin", name}, {"text", printable(text.substr(0, log_bytes_max), log_bytes_max)}});
}

bool PluginCollector::Shared::wait(Duration duration) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, duration, [this] { return closed_; });
  return !closed_;
}

bool PluginCollector::Shared::stopping() {
  const std::lock_guard lock(mutex_);
  return closed_;
}

// Notified under the lock: once it is let go, the other side may end the program.
void PluginCollector::Shared::finish() {
  const std::lock_guard lock(mutex_);
  finished_ = true;
  changed_.notify_all();
}

std::optional<PluginItem> PluginCollector::Shared::take() {
  const std::lock_guard lock(mutex_);
  if (items_.empty()) return std::nullopt;
  PluginItem first = std::move(items_.front());
  items_.pop_front();
  bytes_ -= first.bytes();
  return first;
}

uint64_t PluginCollector::Shared::take_refused() {
  const std::lock_guard lock(mutex_);
  return std::exchange(refused_bytes_, 0);
}

bool PluginCollector::Shared::stop(Duration patience) {
  std::unique_lock lock(mutex_);
  closed_ = true;
  changed_.notify_all();
  changed_.wait_for(lock, patience, [this] { return finished_; });
  return finished_;
}

// -- The thread ------------------------------------------------------------------------------------------------------

namespace {

class PluginLife {
 public:
  explicit PluginLife(PluginCollector::Shared& shared) : shared_(shared) {}

  void live() {
    const Result<const reeve_plugin*> loaded = load();
    if (!loaded.ok()) {
      log_error("plugin is off", {{"plugin", shared_.config.path}, {"error", loaded.error().text()}});
      return;
    }
    plugin_ = *loaded;
    shared_.set_name(plugin_->name);
    log_info("plugin is loaded", {{"plugin", plugin_->name}, {"path", shared_.config.path}});
    if (open()) {
      while (poll()) {
      }
      call([this] {
        plugin_->close(instance_);
        return int32_t{REEVE_OK};
      });
    }
  }

 private:
  Result<const reeve_plugin*> load() {
    const PluginImage image = TRY(read_plugin(shared_.config.path, shared_.owner));
    if (image.sha256 != shared_.config.sha256) {
      ::close(image.descriptor);
      return Error(Code::denied, shared_.config.path + " has the SHA-256 " + image.sha256 +
                                     "; the configuration allows " + shared_.config.sha256);
    }
    return load_plugin(image, shared_.config.path);
  }

  // An exception that a plugin lets out ends here; what it has half done is its own business.
  template <typename F>
  int32_t call(F&& function) {
    shared_.called_ns = std::max<int64_t>(clock_.now().ns, 1);
    int32_t result = REEVE_UNAVAILABLE;
    try {
      result = function();
    } catch (const std::exception& e) {
      shared_.log(REEVE_ERROR, "let an exception out: " + std::string(e.what()));
    } catch (...) {
      shared_.log(REEVE_ERROR, "let an exception out");
    }
    shared_.called_ns = 0;
    return result;
  }

  bool open() {
    std::vector<reeve_field> config;
    for (const auto& [key, value] : shared_.config.config) {
      config.push_back({{key.data(), key.size()}, {value.data(), value.size()}});
    }
    for (;;) {
      const int32_t result =
          call([&] { return plugin_->open(shared_.host(), config.data(), config.size(), &instance_); });
      if (result == REEVE_OK) {
        pause_.reset();
        return true;
      }
      if (result != REEVE_UNAVAILABLE) {
        log_error("plugin is off, it refuses its configuration", {{"plugin", plugin_->name}, {"result", result}});
        return false;
      }
      shared_.went_round = true;
      if (!shared_.wait(pause_.take_next(random_))) return false;
    }
  }

  // False: the program ends.
  bool poll() {
    int32_t result = REEVE_MORE;
    for (size_t times = 0; result == REEVE_MORE && times < more_in_a_row_max && !shared_.stopping(); ++times) {
      result = call([this] { return plugin_->poll(instance_); });
    }
    shared_.went_round = true;
    if (result == REEVE_OK || result == REEVE_MORE) {
      if (failed_) log_info("plugin is fine again", {{"plugin", plugin_->name}});
      failed_ = false;
      pause_.reset();
      return shared_.wait(result == REEVE_OK ? shared_.config.interval : Duration(10ms));
    }
    if (!failed_) log_warn("plugin cannot do its work now", {{"plugin", plugin_->name}, {"result", result}});
    failed_ = true;
    return shared_.wait(pause_.take_next(random_));
  }

  PluginCollector::Shared& shared_;
  const reeve_plugin* plugin_ = nullptr;
  void* instance_ = nullptr;
  bool failed_ = false;
  SystemClock clock_;
  SystemRandom random_;
  Backoff pause_{{.min = PluginCollector::pause_min, .max = PluginCollector::pause_max}};
};

}  // namespace

void run_plugin(const std::shared_ptr<PluginCollector::Shared>& shared) {
  PluginLife(*shared).live();
  shared->went_round = true;
  shared->finish();
}

}  // namespace reeve::agent
