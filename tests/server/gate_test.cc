// Who is let in, and what each credential may: the gate over two orgs in memory, with a clock of the test's own.
#include "server/api/gate.h"

#include <future>

#include "common/crypto/digest.h"
#include "common/crypto/signing.h"
#include "server/api/idempotency.h"
#include "server/auth/auth.h"
#include "server/auth/jwt.h"
#include "server/authority.h"
#include "server/store/accounts.h"
#include "server/store_writer.h"
#include "tests/pch.h"

namespace reeve::server {
namespace {

constexpr WallTime noon{1'795'262'400'000'000'000};
constexpr Instant start{5'000'000'000'000};

Uuid make_id(uint8_t n) {
  Uuid id;
  id.bytes.fill(n);
  return id;
}

// An org with a user of each role (ids 1 to 5, as in role_names), each signed in, and a key of each.
struct OrgWorld {
  std::unique_ptr<Store> store = make_memory_store();
  ServerCounters counters;
  StoreWriter writer{*store, counters, {}};
  Authority authority;
  ApiContext context;
  std::vector<std::string> keys;
  std::vector<std::string> cookies;

  OrgWorld(const std::string& name, Auth& auth)
      : authority(name, {}, ""),
        context{.store = *store,
                .writer = writer,
                .authority = authority,
                .counters = counters,
                .org = name,
                .link_address = "here:7701",
                .api_url = "https://here:7700",
                .find_org = {},
                .on_enrolled = [](const Uuid&) {},
                .on_revoked = [](const Uuid&) {},
                .on_watched = [](Duration) {},
                .api_queued = {},
                .auth = &auth} {
    for (size_t i = 0; i < role_names.size(); ++i) {
      const auto n = static_cast<uint8_t>(i + 1);
      const std::string role(role_names[i]);
      REQUIRE(store->accounts()
                  .add_user({.id = make_id(n), .email = role + "@" + name, .role = role, .created = noon}, {})
                  .value());
      keys.push_back(make_api_key(name));
      REQUIRE(store->accounts().add_api_key(key_of(keys.back(), static_cast<uint8_t>(n + 100), role), {}).ok());
      cookies.push_back(make_session_secret(name));
      REQUIRE(store->accounts()
                  .open_session({.hash = crypto::sha256(cookies.back()),
                                 .user = make_id(n),
                                 .created = noon,
                                 .refreshed = noon,
                                 .expires = noon + 12h},
                                {})
                  .ok());
    }
  }

  static ApiKey key_of(const std::string& text, uint8_t id, const std::string& role) {
    return {
        .id = make_id(id), .prefix = api_key_prefix(text), .hash = crypto::sha256(text), .role = role, .created = noon};
  }

  // An API key like no other.
  std::string add_key(ApiKey key) {
    const std::string text = make_api_key(context.org);
    key.id = make_id(static_cast<uint8_t>(200 + extra_++));
    key.hash = crypto::sha256(text);
    REQUIRE(store->accounts().add_api_key(key, {}).ok());
    return text;
  }
  uint8_t extra_ = 0;
};

struct World {
  Auth auth{crypto::SigningKey::make(), {.per_credential = 100, .per_org = 150}};
  OrgWorld ours{"ours", auth};
  OrgWorld theirs{"theirs", auth};
  Gate gate{{&ours.context, &theirs.context}};

