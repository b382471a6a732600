// Which files are meant: shell patterns over paths, and the walk that finds what they match now.
//
// Within one name: '*' any run of characters, '?' one, '[a-z]' and '[!a-z]' one of a set, '\' takes the next literally.
// '**' as a whole name is any number of directories, none included. As in a shell, '*', '?' and '[' do not match a
// leading dot, and '**' enters no hidden directory. '**' does not follow links to directories, since they may run in
// circles; every other name does. An exclude without a slash is matched against the file's name alone, one with a slash
// against the whole path; in excludes a leading dot is nothing special.
//
// The walk refuses to go deeper than 32 directories or to look at more than 200,000 entries at a time; it says so.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/sys/disk.h"

namespace reeve::collect {

class Globs {
 public:
  Globs(std::vector<std::string> include, std::vector<std::string> exclude);

  // Code::invalid for a pattern that can match nothing: relative, empty, or with an unclosed '['.
  static Status validate(std::string_view pattern);

  struct Walk {
    std::vector<std::string> paths;        // sorted, each once; not directories as far as the listing tells
    std::vector<std::string> directories;  // that were listed: a change in one may change `paths`
    std::vector<Error> errors;             // directories that could not be listed, other than absent ones
    bool cut_short = false;                // at one of the bounds
  };
  Walk walk(sys::Disk& disk) const;

  bool includes(std::string_view path) const;
  bool excluded(std::string_view path) const;

 private:
  std::vector<std::string> include_;
  std::vector<std::string> exclude_;
};

// One name against one pattern without slashes; `dots` lets a wildcard match a leading dot.
bool matches_name(std::string_view pattern, std::string_view name, bool dots);

// A whole path against a pattern with slashes and '**'; wildcards match leading dots.
bool matches_path(std::string_view pattern, std::string_view path);

}  // namespace reeve::collect
