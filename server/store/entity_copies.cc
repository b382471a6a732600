// Frames in, frames out.
#include "server/store/entity_copies.h"

#include <map>

#include "common/base/crc32c.h"
#include "common/base/json.h"
#include "common/base/log.h"
#include "server/store/rules.h"

namespace reeve::server {

namespace {

constexpr std::string_view frame_mark = "RvE1";
constexpr size_t frame_header_bytes = 4 + 4 + 4;
constexpr uint64_t frame_bytes_max = 64_KiB;
constexpr uint64_t file_bytes_max = 1_GiB;

// -- One thing as JSON -----------------------------------------------------------------------------------------------

std::string hex(const Uuid& id) {
  return to_hex(id.view());
}

Json to_json(const Agent& agent) {
  return Json::Object{{"kind", "agent"},
                      {"id", hex(agent.id)},
                      {"host", to_base64url(agent.host)},
                      {"version", to_base64url(agent.version)},
                      {"enrolled", agent.enrolled.ns},
                      {"last_seen", agent.last_seen.ns},
                      {"revoked", agent.revoked},
                      {"certificate_serial", agent.certificate_serial},
                      {"certificate_not_after", agent.certificate_not_after.ns}};
}

Json to_json(const StoredToken& token) {
  return Json::Object{
      {"kind", "token"}, {"hash", to_hex(token.hash)}, {"expires", token.expires.ns}, {"used", token.used}};
}

Json to_json(const ApiKey& key) {
  return Json::Object{{"kind", "key"},
                      {"hash", to_hex(key.hash)},
                      {"id", hex(key.id)},
                      {"prefix", key.prefix},
                      {"role", key.role},
                      {"created", key.created.ns},
                      {"label", to_base64url(key.label)},
                      {"scopes", join_words(key.scopes)},
                      {"expires", key.expires.ns},
                      {"created_by", to_base64url(key.created_by)},
                      {"revoked", key.revoked}};
}

Json to_json(const User& user) {
  return Json::Object{{"kind", "user"},
                      {"id", hex(user.id)},
                      {"email", to_base64url(user.email)},
                      {"name", to_base64url(user.name)},
                      {"role", user.role},
                      {"password_hash", user.password_hash},
                      {"disabled", user.disabled},
                      {"created", user.created.ns},
                      {"last_sign_in", user.last_sign_in.ns},
                      {"revision", user.revision}};
}

Json to_json(const IncomingGap& gap) {
  return Json::Object{{"kind", "gap"},
                      {"agent", hex(gap.agent)},
                      {"epoch", hex(gap.epoch)},
                      {"lane", static_cast<int>(gap.lane)},
                      {"from", gap.from},
                      {"to", gap.to},
                      {"reason", to_base64url(gap.reason)},
                      {"arrival", gap.arrival.ns}};
}

Json to_json(const AgentStream& stream) {
  return Json::Object{{"kind", "stream"},
                      {"agent", hex(stream.agent)},
                      {"epoch", hex(stream.position.epoch)},
                      {"lane", static_cast<int>(stream.position.lane)},
                      {"through", stream.position.through}};
}

Bytes bytes_of(const Json& json, std::string_view key) {
  return from_hex(json.string_or(key)).value_or(Bytes());
}
Bytes text_of(const Json& json, std::string_view key) {
  return from_base64url(json.string_or(key)).value_or(Bytes());
}
Uuid id_of(const Json& json, std::string_view key) {
  return Uuid::from_bytes(bytes_of(json, key)).value_or(Uuid{});
}
WallTime time_of(const Json& json, std::string_view key) {
  return WallTime{json.int_or(key)};
}
uint64_t count_of(const Json& json, std::string_view key) {
  return static_cast<uint64_t>(json.int_or(key));
}
wire::Lane lane_of(const Json& json) {
  return static_cast<wire::Lane>(json.int_or("lane"));
}

bool flag_of(const Json& json, std::string_view key) {
  const Json* found = json.find(key);
  return found != nullptr && found->as_bool() != nullptr && *found->as_bool();
}

void add_thing(const Json& json, Entities& all) {
  const std::string kind = json.string_or("kind");
  if (kind == "agent") {
    Agent agent;
    agent.id = id_of(json, "id");
    agent.host = text_of(json, "host");
    agent.version = text_of(json, "version");
    agent.enrolled = time_of(json, "enrolled");
    agent.last_seen = time_of(json, "last_seen");
    agent.revoked = flag_of(json, "revoked");
    agent.certificate_serial = json.string_or("certificate_serial");
    agent.certificate_not_after = time_of(json, "certificate_not_after");
    all.agents.push_back(std::move(agent));
  } else if (kind == "token") {
    all.tokens.push_back({bytes_of(json, "hash"), time_of(json, "expires"), flag_of(json, "used")});
  } else if (kind == "key") {
    all.keys.push_back({.id = id_of(json, "id"),
                        .prefix = json.string_or("prefix"),
                        .hash = bytes_of(json, "hash"),
                        .role = json.string_or("role"),
                        .created = time_of(json, "created"),
                        .label = text_of(json, "label"),
                        .scopes = split_words(json.string_or("scopes")),
                        .expires = time_of(json, "expires"),
                        .created_by = text_of(json, "created_by"),
                        .revoked = flag_of(json, "revoked")});
  } else if (kind == "user") {
    all.users.push_back({.id = id_of(json, "id"),
                         .email = text_of(json, "email"),
                         .name = text_of(json, "name"),
                         .role = json.string_or("role"),
                         .password_hash = json.string_or("password_hash"),
                         .disabled = flag_of(json, "disabled"),
                         .created = time_of(json, "created"),
                         .last_sign_in = time_of(json, "last_sign_in"),
                         .revision = count_of(json, "revision")});
  } else if (kind == "gap") {
    all.gaps.push_back({id_of(json, "agent"), id_of(json, "epoch"), lane_of(json), count_of(json, "from"),
                        count_of(json, "to"), text_of(json, "reason"), time_of(json, "arrival")});
  } else if (kind == "stream") {
    all.streams.push_back({id_of(json, "agent"), {id_of(json, "epoch"), lane_of(json), count_of(json, "through")}});
  } else if (kind == "damaged") {
    all.damaged_blocks = count_of(json, "blocks");
  } else if (kind == "audit") {
    all.audit_through = count_of(json, "through");
  }
}

// Frames of one thing have the same name, whatever they say of it.
std::string name_of(const Json& json) {
  std::string name = json.string_or("kind");
  for (const char* key : {"id", "agent", "epoch"}) name += "/" + json.string_or(key);
  if (json.find("hash") != nullptr) name += "/" + json.string_or("hash");
  return name + "/" + std::to_string(json.int_or("lane")) + "/" + std::to_string(json.int_or("from"));
}

// -- Frames ----------------------------------------------------------------------------------------------------------

// Calls `visit` with each whole frame's content. Gives how many bytes made no sense.
template <typename Visit>
uint64_t visit_frames(BytesView file, Visit visit) {
  uint64_t damaged = 0;
  while (!file.empty()) {
    const size_t mark = file.find(frame_mark);
    if (mark == BytesView::npos) return damaged + file.size();
    damaged += mark;
    file.remove_prefix(mark);
    const uint64_t length = file.size() < frame_header_bytes ? UINT64_MAX : load_le<uint32_t>(file.data() + 4);
    if (length > frame_bytes_max || frame_header_bytes + length > file.size() ||
        load_le<uint32_t>(file.data() + 8) != crc32c(file.substr(frame_header_bytes, length))) {
      damaged += frame_mark.size();
      file.remove_prefix(frame_mark.size());
      continue;
    }
    visit(file.substr(frame_header_bytes, length));
    file.remove_prefix(frame_header_bytes + length);
  }
  return damaged;
}

void append_frame(Bytes& out, const Json& thing, uint64_t serial) {
  Json numbered = thing;
  numbered.set("serial", serial);
  const std::string content = numbered.dump();
  if (content.size() > frame_bytes_max) {
    log_error("an entity is too large for its copies", {{"bytes", content.size()}});
    return;
  }
  out += frame_mark;
  append_le(out, static_cast<uint32_t>(content.size()));
  append_le(out, crc32c(content));
  out += content;
}

}  // namespace

EntityCopies::EntityCopies(sys::Disk& disk, const std::string& directory)
    : disk_(disk), paths_{directory + "/entities.copy-1", directory + "/entities.copy-2"} {}

Bytes EntityCopies::encode(const Entities& entities) {
  Bytes out;
  const auto add_all = [&](const auto& things) {
    for (const auto& thing : things) append_frame(out, to_json(thing), next_serial_++);
  };
  add_all(entities.agents);
  add_all(entities.tokens);
  add_all(entities.keys);
  add_all(entities.users);
  add_all(entities.gaps);
  add_all(entities.streams);
  if (entities.damaged_blocks) {
    append_frame(out, Json::Object{{"kind", "damaged"}, {"blocks", *entities.damaged_blocks}}, next_serial_++);
  }
  if (entities.audit_through) {
    append_frame(out, Json::Object{{"kind", "audit"}, {"through", *entities.audit_through}}, next_serial_++);
  }
  return out;
}

Result<Entities> EntityCopies::load() {
  std::map<std::string, Json> newest;
  for (const std::string& path : paths_) {
    const Result<Bytes> file = sys::read_file(disk_, path, file_bytes_max);
    if (!file.ok() && file.error().code() == Code::not_found) continue;
    if (!file.ok()) return file.error();
    const uint64_t damaged = visit_frames(*file, [&](BytesView content) {
      Result<Json> thing = parse_json(content);
      if (!thing.ok()) return;
      next_serial_ = std::max(next_serial_, count_of(*thing, "serial") + 1);
      Json& known = newest[name_of(*thing)];
      if (known.is_null() || known.int_or("serial") <= thing->int_or("serial")) known = std::move(*thing);
    });
    if (damaged > 0) log_warn("a copy of the entities is damaged in part", {{"file", path}, {"bytes", damaged}});
  }

  Entities all;
  for (const auto& [name, thing] : newest) add_thing(thing, all);
  return all;
}

Status EntityCopies::rewrite(const Entities& all) {
  const Bytes bytes = encode(all);
  for (const std::string& path : paths_) TRY(sys::write_file_atomically(disk_, path, bytes));
  rewritten_bytes_ = bytes.size();
  appended_bytes_ = 0;
  return {};
}

Status EntityCopies::append(const Entities& changed) {
  const Bytes bytes = encode(changed);
  for (const std::string& path : paths_) {
    const std::unique_ptr<sys::File> file = TRY(disk_.open(path, sys::OpenMode::read_write));
    const sys::FileStat stat = TRY(file->stat());
    TRY(file->write_at(stat.size, bytes));
    TRY(file->sync());
  }
  appended_bytes_ += bytes.size();
  return {};
}

}  // namespace reeve::server
