// reeve audit: listing, fetching an export in pages, and verifying one that somebody may have touched.
#include "cli/audit_line.h"
#include "common/base/json.h"
#include "common/warrant/envelope.h"
#include "common/warrant/merkle.h"
#include "common/warrant/step.h"
#include "common/warrant/trust.h"
#include "tests/cli/fake_world.h"

using namespace reeve;
using namespace reeve::cli;

namespace {

AuditEntry numbered(uint64_t id) {
  return {.id = id,
          .time = test_now + Duration(id * 1s),
          .actor_kind = "user",
          .actor_id = "u-1",
          .actor_name = "ada@example.net",
          .action = "test.done",
          .target = "t-" + std::to_string(id),
          .detail = "{\"text\":\"\\u0001 \\\"quoted\\\" \xc3\xa9\"}",
          .request_id = "r",
          .peer = "10.0.0.7"};
}

std::string entry_line(uint64_t leaf, const AuditEntry& entry, const Bytes& hash) {
  Json line;
  line.set("leaf", leaf);
  line.set("id", entry.id);
  line.set("hash", to_hex(hash));
  line.set("time_ns", entry.time.ns);
  line.set("actor_kind", entry.actor_kind);
  line.set("actor_id", entry.actor_id);
  line.set("actor_name", entry.actor_name);
  line.set("action", entry.action);
  line.set("target", entry.target);
  line.set("detail", entry.detail);
  line.set("request_id", entry.request_id);
  line.set("peer", entry.peer);
  return line.dump();
}

// An org's audit and what the server makes of it.
struct Audit {
  crypto::SigningKey key = crypto::SigningKey::make();
  std::string org = "acme";
  std::vector<AuditEntry> entries;
  size_t dropped = 0;  // of the oldest: their hash alone is there

