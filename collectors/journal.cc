#include "collectors/journal.h"

#include <algorithm>

#include "common/base/log.h"

namespace reeve::collect {
namespace {

constexpr size_t poll_bytes_max = 1_MiB;
constexpr size_t poll_entries_max = 4000;
constexpr Duration retry_wait = 5s;
constexpr Duration look_interval = 250ms;
constexpr uint32_t failures_in_row_max = 3;

wire::Level level_of_priority(std::string_view priority) {
  if (priority.size() != 1) return wire::Level::unset;
  switch (priority[0]) {
    case '0':
    case '1':
    case '2':
      return wire::Level::fatal;
    case '3':
      return wire::Level::error;
    case '4':
      return wire::Level::warn;
    case '5':
    case '6':
      return wire::Level::info;
    case '7':
      return wire::Level::debug;
    default:
      return wire::Level::unset;
  }
}

std::string_view value_of(const std::vector<sys::JournalReader::Field>& fields, std::string_view name) {
  for (const auto& [key, value] : fields) {
    if (key == name) return value;
  }
  return {};
}

std::string_view service_of(const std::vector<sys::JournalReader::Field>& fields) {
  constexpr std::string_view suffix = ".service";
  for (const std::string_view unit_field : {"_SYSTEMD_USER_UNIT", "_SYSTEMD_UNIT"}) {
    std::string_view unit = value_of(fields, unit_field);
    // A user's manager is a service of the system too; what it runs has a better name.
    if (unit.ends_with(suffix) && !unit.starts_with("user@")) {
      unit.remove_suffix(suffix.size());
      return unit;
    }
  }
  for (const std::string_view name : {"SYSLOG_IDENTIFIER", "_COMM", "_SYSTEMD_UNIT"}) {
    if (const std::string_view value = value_of(fields, name); !value.empty()) return value;
  }
  return "journal";
}

}  // namespace

JournalCollector::JournalCollector(JournalConfig config, Open open, Random& random,
                                   const std::vector<wire::SourcePosition>& restored)
    : config_(std::move(config)), open_(std::move(open)) {
  for (const wire::SourcePosition& position : restored) {
    if (position.kind == "journal" && position.offset >= position_.offset) position_ = position;
  }
  position_.kind = "journal";
  position_.name = "journal";
  while (position_.id == 0) position_.id = random.next();
}

Poll JournalCollector::poll(Instant now, WallTime, Intake& intake) {
  Poll poll;
  if (phase_ == Phase::closed && (now < retry_at_ || !try_open(now))) {
    poll.at_end = true;
    poll.next = retry_at_;
    return poll;
  }
  if (!source_open_) {
    handle_ = intake.open_source(position_, config_.service.empty() ? "journal" : config_.service);
    source_open_ = true;
  }

  poll.next = now + look_interval;
  if (phase_ == Phase::stepping_back) {
    if (const Status stepped = step_back(); !stepped.ok()) give_up_reader(stepped.error(), now);
    poll.more = phase_ != Phase::closed;
    return poll;
  }
  if (intake.full()) return poll;
  const auto at_end = read_some(intake);
  if (!at_end.ok()) {
    give_up_reader(at_end.error(), now);
    return poll;
  }
  poll.at_end = *at_end;
  poll.more = !*at_end && !intake.full();
  return poll;
}

bool JournalCollector::try_open(Instant now) {
  retry_at_ = now + retry_wait;
  auto opened = open_();
  if (!opened.ok()) {
    if (!said_absent_) {
      log_warn("journal cannot be read, looking for it again now and then", {{"error", opened.error().text()}});
    }
    said_absent_ = true;
    return false;
  }
  said_absent_ = false;
  reader_ = std::move(*opened);
  directories_ = reader_->directories();
  if (const Status placed = find_place(); !placed.ok()) {
    give_up_reader(placed.error(), now);
    return false;
  }
  return true;
}

Status JournalCollector::find_place() {
  phase_ = Phase::reading;
  if (failures_in_row_ > failures_in_row_max) {
    // Something at this very place cannot be read, again and again. What comes after it shall not wait for it.
    log_warn("journal cannot be read at the last place, going on at its end");
    ++counters_.gaps;
    failures_in_row_ = 0;
    return reader_->seek_tail();
  }
  if (!position_.cursor.empty()) {
    const auto found = reader_->seek(position_.cursor);
    if (found.ok() && *found) return {};
    if (!found.ok() && found.error().code() != Code::invalid) return found.error();
    ++counters_.gaps;
    log_warn("journal no longer holds the entry that was read last, some may be missing");
    if (found.ok()) return {};
  }
  TRY(reader_->seek_tail());
  if (config_.start == JournalConfig::Start::end) return {};
  phase_ = Phase::stepping_back;
  stepped_back_bytes_ = 0;
  return {};
}

Status JournalCollector::step_back() {
  for (size_t steps = 0; steps < poll_entries_max; ++steps) {
    const bool moved = TRY(reader_->previous());
    if (!moved) {
      phase_ = Phase::reading;
      return reader_->seek_head();
    }
    raw_.clear();
    TRY(reader_->fields(raw_));
    stepped_back_bytes_ += value_of(raw_, "MESSAGE").size();
    const bool too_far = config_.first_bytes_max > 0 && stepped_back_bytes_ > config_.first_bytes_max;
    const std::string_view boot = value_of(raw_, "_BOOT_ID");
    if (boot_.empty()) boot_ = boot;
    if (too_far || (!boot.empty() && boot != boot_)) {
      phase_ = Phase::reading;  // what follows this entry is the first that is wanted
      return {};
    }
  }
  return {};
}

Result<bool> JournalCollector::read_some(Intake& intake) {
  bool at_end = false;
  size_t entries = 0;
  size_t bytes = 0;
  Status trouble;
  while (entries < poll_entries_max && bytes < poll_bytes_max && !intake.full()) {
    const auto moved = reader_->next();
    if (!moved.ok()) {
      trouble = moved.error();
      break;
    }
    if (!*moved) {
      at_end = true;
      break;
    }
    trouble = hand_on(intake);
    if (!trouble.ok()) break;
    ++entries;
    for (const auto& [key, value] : raw_) bytes += key.size() + value.size();
  }

  if (entries > 0) {
    counters_.entries += entries;
    failures_in_row_ = 0;
    intake.advance(handle_, position_);
  }
  if (!trouble.ok()) return trouble.error();
  return at_end;
}

Status JournalCollector::hand_on(Intake& intake) {
  const WallTime time = TRY(reader_->time());
  std::string cursor = TRY(reader_->cursor());
  raw_.clear();
  TRY(reader_->fields(raw_));

  std::string_view body = value_of(raw_, "MESSAGE");
  if (body.ends_with('\n')) body.remove_suffix(1);
  if (body.size() > config_.line_bytes_max) {
    intake.dropped("line_too_long", body.size() - config_.line_bytes_max);
    body = body.substr(0, config_.line_bytes_max);
  }
  kept_.clear();
  for (const std::string_view name : kept_fields) {
    if (const std::string_view value = value_of(raw_, name); !value.empty()) kept_.push_back({name, value});
  }
  const std::string_view service = config_.service.empty() ? service_of(raw_) : std::string_view(config_.service);
  intake.record(
      handle_, body,
      {.time = time, .level = level_of_priority(value_of(raw_, "PRIORITY")), .service = service, .fields = kept_});
  ++position_.offset;  // the journal has no bytes to count: entries do
  position_.cursor = std::move(cursor);
  return {};
}

void JournalCollector::give_up_reader(const Error& error, Instant now) {
  ++counters_.failures;
  ++failures_in_row_;
  if (failures_in_row_ == 1) log_warn("journal failed, opening it again", {{"error", error.text()}});
  reader_.reset();
  phase_ = Phase::closed;
  retry_at_ = now + retry_wait;
}

}  // namespace reeve::collect
