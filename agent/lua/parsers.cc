#include "agent/lua/parsers.h"

#include <utility>

#include "common/base/log.h"

namespace reeve::agent::lua {

namespace {

constexpr std::string_view prefix = "lua:";

std::string file_name_of(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

}  // namespace

struct LuaParsers::Slot {
  std::string name;
  FileMark mark;
  std::unique_ptr<Script> script;  // none: off
  std::string off_reason;
  std::string path;
  std::deque<WallTime> breaches;  // the latest, at most breaches_max
  std::string sample;             // the last line it saw
};

class LuaParsers::Format : public LineFormat {
 public:
  Format(LuaParsers& parsers, Slot& slot) : parsers_(parsers), slot_(slot) {}

  ParseResult parse(Draft& draft, const Emit& emit) override { return parsers_.parse(slot_, draft, emit); }
  std::string_view failure() const override { return slot_.script ? slot_.script->failure() : slot_.off_reason; }

 private:
  LuaParsers& parsers_;
  Slot& slot_;
};

LuaParsers::LuaParsers(sys::Disk& disk, Options options)
    : options_(std::move(options)), files_(disk, options_.folders) {}

LuaParsers::~LuaParsers() = default;

Result<std::unique_ptr<LineFormat>> LuaParsers::make(std::string_view name) {
  if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  auto known = slots_.find(name);
  if (known == slots_.end()) {
    known = slots_.emplace(std::string(name), std::make_unique<Slot>()).first;
    known->second->name = std::string(name);
    load(*known->second);
  }
  return std::unique_ptr<LineFormat>(std::make_unique<Format>(*this, *known->second));
}

void LuaParsers::refresh(Instant now) {
  if (slots_.empty() || now < looked_at_ + options_.look_interval) return;
  looked_at_ = now;
  for (auto& [name, slot] : slots_) {
    if (files_.mark(name) != slot->mark) load(*slot);
  }
}

std::vector<std::string> LuaParsers::watched_directories() const {
  std::vector<std::string> all;
  for (const auto& [name, slot] : slots_) {
    for (std::string& directory : files_.directories(name)) all.push_back(std::move(directory));
  }
  return all;
}

void LuaParsers::turn_off(Slot& slot, std::string reason) {
  slot.script.reset();
  slot.off_reason = "parser " + slot.name + " is off: " + reason;
  log_error("a parser is off, its lines travel on as they are", {{"parser", slot.name}, {"reason", reason}});
}

void LuaParsers::load(Slot& slot) {
  slot.mark = files_.mark(slot.name);
  auto file = files_.read(slot.name);
  if (!file.ok()) {
    ++counters_.refused_loads;
    // A file that cannot be read just now is no reason to lose a parser that works; one that is gone is.
    if (slot.script && file.error().code() != Code::not_found) {
      log_error("a parser's new version is refused, the old one stays",
                {{"parser", slot.name}, {"reason", file.error().text()}});
      return;
    }
    return turn_off(slot, file.error().text());
  }
  auto script = Script::load(file_name_of(file->path), file->text, options_.limits, options_.local_offset);
  Status tried = script.ok() ? try_on_sample(**script, slot.sample) : Status(script.error());
  if (!tried.ok()) {
    ++counters_.refused_loads;
    if (!slot.script) return turn_off(slot, tried.error().text());
    log_error("a parser's new version is refused, the old one stays",
              {{"parser", slot.name}, {"path", file->path}, {"reason", tried.error().text()}});
    return;
  }
  const bool anew = slot.script != nullptr || !slot.off_reason.empty();
  slot.script = std::move(*script);
  slot.path = file->path;
  slot.off_reason.clear();
  slot.breaches.clear();
  ++counters_.loads;
  log_info(anew ? "a parser was loaded anew" : "a parser was loaded", {{"parser", slot.name}, {"path", slot.path}});
}

Status LuaParsers::try_on_sample(Script& script, const std::string& sample) const {
  if (sample.empty()) return {};
  Draft draft;
  draft.begin(sample, WallTime{});
  if (script.parse(draft, [](Draft&) {}) != ParseResult::failed) return {};
  return Error(Code::invalid, "on the last line seen: " + script.failure());
}

ParseResult LuaParsers::parse(Slot& slot, Draft& draft, const LineFormat::Emit& emit) {
  ++counters_.lines;
  if (!slot.script) {
    ++counters_.off_lines;
    return ParseResult::failed;
  }
  if (draft.line().size() <= sample_bytes_max) slot.sample.assign(draft.line());
  const ParseResult result = slot.script->parse(draft, emit);
  if (result != ParseResult::failed) return result;

  if (slot.script->breached() == Breach::none) {
    ++counters_.errors;
    return result;
  }
  ++counters_.breaches;
  const WallTime now = draft.arrival();
  slot.breaches.push_back(now);
  while (slot.breaches.front() + options_.breach_window < now) slot.breaches.pop_front();
  if (slot.breaches.size() >= options_.breaches_max) {
    turn_off(slot, std::to_string(slot.breaches.size()) + " breaches within " +
                       format_duration(options_.breach_window) + ", the last: " + std::string(slot.script->failure()));
  }
  return result;
}

}  // namespace reeve::agent::lua
