// What container runtimes put around each line of a container.
//
//     2026-03-01T00:00:00.123456789Z stdout F the line          CRI: containerd, CRI-O
//     {"log":"the line\n","stream":"stdout","time":"2026-03-01T00:00:00.123456789Z"}      Docker's json-file
//
// Both cut long lines into pieces (16 KiB): CRI says so by the flag P, Docker by leaving the line end off. The stream
// becomes the field log.iostream; Docker's attributes (labels and the like) become fields attrs.NAME.
#include "agent/parse/json_walk.h"
#include "agent/parse/table.h"

namespace reeve::agent {

namespace {

constexpr BytesView stream_key = "log.iostream";

bool is_stream(BytesView name) {
  return name == "stdout" || name == "stderr";
}

class CriParser : public LineFormat {
 public:
  explicit CriParser(const LocalOffset& local_offset) : times_(local_offset) {}

  ParseResult parse(Draft& draft, const Emit&) override {
    constexpr size_t stream_bytes = 6;  // stdout, stderr
    const BytesView line = draft.body();
    const size_t blank = line.substr(0, 40).find(' ');
    if (blank == BytesView::npos || line.size() < blank + stream_bytes + 3) return ParseResult::unknown;
    const BytesView stream = line.substr(blank + 1, stream_bytes);
    if (!is_stream(stream) || line[blank + 1 + stream_bytes] != ' ') return ParseResult::unknown;

    // The flag is the first of several tags with a colon between them; only P and F are defined.
    const size_t flag = blank + stream_bytes + 2;
    const size_t tags_end = std::min(line.find(' ', flag), line.size());
    const bool is_partial = line[flag] == 'P';
    if ((!is_partial && line[flag] != 'F') || (tags_end > flag + 1 && line[flag + 1] != ':'))
      return ParseResult::unknown;
    const auto time = times_.scan(line, 0, draft.arrival());
    if (!time || time->end != blank) return ParseResult::unknown;

    draft.time = time->time;
    draft.set_field(stream_key, stream);
    draft.set_body(line.substr(std::min(tags_end + 1, line.size())));
    return is_partial ? ParseResult::partial : ParseResult::parsed;
  }

 private:
  TimeScanner times_;
};

class DockerParser : public LineFormat {
 public:
  explicit DockerParser(const LocalOffset& local_offset) : times_(local_offset) {}

  ParseResult parse(Draft& draft, const Emit&) override {
    JsonWalk walk(draft.body(), draft);
    if (!walk.take('{') || walk.peek() != '"') return ParseResult::unknown;
    draft.save();
    BytesView log;
    if (!take_members(walk, draft, log)) {
      draft.restore();
      return ParseResult::unknown;
    }
    const bool is_partial = !log.ends_with('\n');
    if (!is_partial) log.remove_suffix(1);
    draft.set_body(log);
    return is_partial ? ParseResult::partial : ParseResult::parsed;
  }

 private:
  // All three members are there, and nothing else but attributes.
  bool take_members(JsonWalk& walk, Draft& draft, BytesView& log) {
    bool has_log = false;
    bool has_stream = false;
    bool has_time = false;
    do {
      BytesView key;
      JsonWalk::Value value;
      if (!walk.take_key(key)) return false;
      if (key == "attrs") {
        if (!take_attributes(walk, draft)) return false;
        continue;
      }
      if (!walk.take_value(value) || value.kind != JsonWalk::Kind::text) return false;
      if (key == "log") {
        log = value.text;
        has_log = true;
      } else if (key == "stream" && is_stream(value.text)) {
        draft.set_field(stream_key, value.text);
        has_stream = true;
      } else if (key == "time") {
        const auto time = times_.scan(value.text, 0, draft.arrival());
        if (!time) return false;
        draft.time = time->time;
        has_time = true;
      } else {
        return false;
      }
    } while (walk.take(','));
    return has_log && has_stream && has_time && walk.take('}') && walk.at_end();
  }

  static bool take_attributes(JsonWalk& walk, Draft& draft) {
    constexpr BytesView prefix = "attrs.";
    if (!walk.take('{')) return false;
    if (walk.take('}')) return true;
    do {
      BytesView key;
      JsonWalk::Value value;
      if (!walk.take_key(key) || !walk.take_value(value)) return false;
      char* room = draft.make_room(prefix.size() + key.size());
      prefix.copy(room, prefix.size());
      key.copy(room + prefix.size(), key.size());
      draft.set_field({room, prefix.size() + key.size()}, value.text);
    } while (walk.take(','));
    return walk.take('}');
  }

  TimeScanner times_;
};

}  // namespace

std::unique_ptr<LineFormat> make_cri_parser(const LocalOffset& local_offset) {
  return std::make_unique<CriParser>(local_offset);
}

std::unique_ptr<LineFormat> make_docker_parser(const LocalOffset& local_offset) {
  return std::make_unique<DockerParser>(local_offset);
}

}  // namespace reeve::agent
