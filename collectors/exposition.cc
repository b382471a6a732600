// A hand-written scanner over the page, line by line; no copy but of label values that carry escapes.
#include "collectors/exposition.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <unordered_map>

#include "common/base/check.h"

namespace reeve::collect {
namespace {

constexpr size_t number_bytes_max = 64;
constexpr size_t exemplar_bytes_max = 512;  // of names and values together: OpenMetrics has it at 128 characters

enum class Type : uint8_t { unknown, counter, gauge, histogram, gaugehistogram, summary, info, stateset };

std::optional<Type> find_type(std::string_view word, Exposition exposition) {
  if (word == "counter") return Type::counter;
  if (word == "gauge") return Type::gauge;
  if (word == "histogram") return Type::histogram;
  if (word == "summary") return Type::summary;
  if (exposition == Exposition::text) return word == "untyped" ? std::optional(Type::unknown) : std::nullopt;
  if (word == "unknown") return Type::unknown;
  if (word == "gaugehistogram") return Type::gaugehistogram;
  if (word == "info") return Type::info;
  if (word == "stateset") return Type::stateset;
  return std::nullopt;
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool begins_name(char c) {
  return is_letter(c) || c == ':';
}
bool goes_on_name(char c) {
  return begins_name(c) || is_digit(c);
}

char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return to_lower(x) == to_lower(y); });
}

// As Go's ParseFloat takes them, but for hexadecimal ones and underscores, which both formats leave out.
std::optional<double> parse_number(std::string_view text) {
  if (text.empty() || text.size() > number_bytes_max) return std::nullopt;
  const bool negative = text.front() == '-';
  std::string_view digits = text;
  if (negative || text.front() == '+') digits.remove_prefix(1);
  if (digits.empty()) return std::nullopt;
  if (!is_digit(digits.front()) && digits.front() != '.') {
    if (equal_ignoring_case(digits, "inf") || equal_ignoring_case(digits, "infinity")) {
      return negative ? -HUGE_VAL : HUGE_VAL;
    }
    if (equal_ignoring_case(text, "nan")) return std::nan("");
    return std::nullopt;
  }
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (end != digits.data() + digits.size()) return std::nullopt;
  if (error == std::errc::result_out_of_range) {
    // Too small for a double is zero; too large is an error, as in Go.
    value = std::strtod(std::string(digits).c_str(), nullptr);
    if (std::isinf(value)) return std::nullopt;
  } else if (error != std::errc()) {
    return std::nullopt;
  }
  return negative ? -value : value;
}

std::string_view without_suffix(std::string_view name, std::string_view suffix) {
  return name.size() > suffix.size() && name.ends_with(suffix) ? name.substr(0, name.size() - suffix.size())
                                                               : std::string_view();
}

}  // namespace

std::optional<Exposition> find_exposition(std::string_view content_type) {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  if (equal_ignoring_case(type, "application/openmetrics-text")) return Exposition::openmetrics;
  // Many small exporters send nothing, or what their web server makes up for text.
  if (type.empty() || equal_ignoring_case(type, "text/plain")) return Exposition::text;
  return std::nullopt;
}

class ExpositionParser {
 public:
  ExpositionParser(MetricPage& page, Exposition exposition, const MetricPage::Limits& limits)
      : page_(page), exposition_(exposition), limits_(limits) {}

  Status run() {
    std::string_view rest = page_.text_;
    bool ended = false;
    while (!rest.empty()) {
      ++line_number_;
      const size_t end = rest.find('\n');
      const bool has_end = end != std::string_view::npos;
      line_ = rest.substr(0, end);
      rest.remove_prefix(has_end ? end + 1 : rest.size());
      left_ = line_;
      if (open_metrics()) {
        if (ended) return wrong("stands after # EOF");
        if (line_ == "# EOF") {
          ended = true;
          continue;
        }
        if (!has_end) return wrong("ends without a line feed: the page is cut");
      }
      TRY(read_line());
    }
    if (open_metrics() && !ended) {
      return Error(Code::invalid, "the page ends without # EOF: it is cut, or not OpenMetrics");
    }
    return {};
  }

 private:
  struct Family {
    Type type = Type::unknown;
    bool typed = false;
    std::string_view unit;
  };

  bool open_metrics() const { return exposition_ == Exposition::openmetrics; }

