#include <catch2/catch.hpp>

#include "common/wire/text_matcher.h"

using namespace reeve;
using namespace reeve::wire;

TEST_CASE("a regex matches characters in UTF-8 and bytes elsewhere") {
  const auto [pattern, body, matches] = GENERATE(table<std::string, std::string, bool>({
      {"gr.ße", "die größe", true},
      {"gr.ße",
       "die gr\xc3\xb6\xc3\x9f"
       "e\xff",
       true},
      {"^.$", "ö", true},
      {"^..$", "ö", false},
      {"^.$", "\xff", true},
      {"[äö]x", "öx", true},
      {"[ä]x", "öx", false},
      {"a.b",
       "a\xff"
       "b",
       true},
      {"größe", "\xff größe", true},
      {"\\d+ ms", "took 12 ms", true},
      {"\\d+ ms$", "took 12 ms.", false},
      {"(?i)ERROR", "an error", true},
      {"", "anything", true},
      {"^$", "", true},
      {"\\x00", std::string("a\0b", 3), true},
  }));

  CHECK(TextMatcher::regex(pattern).value().matches(body) == matches);
}

TEST_CASE("a literal matches any bytes") {
  CHECK(TextMatcher::literal("", false).value().matches(""));
  CHECK(TextMatcher::literal(std::string("\0\xff", 2), false).value().matches(std::string("a\0\xff", 3)));
  CHECK_FALSE(TextMatcher::literal("Error", false).value().matches("error"));
  CHECK(TextMatcher::literal("eRRor", true).value().matches("an ErroR"));
  CHECK_FALSE(TextMatcher::literal("[", true).value().matches("{"));
}

TEST_CASE("what a regex cannot do without is found in it, and never more") {
  const auto [pattern, literal] = GENERATE(table<std::string, std::string>({
      {"connection refused", "connection refused"},
      {"user [0-9]+ failed", "user "},
      {"ab+cde", "cde"},
      {"colou?r", "colo"},
      {"größ?e", "grö"},
      {"a.*timeout$", "timeout"},
      {"x*", ""},
      {"a|b", ""},
      {"(?i)error", ""},
      {"10\\.0\\.0\\.7", "10.0.0.7"},
      {"\\d+ms", ""},
      {"abc\\b", "abc"},
      {"abc{0,2}", "ab"},
      {"failed(ly)?", "failed"},
      {"\\Qa.b\\E", ""},
  }));

  CHECK(TextMatcher::regex(pattern).value().impl().literal == literal);
}

TEST_CASE("patterns that are wrong, long or large are refused with the reason") {
  CHECK(TextMatcher::regex("a(b").error().code() == Code::invalid);
  CHECK(TextMatcher::regex("a(b").error().text().find("missing )") != std::string::npos);
  CHECK(TextMatcher::regex(std::string(1'000, 'a')).ok());
  CHECK(TextMatcher::regex(std::string(1'001, 'a')).error().code() == Code::invalid);
  CHECK(TextMatcher::regex("((((a{100}){100}){100}){100})").error().code() == Code::invalid);
  CHECK(TextMatcher::literal(std::string(64_KiB, 'a'), false).ok());
  CHECK(TextMatcher::literal(std::string(64_KiB + 1, 'a'), false).error().code() == Code::invalid);
}
