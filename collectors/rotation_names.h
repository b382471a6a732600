// Which names rotation gives to files.
#pragma once

#include <string_view>

namespace reeve::collect {

// Whether `name` is what rotation makes of `base`, both without directories: "app.log.1", "app.log-20261121",
// "app.log.2026-11-21T02:54", "app.log.old", and with the extension kept "app.1.log", "app-20261121.log". Compressed
// ones are not: nothing can be read from them here.
bool is_rotation_of(std::string_view base, std::string_view name);

// Of two such names, whether `a` was given later than `b`: a smaller number where both count, otherwise a later date.
bool is_younger_rotation(std::string_view base, std::string_view a, std::string_view b);

}  // namespace reeve::collect
