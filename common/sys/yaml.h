// Typed reading of a YAML configuration, with complaints that say file, line, column, key, what was found and what is
// allowed.
//
// A program pulls the keys it knows into its own struct; a key that is absent leaves the default in place. Nothing
// throws and nothing stops early: complaints gather, and finish() gives them all, in the order of the file. A key that
// nobody asked for, a key that stands twice, a second document and an anchor that repeats a node into itself are
// complaints too.
//
//     YamlReader reader = TRY(YamlReader::parse("agent.yaml", text));
//     YamlMap root = reader.root();
//     root.read("data_dir", config.data_dir);
//     if (auto spool = root.map("spool")) spool->read_size("bytes_max", config.spool.bytes_max, {16_MiB, 1024_GiB});
//     TRY(reader.finish());
//
//     agent.yaml:12:14: spool.bytes_max is "5x"; allowed: a size from 16MiB to 1TiB
//
// A library of its own (reeve_yaml), so that only programs with a configuration link yaml-cpp. One thread.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/endpoint.h"
#include "common/base/result.h"
#include "common/base/time.h"

namespace reeve::sys {

// "4096", "16KiB", "64MiB", "1GiB", "2TiB": a whole number of bytes, binary units.
std::optional<uint64_t> parse_size(std::string_view text);
std::string format_size(uint64_t bytes);

// A map of the document. A handle: copies see the same map; none outlives its reader.
class YamlMap {
 public:
  struct IntRange {
    int64_t min = INT64_MIN;
    int64_t max = INT64_MAX;
  };
  struct SizeRange {
    uint64_t min = 0;
    uint64_t max = UINT64_MAX;
  };
  struct DurationRange {
    Duration min{};
    Duration max = 24h * 365;
  };
  struct TextLimits {
    bool empty_allowed = false;
    size_t bytes_max = 4096;
  };

  bool has(std::string_view key);
  // The keys there are, of a map whose keys are the user's to choose; at most list_items_max. Each is then read by
  // name.
  std::vector<std::string> keys() const;

  // Whether the value stands in quotes: then it is text, even where it looks like a number.
  bool is_quoted(std::string_view key);

  // Each leaves `value` alone where the key is absent or its value draws a complaint.
  void read(std::string_view key, bool& value);
  void read(std::string_view key, std::string& value, TextLimits limits);
  void read(std::string_view key, std::string& value) { read(key, value, TextLimits{}); }
  void read(std::string_view key, int64_t& value, IntRange range);
  void read(std::string_view key, std::vector<std::string>& value, TextLimits limits);  // at most list_items_max
  void read(std::string_view key, std::vector<std::string>& value) { read(key, value, TextLimits{}); }
  void read(std::string_view key, Endpoint& value);
  void read_size(std::string_view key, uint64_t& value, SizeRange range);
  void read_duration(std::string_view key, Duration& value, DurationRange range);
  void read_choice(std::string_view key, std::string& value, std::initializer_list<std::string_view> choices);

  // The map below `key`; an empty value counts as an empty map. Nothing where absent or not a map.
  std::optional<YamlMap> map(std::string_view key);
  // The maps of the list below `key`; at most list_items_max.
  std::vector<YamlMap> maps(std::string_view key);

  // A complaint of the program's own at the key's value, or at the map itself where the key is absent:
  // complain("bytes_max", "is larger than the disk") -> "agent.yaml:12:14: spool.bytes_max is larger than the disk".
  void complain(std::string_view key, std::string_view what);
  // The same about the map as a whole.
  void complain(std::string_view what);

  static constexpr size_t list_items_max = 1000;

 private:
  friend class YamlReader;
  struct State;
  explicit YamlMap(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

class YamlReader {
 public:
  static constexpr uint64_t text_bytes_max = 1_MiB;

  // `name` is how complaints call the file. Code::invalid where the text is no YAML, or not one map.
  static Result<YamlReader> parse(std::string name, std::string_view text);
  ~YamlReader();
  YamlReader(YamlReader&&) noexcept;
  YamlReader& operator=(YamlReader&&) noexcept;

  YamlMap root();

  // Call after everything was read. Code::invalid with one complaint a line, the first twenty.
  Status finish();

  struct Document;

 private:
  explicit YamlReader(std::shared_ptr<Document> document);
  std::shared_ptr<Document> document_;
};

}  // namespace reeve::sys
