// Users, keys, the audit, and requests that are sent again, over real sockets.
#include "server/api/gate.h"
#include "server/api/routes.h"
#include "tests/server/people.h"

namespace reeve::server {
namespace {

constexpr const char* sql = "Robert'); DROP TABLE users; --\\u0000\\\"";

std::vector<std::string> actions(People& people) {
  std::vector<std::string> found;
  const std::vector<AuditEntry> entries = people.accounts().list_audit({}).value();
  for (const AuditEntry& entry : entries) found.push_back(entry.action);
  return found;
}

HttpAnswer post_once(People& people, const std::string& target, const Bytes& body, const std::string& key,
                     const std::string& credential = "") {
  return people.harness.ask({.method = "POST",
                             .target = target,
                             .key = credential.empty() ? people.harness.admin_key : credential,
                             .body = body,
                             .headers = {{"Idempotency-Key", key}}});
}

HttpAnswer patch(People& people, const Uuid& id, const Bytes& body) {
  return people.harness.ask(
      {.method = "PATCH", .target = "/v1/users/" + to_string(id), .key = people.harness.admin_key, .body = body});
}

}  // namespace

// -- users -----------------------------------------------------------------------------------------------------------

TEST_CASE("a user is added with a password that is made and given once") {
  People people;
  const HttpAnswer made =
      people.harness.post("/v1/users", R"({"email":"Bob@Example.net","name":"Bob","role":"engineer"})");

  REQUIRE(made.status == 201);
  CHECK(made.json.string_or("email") == "bob@example.net");
  CHECK(made.json.find("last_sign_in")->is_null());
  const std::string password = made.json.string_or("password");
  CHECK(password.size() == 20);
  CHECK(people.sign_in("bob@example.net", password).status == 200);

  const HttpAnswer listed = people.harness.get("/v1/users");
  REQUIRE(listed.json.find("users")->as_array()->size() == 2);
  const Json& bob = listed.json.find("users")->as_array()->at(1);
  CHECK(bob.string_or("role") == "engineer");
  CHECK_FALSE(bob.find("last_sign_in")->is_null());
  CHECK(listed.response.body.find("password") == Bytes::npos);
  CHECK(listed.response.body.find("argon2") == Bytes::npos);
}

TEST_CASE("a user's fields are kept as text, whatever they hold") {
  People people;
  const Bytes body =
      std::string(R"({"email":"o'brien--;@example.net","name":"'); DROP TABLE users; --","role":"viewer",)") +
      R"("password":"' OR '1'='1' --"})";
  REQUIRE(people.harness.post("/v1/users", body).status == 201);

  CHECK(people.sign_in("o'brien--;@example.net", "' OR '1'='1' --").status == 200);
  CHECK(people.accounts().find_user_by_email("o'brien--;@example.net")->name == "'); DROP TABLE users; --");
  CHECK(people.accounts().list_users().value().size() == 2);
}

TEST_CASE("what is wrong with a user to be is said, and none is made") {
  People people;
  const auto refuse = [&](const Bytes& body, int status) {
    const HttpAnswer answer = people.harness.post("/v1/users", body);
    INFO(body);
    CHECK(answer.status == status);
    return answer.detail();
  };
  CHECK_THAT(refuse("{}", 400), Catch::Contains("\"email\" is missing"));
  CHECK_THAT(refuse(R"({"email":"bob","role":"viewer"})", 400), Catch::Contains("an address like"));
  CHECK_THAT(refuse(R"({"email":"a@b@c","role":"viewer"})", 400), Catch::Contains("an address like"));
  CHECK_THAT(refuse(R"({"email":"a b@c","role":"viewer"})", 400), Catch::Contains("an address like"));
  CHECK_THAT(refuse(R"({"email":"a@b\n","role":"viewer"})", 400), Catch::Contains("an address like"));
  CHECK_THAT(refuse(R"({"email":"a@)" + std::string(253, 'b') + R"(","role":"viewer"})", 400),
             Catch::Contains("at most 254"));
  CHECK_THAT(refuse(R"({"email":"a@b","role":"king"})", 400), Catch::Contains("role is \"king\""));
  CHECK_THAT(refuse(R"({"email":"a@b","role":"viewer","name":")" + std::string(sql) + "\"}", 400),
             Catch::Contains("a line of text"));
  CHECK_THAT(refuse(R"({"email":"a@b","role":"viewer","password":"123456789"})", 400), Catch::Contains("10 to 256"));
  CHECK_THAT(refuse(R"({"email":"a@b","role":"viewer","password":")" + std::string(257, 'x') + "\"}", 400),
             Catch::Contains("10 to 256"));
  CHECK_THAT(refuse(R"({"email":"ADA@example.net","role":"viewer"})", 409), Catch::Contains("already"));
  CHECK(people.accounts().list_users().value().size() == 1);
  CHECK(actions(people) == std::vector<std::string>{"user.create"});
  CHECK(people.harness.post("/v1/users", R"({"email":"a@b","role":"viewer","password":"1234567890"})").status == 201);
}