  Error wrong(std::string_view what) const {
    return {Code::invalid,
            "line " + std::to_string(line_number_) + " " + std::string(what) + ": \"" + printable(line_, 120) + "\""};
  }

  // Text allows blanks and tabs between any two words; OpenMetrics allows exactly one blank, and only in places.
  void skip_blanks() {
    if (open_metrics()) return;
    while (!left_.empty() && (left_.front() == ' ' || left_.front() == '\t')) left_.remove_prefix(1);
  }
  bool take(char c) {
    if (left_.empty() || left_.front() != c) return false;
    left_.remove_prefix(1);
    return true;
  }
  bool take_blank() {
    if (open_metrics()) return take(' ');
    const size_t before = left_.size();
    skip_blanks();
    return left_.size() < before;
  }
  std::string_view take_word() {
    size_t size = 0;
    while (size < left_.size() && left_[size] != ' ' && (open_metrics() || left_[size] != '\t')) ++size;
    const std::string_view word = left_.substr(0, size);
    left_.remove_prefix(size);
    return word;
  }
  std::string_view take_name(bool colon_allowed) {
    size_t size = 0;
    while (size < left_.size() && (size == 0 ? begins_name(left_[size]) : goes_on_name(left_[size])) &&
           (colon_allowed || left_[size] != ':')) {
      ++size;
    }
    const std::string_view name = left_.substr(0, size);
    left_.remove_prefix(size);
    return name;
  }

  Status read_line() {
    skip_blanks();
    if (left_.empty()) return open_metrics() ? Status(wrong("is empty")) : Status();
    return take('#') ? read_comment() : read_sample();
  }

  // -- Metadata
  // --------------------------------------------------------------------------------------------------------

  Status read_comment() {
    if (!take_blank()) return open_metrics() ? Status(wrong("is no descriptor")) : Status();
    const std::string_view keyword = take_word();
    if (keyword != "TYPE" && keyword != "HELP" && keyword != "UNIT") {
      return open_metrics() ? Status(wrong("is no descriptor; allowed: TYPE, HELP, UNIT, EOF")) : Status();
    }
    if (keyword == "UNIT" && !open_metrics()) return {};
    if (!take_blank()) return wrong("names no metric");
    const std::string_view name = take_name(true);
    if (name.empty()) return wrong("names no metric");
    if (keyword == "HELP") {
      return left_.empty() || take_blank() ? Status() : Status(wrong("has a wrong metric name"));
    }
    if (name.size() > limits_.name_bytes_max) return {};  // its samples will be left out
    if (!left_.empty() && !take_blank()) return wrong("has a wrong metric name");
    std::string_view word = take_word();
    skip_blanks();
    if (!left_.empty()) return wrong("goes on after its last word");

    Family* family = family_of_comment(name);
    if (family == nullptr) {
      return Error(Code::exhausted,
                   "the page describes more than " + std::to_string(limits_.families_max) + " metrics");
    }
    if (keyword == "UNIT") {
      if (!family->unit.empty()) return wrong("gives a second unit");
      if (!word.empty() && without_suffix(name, word).empty()) return wrong("has a unit that its name does not end in");
      family->unit = word;
      return {};
    }
    const auto type = find_type(word, exposition_);
    if (!type) return wrong("has an unknown type");
    if (family->typed) return wrong("gives a second type");
    family->typed = true;
    family->type = *type;
    return {};
  }

  Family* family_of_comment(std::string_view name) {
    if (families_.size() >= limits_.families_max && !families_.contains(name)) return nullptr;
    const auto at = families_.try_emplace(name).first;
    family_name_ = name;
    family_ = &at->second;  // stays where it is
    return family_;
  }

  const Family* find_family(std::string_view name) {
    if (name.empty()) return nullptr;
    if (name == family_name_) return family_;  // nearly always the one described last
    const auto at = families_.find(name);
    return at == families_.end() ? nullptr : &at->second;
  }

