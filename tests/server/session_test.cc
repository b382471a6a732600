// Signing in and out over real sockets.
#include "common/sys/password.h"
#include "server/auth/auth.h"
#include "server/store/accounts.h"
#include "tests/pch.h"
#include "tests/server/people.h"

namespace reeve::server {

TEST_CASE("who knows the password gets a token and a cookie, and both are let in") {
  People people;
  const HttpAnswer in = people.sign_in("ADA@example.net", people.password);

  REQUIRE(in.status == 200);
  CHECK(in.json.string_or("org") == "tests");
  CHECK(in.json.find("user")->string_or("email") == "ada@example.net");
  CHECK(in.json.find("user")->string_or("role") == "admin");
  const WallTime now = people.harness.clock.wall();
  const WallTime token_end = *parse_rfc3339(in.json.string_or("expires"));
  CHECK(token_end > now + 9min);
  CHECK(token_end <= now + 10min);
  CHECK(*parse_rfc3339(in.json.string_or("session_expires")) > now + 11h);
  const std::string set_cookie(in.response.header("Set-Cookie"));
  CHECK_THAT(set_cookie, Catch::StartsWith("reeve_session=tests."));
  CHECK_THAT(set_cookie, Catch::Contains("; Path=/; HttpOnly; SameSite=Strict; Max-Age=43"));
  CHECK_THAT(set_cookie, !Catch::Contains("Secure"));  // this server speaks plain HTTP
  CHECK(in.response.header("Cache-Control") == "no-store");

  const HttpAnswer by_token = people.ask_as(in.json.string_or("token"), "GET", "/v1/me");
  CHECK(by_token.json.string_or("kind") == "token");
  CHECK(by_token.json.string_or("name") == "ada@example.net");
  const HttpAnswer by_cookie = people.with_cookie(in, "GET", "/v1/me");
  CHECK(by_cookie.json.string_or("kind") == "session");
  CHECK(by_cookie.json.string_or("role") == "admin");
}

TEST_CASE("the cookie is Secure over TLS") {
  People people(true);
  const HttpAnswer in = people.sign_in("ada@example.net", people.password);
  CHECK_THAT(std::string(in.response.header("Set-Cookie")), Catch::EndsWith("; Secure"));
}

TEST_CASE("whatever was wrong, the answer is the same") {
  People people;
  const User off = people.add("off@example.net", "viewer");
  REQUIRE(people.accounts().change_user(off.id, {.disabled = true}, {}).ok());

  const auto answer_to = [&](const std::string& email, const std::string& password, const std::string& org) {
    const HttpAnswer answer = people.sign_in(email, password, org);
    CHECK(answer.response.header("Set-Cookie").empty());
    return std::to_string(answer.status) + " " + answer.code() + " " + answer.detail();
  };
  const std::string expected = "401 denied e-mail or password are wrong";
  CHECK(answer_to("ada@example.net", "not the password", "") == expected);
  CHECK(answer_to("nobody@example.net", people.password, "") == expected);
  CHECK(answer_to("off@example.net", people.password, "") == expected);
  CHECK(answer_to("ada@example.net", people.password, "foreign") == expected);
  CHECK(answer_to("ada@example.net", people.password, "no-such-org") == expected);
  CHECK(answer_to("' OR 1=1 --", "' OR 1=1 --", "") == expected);

  const HttpAnswer listed = people.harness.get("/v1/audit?action=session.refuse");
  CHECK(listed.json.find("entries")->as_array()->size() == 5);  // one was another org's
}

TEST_CASE("a sign-in without its parts says which") {
  People people;
  const auto detail = [&](const Bytes& body) {
    const HttpAnswer answer = people.harness.ask({.method = "POST", .target = "/v1/session", .body = body});
    CHECK(answer.status == 400);
    return answer.detail();
  };
  CHECK_THAT(detail("{}"), Catch::Contains("\"email\" is missing"));
  CHECK_THAT(detail(R"({"email":"a@b"})"), Catch::Contains("\"password\" is missing"));
  CHECK_THAT(detail(R"({"email":"a@b","password":5})"), Catch::Contains("\"password\" is wrong"));
  CHECK_THAT(detail(R"({"email":"a@b","password":")" + std::string(257, 'x') + "\"}"), Catch::Contains("1 to 256"));
  CHECK_THAT(detail(R"({"email":"a@b","password":"x","remember":true})"), Catch::Contains("unknown member"));
}

TEST_CASE("five failures for an address within a minute, and even the right password must wait") {
  People people;
  for (int i = 0; i < 5; ++i) CHECK(people.sign_in("ada@example.net", "not the password").status == 401);

  const HttpAnswer refused = people.sign_in("ada@example.net", people.password);

  CHECK(refused.status == 429);
  const int wait = std::stoi(std::string(refused.response.header("Retry-After")));
  CHECK(wait > 30);
  CHECK(wait <= 60);
  const HttpAnswer other = people.sign_in("ada@example.net", people.password, "foreign");
  CHECK(other.status == 401);  // counted apart
}

