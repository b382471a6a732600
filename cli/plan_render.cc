// Steps, grouped and spelled out.
#include "cli/plan_render.h"

#include <algorithm>
#include <map>

#include "cli/harmless.h"
#include "cli/times.h"

namespace reeve::cli {

namespace {

constexpr size_t label_column = 4;
constexpr size_t value_column = 17;
constexpr size_t columns_min = 40;
constexpr size_t columns_max = 160;
constexpr size_t hash_digits = 12;

// A character, as it stands between quotes.
std::string escaped(char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (c == '"' || c == '\\') return std::string("\\") + c;
  if (c == '\n') return "\\n";
  if (c == '\t') return "\\t";
  if (byte >= 0x20 && byte < 0x7f) return std::string(1, c);
  return "\\x" + to_hex(BytesView(&c, 1));
}

std::string length_of(uint64_t ms) {
  return format_duration(std::chrono::milliseconds(ms));
}

class Page {
 public:
  explicit Page(size_t columns) : columns_(std::clamp(columns, columns_min, columns_max)) {}

  // A labelled line; `value` is ours or quoted already.
  void line(std::string_view label, std::string_view value) {
    text_ += std::string(label_column, ' ') + std::string(label);
    text_.append(label.size() + label_column < value_column ? value_column - label_column - label.size() : 1, ' ');
    text_ += std::string(value) + "\n";
  }
  void foreign(std::string_view label, std::string_view value) {
    line(label, quoted_lines(value, value_column, columns_));
  }
  // `name` = "value", where the name is foreign too.
  void pair(std::string_view label, std::string_view name, std::string_view value) {
    line(label, quoted_lines(name, value_column, columns_) + " = " + quoted_lines(value, value_column, columns_));
  }
  // Words after words, as many as fit in each line.
  void list(std::string_view label, const std::vector<std::string>& words) {
    std::string row;
    bool is_first = true;
    const auto flush = [&] {
      if (row.empty()) return;
      line(is_first ? label : "", row);
      is_first = false;
      row.clear();
    };
    for (const std::string& word : words) {
      if (!row.empty() && value_column + row.size() + 1 + word.size() > columns_) flush();
      row += (row.empty() ? "" : " ") + word;
    }
    flush();
  }
  void text(std::string_view more) { text_ += more; }
  std::string take_text() { return std::move(text_); }