TEST_CASE("a user is changed, and one who is disabled is out at once") {
  People people;
  const User bob = people.add("bob@example.net", "viewer");
  const HttpAnswer in = people.sign_in("bob@example.net", people.password);
  const std::string token = in.json.string_or("token");

  CHECK(patch(people, bob.id, R"({"role":"manager","name":"Bob"})").json.string_or("role") == "manager");
  CHECK(people.ask_as(token, "GET", "/v1/me").json.string_or("role") == "manager");
  CHECK(patch(people, bob.id, R"({"disabled":true})").status == 200);
  CHECK(people.ask_as(token, "GET", "/v1/me").status == 401);
  CHECK(people.with_cookie(in, "GET", "/v1/me").status == 401);
  CHECK(patch(people, bob.id, R"({"disabled":false,"password":"a new password"})").status == 200);
  CHECK(people.ask_as(token, "GET", "/v1/me").status == 401);
  CHECK(people.sign_in("bob@example.net", "a new password").status == 200);

  CHECK(patch(people, bob.id, "{}").status == 400);
  CHECK(patch(people, bob.id, R"({"email":"x@y"})").status == 400);
  CHECK(patch(people, bob.id, R"({"password":"short"})").status == 400);
  CHECK(patch(people, make_uuid_v7(people.harness.clock.wall(), people.harness.random), R"({"name":"x"})").status ==
        404);
  CHECK(
      people.harness.ask({.method = "PATCH", .target = "/v1/users/1'%20OR%20'1'%3D'1", .key = people.harness.admin_key})
          .status == 400);
}

TEST_CASE("the last admin stays one") {
  People people;
  CHECK(patch(people, people.ada.id, R"({"disabled":true})").status == 409);
  CHECK(patch(people, people.ada.id, R"({"role":"viewer"})").status == 409);
  people.add("bob@example.net", "admin");
  CHECK(patch(people, people.ada.id, R"({"role":"viewer"})").status == 200);
  CHECK(actions(people) == std::vector<std::string>{"user.change", "user.create", "user.create"});
}

TEST_CASE("one org's users are no users of another") {
  People people;
  const HttpAnswer theirs = people.harness.ask({.target = "/v1/users", .key = people.harness.foreign_key});
  CHECK(theirs.json.find("users")->as_array()->empty());
  const HttpAnswer changed = people.harness.ask({.method = "PATCH",
                                                 .target = "/v1/users/" + to_string(people.ada.id),
                                                 .key = people.harness.foreign_key,
                                                 .body = R"({"disabled":true})"});
  CHECK(changed.status == 404);
  CHECK_FALSE(people.accounts().find_user(people.ada.id)->disabled);
}

// -- keys ------------------------------------------------------------------------------------------------------------

