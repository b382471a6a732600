// The keys of an input that say what becomes of its lines:
//
//     parse: [cri, json]               # parsers in order; built-in ones (reeve-agent --list) and Lua's by their name
//     multiline:
//       start: '^\d{4}-'               # a line that begins a record; or continuation: one that goes on with it
//       timeout: 1s                    # without a further line
//       lines_max: 500
//       bytes_max: 256KiB
//     keep_original: false             # the line as read in the field log.record.original, where the body is another
//
// Every collector whose lines may be parsed reads them alike: it hands on the index given here.
#pragma once

#include <cstdint>
#include <vector>

#include "agent/parse/line_rules.h"
#include "common/secrets/redact.h"
#include "common/sys/yaml.h"

namespace reeve::agent {

// Reads them from an input's map. What is special becomes a further entry of `all`; the result is its index, 0 where
// there is nothing special. `all` begins with one entry, for index 0.
uint32_t read_line_rules(sys::YamlMap& input, std::vector<LineRules>& all);

// The configuration's own `redact`:
//
//     redact:
//       rules: [card, email]           # that are not on by themselves
//       off: [jwt]                     # that would be
//       patterns:                      # of one's own, looked for in every body and field value
//         - name: ssn
//           pattern: '\b(\d{3}-\d{2}-\d{4})\b'   # what its groups cover is replaced; all of it where it has none
//           replace: '***'             # absent: [redacted:ssn]
void read_redact(sys::YamlMap& root, secrets::RedactConfig& config);

}  // namespace reeve::agent
