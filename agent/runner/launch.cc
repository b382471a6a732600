// The bytes of a Launch: a version, then its fields in the order of the header; integers are varints, texts and lists
// carry their length before them. Decoding accepts exactly what encoding makes.
#include "agent/runner/launch.h"

#include <algorithm>

namespace reeve::runner {

namespace {

constexpr char format_version = 1;
constexpr size_t id_bytes_max = 64;

using Pairs = std::vector<std::pair<std::string, std::string>>;

void append(Bytes& out, std::string_view text) {
  append_varint(out, text.size());
  out += text;
}

void append(Bytes& out, const std::vector<std::string>& texts) {
  append_varint(out, texts.size());
  for (const std::string& text : texts) append(out, text);
}

void append(Bytes& out, const Pairs& pairs) {
  append_varint(out, pairs.size());
  for (const auto& [name, value] : pairs) {
    append(out, name);
    append(out, value);
  }
}

// Takes fields off the front; after the first that is not there, everything is empty and `ok` false.
struct Input {
  BytesView in;
  bool ok = true;

  uint64_t number(uint64_t max) {
    const auto value = take_varint(in);
    ok = ok && value && *value <= max;
    return ok ? *value : 0;
  }
  std::string text() {
    const size_t size = number(in.size());
    ok = ok && size <= in.size();
    if (!ok) return {};
    std::string value(in.substr(0, size));
    in.remove_prefix(size);
    return value;
  }
  // Each element has a byte at least, so the input bounds the list.
  std::vector<std::string> texts() {
    std::vector<std::string> values;
    for (uint64_t left = number(in.size()); ok && left > 0; left--) values.push_back(text());
    return values;
  }
  Pairs pairs() {
    Pairs values;
    for (uint64_t left = number(in.size()); ok && left > 0; left--) {
      std::string name = text();
      values.emplace_back(std::move(name), text());
    }
    return values;
  }
};

bool is_id(std::string_view id) {
  return !id.empty() && id.size() <= id_bytes_max && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

}  // namespace

std::string BuiltIn::argument(std::string_view wanted) const {
  for (const auto& [argument, value] : arguments) {
    if (argument == wanted) return value;
  }
  return {};
}

Bytes encode(const Launch& launch) {
  Bytes out(1, format_version);
  append(out, launch.id);
  append_varint(out, launch.what.index());
  if (const auto* program = std::get_if<Program>(&launch.what)) {
    append(out, program->path);
    append(out, program->sha256);
    append(out, program->arguments);
    append(out, program->environment);
    append(out, program->working_directory);
  } else {
    const auto& built_in = std::get<BuiltIn>(launch.what);
    append(out, built_in.name);
    append(out, built_in.arguments);
  }
  append(out, launch.user);
  append_varint(out, launch.timeout_ms);
  append_varint(out, launch.grace_ms);
  append_varint(out, launch.output_bytes_max);
  append_varint(out, launch.network ? 1 : 0);
  append(out, launch.write_paths);
  append_varint(out, launch.memory_bytes_max);
  append_varint(out, launch.processes_max);
  return out;
}

Result<Launch> decode_launch(BytesView bytes) {
  if (bytes.size() > launch_bytes_max) {
    return Error(Code::invalid, "a launch of " + std::to_string(bytes.size()) + " bytes; allowed: at most " +
                                    std::to_string(launch_bytes_max));
  }
  if (bytes.empty() || bytes.front() != format_version) return Error(Code::invalid, "no launch of a version we know");
  Input input{bytes.substr(1)};
  Launch launch;
  launch.id = input.text();
  if (input.number(1) == 0) {
    Program program;
    program.path = input.text();
    program.sha256 = input.text();
    program.arguments = input.texts();
    program.environment = input.pairs();
    program.working_directory = input.text();
    launch.what = std::move(program);
  } else {
    BuiltIn built_in;
    built_in.name = input.text();
    built_in.arguments = input.pairs();
    launch.what = std::move(built_in);
  }
  launch.user = input.text();
  launch.timeout_ms = static_cast<uint32_t>(input.number(UINT32_MAX));
  launch.grace_ms = static_cast<uint32_t>(input.number(UINT32_MAX));
  launch.output_bytes_max = static_cast<uint32_t>(input.number(UINT32_MAX));
  launch.network = input.number(1) == 1;
  launch.write_paths = input.texts();
  launch.memory_bytes_max = input.number(UINT64_MAX);
  launch.processes_max = static_cast<uint32_t>(input.number(UINT32_MAX));
  if (!input.ok || !input.in.empty()) return Error(Code::invalid, "the launch is cut, or bytes follow it");
  if (!is_id(launch.id)) return Error(Code::invalid, "the launch's id is \"" + printable(launch.id) + "\"");
  // Two encodings of one launch do not exist: a varint that is longer than it need be ends here.
  if (encode(launch) != bytes) return Error(Code::invalid, "the launch is not in its one encoding");
  return launch;
}

}  // namespace reeve::runner
