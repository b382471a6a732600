// Foreign text, made unable to do anything to a terminal.
//
// A log body is written by whoever can reach a logged service. Printed raw it could recolour the screen, rewrite lines
// above it, set the window's title, or make some terminals type commands. So every control character becomes visible
// text: C0 and DEL and bytes that are no UTF-8 as \x1b, C1 and the characters that reorder or hide text (bidirectional
// marks, line and paragraph separators, invisible tags) as \u202e. Exact bytes: --json.
#pragma once

#include <string>
#include <string_view>

namespace reeve::cli {

// One line; tabs stay, line breaks become \n.
std::string harmless_line(std::string_view foreign);

// Line breaks stay line breaks, each followed by `indent`, which makes clear that it is no new record. A line break at
// the very end is dropped.
std::string harmless_lines(std::string_view foreign, std::string_view indent);

// Serialised JSON: the same characters as \u escapes, so that the document keeps its meaning.
std::string harmless_json(std::string_view json);

// How many columns a harmless text takes; wide characters count as one.
size_t width_of(std::string_view text);

}  // namespace reeve::cli
