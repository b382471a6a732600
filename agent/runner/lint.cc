// See lint.h.
#include "agent/runner/lint.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "agent/runner/lint_names.h"
#include "agent/runner/policy_paths.h"
#include "agent/runner/policy_rules.h"
#include "common/crypto/digest.h"

namespace reeve::runner {

namespace {

constexpr uint64_t pattern_bytes_max = 256;
constexpr uint64_t root_pattern_bytes_max = 64;

template <typename List>
bool has(const List& list, std::string_view name) {
  return std::find(std::begin(list), std::end(list), name) != std::end(list);
}

template <typename List>
bool starts_with_any(std::string_view text, const List& prefixes) {
  return std::any_of(std::begin(prefixes), std::end(prefixes),
                     [text](auto prefix) { return text.starts_with(prefix); });
}

bool is_below(std::string_view path, std::string_view folder) {
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

template <typename List>
bool is_below_any(std::string_view path, const List& folders) {
  return std::any_of(std::begin(folders), std::end(folders), [path](auto folder) { return is_below(path, folder); });
}

std::string_view base_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

// -- Names of programs ----------------------------------------------------------------------------------------------

static_assert(std::is_sorted(refused_programs.begin(), refused_programs.end()));

// "python3.11", "vim.basic", "gcc-12", "x86_64-linux-gnu-gcc" and "bash-static" become what the list has; nothing where
// there is no more to take off.
std::string_view try_shorten(std::string_view name) {
  constexpr std::string_view triplet = "-linux-gnu";
  if (const size_t at = name.rfind(triplet); at != std::string_view::npos) {
    const std::string_view behind = name.substr(at + triplet.size());
    if (behind.starts_with('-')) return behind.substr(1);
    const size_t dash = name.substr(0, at).rfind('-');
    return dash == std::string_view::npos ? std::string_view() : name.substr(0, dash);
  }
  for (const std::string_view variant : variants) {
    if (name.ends_with(variant)) return name.substr(0, name.size() - variant.size());
  }
  const size_t kept = name.find_last_not_of("0123456789.-_");
  if (kept + 1 < name.size()) return name.substr(0, kept + 1);
  const size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? std::string_view() : name.substr(0, dot);
}

template <typename List>
bool is_named(const List& list, std::string_view name) {
  for (; !name.empty(); name = try_shorten(name)) {
    if (std::binary_search(list.begin(), list.end(), name)) return true;
  }
  return false;
}

std::string refuse_name(std::string_view name) {
  if (!starts_with_any(name, interpreter_prefixes) && !is_named(refused_programs, name)) return {};
  const std::string_view instead = name == "systemctl" || name == "service" ? "; the actions unit.* do without it" : "";
  return "\"" + printable(name) +
         "\" is a shell or an interpreter, or is known to run other programs or write any file" + std::string(instead);
}

// -- Arguments ------------------------------------------------------------------------------------------------------

std::string refuse_literal(std::string_view text) {
  if (std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; })) {
    return "has a control character";
  }
  const std::string_view option = text.substr(0, text.find('='));
  if (has(running_options, option)) return "is an option that runs something else";
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (starts_with_any(lower, running_texts)) return "runs something else";
  constexpr std::string_view separators = " \t=,:;\"'|&()";
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find_first_of(separators, at), text.size());
    const std::string_view word = text.substr(at, end - at);
    const bool is_program = has(program_folders, word.substr(0, std::min(word.rfind('/'), word.size())));
    if (has(shells, word) || (is_program && !refuse_name(base_name(word)).empty()))
      return "names a program that is refused";
    at = end + 1;
  }
  return {};
}

std::string refuse_pattern(const ArgumentRule& rule, bool root) {
  const auto shape = shape_of(rule.texts.front());
  if (!shape) return "is not understood: " + shape.error().text();
  if (!rule.expression) return "was never compiled";
  if (shape->bytes_max > pattern_bytes_max)
    return "matches " + std::to_string(shape->bytes_max) + " bytes; allowed: 256";
  if (shape->first['-']) return "can match a leading \"-\": an option";
  if (shape->first['/']) return "can match a leading \"/\": any path; path_below is for paths";
  if (shape->first['@']) return "can match a leading \"@\": a file of arguments";
  const bool climbs = shape->any['/'] && shape->two_dots;
  if (climbs || match(rule, "..").ok() || match(rule, ".").ok()) return "can match \"..\" or \".\"";
  if (!root) return {};
  constexpr std::string_view narrow = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:@+=,-";
  std::bitset<256> allowed;
  for (const char c : narrow) allowed.set(static_cast<unsigned char>(c));
  if (shape->bytes_max > root_pattern_bytes_max || (shape->any & ~allowed).any()) {
    return "is too free for root; allowed: at most 64 of a-z A-Z 0-9 . _ : @ + = , -";
  }
  return {};
}

std::string refuse_argument(const ArgumentRule& rule, bool root) {
  using Kind = ArgumentRule::Kind;
  if (rule.kind != Kind::integer && rule.texts.empty()) return "names nothing";
  if (rule.kind == Kind::pattern) return refuse_pattern(rule, root);
  if (rule.kind == Kind::path_below) return refuse_folder(rule.texts.front());
  if (rule.kind == Kind::integer) {
    return rule.min > rule.max ? "is upside down" : rule.min < 0 ? "can be negative: an option" : "";
  }
  for (const std::string& text : rule.texts) {
    if (const std::string why = refuse_literal(text); !why.empty()) return "\"" + printable(text) + "\" " + why;
  }
  return {};
}

// -- The program as it stands on the disk ---------------------------------------------------------------------------

