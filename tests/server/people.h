// A server with somebody who may sign in, and shortcuts for what they send.
#pragma once

#include <string>

#include "common/sys/password.h"
#include "server/store/accounts.h"
#include "tests/pch.h"
#include "tests/server/api_harness.h"

namespace reeve::server {

struct People {
  explicit People(bool tls = false) : harness(nullptr, tls) { ada = add("ada@example.net", "admin"); }

  // With a hash that costs little, which says so itself; so tests take no longer than they must.
  User add(const std::string& email, const std::string& role) {
    User user{.id = make_uuid_v7(harness.clock.wall(), harness.random),
              .email = email,
              .name = "Somebody",
              .role = role,
              .password_hash = sys::hash_password(password, {.memory_kib = 64, .passes = 1}).value(),
              .created = harness.clock.wall()};
    REQUIRE(accounts().add_user(user, {.time = harness.clock.wall(), .action = "user.create"}).value());
    return user;
  }

  Accounts& accounts() { return harness.store->accounts(); }

  HttpAnswer sign_in(const std::string& email, const std::string& with, const std::string& org = "") {
    Json body;
    body.set("email", email);
    body.set("password", with);
    if (!org.empty()) body.set("org", org);
    return harness.ask({.method = "POST", .target = "/v1/session", .body = body.dump()});
  }
  HttpAnswer ask_as(const std::string& token, const std::string& method, const std::string& target,
                    const Bytes& body = "") {
    return harness.ask({.method = method, .target = target, .key = token, .body = body});
  }

  static std::string cookie_of(const HttpAnswer& signed_in) {
    const std::string text(signed_in.response.header("Set-Cookie"));
    return text.substr(0, text.find(';'));
  }
  HttpAnswer with_cookie(const HttpAnswer& signed_in, const std::string& method, const std::string& target,
                         sys::HttpHeaders headers = {}) {
    headers.push_back({"Cookie", cookie_of(signed_in)});
    return harness.ask({.method = method, .target = target, .headers = headers});
  }

  ApiHarness harness;
  std::string password = "correct horse battery";
  User ada;
};

}  // namespace reeve::server