  std::string token_of(const OrgWorld& org, size_t role, WallTime issued = noon) const {
    return sign_token(auth.key(), {.org = org.context.org,
                                   .user = make_id(static_cast<uint8_t>(role + 1)),
                                   .session = crypto::sha256(org.cookies[role]),
                                   .issued = issued,
                                   .expires = issued + token_validity});
  }
};

struct Came {
  std::string method = "GET";
  sys::HttpHeaders headers;
  WallTime now = noon;
  Instant called = start;
};

ApiRequest make_request(const Came& came) {
  ApiRequest request;
  request.method = came.method;
  request.headers = came.headers;
  request.headers.push_back({"Host", "here:7700"});
  request.now = came.now;
  request.called = came.called;
  return request;
}

sys::HttpHeader bearer(const std::string& text) {
  return {"Authorization", "Bearer " + text};
}
sys::HttpHeader cookie(const std::string& text) {
  return {"Cookie", "other=1; reeve_session=" + text + "; more=2"};
}

Result<Answer> no_answer(ApiContext&, const ApiRequest&) {
  return Answer(Reply{});
}
constexpr Route reading{"GET", "/r", Permission::signals_read, no_answer, {.summary = "r"}};
constexpr Route writing{"POST", "/w", Permission::signals_read, no_answer, {.summary = "w"}};
constexpr Route leaving = Route{"POST", "/l", Permission::signals_read, no_answer, {.summary = "l"}}.with_cookie();

// 200 where it is let in.
int status_of(const std::variant<Admission, Refusal>& verdict) {
  const auto* refusal = std::get_if<Refusal>(&verdict);
  return refusal ? refusal->status : 200;
}
std::string text_of(const std::variant<Admission, Refusal>& verdict) {
  const auto* refusal = std::get_if<Refusal>(&verdict);
  return refusal ? refusal->error.text() : "";
}

}  // namespace

// A route cannot be made without saying who may have it.
static_assert(!std::is_constructible_v<Route, std::string_view, std::string_view, Handler, RouteDocs>);
static_assert(!std::is_constructible_v<Route, std::string_view, std::string_view, Handler>);
static_assert(!std::is_constructible_v<Route, std::string_view, Feed, RouteDocs>);
static_assert(!std::is_default_constructible_v<Route>);
static_assert(std::is_constructible_v<Route, std::string_view, std::string_view, Permission, Handler, RouteDocs>);

TEST_CASE("every route, with every role and credential, of this org and a foreign one, serves its own org alone") {
  World world;
  for (const Route* route : routes()) {
    if (route->permission == Permission::none) continue;
    for (OrgWorld* org : {&world.ours, &world.theirs}) {
      for (size_t role = 0; role < role_names.size(); ++role) {
        INFO(route->method << " " << route->pattern << " as " << role_names[role] << " of " << org->context.org);
        const int allowed = may(static_cast<Role>(role), route->permission) ? 200 : 403;
        const bool cookie_counts = route->method == "GET" || route->cookie_suffices;
        const std::vector<std::pair<sys::HttpHeader, int>> credentials{
            {bearer(org->keys[role]), allowed},
            {{"X-Api-Key", org->keys[role]}, allowed},
            {bearer(world.token_of(*org, role)), allowed},
            {cookie(org->cookies[role]), cookie_counts ? allowed : 401}};
        for (const auto& [header, expected] : credentials) {
          Auth fresh(world.auth.key());  // what is counted here is another test's matter
          world.ours.context.auth = world.theirs.context.auth = &fresh;
          const Came came{.method = std::string(route->method), .headers = {header}};
          const auto verdict = world.gate.admit(*route, make_request(came));
          CHECK(status_of(verdict) == expected);
          if (const auto* admission = std::get_if<Admission>(&verdict)) {
            CHECK(admission->context == &org->context);
            CHECK(admission->credential.org == org->context.org);
            CHECK(to_string(admission->credential.role) == role_names[role]);
          }
          Came foreign = came;
          foreign.headers.push_back({"x-tenant-id", org == &world.ours ? "theirs" : "ours"});
          CHECK(status_of(world.gate.admit(*route, make_request(foreign))) == (expected == 401 ? 401 : 403));
          fresh.stop();
        }
      }
    }
  }
  world.ours.context.auth = world.theirs.context.auth = &world.auth;
}

TEST_CASE("x-tenant-id that agrees changes nothing") {
  World world;
  const Came came{.headers = {bearer(world.theirs.keys[0]), {"X-Tenant-Id", "theirs"}}};
  CHECK(status_of(world.gate.admit(reading, make_request(came))) == 200);
}

TEST_CASE("the cookie reads, and changes nothing but its own session") {
  World world;
  const sys::HttpHeader sent = cookie(world.ours.cookies[4]);

  CHECK(status_of(world.gate.admit(reading, make_request({.method = "HEAD", .headers = {sent}}))) == 200);
  CHECK(status_of(world.gate.admit(writing, make_request({.method = "POST", .headers = {sent}}))) == 401);
  CHECK(status_of(world.gate.admit(leaving, make_request({.method = "POST", .headers = {sent}}))) == 200);
}

TEST_CASE("the cookie counts for our own pages alone") {
  World world;
  const auto from = [&](const std::string& origin) {
    const Came came{.method = "POST", .headers = {cookie(world.ours.cookies[0]), {"Origin", origin}}};
    return status_of(world.gate.admit(leaving, make_request(came)));
  };
  CHECK(from("https://here:7700") == 200);
  CHECK(from("https://HERE:7700") == 200);
  CHECK(from("https://evil.example") == 401);
  CHECK(from("https://here:7701") == 401);
  CHECK(from("https://here:7700.evil.example") == 401);
  CHECK(from("null") == 401);
  CHECK(from("") == 401);
  CHECK(from("here:7700") == 401);
}

TEST_CASE("a cookie that is none of ours signs nobody in") {
  World world;
  for (const std::string& value :
       {std::string("x"), std::string(), std::string("ours."), "theirs" + world.ours.cookies[0].substr(4),
        world.ours.cookies[0] + "x", std::string(5000, 'x'), std::string("nobody.") + std::string(43, 'a')}) {
    INFO(value);
    CHECK(status_of(world.gate.admit(reading, make_request({.headers = {cookie(value)}}))) == 401);
  }
}

TEST_CASE("a token is refused once its session or its user is gone, and a changed role counts at once") {
  World world;
  Accounts& accounts = world.ours.store->accounts();
  const auto with_token = [&](size_t role) {
    return world.gate.admit(reading, make_request({.headers = {bearer(world.token_of(world.ours, role))}}));
  };
  REQUIRE(status_of(with_token(0)) == 200);

  REQUIRE(accounts.end_session(crypto::sha256(world.ours.cookies[0]), {}).ok());
  CHECK(status_of(with_token(0)) == 401);
  REQUIRE(accounts.change_user(make_id(2), {.role = "manager"}, {}).ok());
  CHECK(std::get<Admission>(with_token(1)).credential.role == Role::manager);
  REQUIRE(accounts.change_user(make_id(2), {.disabled = true}, {}).ok());
  CHECK(status_of(with_token(1)) == 401);
}

TEST_CASE("a token of another org, another key or an expired session is refused") {
  World world;
  const auto status = [&](const std::string& token, WallTime now = noon) {
    return status_of(world.gate.admit(reading, make_request({.headers = {bearer(token)}, .now = now})));
  };
  TokenClaims claims{.org = "theirs",
                     .user = make_id(1),
                     .session = crypto::sha256(world.ours.cookies[0]),
                     .issued = noon,
                     .expires = noon + token_validity};
  CHECK(status(sign_token(world.auth.key(), claims)) == 401);  // our session is not one of theirs
  claims.org = "nobody";
  CHECK(status(sign_token(world.auth.key(), claims)) == 401);
  claims.org = "ours";
  CHECK(status(sign_token(world.auth.key(), claims)) == 200);
  CHECK(status(sign_token(crypto::SigningKey::make(), claims)) == 401);
  claims.user = make_id(2);
  CHECK(status(sign_token(world.auth.key(), claims)) == 401);  // another user's session

  CHECK(status(world.token_of(world.ours, 0, noon + 12h - 1s), noon + 12h - 1s) == 200);
  CHECK(status(world.token_of(world.ours, 0, noon + 12h), noon + 12h) == 401);
}

TEST_CASE("a key stops at its expiry and when it is revoked, and the refusal says which") {
  World world;
  const std::string text = world.ours.add_key({.role = "viewer", .created = noon, .expires = noon + 1h});
  const auto verdict = [&](WallTime now) {
    return world.gate.admit(reading, make_request({.headers = {bearer(text)}, .now = now}));
  };
  CHECK(status_of(verdict(noon + 1h - 1s)) == 200);
  CHECK(status_of(verdict(noon + 1h)) == 401);
  CHECK_THAT(text_of(verdict(noon + 1h)), Catch::Contains("expired at 2026-11-21T13:00:00Z"));

  REQUIRE(world.ours.store->accounts().revoke_api_key(make_id(200), {}).ok());
  CHECK(status_of(verdict(noon)) == 401);
  CHECK_THAT(text_of(verdict(noon)), Catch::Contains("revoked"));
}

TEST_CASE("a key may do what both its role and its scopes allow") {
  World world;
  const std::string text = world.ours.add_key({.role = "engineer", .created = noon, .scopes = {"signals.write"}});
  const auto verdict = [&](Permission permission) {
    const Route route{"GET", "/x", permission, no_answer, {.summary = "x"}};
    return world.gate.admit(route, make_request({.headers = {bearer(text)}}));
  };
  CHECK(status_of(verdict(Permission::signals_write)) == 200);
  CHECK(status_of(verdict(Permission::signals_read)) == 403);
  CHECK_THAT(text_of(verdict(Permission::signals_read)), Catch::Contains("scopes leave out \"signals.read\""));
  CHECK_THAT(text_of(verdict(Permission::org_admin)), Catch::Contains("the role \"engineer\" has no permission"));
}

TEST_CASE("a key of old, which names no org, is still found in its own") {
  World world;
  const std::string old = "rvk_" + to_base64url(Bytes(32, '\7'));
  REQUIRE(world.theirs.store->add_api_key(OrgWorld::key_of(old, 250, "viewer")).ok());

  const auto verdict = world.gate.admit(reading, make_request({.headers = {bearer(old)}}));

  REQUIRE(status_of(verdict) == 200);
  CHECK(std::get<Admission>(verdict).credential.org == "theirs");
  CHECK(api_key_prefix(old) == old.substr(0, 10));
  CHECK(api_key_prefix("rvk_a-b_" + std::string(43, 'c')) == "rvk_a-b_cccccc");
}

TEST_CASE("a key that names one org is not looked for in another") {
  World world;
  const std::string named = make_api_key("theirs");
  REQUIRE(world.ours.store->add_api_key(OrgWorld::key_of(named, 250, "admin")).ok());

  CHECK(status_of(world.gate.admit(reading, make_request({.headers = {bearer(named)}}))) == 401);
  CHECK(status_of(world.gate.admit(reading, make_request({.headers = {bearer(make_api_key("nobody"))}}))) == 401);
}

TEST_CASE("when a key was last used is noted, once a minute") {
  World world;
  const auto last_used = [&] {
    REQUIRE(world.ours.writer.run([](Store&) { return Status(); }).ok());
    return world.ours.store->find_api_key(crypto::sha256(world.ours.keys[0]))->last_used;
  };
  const auto use = [&](Duration later) {
    (void)world.gate.admit(
        reading, make_request({.headers = {bearer(world.ours.keys[0])}, .now = noon + later, .called = start + later}));
  };
  use(0s);
  CHECK(last_used() == noon);
  use(59s);
  CHECK(last_used() == noon);
  use(61s);
  CHECK(last_used() == noon + 61s);
}

TEST_CASE("a credential has its number of requests a minute, and the answer says what is left") {
  World world;
  const auto ask = [&](const std::string& key, Duration later) {
    return world.gate.admit(reading, make_request({.headers = {bearer(key)}, .called = start + later}));
  };
  const auto first = ask(world.ours.keys[0], 0s);
  REQUIRE(status_of(first) == 200);
  const sys::HttpHeaders& told = std::get<Admission>(first).headers;
  CHECK(*sys::find_header(told, "RateLimit-Limit") == "100");
  CHECK(*sys::find_header(told, "RateLimit-Remaining") == "99");
  for (int i = 1; i < 100; ++i) CHECK(status_of(ask(world.ours.keys[0], 0s)) == 200);

  const auto refused = ask(world.ours.keys[0], 20s);
  REQUIRE(status_of(refused) == 429);
  const sys::HttpHeaders& headers = std::get<Refusal>(refused).headers;
  CHECK(*sys::find_header(headers, "Retry-After") == "40");
  CHECK(*sys::find_header(headers, "RateLimit-Remaining") == "0");
  CHECK(*sys::find_header(headers, "RateLimit-Reset") == "40");
  CHECK(status_of(ask(world.ours.keys[1], 20s)) == 200);
  CHECK(status_of(ask(world.ours.keys[0], 60s)) == 200);
}

// -- sent again ------------------------------------------------------------------------------------------------------

TEST_CASE("while the first request runs, its Idempotency-Key is taken; afterwards its answer comes for a day") {
  World world;
  Idempotency idempotency;
  const Route route = Route{"POST", "/c", Permission::signals_read, no_answer, {.summary = "c"}}.idempotent();
  ApiRequest request = make_request({.method = "POST", .headers = {{"Idempotency-Key", "one"}}});
  request.credential = {.org = "ours", .subject = make_id(1)};
  const auto begin = [&] { return idempotency.begin(route, world.ours.context, request); };

  auto first = begin();
  REQUIRE(std::holds_alternative<Idempotency::TicketPtr>(first));
  const auto second = begin();
  REQUIRE(std::holds_alternative<Reply>(second));
  CHECK(std::get<Reply>(second).status == 409);
  CHECK(*sys::find_header(std::get<Reply>(second).headers, "Retry-After") == "1");

  std::promise<void> kept;
  const Reply answer{.status = 201, .content_type = "text/plain", .body = "a secret", .headers = {{"X-More", "1"}}};
  Idempotency::keep(std::get<Idempotency::TicketPtr>(first), answer, [&] { kept.set_value(); });
  kept.get_future().wait();

  request.now = noon + 24h - 1s;
  const auto again = begin();
  REQUIRE(std::holds_alternative<Reply>(again));
  CHECK(std::get<Reply>(again).status == 201);
  CHECK(std::get<Reply>(again).body == "a secret");
  CHECK(*sys::find_header(std::get<Reply>(again).headers, "X-More") == "1");
  CHECK(*sys::find_header(std::get<Reply>(again).headers, "Idempotency-Replayed") == "true");
  request.now = noon + 24h;
  CHECK(std::holds_alternative<Idempotency::TicketPtr>(begin()));
}

TEST_CASE("a request that was refused, or whose answer never came, leaves its Idempotency-Key free") {
  World world;
  Idempotency idempotency;
  const Route route = Route{"POST", "/c", Permission::signals_read, no_answer, {.summary = "c"}}.idempotent();
  const ApiRequest request = make_request({.method = "POST", .headers = {{"Idempotency-Key", "one"}}});
  const auto begin = [&] { return idempotency.begin(route, world.ours.context, request); };

  { const auto dropped = begin(); }
  auto refused = begin();
  REQUIRE(std::holds_alternative<Idempotency::TicketPtr>(refused));
  bool answered = false;
  Idempotency::keep(std::get<Idempotency::TicketPtr>(refused), Reply{.status = 400}, [&] { answered = true; });
  CHECK(answered);
  auto released = begin();
  REQUIRE(std::holds_alternative<Idempotency::TicketPtr>(released));
  Idempotency::release(std::get<Idempotency::TicketPtr>(released));
  CHECK(std::holds_alternative<Idempotency::TicketPtr>(begin()));
  CHECK(std::holds_alternative<std::monostate>(idempotency.begin(writing, world.ours.context, request)));
}

TEST_CASE("an org has its number of requests a minute, whoever of it asks, and another org has its own") {
  World world;
  const auto ask = [&](const std::string& key) {
    return world.gate.admit(reading, make_request({.headers = {bearer(key)}}));
  };
  for (int i = 0; i < 75; ++i) {
    CHECK(status_of(ask(world.ours.keys[0])) == 200);
    CHECK(status_of(ask(world.ours.keys[1])) == 200);
  }
  CHECK(status_of(ask(world.ours.keys[2])) == 429);
  CHECK_THAT(text_of(ask(world.ours.keys[2])), Catch::Contains("the org sent 150"));
  CHECK(status_of(ask(world.theirs.keys[0])) == 200);
}

}  // namespace reeve::server