TEST_CASE("a key is made, shown once, used within its scopes, and revoked") {
  People people;
  const HttpAnswer made = people.harness.post(
      "/v1/keys",
      R"({"label":"ci'; --","role":"engineer","scopes":["signals.read"],"expires":"2099-01-01T00:00:00Z"})");
  REQUIRE(made.status == 201);
  const std::string key = made.json.string_or("key");
  CHECK(key.starts_with("rvk_tests_"));
  CHECK(key.size() == 10 + 43);
  CHECK(made.json.string_or("prefix") == key.substr(0, 16));

  const HttpAnswer me = people.ask_as(key, "GET", "/v1/me");
  CHECK(me.json.string_or("name") == "ci'; --");
  CHECK(me.json.find("permissions")->as_array()->size() == 1);
  CHECK(people.ask_as(key, "GET", "/v1/users").status == 403);

  const HttpAnswer listed = people.harness.get("/v1/keys");
  CHECK(listed.response.body.find(key) == Bytes::npos);
  const Json& last = listed.json.find("keys")->as_array()->back();
  CHECK(last.string_or("label") == "ci'; --");
  CHECK(last.string_or("expires") == "2099-01-01T00:00:00Z");
  CHECK_FALSE(last.find("last_used")->is_null());

  const std::string path = "/v1/keys/" + made.json.string_or("id");
  CHECK(people.harness.ask({.method = "DELETE", .target = path, .key = people.harness.foreign_key}).status == 404);
  CHECK(people.ask_as(people.harness.admin_key, "DELETE", path).status == 204);
  CHECK(people.ask_as(key, "GET", "/v1/me").status == 401);
  CHECK(people.ask_as(people.harness.admin_key, "DELETE", path).status == 404);
  CHECK(actions(people) == std::vector<std::string>{"key.revoke", "key.create", "user.create"});
}

TEST_CASE("what is wrong with a key to be is said, and none is made") {
  People people;
  const auto refuse = [&](const Bytes& body) {
    const HttpAnswer answer = people.harness.post("/v1/keys", body);
    INFO(body);
    CHECK(answer.status == 400);
    return answer.detail();
  };
  CHECK_THAT(refuse(""), Catch::Contains("not JSON"));
  CHECK_THAT(refuse(R"({"label":"x"})"), Catch::Contains("\"role\" is missing"));
  CHECK_THAT(refuse(R"({"label":"","role":"viewer"})"), Catch::Contains("1 to 100 bytes"));
  CHECK_THAT(refuse(R"({"label":"x","role":"viewer","scopes":["agents.write"]})"), Catch::Contains("agents.write"));
  CHECK_THAT(refuse(R"({"label":"x","role":"admin","scopes":["none"]})"), Catch::Contains("none"));
  CHECK_THAT(refuse(R"({"label":"x","role":"viewer","expires":"2001-01-01T00:00:00Z"})"),
             Catch::Contains("a time to come"));
  CHECK(actions(people) == std::vector<std::string>{"user.create"});
}

// -- audit -----------------------------------------------------------------------------------------------------------

TEST_CASE("the audit comes in pages, newest first, to those who may read reports") {
  People people;
  for (int i = 0; i < 3; ++i) CHECK(people.harness.post("/v1/agents/tokens", "{}").status == 201);
  (void)people.harness.enrol();

  const HttpAnswer first = people.harness.get("/v1/audit?limit=2");
  REQUIRE(first.status == 200);
  const Json& newest = first.json.find("entries")->as_array()->front();
  CHECK(newest.string_or("action") == "agent.enrol");
  CHECK(newest.find("detail")->string_or("host") == "web-1");
  CHECK(newest.find("actor")->string_or("kind") == "none");
  const std::string cursor = first.json.string_or("next_cursor");
  const HttpAnswer second = people.harness.get("/v1/audit?limit=10&cursor=" + cursor);
  CHECK(second.json.find("entries")->as_array()->size() == 4);
  CHECK(second.json.find("next_cursor")->is_null());
  const Json& token = second.json.find("entries")->as_array()->front();
  CHECK(token.string_or("action") == "agent.token");
  CHECK(token.find("actor")->string_or("kind") == "key");
  CHECK(people.harness.get("/v1/audit?action=agent.token").json.find("entries")->as_array()->size() == 4);
  CHECK(people.harness.get("/v1/audit?from=-1h&action='%20OR%201=1").json.find("entries")->as_array()->empty());
  CHECK(people.harness.get("/v1/audit?cursor=x").status == 400);
  CHECK(people.harness.get("/v1/audit?limit=1001").status == 400);
  CHECK(people.harness.ask({.target = "/v1/audit", .key = people.harness.viewer_key}).status == 403);
  CHECK(people.harness.ask({.target = "/v1/audit", .key = people.harness.foreign_key})
            .json.find("entries")
            ->as_array()
            ->empty());
}

TEST_CASE("an agent's revocation is told of, and one that did not happen is not") {
  People people;
  const Identity agent = people.harness.enrol();
  CHECK(people.harness.post("/v1/agents/" + to_string(agent.agent) + "/revoke", "{}").status == 200);
  CHECK(people.harness.post("/v1/agents/" + to_string(people.ada.id) + "/revoke", "{}").status == 404);

  CHECK(actions(people) == std::vector<std::string>{"agent.revoke", "agent.enrol", "agent.token", "user.create"});
}

// -- sent again ------------------------------------------------------------------------------------------------------

TEST_CASE("a request with an Idempotency-Key is done once, and gets its first answer again") {
  People people;
  const Bytes body = R"({"label":"ci","role":"viewer"})";
  const HttpAnswer first = post_once(people, "/v1/keys", body, "one");
  REQUIRE(first.status == 201);
  CHECK(first.response.header("Idempotency-Replayed").empty());

  const HttpAnswer again = post_once(people, "/v1/keys", body, "one");

  CHECK(again.status == 201);
  CHECK(again.response.header("Idempotency-Replayed") == "true");
  CHECK(again.response.body == first.response.body);
  CHECK(again.response.header("Content-Type") == "application/json");
  CHECK(again.response.header("X-Request-Id") != first.response.header("X-Request-Id"));
  CHECK(post_once(people, "/v1/keys", body, "two").response.body != first.response.body);
  CHECK(actions(people) == std::vector<std::string>{"key.create", "key.create", "user.create"});
}

TEST_CASE("a key that came with another request is a conflict") {
  People people;
  REQUIRE(post_once(people, "/v1/keys", R"({"label":"ci","role":"viewer"})", "one").status == 201);

  const HttpAnswer other = post_once(people, "/v1/keys", R"({"label":"cd","role":"viewer"})", "one");
  CHECK(other.status == 409);
  CHECK(other.code() == "invalid");
  CHECK(post_once(people, "/v1/agents/tokens", "{}", "one").status == 409);
  CHECK(people.accounts().list_api_keys().value().size() == 3);
}

TEST_CASE("another credential's Idempotency-Key is another one, and another org's too") {
  People people;
  const Bytes body = R"({"label":"ci","role":"viewer"})";
  REQUIRE(post_once(people, "/v1/keys", body, "one").status == 201);
  const std::string token = people.sign_in("ada@example.net", people.password).json.string_or("token");

  CHECK(post_once(people, "/v1/keys", body, "one", token).response.header("Idempotency-Replayed").empty());
  const HttpAnswer theirs = post_once(people, "/v1/keys", body, "one", people.harness.foreign_key);
  CHECK(theirs.status == 201);
  CHECK(theirs.json.string_or("key").starts_with("rvk_foreign_"));
}

TEST_CASE("a refusal is not kept: the request may be mended and sent again") {
  People people;
  CHECK(post_once(people, "/v1/keys", "{}", "one").status == 400);
  CHECK(post_once(people, "/v1/keys", R"({"label":"ci","role":"viewer"})", "one").status == 201);
}

TEST_CASE("an answer that comes later is kept too, and a made password lies in no file in clear") {
  People people;
  const Bytes body = R"({"email":"bob@example.net","role":"viewer"})";
  const HttpAnswer first = post_once(people, "/v1/users", body, "bob");
  REQUIRE(first.status == 201);
  const HttpAnswer again = post_once(people, "/v1/users", body, "bob");

  CHECK(again.status == 201);
  CHECK(again.json.string_or("password") == first.json.string_or("password"));
  CHECK(people.accounts().list_users().value().size() == 2);
}

TEST_CASE("an Idempotency-Key is 1 to 128 visible characters") {
  People people;
  const Bytes body = R"({"label":"ci","role":"viewer"})";
  CHECK(post_once(people, "/v1/keys", body, std::string(128, '~')).status == 201);
  CHECK(post_once(people, "/v1/keys", body, std::string(129, '~')).status == 400);
  CHECK(post_once(people, "/v1/keys", body, "a b").status == 400);
  CHECK(post_once(people, "/v1/keys", body, "\xc3\xa4").status == 400);
}

TEST_CASE("every POST that answers 201 takes an Idempotency-Key, but for those that need no credential") {
  for (const Route* route : routes()) {
    INFO(route->pattern);
    if (route->method != "POST" || route->docs.status != 201 || route->permission == Permission::none) continue;
    CHECK(route->repeatable);
  }
}

TEST_CASE("a traceparent is taken and returned") {
  People people;
  const std::string sent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  const HttpAnswer answer = people.harness.ask({.target = "/healthz", .headers = {{"traceparent", sent}}});
  CHECK_THAT(std::string(answer.response.header("traceparent")), Catch::StartsWith(sent.substr(0, 36)));
  CHECK(people.harness.get("/healthz").response.header("traceparent").size() == 55);
}

TEST_CASE("the answer says what is left of the rate limit") {
  People people;
  CHECK(people.harness.get("/v1/me").response.header("RateLimit-Limit") == "6000");
  CHECK(people.harness.get("/v1/me").response.header("RateLimit-Remaining") == "5998");
}

}  // namespace reeve::server
