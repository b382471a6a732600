#include "common/sys/journal.h"

#include <systemd/sd-id128.h>
#include <systemd/sd-journal.h>

#include <cerrno>
#include <cstdlib>

#include "common/base/bytes.h"
#include "common/sys/disk.h"

namespace reeve::sys {
namespace {

constexpr size_t value_bytes_max = 64_KiB;

Error failed(int code, const char* doing) {
  return errno_error(-code, doing);
}

class SystemdJournal : public JournalReader {
 public:
  explicit SystemdJournal(sd_journal* journal) : journal_(journal) {}
  ~SystemdJournal() override { sd_journal_close(journal_); }
  SystemdJournal(const SystemdJournal&) = delete;
  SystemdJournal& operator=(const SystemdJournal&) = delete;

  Status seek_head() override {
    if (const int code = sd_journal_seek_head(journal_); code < 0) return failed(code, "seek the journal's head");
    return {};
  }

  Status seek_tail() override {
    if (const int code = sd_journal_seek_tail(journal_); code < 0) return failed(code, "seek the journal's tail");
    // The tail is a place only once it was stepped back from: without this, next() would start at the head.
    if (const int code = sd_journal_previous(journal_); code < 0) return failed(code, "step to the newest entry");
    if (const int code = sd_journal_next(journal_); code < 0) return failed(code, "step behind the newest entry");
    return {};
  }

  Result<bool> seek(const std::string& cursor) override {
    if (const int code = sd_journal_seek_cursor(journal_, cursor.c_str()); code < 0) {
      return Error(Code::invalid, "seek the journal's cursor: \"" + printable(cursor) + "\" is not one");
    }
    const int stepped = sd_journal_next(journal_);
    if (stepped < 0) return failed(stepped, "step to the journal's cursor");
    if (stepped > 0 && sd_journal_test_cursor(journal_, cursor.c_str()) > 0) return true;
    // Where we stand now is the nearest later entry; the next call of next() shall give it.
    if (const int code = sd_journal_seek_cursor(journal_, cursor.c_str()); code < 0) {
      return failed(code, "seek the journal's cursor");
    }
    return false;
  }

  Result<bool> next() override {
    int code = sd_journal_next(journal_);
    if (code == 0) {
      // Lets the library notice what was added, rotated and removed since.
      if (const int waited = sd_journal_wait(journal_, 0); waited < 0) return failed(waited, "look for new entries");
      code = sd_journal_next(journal_);
    }
    if (code < 0) return failed(code, "read the journal's next entry");
    return code > 0;
  }

  Result<bool> previous() override {
    const int code = sd_journal_previous(journal_);
    if (code < 0) return failed(code, "read the journal's previous entry");
    return code > 0;
  }

  Result<std::string> cursor() override {
    char* text = nullptr;
    if (const int code = sd_journal_get_cursor(journal_, &text); code < 0) return failed(code, "ask for the cursor");
    std::string cursor = text;
    std::free(text);
    return cursor;
  }

  Result<WallTime> time() override {
    uint64_t us = 0;
    if (const int code = sd_journal_get_realtime_usec(journal_, &us); code < 0) {
      return failed(code, "ask for an entry's time");
    }
    return WallTime{static_cast<int64_t>(us) * 1000};
  }

  Status fields(std::vector<Field>& out) override {
    const void* data = nullptr;
    size_t length = 0;
    sd_journal_restart_data(journal_);
    for (;;) {
      const int code = sd_journal_enumerate_available_data(journal_, &data, &length);
      if (code < 0) return failed(code, "read an entry's fields");
      if (code == 0) return {};
      const std::string_view field(static_cast<const char*>(data), length);
      const size_t equals = field.find('=');
      if (equals != std::string_view::npos) out.emplace_back(field.substr(0, equals), field.substr(equals + 1));
    }
  }

  std::vector<std::string> directories() override {
    sd_id128_t machine;
    char name[SD_ID128_STRING_MAX];
    if (sd_id128_get_machine(&machine) < 0) return {};
    sd_id128_to_string(machine, name);
    std::vector<std::string> found;
    for (const std::string root : {"/var/log/journal/", "/run/log/journal/"}) {
      if (real_disk().stat(root + name).ok()) found.push_back(root + name);
    }
    return found;
  }

 private:
  sd_journal* const journal_;
};

}  // namespace

Result<std::unique_ptr<JournalReader>> open_journal() {
  sd_journal* journal = nullptr;
  if (const int code = sd_journal_open(&journal, SD_JOURNAL_LOCAL_ONLY); code < 0) {
    return failed(code, "open the journal");
  }
  auto reader = std::make_unique<SystemdJournal>(journal);
  if (sd_journal_has_persistent_files(journal) <= 0 && sd_journal_has_runtime_files(journal) <= 0) {
    return Error(Code::not_found, "open the journal: no journal file can be read here");
  }
  sd_journal_set_data_threshold(journal, value_bytes_max);
  return std::unique_ptr<JournalReader>(std::move(reader));
}

}  // namespace reeve::sys
