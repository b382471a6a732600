#include "agent/plugin_rules.h"

#include <catch2/catch.hpp>
#include <limits>
#include <vector>

using namespace reeve;
using namespace reeve::agent;

namespace {

reeve_text text_of(std::string_view text) {
  return {text.data(), text.size()};
}

reeve_item log_item(std::string_view text) {
  reeve_item item{};
  item.size = sizeof item;
  item.kind = REEVE_LOG;
  item.text = text_of(text);
  return item;
}

reeve_item gauge_item(std::string_view name, double value = 1) {
  reeve_item item{};
  item.size = sizeof item;
  item.kind = REEVE_GAUGE;
  item.text = text_of(name);
  item.value = value;
  return item;
}

bool fine(const reeve_item& item) {
  const std::string complaint = complaint_about_item(&item);
  INFO(complaint);
  return complaint.empty();
}

bool with_field(reeve_item item, std::string_view key, std::string_view value) {
  const reeve_field field{text_of(key), text_of(value)};
  item.fields = &field;
  item.fields_count = 1;
  return fine(item);
}

const reeve_plugin good_table{REEVE_PLUGIN_ABI,
                              sizeof(reeve_plugin),
                              "good",
                              "A sentence.",
                              [](const reeve_host*, const reeve_field*, size_t, void**) -> int32_t { return REEVE_OK; },
                              [](void*) -> int32_t { return REEVE_OK; },
                              [](void*) {}};

}  // namespace

TEST_CASE("an item without a beginning is refused before anything of it is read") {
  CHECK(complaint_about_item(nullptr) == "there is no item");
  reeve_item item = log_item("x");
  item.size = sizeof item - 1;
  CHECK_FALSE(fine(item));
  item.size = 0;
  CHECK_FALSE(fine(item));
  item.size = sizeof item + 64;  // of a newer header: what came later is not looked at
  CHECK(fine(item));
  for (const int32_t kind : {0, 4, -1}) {
    item.kind = kind;
    CHECK_FALSE(fine(item));
  }
}

TEST_CASE("a message has a bound, and may be any bytes") {
  CHECK(fine(log_item(std::string_view("\xff\0\n", 3))));
  CHECK_FALSE(fine(log_item("")));
  const std::string largest(65'536, 'x');
  CHECK(fine(log_item(largest)));
  CHECK_FALSE(fine(log_item(largest + "x")));
  reeve_item item = log_item("x");
  item.text.data = nullptr;
  CHECK_FALSE(fine(item));
  item = log_item("x");
  item.time_ns = -1;
  CHECK_FALSE(fine(item));
  item = log_item("x");
  item.level = 6;
  CHECK(fine(item));
  item.level = 7;
  CHECK_FALSE(fine(item));
  item = log_item("x");
  const std::string service(128, 's');
  item.service = text_of(service);
  CHECK(fine(item));
  const std::string longer = service + "s";
  item.service = text_of(longer);
  CHECK_FALSE(fine(item));
  item.service = text_of("\xff");
  CHECK_FALSE(fine(item));
}

TEST_CASE("a metric has a name of the usual letters and a finite value") {
  CHECK(fine(gauge_item("redis.memory.used_bytes:rate/s-1")));
  CHECK(fine(gauge_item("_a")));
  for (const std::string_view name : {"", "1a", "a b", "caf\xc3\xa9", ".a", "a\n"}) {
    INFO(name);
    CHECK_FALSE(fine(gauge_item(name)));
  }
  CHECK_FALSE(fine(gauge_item(std::string_view("a\0b", 3))));
  CHECK(fine(gauge_item(std::string(256, 'a'))));
  CHECK_FALSE(fine(gauge_item(std::string(257, 'a'))));
  CHECK_FALSE(fine(gauge_item("a", std::numeric_limits<double>::quiet_NaN())));
  CHECK_FALSE(fine(gauge_item("a", std::numeric_limits<double>::infinity())));
  reeve_item item = gauge_item("a");
  item.unit = text_of("\xff");
  CHECK_FALSE(fine(item));
}

TEST_CASE("fields are few, named once, and bounded") {
  CHECK(with_field(log_item("x"), "key", "\xff"));
  CHECK_FALSE(with_field(gauge_item("a"), "key", "\xff"));
  CHECK_FALSE(with_field(log_item("x"), "", "v"));
  CHECK_FALSE(with_field(log_item("x"), "k\n", "v"));
  CHECK_FALSE(with_field(log_item("x"), "\xff", "v"));
  CHECK(with_field(log_item("x"), std::string(128, 'k'), std::string(8192, 'v')));
  CHECK_FALSE(with_field(log_item("x"), std::string(129, 'k'), "v"));
  CHECK_FALSE(with_field(log_item("x"), "k", std::string(8193, 'v')));
  CHECK(with_field(gauge_item("a"), "k", std::string(1024, 'v')));
  CHECK_FALSE(with_field(gauge_item("a"), "k", std::string(1025, 'v')));

  std::vector<std::string> keys;
  for (int i = 0; i < 33; ++i) keys.push_back("k" + std::to_string(i));
  std::vector<reeve_field> fields;
  for (const std::string& key : keys) fields.push_back({text_of(key), {}});
  reeve_item item = log_item("x");
  item.fields = fields.data();
  item.fields_count = 32;
  CHECK(fine(item));
  item.fields_count = 33;
  CHECK_FALSE(fine(item));
  fields[1].key = fields[0].key;
  item.fields_count = 2;
  CHECK(complaint_about_item(&item) == "the field \"k0\" stands there twice");
  item.fields = nullptr;
  CHECK_FALSE(fine(item));
}

TEST_CASE("a table of another version or size, or with holes, is refused with a clear text") {
  CHECK(complaint_about_table(&good_table).empty());
  CHECK(complaint_about_table(nullptr) == "it has no symbol reeve_plugin_v1");
  const auto changed = [](auto change) {
    reeve_plugin table = good_table;
    change(table);
    return complaint_about_table(&table);
  };
  CHECK(changed([](reeve_plugin& t) { t.abi = 2; }) == "its table says ABI 2; this agent speaks ABI 1");
  CHECK(changed([](reeve_plugin& t) { t.size = 8; }) == "its table says 8 bytes; ABI 1 has 48");
  CHECK(changed([](reeve_plugin& t) { t.size += 16; }).empty());  // a newer header's
  CHECK(changed([](reeve_plugin& t) { t.name = "No"; }).find("its name is \"No\"") == 0);
  CHECK_FALSE(changed([](reeve_plugin& t) { t.name = nullptr; }).empty());
  CHECK_FALSE(changed([](reeve_plugin& t) { t.summary = ""; }).empty());
  CHECK_FALSE(changed([](reeve_plugin& t) { t.poll = nullptr; }).empty());
}