 private:
  size_t columns_;
  std::string text_;
};

void add_action_arguments(Page& page, const warrant::Action& action) {
  for (const auto& [name, value] : action.arguments) {
    if (const auto* text = std::get_if<std::string>(&value)) {
      page.pair("", name, *text);
    } else {
      page.line("", quoted(name) + " = " + std::to_string(std::get<int64_t>(value)) + " (a number)");
    }
  }
}

void add_exec(Page& page, const std::string& label, const warrant::Exec& exec) {
  if (const auto* action = std::get_if<warrant::Action>(&exec.what)) {
    page.line(label, "built-in action " + quoted(action->name));
    add_action_arguments(page, *action);
  } else {
    const auto& argv = std::get<warrant::Argv>(exec.what);
    page.foreign(label, argv.path);
    for (size_t i = 0; i < argv.arguments.size(); ++i)
      page.foreign("  argument " + std::to_string(i + 1), argv.arguments[i]);
    if (argv.arguments.empty()) page.line("  arguments", "none");
    page.foreign("  as user", argv.user);
    page.foreign("  in folder", argv.working_directory.empty() ? "/" : argv.working_directory);
    for (const auto& [name, value] : argv.environment) page.pair("  variable", name, value);
    if (argv.environment.empty()) page.line("  variables", "none");
    page.line("  program", argv.sha256.empty() ? "whatever lies there, as the host's policy allows"
                                               : "only with SHA-256 " + to_hex(argv.sha256));
  }
  page.line("  at most", length_of(exec.timeout_ms) + ", " + std::to_string(exec.output_bytes_max) +
                             " bytes of its output are kept");
}

std::string describe_effect(warrant::Effect effect) {
  switch (effect) {
    case warrant::Effect::read_only:
      return "read only: it is said to change nothing";
    case warrant::Effect::idempotent:
      return "idempotent: it is said to change nothing when done twice";
    case warrant::Effect::once:
      return "once: it changes something each time";
  }
  return "unknown";
}

void add_rollback(Page& page, const warrant::Step& step) {
  if (!step.rollback) {
    page.line("rollback", "none: this cannot be undone from here");
    return;
  }
  std::string when = "by order only";
  if (step.rollback_on_failure) when = "at once when the step fails, or by order";
  if (step.keep_within_ms != 0)
    when += "; and by itself " + length_of(step.keep_within_ms) + " after the step, unless `reeve keep` comes first";
  add_exec(page, "rollback", *step.rollback);
  page.line("  runs", when);
}

std::string host_of(const warrant::Step& step) {
  return quoted(step.host_name) + "(" + to_hex(step.host).substr(0, hash_digits) + ")";
}

void add_group(Page& page, const std::vector<const warrant::Step*>& group, size_t number) {
  const warrant::Step& step = *group.front();
  page.text("\n[" + std::to_string(number) + "] on " + std::to_string(group.size()) +
            (group.size() == 1 ? " host\n" : " hosts, the same on each\n"));
  std::vector<std::string> hosts;
  for (const warrant::Step* one : group) hosts.push_back(host_of(*one));
  page.list("hosts", hosts);
  add_exec(page, "run", step.exec);
  if (step.probe) {
    add_exec(page, "probe", *step.probe);
    page.line("  runs", "only to find out whether the step took effect, when nobody knows");
  } else {
    page.line("probe", "none");
  }
  add_rollback(page, step);
  for (const warrant::Action& action : step.preconditions) {
    page.line("only if", "built-in check " + quoted(action.name));
    add_action_arguments(page, action);
  }
  if (step.preconditions.empty()) page.line("only if", "no conditions");
  page.line("effect", describe_effect(step.effect));
  page.line("risk", std::to_string(step.risk) + " of " + std::to_string(warrant::risk_highest) +
                        ", asks for at least " + std::to_string(step.approvals) +
                        (step.approvals == 1 ? " approval" : " approvals"));
  page.foreign("asked by", step.requester);
  page.line("not before", format_both(step.not_before_ms));
  page.line("not after", format_both(step.not_after_ms));
  page.line("policy", to_hex(step.policy_hash).substr(0, hash_digits) + "...");
}

// The step without what says which host it is for.
Bytes without_host(warrant::Step step) {
  step.host.clear();
  step.host_name.clear();
  step.epoch = 0;
  step.index = 0;
  return warrant::encode(step);
}

}  // namespace

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) out += escaped(c);
  return out + "\"";
}

std::string quoted_lines(std::string_view text, size_t first_column, size_t columns) {
  std::string out = "\"";
  size_t column = first_column + 1;
  for (const char c : text) {
    const std::string piece = escaped(c);
    if (column + piece.size() + 1 > std::max(columns, columns_min)) {
      out += "\n" + std::string(first_column, ' ') + "|";
      column = first_column + 1;
    }
    out += piece;
    column += piece.size();
  }
  return out + "\"";
}

std::string format_both(int64_t ms) {
  const WallTime time{ms * 1'000'000};
  const std::string local = format_when(time, Zone::local);
  const std::string utc = format_when(time, Zone::utc);
  return local.ends_with("+00:00") ? utc : local + " (" + utc + ")";
}

std::string render_plan(const PlanSteps& plan, size_t columns) {
  Page page(columns);
  page.text("plan " + plan.id + " of org " + quoted(plan.org) + "\n");
  page.line("root hash", to_hex(plan.root));
  page.line("steps", std::to_string(plan.steps.size()) + " on " + std::to_string(plan.hosts) +
                         (plan.hosts == 1 ? " host" : " hosts") + ", highest risk " + std::to_string(plan.risk_max));

  std::vector<std::vector<const warrant::Step*>> groups;
  std::map<Bytes, size_t> group_of;
  for (const warrant::Step& step : plan.steps) {
    const auto [at, is_new] = group_of.try_emplace(without_host(step), groups.size());
    if (is_new) groups.emplace_back();
    groups[at->second].push_back(&step);
  }
  for (size_t i = 0; i < groups.size(); ++i) add_group(page, groups[i], i + 1);
  return page.take_text();
}

}  // namespace reeve::cli