  explicit Audit(uint64_t count) {
    for (uint64_t id = 1; id <= count; ++id) entries.push_back(numbered(id));
  }
  std::vector<std::string> lines() const {
    Json head;
    head.set("format", "reeve audit export 1");
    head.set("org", org);
    std::vector<std::string> lines{head.dump()};
    std::vector<warrant::Hash> leaves;
    for (const AuditEntry& entry : entries) {
      const Bytes hash = warrant::leaf_hash(audit_leaf(entry));
      const uint64_t leaf = leaves.size();
      Json bare;
      bare.set("leaf", leaf);
      bare.set("id", entry.id);
      bare.set("hash", to_hex(hash));
      lines.push_back(leaf < dropped ? bare.dump() : entry_line(leaf, entry, hash));
      leaves.push_back(hash);
    }
    lines.push_back(last_line(leaves, warrant::type_checkpoint));
    return lines;
  }
  std::string last_line(const std::vector<warrant::Hash>& leaves, std::string_view type) const {
    const warrant::Checkpoint checkpoint{
        .org = "acme", .size = leaves.size(), .root = warrant::merkle_root(leaves), .at_ms = 1000};
    const warrant::Envelope envelope = warrant::sign(type, warrant::encode(checkpoint), key);
    Json last;
    last.set("checkpoint", to_base64url(warrant::encode(envelope)));
    last.set("public_keys", Json::Array{to_hex(key.public_key())});
    return last.dump();
  }
};

std::string text_of(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

struct VerifyWorld : FakeWorld {
  int verify(const std::vector<std::string>& lines, const std::vector<std::string>& more = {}) {
    screen.out.clear();
    screen.err.clear();
    std::vector<std::string> arguments{"audit", "verify", write("export", text_of(lines))};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  }
};

void replace(std::string& text, const std::string& what, const std::string& with) {
  const size_t at = text.find(what);
  REQUIRE(at != std::string::npos);
  text.replace(at, what.size(), with);
}

}  // namespace

TEST_CASE("an honest export verifies, with any way to name the key") {
  VerifyWorld fake;
  Audit audit(20);
  CHECK(fake.verify(audit.lines()) == 0);
  CHECK_THAT(fake.screen.out, Catch::Contains("20 kept") && Catch::Contains("verified"));
  CHECK_THAT(fake.screen.err, Catch::Contains("only with --key or --trust"));

  CHECK(fake.verify(audit.lines(), {"--key", to_hex(audit.key.public_key())}) == 0);
  CHECK(fake.screen.err.empty());

  warrant::Trust trust;
  trust.org = "acme";
  trust.not_after_ms = 1;
  const crypto::SigningKey root = crypto::SigningKey::make();
  trust.roots = {{root.public_key(), "ada"}};
  trust.audit_keys = {audit.key.public_key()};
  trust.approvals_min = {1, 1, 1, 1, 1};
  const Bytes envelope = warrant::encode(warrant::sign(warrant::type_trust, warrant::encode(trust), root));
  CHECK(fake.verify(audit.lines(), {"--trust", fake.write("trust", envelope)}) == 0);
  CHECK(fake.verify(audit.lines(), {"--trust", fake.write("trust.b64", to_base64url(envelope) + "\n")}) == 0);
}

TEST_CASE("an empty audit, and one whose oldest entries are gone, verify") {
  VerifyWorld fake;
  CHECK(fake.verify(Audit(0).lines()) == 0);
  Audit audit(20);
  audit.dropped = 7;
  CHECK(fake.verify(audit.lines()) == 0);
  CHECK_THAT(fake.screen.out, Catch::Contains("13 kept, 7 by their hash alone"));
}

TEST_CASE("numbers that the server says it skipped are no gap, and others are") {
  VerifyWorld fake;
  Audit audit(4);
  AuditEntry skip = numbered(9);
  skip.action = audit_skip_action;
  skip.detail = "{\"from\":5,\"to\":8}";
  audit.entries.push_back(skip);
  audit.entries.push_back(numbered(10));
  CHECK(fake.verify(audit.lines()) == 0);

  audit.entries[4].detail = "{\"from\":6,\"to\":8}";
  CHECK(fake.verify(audit.lines()) == 1);
  CHECK_THAT(fake.screen.err, Catch::Contains("entries 5 to 8 are missing"));
  audit.entries.erase(audit.entries.begin() + 4);
  CHECK(fake.verify(audit.lines()) == 1);
  CHECK_THAT(fake.screen.err, Catch::Contains("entries 5 to 9 are missing"));
}

TEST_CASE("an entry that was changed in the database is named") {
  VerifyWorld fake;
  const Audit audit(20);
  for (const char* what : {"ada@example.net", "test.done", "t-12", "user\"", "10.0.0.7", "quoted"}) {
    std::vector<std::string> lines = audit.lines();
    const bool ends_text = std::string(what).ends_with('"');
    replace(lines[12], what, ends_text ? "x\"" : "x");
    CHECK(fake.verify(lines) == 1);
    CHECK(fake.screen.err == "entry 12 was changed\n");
  }
}

TEST_CASE("an entry that was changed together with its hash breaks the root") {
  VerifyWorld fake;
  Audit audit(20);
  const std::vector<std::string> honest = audit.lines();
  audit.entries[11].action = "something.else";
  std::vector<std::string> lines = audit.lines();
  lines.back() = honest.back();
  CHECK(fake.verify(lines) == 1);
  CHECK_THAT(fake.screen.err, Catch::Contains("do not give the root that was signed"));
}

TEST_CASE("a history that was rewritten and signed anew shows against an earlier export") {
  VerifyWorld fake;
  Audit audit(20);
  const std::string old = fake.write("old", text_of(audit.lines()));
  audit.entries.push_back(numbered(21));
  CHECK(fake.verify(audit.lines(), {"--against", old}) == 0);

  Audit changed = audit;
  changed.entries[11].action = "something.else";
  CHECK(fake.verify(changed.lines()) == 0);
  CHECK(fake.verify(changed.lines(), {"--against", old}) == 1);
  CHECK(fake.screen.err == "entry 12 was changed since the earlier export\n");

  Audit without = audit;
  without.entries.erase(without.entries.begin() + 11);
  CHECK(fake.verify(without.lines(), {"--against", old}) == 1);
  CHECK_THAT(fake.screen.err, Catch::Contains("entry 12 is missing"));

  Audit renumbered = audit;
  renumbered.entries.erase(renumbered.entries.begin() + 11);
  for (size_t i = 11; i < renumbered.entries.size(); ++i) --renumbered.entries[i].id;
  CHECK(fake.verify(renumbered.lines(), {"--against", old}) == 1);
  CHECK_THAT(fake.screen.err, Catch::Contains("entry 12 was changed since the earlier export"));

  Audit cut = audit;
  cut.entries.resize(17);
  CHECK(fake.verify(cut.lines(), {"--against", old}) == 1);
  CHECK(fake.screen.err == "entries 18 to 20 of the earlier export are missing\n");

  Audit forgotten = audit;  // dropping old entries rewrites nothing
  forgotten.dropped = 15;
  CHECK(fake.verify(forgotten.lines(), {"--against", old}) == 0);

  std::vector<std::string> spoilt = audit.lines();
  replace(spoilt[3], "ada", "eve");
  CHECK(fake.verify(audit.lines(), {"--against", fake.write("spoilt", text_of(spoilt))}) == 1);
  CHECK_THAT(fake.screen.err, Catch::Contains("entry 3 was changed"));
}

TEST_CASE("lines that are missing, put in, twice or exchanged are named") {
  VerifyWorld fake;
  const Audit audit(20);
  std::vector<std::string> lines = audit.lines();
  lines.erase(lines.begin() + 12);
  CHECK(fake.verify(lines) == 1);
  CHECK_THAT(fake.screen.err, Catch::StartsWith("entry 12 is missing"));

  lines = audit.lines();
  lines.erase(lines.begin() + 12, lines.begin() + 15);
  CHECK(fake.verify(lines) == 1);
  CHECK_THAT(fake.screen.err, Catch::StartsWith("entries 12 to 14 are missing"));

  lines = audit.lines();
  lines.erase(lines.begin() + 1);
  CHECK(fake.verify(lines) == 1);
  CHECK_THAT(fake.screen.err, Catch::StartsWith("entry 1 is missing"));

  lines = audit.lines();
  lines.erase(lines.end() - 2);
  CHECK(fake.verify(lines) == 1);
  CHECK_THAT(fake.screen.err, Catch::Contains("do not give the root"));

  lines = audit.lines();
  lines.insert(lines.begin() + 5, lines[12]);
  CHECK(fake.verify(lines) == 1);

  lines = audit.lines();
  lines.insert(lines.begin() + 5, lines[5]);
  CHECK(fake.verify(lines) == 1);
  CHECK_THAT(fake.screen.err, Catch::StartsWith("entry 5 was put in"));

  lines = audit.lines();
  std::swap(lines[5], lines[6]);
  CHECK(fake.verify(lines) == 1);

  lines = audit.lines();
  std::string stray = lines[3];
  replace(stray, "\"leaf\":2", "\"leaf\":-1");
  stray.replace(stray.find("\"hash\":\"") + 8, 64, "");
  replace(stray, "\"id\":3", "\"id\":900");
  lines.insert(lines.begin() + 6, stray);
  CHECK(fake.verify(lines) == 1);
  CHECK(fake.screen.err == "entry 900 was put in: it has no leaf\n");
}

TEST_CASE("an entry of which only the hash is there, behind one that is kept, is missing") {
  VerifyWorld fake;
  const Audit audit(20);
  std::vector<std::string> lines = audit.lines();
  Audit bare = audit;
  bare.dropped = 12;
  lines[12] = bare.lines()[12];
  CHECK(fake.verify(lines) == 1);
  CHECK(fake.screen.err == "entry 12 is missing: only its hash is there\n");
}

TEST_CASE("a checkpoint by another key, of another org or of another type does not count") {
  VerifyWorld fake;
  Audit audit(5);
  CHECK(fake.verify(audit.lines(), {"--key", std::string(64, '0')}) == 1);
  CHECK_THAT(fake.screen.err, Catch::Contains("not signed by the key that was given"));

  Audit foreign(5);
  foreign.org = "other";
  CHECK(fake.verify(foreign.lines()) == 1);
  CHECK_THAT(fake.screen.err, Catch::Contains("the checkpoint is of org acme, the export of other"));

  std::vector<std::string> lines = audit.lines();
  replace(lines.back(), to_hex(audit.key.public_key()), std::string(64, '0'));
  CHECK(fake.verify(lines) == 1);
  CHECK_THAT(fake.screen.err, Catch::Contains("not signed by the export's own key"));

  lines = audit.lines();
  std::vector<warrant::Hash> leaves;
  for (const AuditEntry& entry : audit.entries) leaves.push_back(warrant::leaf_hash(audit_leaf(entry)));
  lines.back() = audit.last_line(leaves, warrant::type_freshness);
  CHECK(fake.verify(lines) == 1);
  CHECK_THAT(fake.screen.err, Catch::Contains("no checkpoint"));
}

TEST_CASE("what is cut off, goes on or is no export is refused") {
  VerifyWorld fake;
  const Audit audit(5);
  const std::vector<std::string> honest = audit.lines();

  CHECK(fake.verify({}) == 1);
  CHECK_THAT(fake.screen.err, Catch::Contains("cut off"));
  CHECK(fake.verify({honest.begin(), honest.end() - 1}) == 1);
  CHECK_THAT(fake.screen.err, Catch::Contains("cut off"));
  CHECK(fake.verify({honest.begin() + 1, honest.end()}) == 1);
  CHECK_THAT(fake.screen.err, Catch::Contains("does not begin"));
  std::vector<std::string> lines = honest;
  lines.push_back(honest[2]);
  CHECK(fake.verify(lines) == 1);
  CHECK_THAT(fake.screen.err, Catch::Contains("goes on"));

  const std::string cut = text_of(honest).substr(0, 300);
  CHECK(fake.run({"audit", "verify", fake.write("cut", cut)}) == 1);
  CHECK(fake.run({"audit", "verify", fake.folder + "/absent"}) == 1);
  CHECK(fake.run({"audit", "verify"}) == 2);
  CHECK(fake.run({"audit", "verify", "x", "--key", "00"}) == 2);
  CHECK(fake.run({"audit", "verify", "x", "--key", std::string(64, '0'), "--trust", "y"}) == 2);
  CHECK(fake.run({"audit"}) == 2);
  CHECK(fake.verify(honest, {"--trust", fake.write("no-trust", "x")}) == 1);
}

TEST_CASE("a line is read exactly, whatever its texts hold") {
  AuditEntry entry = numbered(7);
  entry.actor_name.clear();
  for (char c = 0; c >= 0 && c < 127; ++c) entry.actor_name += c;
  entry.actor_name += "\xf0\x9f\x94\x91";
  entry.peer = "";
  const Bytes hash(32, 'h');
  const AuditLine line = parse_audit_line(entry_line(3, entry, hash)).value();
  CHECK(line.leaf == 3);
  CHECK(line.id == 7);
  CHECK(line.hash == hash);
  REQUIRE(line.entry.has_value());
  CHECK(*line.entry == entry);

  std::string exact = entry_line(3, entry, hash);
  replace(exact, "\"peer\":\"\"", "\"peer_base64url\":\"" + to_base64url("\xff\xfe") + "\"");
  CHECK(parse_audit_line(exact).value().entry->peer == "\xff\xfe");
}

TEST_CASE("a line that is not whole is refused") {
  const std::string good = entry_line(3, numbered(7), Bytes(32, 'h'));
  REQUIRE(parse_audit_line(good).ok());
  for (size_t length = 0; length < good.size(); ++length) {
    CHECK_FALSE(parse_audit_line(std::string_view(good).substr(0, length)).ok());
  }
  const auto refused = [&](const std::string& what, const std::string& with) {
    std::string line = good;
    replace(line, what, with);
    return !parse_audit_line(line).ok();
  };
  CHECK(refused("\"peer\"", "\"unknown\""));
  CHECK(refused("\"peer\":\"10.0.0.7\"", "\"peer\":null"));
  CHECK(refused("\"peer\":\"10.0.0.7\"", "\"peer\":[]"));
  CHECK(refused("\"peer\":\"10.0.0.7\"", "\"peer\":\"a\",\"peer\":\"b\""));
  CHECK(refused("\"peer\":\"10.0.0.7\"", "\"target\":\"b\""));
  CHECK(refused("\"leaf\":3", "\"leaf\":-2"));
  CHECK(refused("\"leaf\":3", "\"leaf\":3.5"));
  CHECK(refused("\"leaf\":3", "\"leaf\":3,\"leaf\":4"));
  CHECK(refused("\"leaf\":3", "\"leaf\":99999999999999999999"));
  CHECK(refused("\"hash\":\"68", "\"hash\":\""));
  CHECK(refused("\"hash\":\"68", "\"hash\":\"zz"));
  CHECK(refused("\"time_ns\"", "\"time\""));
  CHECK(refused("\"user\"", "\"us\\q\""));
  CHECK(refused("\"user\"", "\"us\\u00e9\""));
  CHECK_FALSE(parse_audit_line(good + " ").ok());
}

// -- With a server
// -----------------------------------------------------------------------------------------------------

TEST_CASE("an export is fetched page by page into one file") {
  FakeWorld fake;
  fake.log_in();
  const Audit audit(5);
  const std::vector<std::string> lines = audit.lines();
  const std::vector<std::string> first(lines.begin(), lines.begin() + 3);
  const std::vector<std::string> second(lines.begin() + 3, lines.end());
  fake.server.expect("/v1/audit/export?from=0&limit=20000", text_of(first) + "{\"next\":2}\n");
  fake.server.expect("/v1/audit/export?from=2&limit=20000", text_of(second));

  CHECK(fake.run({"audit", "export", fake.folder + "/audit.ndjson"}) == 0);

  CHECK(fake.read("audit.ndjson") == text_of(lines));
  CHECK(fake.run({"audit", "verify", fake.folder + "/audit.ndjson"}) == 0);
}

TEST_CASE("an export that is cut off or does not go on leaves the file as it was") {
  FakeWorld fake;
  fake.log_in();
  fake.write("audit.ndjson", "old");
  fake.server.expect("/v1/audit/export?from=0&limit=20000", "{\"format\":");
  CHECK(fake.run({"audit", "export", fake.folder + "/audit.ndjson"}) == 1);
  fake.server.expect("/v1/audit/export?from=0&limit=20000", "");
  CHECK(fake.run({"audit", "export", fake.folder + "/audit.ndjson"}) == 1);
  fake.server.expect("/v1/audit/export?from=0&limit=20000", "{\"next\":0}\n");
  CHECK(fake.run({"audit", "export", fake.folder + "/audit.ndjson"}) == 1);
  fake.server.expect("/v1/audit/export?from=0&limit=20000", "{\"detail\":\"no\"}", 403);
  CHECK(fake.run({"audit", "export", fake.folder + "/audit.ndjson"}) == 1);
  CHECK(fake.read("audit.ndjson") == "old");
}

TEST_CASE("the audit is listed with the newest at the bottom") {
  FakeWorld fake;
  fake.log_in();
  const std::string row =
      R"({"id":7,"time":"2026-11-21T02:54:00Z","actor":{"kind":"user","id":"1","name":"ada"},)"
      R"("action":"user.create","target":"t","detail":{"role":"admin"},"request_id":"r","peer":"::1"})";
  const std::string older = R"({"id":6,"time":"2026-11-21T02:53:00Z","actor":{"kind":"none","id":"","name":""},)"
                            R"("action":"session.refused","target":"","detail":{},"request_id":"r","peer":""})";
  fake.server.expect("/v1/audit?limit=100", "{\"entries\":[" + row + "," + older + "],\"next_cursor\":null}");
  CHECK(fake.run({"audit", "list"}) == 0);
  CHECK(fake.screen.out ==
        "2026-11-21T02:53:00.000Z  6  none  session.refused\n"
        "2026-11-21T02:54:00.000Z  7  ada  user.create  t  {\"role\":\"admin\"}  from ::1\n");

  fake.server.expect("/v1/audit?limit=2&action=user.create", "{\"entries\":[" + row + "],\"next_cursor\":\"c\"}");
  fake.server.expect("/v1/audit?limit=1&action=user.create&cursor=c", "{\"entries\":[],\"next_cursor\":null}");
  fake.screen.out.clear();
  CHECK(fake.run({"audit", "list", "-n", "2", "--action", "user.create", "--json"}) == 0);
  CHECK_THAT(fake.screen.out, Catch::StartsWith("{\"id\":7,"));
  CHECK(fake.run({"audit", "list", "-n", "0"}) == 2);
  CHECK(fake.run({"audit", "list", "-n", "100001"}) == 2);
}
