// One JSON object a line.
//
//     {"ts":"2026-03-01T00:00:00Z","level":"warn","msg":"slow","service":"cart","http":{"status":200},"tags":["a"]}
//     time, level, service; body "slow"; fields http.status=200, tags=["a"]
//
// The body is the message; where there is none, the line stays the body. Nested objects become dotted keys down to
// nesting_max, what lies deeper and arrays stay JSON text. Numbers stay as written. What is lost, but for
// `keep_original`: the order of members, blanks, how a text was escaped, how time and level were spelt.
#include "agent/parse/common_keys.h"
#include "agent/parse/json_walk.h"
#include "agent/parse/table.h"

namespace reeve::agent {

namespace {

constexpr int nesting_max = 8;
constexpr size_t key_bytes_max = 256;  // of a dotted key; what would get longer stays JSON text

class JsonParser : public LineFormat {
 public:
  explicit JsonParser(const LocalOffset& local_offset) : times_(local_offset) {}

  ParseResult parse(Draft& draft, const Emit&) override {
    JsonWalk walk(draft.body(), draft);
    if (walk.peek() != '{') return ParseResult::unknown;
    draft.save();
    CommonKeys keys(draft, times_);
    if (!take_object(walk, draft, keys, {}, 1) || !walk.at_end()) {
      draft.restore();
      return ParseResult::unknown;
    }
    keys.finish();
    return ParseResult::parsed;
  }

 private:
  bool take_object(JsonWalk& walk, Draft& draft, CommonKeys& keys, BytesView prefix, int nesting) {
    if (!walk.take('{')) return false;
    if (walk.take('}')) {
      if (!prefix.empty()) draft.set_field(prefix, "{}");
      return true;
    }
    do {
      BytesView key;
      if (!walk.take_key(key)) return false;
      if (!prefix.empty()) key = dotted(draft, prefix, key);
      if (walk.peek() == '{' && nesting < nesting_max && !key.empty() && key.size() < key_bytes_max) {
        if (!take_object(walk, draft, keys, key, nesting + 1)) return false;
        continue;
      }
      JsonWalk::Value value;
      if (!walk.take_value(value)) return false;
      const bool is_scalar = value.kind == JsonWalk::Kind::text || value.kind == JsonWalk::Kind::number;
      if (is_scalar && keys.take(key, value.text, value.kind == JsonWalk::Kind::number)) continue;
      draft.set_field(key, value.text);
    } while (walk.take(','));
    return walk.take('}');
  }

  static BytesView dotted(Draft& draft, BytesView prefix, BytesView key) {
    char* room = draft.make_room(prefix.size() + 1 + key.size());
    prefix.copy(room, prefix.size());
    room[prefix.size()] = '.';
    key.copy(room + prefix.size() + 1, key.size());
    return {room, prefix.size() + 1 + key.size()};
  }

  TimeScanner times_;
};

}  // namespace

std::unique_ptr<LineFormat> make_json_parser(const LocalOffset& local_offset) {
  return std::make_unique<JsonParser>(local_offset);
}

}  // namespace reeve::agent