  // Sets kind and unit of a sample by its name.
  void classify(MetricPage::Sample& sample) {
    const std::string_view name = sample.name;
    if (const Family* own = find_family(name); own != nullptr && own->typed) {
      sample.unit = own->unit;
      // "# TYPE x counter" with a plain sample x is how the text format writes a counter.
      if (own->type == Type::counter) sample.kind = wire::MetricKind::counter;
      if (own->type == Type::unknown && name.ends_with("_total")) sample.kind = wire::MetricKind::counter;
      return;
    }
    struct Suffix {
      std::string_view text;
      Type type;
      wire::MetricKind kind;
      bool carries_unit;
    };
    constexpr auto counter = wire::MetricKind::counter;
    constexpr auto gauge = wire::MetricKind::gauge;
    static constexpr Suffix suffixes[] = {
        {"_total", Type::counter, counter, true},        {"_bucket", Type::histogram, counter, false},
        {"_count", Type::histogram, counter, false},     {"_sum", Type::histogram, counter, true},
        {"_count", Type::summary, counter, false},       {"_sum", Type::summary, counter, true},
        {"_bucket", Type::gaugehistogram, gauge, false}, {"_gcount", Type::gaugehistogram, gauge, false},
        {"_gsum", Type::gaugehistogram, gauge, true},    {"_info", Type::info, gauge, false},
    };
    for (const Suffix& suffix : suffixes) {
      const std::string_view base = without_suffix(name, suffix.text);
      if (base.empty()) continue;
      const Family* family = find_family(base);
      if (family == nullptr || !family->typed || family->type != suffix.type) continue;
      sample.kind = suffix.kind;
      if (suffix.carries_unit) sample.unit = family->unit;
      return;
    }
    if (name.ends_with("_total")) sample.kind = counter;
  }

  // -- Samples
  // ---------------------------------------------------------------------------------------------------------

  Status read_sample() {
    MetricPage::Sample sample;
    sample.name = take_name(true);
    if (sample.name.empty()) return wrong("begins with no metric name");
    sample.labels_begin = static_cast<uint32_t>(page_.labels_.size());
    oversized_ = sample.name.size() > limits_.name_bytes_max;
    skip_blanks();
    if (take('{')) {
      TRY(read_labels(true));
      if (!take_blank()) return wrong("has no blank before its value");
    } else if (open_metrics() ? !take(' ') : (line_.data() + line_.size() == left_.data() || is_stuck())) {
      return wrong("has no value");
    }

    const auto value = parse_number(take_word());
    if (!value) return wrong("has a value that is no number");
    sample.value = *value;
    TRY(read_time(sample));
    if (open_metrics()) TRY(skip_exemplar());
    skip_blanks();
    if (!left_.empty()) return wrong("goes on after its value");
    return keep(sample);
  }

  // Text: the name ran straight into something that is neither a blank nor a brace.
  bool is_stuck() const {
    const char before = *(left_.data() - 1);
    return before != ' ' && before != '\t';
  }

  Status keep(MetricPage::Sample& sample) {
    sample.labels_count = static_cast<uint32_t>(page_.labels_.size()) - sample.labels_begin;
    const auto begin = page_.labels_.begin() + sample.labels_begin;
    const auto by_key = [](const wire::Field& a, const wire::Field& b) { return a.key < b.key; };
    if (!std::is_sorted(begin, page_.labels_.end(), by_key)) std::sort(begin, page_.labels_.end(), by_key);
    const auto same = [](const wire::Field& a, const wire::Field& b) { return a.key == b.key; };
    if (std::adjacent_find(begin, page_.labels_.end(), same) != page_.labels_.end()) return wrong("has a label twice");

    if (oversized_ || std::isnan(sample.value)) {
      page_.labels_.resize(sample.labels_begin);
      if (oversized_) {
        ++page_.oversized_;
        page_.oversized_bytes_ += line_.size() + 1;
      } else {
        ++page_.not_numbers_;
      }
      return {};
    }
    if (page_.samples_.size() >= limits_.samples_max) {
      return Error(Code::exhausted, "the page has more than " + std::to_string(limits_.samples_max) + " series");
    }
    classify(sample);
    page_.samples_.push_back(sample);
    return {};
  }

  // After the brace. `keep` is false for an exemplar's labels.
  Status read_labels(bool keep) {
    size_t count = 0;
    size_t exemplar_bytes = 0;
    for (;;) {
      skip_blanks();
      if (take('}')) return {};
      if (count > 0) {
        if (!take(',')) return wrong("has no comma between two labels");
        skip_blanks();
        if (take('}')) return open_metrics() ? Status(wrong("has a comma after its last label")) : Status();
      }
      const std::string_view name = take_name(false);
      if (name.empty()) return wrong("has a wrong label name");
      skip_blanks();
      if (!take('=')) return wrong("has a label without '='");
      skip_blanks();
      const std::string_view value = TRY(read_label_value(keep));
      ++count;
      if (!keep) {
        exemplar_bytes += name.size() + value.size();
        if (exemplar_bytes > exemplar_bytes_max) return wrong("has an exemplar with too long labels");
        continue;
      }
      oversized_ = oversized_ || count > limits_.labels_max || name.size() > limits_.name_bytes_max ||
                   value.size() > limits_.label_value_bytes_max;
      if (!oversized_ && !value.empty()) page_.labels_.push_back({name, value});  // an empty label is no label
    }
  }

