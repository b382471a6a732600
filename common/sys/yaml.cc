// yaml-cpp behind YamlReader. Its exceptions stop here. Node identity is what "asked for" hangs on, so each map of the
// document has one State, kept by the document until finish() has compared its keys with what was asked.
#include "common/sys/yaml.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <tuple>

namespace reeve::sys {

namespace {

struct SizeUnit {
  std::string_view name;
  uint64_t bytes;
};
constexpr SizeUnit size_units[] = {{"TiB", 1024_GiB}, {"GiB", 1_GiB}, {"MiB", 1_MiB}, {"KiB", 1_KiB}, {"B", 1}};

std::string quoted(std::string_view text) {
  return '"' + printable(text, 80) + '"';
}

std::string found(const YAML::Node& node) {
  switch (node.Type()) {
    case YAML::NodeType::Scalar:
      return "is " + quoted(node.Scalar());
    case YAML::NodeType::Sequence:
      return "is a list";
    case YAML::NodeType::Map:
      return "is a map";
    default:
      return "is empty";
  }
}

}  // namespace

std::optional<uint64_t> parse_size(std::string_view text) {
  uint64_t count = 0;
  const auto [stopped, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{}) return std::nullopt;
  const std::string_view unit = text.substr(static_cast<size_t>(stopped - text.data()));
  if (unit.empty()) return count;

  for (const SizeUnit& known : size_units) {
    if (unit != known.name) continue;
    if (count > UINT64_MAX / known.bytes) return std::nullopt;
    return count * known.bytes;
  }
  return std::nullopt;
}

std::string format_size(uint64_t bytes) {
  for (const SizeUnit& unit : size_units) {
    if (bytes >= unit.bytes && bytes % unit.bytes == 0)
      return std::to_string(bytes / unit.bytes) + std::string(unit.name);
  }
  return "0B";
}

struct YamlReader::Document {
  struct Complaint {
    int line;
    int column;
    std::string text;
    bool operator<(const Complaint& other) const {
      return std::tie(line, column, text) < std::tie(other.line, other.column, other.text);
    }
  };

  std::string name;
  std::vector<std::shared_ptr<YamlMap::State>> maps;
  std::set<Complaint> complaints;

  void complain(const YAML::Mark& mark, std::string text) {
    complaints.insert({mark.line + 1, mark.column + 1, std::move(text)});
  }
};

struct YamlMap::State {
  YamlReader::Document* document = nullptr;
  YAML::Node node;
  std::string path;  // "spool", "inputs[0].file"; empty for the root
  std::vector<std::string> asked;

  std::string path_of(std::string_view key) const {
    return path.empty() ? std::string(key) : path + "." + std::string(key);
  }

  // The value of the key, and that somebody knows the key. Of a key that stands twice, the first.
  std::optional<YAML::Node> find(std::string_view key) {
    if (std::find(asked.begin(), asked.end(), key) == asked.end()) asked.emplace_back(key);
    for (const auto& entry : node) {
      if (entry.first.IsScalar() && entry.first.Scalar() == key) return entry.second;
    }
    return std::nullopt;
  }

  // yaml-cpp does not say where an empty value stands; its key does.
  YAML::Mark mark_of(std::string_view key, const YAML::Node& value) const {
    if (!value.IsNull()) return value.Mark();
    for (const auto& entry : node) {
      if (entry.first.IsScalar() && entry.first.Scalar() == key) return entry.first.Mark();
    }
    return node.Mark();
  }

  void refuse(std::string_view key, const YAML::Node& value, std::string_view allowed) {
    document->complain(mark_of(key, value), path_of(key) + " " + found(value) + "; allowed: " + std::string(allowed));
  }

  std::shared_ptr<State> child(const YAML::Node& below, std::string child_path) {
    auto state = std::make_shared<State>(State{document, below, std::move(child_path), {}});
    document->maps.push_back(state);
    return state;
  }

  void compare_keys() {
    std::set<std::string> seen;
    for (const auto& entry : node) {
      if (!entry.first.IsScalar()) {
        document->complain(entry.first.Mark(), (path.empty() ? "a key" : "a key of " + path) + " is not a word");
        continue;
      }
      const std::string& key = entry.first.Scalar();
      if (!seen.insert(key).second) {
        document->complain(entry.first.Mark(), path_of(printable(key, 80)) + " stands here a second time");
      } else if (std::find(asked.begin(), asked.end(), key) == asked.end()) {
        document->complain(entry.first.Mark(),
                           path_of(printable(key, 80)) + " is no known key; allowed: " + list_asked());
      }
    }
  }

