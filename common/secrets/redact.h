// Replaces secrets by [redacted:NAME] before anything is stored or becomes a template.
//
//     GET /?token=8f3a...&x=1          ->  GET /?token=[redacted:secret]&x=1
//     {"password":"hunter2"}           ->  {"password":"[redacted:password]"}
//
// Two steps. A scan for a few dozen literals says whether a text may hold anything; most lines end there. Then one
// RE2::Set says which rules match, and each of them replaces what its groups cover. The value of a field whose key
// names a secret is replaced as a whole. Patterns of the configuration are looked for in every line, and so cost more.
//
// What it cannot do: know a secret by its value alone where nothing about it is known; join lines. The lines of a
// private key are known by the line that opens it, for each source, until the agent restarts.
//
// One thread: the worker of its sources.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/wire/record.h"

namespace reeve::secrets {

struct RedactConfig {
  struct Custom {
    std::string name;
    std::string pattern;                 // RE2; what its groups cover is replaced, all of it where it has none
    std::optional<std::string> replace;  // none: [redacted:NAME]
  };
  std::vector<std::string> rules{};  // opt-in ones that are wanted
  std::vector<std::string> off{};    // default ones that are not
  std::vector<Custom> patterns{};
};

struct RedactRule {
  std::string_view name;
  std::string_view summary;  // one sentence
  bool by_default = true;
};
std::span<const RedactRule> redact_rules();

// How often a rule has replaced something, since the start.
struct RedactCounters {
  std::string name;
  uint64_t replaced = 0;
};

class Redactor {
 public:
  // `counters` outlives it and gets a row for each rule.
  Redactor(const RedactConfig& config, std::vector<RedactCounters>& counters);
  ~Redactor();

  // Of one source: whether the lines of a private key go on.
  struct KeyLines {
    uint32_t left = 0;
  };

  // `line` is what the record was made of. The record's body and fields are replaced where they hold secrets; its views
  // then live until the next call.
  void redact(BytesView line, KeyLines& key_lines, wire::LogRecord& record);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace reeve::secrets