  Result<std::string_view> read_label_value(bool keep) {
    if (!take('"')) return wrong("has a label value without quotes");
    const size_t end = left_.find_first_of("\"\\");
    if (end == std::string_view::npos) return wrong("has a label value that does not end");
    std::string_view value = left_.substr(0, end);
    if (left_[end] == '"') {
      left_.remove_prefix(end + 1);
    } else {
      std::string text;
      for (;;) {
        const size_t stop = left_.find_first_of("\"\\");
        if (stop == std::string_view::npos) return wrong("has a label value that does not end");
        text.append(left_.substr(0, stop));
        const bool quote = left_[stop] == '"';
        left_.remove_prefix(stop + 1);
        if (quote) break;
        if (left_.empty()) return wrong("ends in a backslash");
        const char escaped = left_.front();
        left_.remove_prefix(1);
        if (escaped == 'n') {
          text += '\n';
        } else if (escaped == '\\' || escaped == '"') {
          text += escaped;
        } else {
          return wrong("has an unknown escape in a label value");
        }
      }
      if (!keep || oversized_ || text.size() > limits_.label_value_bytes_max) {
        oversized_ = oversized_ || keep;
        value = {};
      } else {
        value = page_.unescaped_.emplace_back(std::move(text));
      }
    }
    if (!is_utf8(value)) return wrong("has a label value that is not UTF-8");
    return value;
  }

  // Milliseconds in text, seconds with a fraction in OpenMetrics.
  Status read_time(MetricPage::Sample& sample) {
    if (left_.empty() || !take_blank()) return {};
    if (left_.empty()) return open_metrics() ? Status(wrong("ends in a blank")) : Status();
    if (open_metrics() && left_.front() == '#') return {};
    const std::string_view word = take_word();
    constexpr double ns_max = 9.2e18;
    if (open_metrics()) {
      const auto seconds = parse_number(word);
      if (!seconds || !(std::abs(*seconds) * 1e9 < ns_max)) return wrong("has a time that is none");
      sample.time = WallTime{static_cast<int64_t>(*seconds * 1e9)};
    } else {
      int64_t ms = 0;
      const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), ms);
      if (error != std::errc() || end != word.data() + word.size() ||
          std::abs(static_cast<double>(ms)) * 1e6 >= ns_max) {
        return wrong("has a time that is none");
      }
      sample.time = WallTime{ms * 1'000'000};
    }
    return {};
  }

  // " # {trace_id="..."} 0.67 1520879607.789"; the blank may be gone with a time that was not there.
  Status skip_exemplar() {
    if (left_.empty()) return {};
    (void)take(' ');  // there is one where a time stood before
    if (!take('#') || !take(' ') || !take('{')) return wrong("goes on after its value");
    TRY(read_labels(false));
    if (!take(' ') || !parse_number(take_word())) return wrong("has an exemplar without a value");
    if (left_.empty()) return {};
    if (!take(' ') || !parse_number(take_word())) return wrong("has an exemplar with a wrong time");
    return {};
  }

  MetricPage& page_;
  const Exposition exposition_;
  const MetricPage::Limits& limits_;
  std::unordered_map<std::string_view, Family> families_;
  std::string_view family_name_;
  Family* family_ = nullptr;

  size_t line_number_ = 0;
  std::string_view line_;
  std::string_view left_;   // of the line
  bool oversized_ = false;  // the sample at hand
};

Result<std::unique_ptr<MetricPage>> MetricPage::parse(Bytes page, Exposition exposition, const Limits& limits) {
  std::unique_ptr<MetricPage> made(new MetricPage(std::move(page)));
  made->samples_.reserve(std::min(limits.samples_max, made->text_.size() / 64));
  TRY(ExpositionParser(*made, exposition, limits).run());
  return made;
}

}  // namespace reeve::collect