  std::string list_asked() const {
    std::string text;
    for (const std::string& key : asked) text += (text.empty() ? "" : ", ") + key;
    return text.empty() ? "none" : text;
  }
};

// -- YamlMap ---------------------------------------------------------------------------------------------------------

bool YamlMap::has(std::string_view key) {
  return state_->find(key).has_value();
}

bool YamlMap::is_quoted(std::string_view key) {
  const auto node = state_->find(key);
  return node && node->IsScalar() && node->Tag() == "!";
}

std::vector<std::string> YamlMap::keys() const {
  std::vector<std::string> keys;
  for (const auto& entry : state_->node) {
    if (keys.size() < list_items_max && entry.first.IsScalar()) keys.push_back(entry.first.Scalar());
  }
  return keys;
}

void YamlMap::read(std::string_view key, bool& value) {
  const auto node = state_->find(key);
  if (!node) return;
  // Only these two: YAML 1.1's yes, no, on and off have surprised too many people.
  if (node->IsScalar() && node->Scalar() == "true") {
    value = true;
  } else if (node->IsScalar() && node->Scalar() == "false") {
    value = false;
  } else {
    state_->refuse(key, *node, "true or false");
  }
}

void YamlMap::read(std::string_view key, std::string& value, TextLimits limits) {
  const auto node = state_->find(key);
  if (!node) return;
  const bool fits = node->IsScalar() && node->Scalar().size() <= limits.bytes_max &&
                    (limits.empty_allowed || !node->Scalar().empty());
  if (!fits) {
    state_->refuse(key, *node, "a text of at most " + std::to_string(limits.bytes_max) + " bytes");
    return;
  }
  value = node->Scalar();
}

void YamlMap::read(std::string_view key, int64_t& value, IntRange range) {
  const auto node = state_->find(key);
  if (!node) return;
  int64_t number = 0;
  const std::string text = node->IsScalar() ? node->Scalar() : std::string();
  const auto [stopped, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc{} && stopped == text.data() + text.size() && !text.empty();
  if (!whole || number < range.min || number > range.max) {
    state_->refuse(key, *node, "a whole number from " + std::to_string(range.min) + " to " + std::to_string(range.max));
    return;
  }
  value = number;
}

void YamlMap::read(std::string_view key, std::vector<std::string>& value, TextLimits limits) {
  const auto node = state_->find(key);
  if (!node) return;
  if (!node->IsSequence() || node->size() > list_items_max) {
    state_->refuse(key, *node, "a list of at most " + std::to_string(list_items_max) + " texts");
    return;
  }
  std::vector<std::string> texts;
  for (const YAML::Node& item : *node) {
    const bool fits =
        item.IsScalar() && item.Scalar().size() <= limits.bytes_max && (limits.empty_allowed || !item.Scalar().empty());
    if (!fits) {
      state_->refuse(std::string(key) + "[" + std::to_string(texts.size()) + "]", item,
                     "a text of at most " + std::to_string(limits.bytes_max) + " bytes");
      return;
    }
    texts.push_back(item.Scalar());
  }
  value = std::move(texts);
}

void YamlMap::read(std::string_view key, Endpoint& value) {
  const auto node = state_->find(key);
  if (!node) return;
  const auto endpoint = node->IsScalar() ? parse_endpoint(node->Scalar()) : std::nullopt;
  if (!endpoint) {
    state_->refuse(key, *node, "host:port, as in \"127.0.0.1:7420\" or \"[::1]:7420\"");
    return;
  }
  value = *endpoint;
}

void YamlMap::read_size(std::string_view key, uint64_t& value, SizeRange range) {
  const auto node = state_->find(key);
  if (!node) return;
  const auto size = node->IsScalar() ? parse_size(node->Scalar()) : std::nullopt;
  if (!size || *size < range.min || *size > range.max) {
    state_->refuse(key, *node, "a size from " + format_size(range.min) + " to " + format_size(range.max));
    return;
  }
  value = *size;
}

void YamlMap::read_duration(std::string_view key, Duration& value, DurationRange range) {
  const auto node = state_->find(key);
  if (!node) return;
  const auto duration = node->IsScalar() ? parse_duration(node->Scalar()) : std::nullopt;
  if (!duration || *duration < range.min || *duration > range.max) {
    state_->refuse(key, *node, "a duration from " + format_duration(range.min) + " to " + format_duration(range.max));
    return;
  }
  value = *duration;
}

void YamlMap::read_choice(std::string_view key, std::string& value, std::initializer_list<std::string_view> choices) {
  const auto node = state_->find(key);
  if (!node) return;
  if (node->IsScalar() && std::find(choices.begin(), choices.end(), node->Scalar()) != choices.end()) {
    value = node->Scalar();
    return;
  }
  std::string allowed;
  for (const std::string_view choice : choices) allowed += (allowed.empty() ? "" : ", ") + std::string(choice);
  state_->refuse(key, *node, allowed);
}

std::optional<YamlMap> YamlMap::map(std::string_view key) {
  const auto node = state_->find(key);
  if (!node) return std::nullopt;
  if (!node->IsMap() && !node->IsNull()) {
    state_->refuse(key, *node, "a map");
    return std::nullopt;
  }
  return YamlMap(state_->child(*node, state_->path_of(key)));
}

std::vector<YamlMap> YamlMap::maps(std::string_view key) {
  std::vector<YamlMap> result;
  const auto node = state_->find(key);
  if (!node) return result;
  if (!node->IsSequence() || node->size() > list_items_max) {
    state_->refuse(key, *node, "a list of at most " + std::to_string(list_items_max) + " maps");
    return result;
  }
  size_t index = 0;
  for (const YAML::Node& item : *node) {
    const std::string name = std::string(key) + "[" + std::to_string(index++) + "]";
    if (item.IsMap()) {
      result.push_back(YamlMap(state_->child(item, state_->path_of(name))));
    } else {
      state_->refuse(name, item, "a map");
    }
  }
  return result;
}

void YamlMap::complain(std::string_view key, std::string_view what) {
  const auto node = state_->find(key);
  state_->document->complain(node ? state_->mark_of(key, *node) : state_->node.Mark(),
                             state_->path_of(key) + " " + std::string(what));
}

void YamlMap::complain(std::string_view what) {
  state_->document->complain(state_->node.Mark(),
                             (state_->path.empty() ? "the configuration" : state_->path) + " " + std::string(what));
}

// -- YamlReader ------------------------------------------------------------------------------------------------------

YamlReader::YamlReader(std::shared_ptr<Document> document) : document_(std::move(document)) {}
YamlReader::~YamlReader() = default;
YamlReader::YamlReader(YamlReader&&) noexcept = default;
YamlReader& YamlReader::operator=(YamlReader&&) noexcept = default;

Result<YamlReader> YamlReader::parse(std::string name, std::string_view text) {
  if (text.size() > text_bytes_max) {
    return Error(Code::invalid, name + " has " + std::to_string(text.size()) + " bytes; allowed: at most " +
                                    format_size(text_bytes_max));
  }
  auto document = std::make_shared<Document>();
  document->name = std::move(name);

  YAML::Node root;
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(std::string(text));
    if (documents.size() > 1) document->complain(documents[1].Mark(), "a second document begins here; allowed: one");
    if (!documents.empty()) root = documents.front();
  } catch (const YAML::Exception& e) {
    return Error(Code::invalid, document->name + ":" + std::to_string(e.mark.line + 1) + ":" +
                                    std::to_string(e.mark.column + 1) + ": not YAML: " + e.msg);
  }
  if (!root.IsMap() && !root.IsNull()) {
    return Error(Code::invalid, document->name + ":1:1: the configuration " + found(root) + "; allowed: a map of keys");
  }
  document->maps.push_back(std::make_shared<YamlMap::State>(YamlMap::State{document.get(), root, "", {}}));
  return YamlReader(std::move(document));
}

YamlMap YamlReader::root() {
  return YamlMap(document_->maps.front());
}

Status YamlReader::finish() {
  for (const auto& map : document_->maps) map->compare_keys();
  if (document_->complaints.empty()) return {};

  constexpr size_t complaints_max = 20;
  std::string text;
  size_t count = 0;
  for (const Document::Complaint& complaint : document_->complaints) {
    if (count++ == complaints_max) {
      text += "\n" + std::to_string(document_->complaints.size() - complaints_max) + " more";
      break;
    }
    text += (text.empty() ? "" : "\n") + document_->name + ":" + std::to_string(complaint.line) + ":" +
            std::to_string(complaint.column) + ": " + complaint.text;
  }
  return Error(Code::invalid, text);
}

}  // namespace reeve::sys