TEST_CASE("another site's page cannot sign in, refresh or sign out") {
  People people;
  const sys::HttpHeader evil{"Origin", "https://evil.example"};
  const HttpAnswer in = people.sign_in("ada@example.net", people.password);
  REQUIRE(in.status == 200);

  CHECK(people.harness
            .ask({.method = "POST",
                  .target = "/v1/session",
                  .body = R"({"email":"ada@example.net","password":"x"})",
                  .headers = {evil}})
            .status == 403);
  CHECK(people.with_cookie(in, "POST", "/v1/session/refresh", {evil}).status == 401);
  CHECK(people.with_cookie(in, "DELETE", "/v1/session", {evil}).status == 401);
  CHECK(people.with_cookie(in, "GET", "/v1/me", {evil}).status == 401);
  CHECK(people.with_cookie(in, "GET", "/v1/me").status == 200);
}

TEST_CASE("the cookie alone changes nothing") {
  People people;
  const HttpAnswer in = people.sign_in("ada@example.net", people.password);

  CHECK(people.with_cookie(in, "POST", "/v1/agents/tokens").status == 401);
  CHECK(people.with_cookie(in, "POST", "/v1/me/password").status == 401);
  CHECK(people.with_cookie(in, "GET", "/v1/users").status == 200);
}

TEST_CASE("a session is refreshed with its cookie, and its token alone refreshes nothing") {
  People people;
  const HttpAnswer in = people.sign_in("ada@example.net", people.password);

  const HttpAnswer again = people.with_cookie(in, "POST", "/v1/session/refresh");
  REQUIRE(again.status == 200);
  CHECK(people.ask_as(again.json.string_or("token"), "GET", "/v1/me").status == 200);
  CHECK_THAT(std::string(again.response.header("Set-Cookie")), Catch::Contains(people.cookie_of(in)));
  CHECK(people.ask_as(in.json.string_or("token"), "POST", "/v1/session/refresh").status == 400);
  CHECK(people.harness.ask({.method = "POST", .target = "/v1/session/refresh"}).status == 401);
}

TEST_CASE("after signing out neither cookie nor token counts") {
  People people;
  const HttpAnswer in = people.sign_in("ada@example.net", people.password);
  const HttpAnswer other = people.sign_in("ada@example.net", people.password);

  const HttpAnswer out = people.with_cookie(in, "DELETE", "/v1/session");

  CHECK(out.status == 204);
  CHECK_THAT(std::string(out.response.header("Set-Cookie")),
             Catch::Contains("reeve_session=; ") && Catch::Contains("Max-Age=0"));
  CHECK(people.with_cookie(in, "GET", "/v1/me").status == 401);
  CHECK(people.ask_as(in.json.string_or("token"), "GET", "/v1/me").status == 401);
  CHECK(people.with_cookie(other, "GET", "/v1/me").status == 200);
  CHECK(people.ask_as(other.json.string_or("token"), "DELETE", "/v1/session").status == 204);
  CHECK(people.with_cookie(other, "GET", "/v1/me").status == 401);
  CHECK(people.harness.ask({.method = "DELETE", .target = "/v1/session", .key = people.harness.admin_key}).status ==
        400);
}

TEST_CASE("one's own password is changed with the old one, and one's other sessions end") {
  People people;
  const HttpAnswer here = people.sign_in("ada@example.net", people.password);
  const HttpAnswer there = people.sign_in("ada@example.net", people.password);
  const std::string token = here.json.string_or("token");
  const auto change = [&](const std::string& from, const std::string& to) {
    Json body;
    body.set("old", from);
    body.set("new", to);
    return people.ask_as(token, "POST", "/v1/me/password", body.dump());
  };
  CHECK(change("not the password", "another password").status == 403);
  CHECK(change(people.password, std::string(9, 'x')).status == 400);
  CHECK(change(people.password, std::string(257, 'x')).status == 400);
  CHECK(people.with_cookie(there, "GET", "/v1/me").status == 200);

  CHECK(change(people.password, std::string(256, 'x')).status == 204);

  CHECK(people.ask_as(token, "GET", "/v1/me").status == 200);
  CHECK(people.with_cookie(there, "GET", "/v1/me").status == 401);
  CHECK(people.sign_in("ada@example.net", people.password).status == 401);
  CHECK(people.sign_in("ada@example.net", std::string(256, 'x')).status == 200);
  CHECK(people.harness.post("/v1/me/password", R"({"old":"a","new":"0123456789"})").status == 400);
}

TEST_CASE("each sign-in, refusal and sign-out stands in the audit, with who and from where") {
  People people;
  const HttpAnswer in = people.sign_in("ada@example.net", people.password);
  CHECK(people.sign_in("ada@example.net", "not the password").status == 401);
  CHECK(people.with_cookie(in, "DELETE", "/v1/session").status == 204);

  const std::vector<AuditEntry> entries = people.accounts().list_audit({}).value();
  REQUIRE(entries.size() == 4);
  CHECK(entries[0].action == "session.end");
  CHECK(entries[0].actor_name == "ada@example.net");
  CHECK(entries[0].peer == "127.0.0.1");
  CHECK(entries[1].action == "session.refuse");
  CHECK(entries[1].actor_kind == "none");
  CHECK(entries[1].target == "ada@example.net");
  CHECK_THAT(entries[1].detail, Catch::Contains("wrong password"));
  CHECK_THAT(entries[1].detail, !Catch::Contains("not the password"));
  CHECK(entries[2].action == "session.begin");
  CHECK(entries[2].actor_kind == "user");
  CHECK(entries[3].action == "user.create");
}

}  // namespace reeve::server