std::string refuse_on_disk(const CommandRule& rule) {
  struct stat at {};
  const bool there = ::stat(rule.path.c_str(), &at) == 0;
  if (there && (at.st_mode & (S_ISUID | S_ISGID)) != 0) return "is setuid or setgid";
  if (!rule.sha256.empty()) return {};
  std::string start(2, '\0');
  const bool script = there && std::ifstream(rule.path, std::ios::binary).read(start.data(), 2) && start == "#!";
  const bool called = std::any_of(std::begin(script_endings), std::end(script_endings),
                                  [&rule](auto ending) { return rule.path.ends_with(ending); });
  if (script || (called && !there)) return "is a script: an interpreter runs whatever stands in it; pin its sha256";
  return {};
}

std::string resolved(const std::string& path) {
  std::error_code ignored;  // what is not there has no other name
  const auto real = std::filesystem::canonical(path, ignored);
  return ignored ? path : real.string();
}

}  // namespace

std::string refuse_program(std::string_view path) {
  if (!is_plain_path(path)) return "\"" + printable(path) + "\" is no plain absolute path";
  const std::string given(path);
  for (const std::string& name : {given, resolved(given)}) {
    if (std::string why = refuse_name(base_name(name)); !why.empty()) return why;
    if (is_below_any(name, open_folders) || is_below(name, "/root")) {
      return "\"" + printable(name) + "\" lies where others may write";
    }
    for (std::string folder = name.substr(0, name.rfind('/')); !folder.empty(); folder.erase(folder.rfind('/'))) {
      struct stat at {};
      if (::stat(folder.c_str(), &at) == 0 && (at.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return "others may write to " + printable(folder);
      }
    }
  }
  return {};
}

std::string refuse_folder(std::string_view path) {
  if (has(wide_folders, path)) return "\"" + printable(path) + "\" is too wide; name a folder below it";
  if (!is_plain_path(path)) return "\"" + printable(path) + "\" is no plain absolute path";
  if (is_below_any(path, open_folders)) return "\"" + printable(path) + "\" lies where others may write";
  if (is_below_any(path, ruling_folders))
    return "\"" + printable(path) + "\" decides what runs on this host, or as whom";
  return {};
}

std::string refuse_unit(std::string_view unit) {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_.\\@-*";
  const bool ends =
      std::any_of(std::begin(unit_endings), std::end(unit_endings), [unit](auto e) { return unit.ends_with(e); });
  const size_t star = unit.find('*');
  if (!ends || unit.size() > 255 || unit.front() == '-' || unit.front() == '.' ||
      unit.find_first_not_of(allowed) != std::string_view::npos) {
    return "is no name of a .service, .socket or .timer";
  }
  if (star != std::string_view::npos &&
      (star < 2 || unit[star - 1] != '@' || unit.substr(star + 1).find('*') != std::string_view::npos ||
       !has(unit_endings, unit.substr(star + 1)))) {
    return "has a \"*\" that does not stand for a whole instance, as in app@*.service";
  }
  return starts_with_any(unit, refused_units) ? "is not for a step to touch" : "";
}

std::string refuse_variable(std::string_view name) {
  const auto word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  const bool well_formed =
      !name.empty() && !(name.front() >= '0' && name.front() <= '9') && std::all_of(name.begin(), name.end(), word);
  if (!well_formed) return "is no name of a variable";
  if (starts_with_any(name, refused_variable_families) || has(refused_variables, name))
    return "decides what a program loads, runs or trusts; it can never be passed";
  return {};
}

std::vector<std::string> lint(const CommandRule& rule) {
  std::vector<std::string> complaints;
  const auto complain = [&complaints](const std::string& what, const std::string& why) {
    if (!why.empty()) complaints.push_back(what + " " + why);
  };
  const bool root = rule.user == "root" || rule.user == "0";
  if (const std::string why = refuse_program(rule.path); !why.empty()) {
    complain("path", why);
  } else {
    complain("path", refuse_on_disk(rule));
  }
  if (!rule.sha256.empty() && rule.sha256.size() != crypto::digest_bytes) complain("sha256", "is not 32 bytes");
  const bool fixed = is_named(fixed_argument_programs, base_name(rule.path)) ||
                     is_named(fixed_argument_programs, base_name(resolved(rule.path)));
  const ArgumentRule* before = nullptr;
  for (size_t i = 0; i < rule.arguments.size(); i++) {
    const ArgumentRule& argument = rule.arguments[i];
    const std::string what = "arguments[" + std::to_string(i) + "]";
    complain(what, refuse_argument(argument, root));
    if (argument.kind == ArgumentRule::Kind::pattern) {
      if (fixed) complain(what, "is a pattern, and this program reads, writes or loads what an argument names");
      const bool chooses =
          before != nullptr && before->kind != ArgumentRule::Kind::integer &&
          std::any_of(before->texts.begin(), before->texts.end(), [](auto& t) { return has(choosing_options, t); });
      if (chooses) complain(what, "lets a step choose the file behind \"" + printable(before->texts.front()) + "\"");
    }
    before = &argument;
  }
  for (const auto& [name, values] : rule.environment) {
    complain("environment." + printable(name), refuse_variable(name));
    if (values.empty()) complain("environment." + printable(name), "has no value");
    for (const ArgumentRule& value : values) complain("environment." + printable(name), refuse_argument(value, root));
  }
  for (const std::string& folder : rule.write) complain("write", refuse_folder(folder));
  if (is_below_any(rule.working_directory, open_folders)) complain("working_directory", "lies where others may write");
  if (rule.read_only && !rule.write.empty()) complain("read_only", "is true, and write is not empty");
  return complaints;
}

}  // namespace reeve::runner
