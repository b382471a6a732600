// Logging in, and which server gets which key.
#include "cli/login.h"

#include "cli/server_url.h"
#include "common/sys/crypto.h"
#include "tests/cli/fake_world.h"

using namespace reeve;
using namespace reeve::cli;

namespace {

const std::string me = R"({"org":"default","key_prefix":"rk_abcd","role":"admin","server_version":"0.1.0"})";

struct Certificates {
  sys::KeyAndCertificate ca;
  sys::KeyAndCertificate server;
  std::string fingerprint;
};

Certificates make_certificates() {
  Certificates made;
  Result<sys::KeyAndCertificate> ca = sys::make_ca({.organization = "default", .now = test_now, .validity = 24h});
  REQUIRE(ca.ok());
  made.ca = *ca;
  Result<sys::KeyAndCertificate> server =
      sys::make_server_certificate(made.ca, {.names = {"localhost"}, .now = test_now, .validity = 24h});
  REQUIRE(server.ok());
  made.server = *server;
  made.fingerprint = sys::certificate_info(made.ca.certificate_pem)->fingerprint;
  return made;
}

}  // namespace

TEST_CASE("a login over loopback is remembered for its owner alone") {
  FakeWorld fake;
  const std::string key = fake.write("api.key", "rk_secret\n");
  fake.server.expect("/v1/me", me);

  CHECK(fake.run({"login", "http://127.0.0.1:7842/", "--key-file", key}) == 0);

  CHECK(fake.screen.out ==
        "logged in to http://127.0.0.1:7842, org default, as admin (key rk_abcd...)\nremembered in " + fake.folder +
            "/config/profile.json\ntry: reeve status\n");
  CHECK(fake.server.calls[0].key == "rk_secret");
  const auto permissions = std::filesystem::status(fake.folder + "/config/profile.json").permissions();
  CHECK(permissions == (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
  const auto folder_permissions = std::filesystem::status(fake.folder + "/config").permissions();
  CHECK(folder_permissions == std::filesystem::perms::owner_all);

  const Result<Profile> profile = load_profile(fake.world);
  REQUIRE(profile.ok());
  CHECK(profile->url == "http://127.0.0.1:7842");
  CHECK(profile->key == "rk_secret");
}

TEST_CASE("a second login replaces the first and stays private") {
  FakeWorld fake;
  fake.log_in();
  std::filesystem::permissions(fake.folder + "/config/profile.json", std::filesystem::perms::all);
  fake.server.expect("/v1/me", me);

  CHECK(fake.run({"login", "http://localhost:1", "--key-file", fake.write("k", "other")}) == 0);

  CHECK(load_profile(fake.world)->key == "other");
  CHECK(std::filesystem::status(fake.folder + "/config/profile.json").permissions() ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
}

TEST_CASE("a login that the server refuses is not remembered") {
  FakeWorld fake;
  fake.server.expect("/v1/me", R"({"detail":"no such key","request_id":"r9"})", 401);

  CHECK(fake.run({"login", "http://127.0.0.1:1", "--key-file", fake.write("k", "x")}) == 1);

  CHECK(fake.screen.err == "http://127.0.0.1:1 does not accept the API key: no such key (request r9)\n");
  CHECK_FALSE(std::filesystem::exists(fake.folder + "/config/profile.json"));
}

TEST_CASE("a CA is taken from the presented chain only by its fingerprint") {
  const Certificates certificates = make_certificates();
  FakeWorld fake;
  fake.server.chain = {certificates.server.certificate_pem, certificates.ca.certificate_pem};
  fake.server.expect("/v1/me", me);

  CHECK(fake.run({"login", "https://reeve.example:7843", "--key-file", fake.write("k", "x"), "--ca-fingerprint",
                  "sha256:" + certificates.fingerprint}) == 0);

  CHECK(fake.server.calls[0].ca_pem == certificates.ca.certificate_pem);
  CHECK(load_profile(fake.world)->ca_pem == certificates.ca.certificate_pem);
}

TEST_CASE("another CA than the one announced gets no key") {
  const Certificates certificates = make_certificates();
  FakeWorld fake;
  fake.server.chain = {certificates.server.certificate_pem, certificates.ca.certificate_pem};
  const std::string wrong(64, '0');

  CHECK(fake.run({"login", "https://reeve.example", "--key-file", fake.write("k", "x"), "--ca-fingerprint",
                  "sha256:" + wrong}) == 1);

  CHECK(fake.server.calls.empty());
  CHECK(fake.screen.err ==
        "of the 2 certificates that https://reeve.example presents, none has the fingerprint sha256:" + wrong +
            "; either it is mistyped, or this is not your server\n");
}

TEST_CASE("the fingerprint of the server's own certificate is not a CA's") {
  const Certificates certificates = make_certificates();
  FakeWorld fake;
  fake.server.chain = {certificates.server.certificate_pem};
  const std::string leaf = sys::certificate_info(certificates.server.certificate_pem)->fingerprint;

  CHECK(fake.run({"login", "https://reeve.example", "--key-file", fake.write("k", "x"), "--ca-fingerprint",
                  "sha256:" + leaf}) == 1);

  CHECK(fake.server.calls.empty());
  CHECK_THAT(fake.screen.err, Catch::Contains("is the fingerprint of the server's own certificate"));
}

TEST_CASE("https without a word about the CA is refused") {
  FakeWorld fake;

  CHECK(fake.run({"login", "https://reeve.example", "--key-file", fake.write("k", "x")}) == 1);

  CHECK(fake.screen.err ==
        "nothing says which CA to trust for https://reeve.example; add --ca-file FILE (the ca.pem that `reeve-server "
        "init` made) or --ca-fingerprint sha256:HEX\n");
}

TEST_CASE("a CA file must hold a CA") {
  const Certificates certificates = make_certificates();
  FakeWorld fake;
  const std::string key = fake.write("k", "x");
  const std::string leaf = fake.write("leaf.pem", certificates.server.certificate_pem);
  const std::string ca = fake.write("ca.pem", certificates.ca.certificate_pem);

  CHECK(fake.run({"login", "https://reeve.example", "--key-file", key, "--ca-file", leaf}) == 1);
  CHECK_THAT(fake.screen.err, Catch::Contains("which is no certificate authority"));
  CHECK(fake.run({"login", "https://reeve.example", "--key-file", key, "--ca-file", key}) == 1);
  CHECK(fake.run({"login", "https://reeve.example", "--key-file", key, "--ca-file", fake.folder + "/none"}) == 1);
  CHECK(fake.server.calls.empty());

  fake.server.expect("/v1/me", me);
  CHECK(fake.run({"login", "https://reeve.example", "--key-file", key, "--ca-file", ca}) == 0);
}

TEST_CASE("a key file holds one line of visible characters") {
  FakeWorld fake;
  CHECK(*read_key_file(sys::real_disk(), fake.write("k", "abc\r\n")) == "abc");

  CHECK_FALSE(read_key_file(sys::real_disk(), fake.write("k", "")).ok());
  CHECK_FALSE(read_key_file(sys::real_disk(), fake.write("k", "\n")).ok());
  CHECK_FALSE(read_key_file(sys::real_disk(), fake.write("k", "a\nInjected: header")).ok());
  CHECK_FALSE(read_key_file(sys::real_disk(), fake.write("k", "a b")).ok());
  CHECK(read_key_file(sys::real_disk(), fake.write("k", std::string(4096, 'a'))).ok());
  CHECK_FALSE(read_key_file(sys::real_disk(), fake.write("k", std::string(4097, 'a'))).ok());
  CHECK(read_key_file(sys::real_disk(), fake.folder + "/none").error().code() == Code::not_found);
}

TEST_CASE("a server is a scheme, a host and a port") {
  CHECK(parse_server_url("https://reeve.example")->text == "https://reeve.example");
  CHECK(parse_server_url("https://reeve.example:7843/")->text == "https://reeve.example:7843");
  CHECK(parse_server_url("https://[2001:db8::1]:7843")->host == "2001:db8::1");
  CHECK(parse_server_url("http://127.0.0.1:80")->is_tls == false);
  CHECK(parse_server_url("http://127.9.9.9").ok());
  CHECK(parse_server_url("http://[::1]:80").ok());
  CHECK(parse_server_url("http://localhost").ok());

  for (const char* wrong :
       {"", "reeve.example", "ftp://x", "https://", "https://:1", "https://x:", "https://x:0", "https://x:65536",
        "https://x:1x", "https://x/path", "https://x?q", "https://x#f", "https://user@x", "https://user:p@x",
        "https://a b", "https://[::1", "https://[::1]x", "https://[x]", "https://x\r\nHost: y"})
    CHECK_FALSE(parse_server_url(wrong).ok());
}

TEST_CASE("plain http is for loopback alone") {
  for (const char* wrong : {"http://reeve.example", "http://10.0.0.1", "http://127.0.0.1.example", "http://127.evil",
                            "http://127.0.0", "http://127.0.0.256", "http://[::2]", "http://0.0.0.0"})
    CHECK_THAT(parse_server_url(wrong).error().text(), Catch::Contains("unencrypted"));

  FakeWorld fake;
  CHECK(fake.run({"login", "http://reeve.example", "--key-file", "k"}) == 2);
}

TEST_CASE("without a login the way to one is shown") {
  FakeWorld fake;

  CHECK(fake.run({"status"}) == 1);

  CHECK(fake.screen.err == "not logged in: there is no " + fake.folder +
                               "/config/profile.json; log in with: reeve login https://HOST:PORT --key-file FILE\n");
}

TEST_CASE("the environment can stand in for a login") {
  FakeWorld fake;
  fake.world.environment.url = "http://127.0.0.1:9";
  fake.world.environment.key_file = fake.write("k", "from_env");

  const Result<Profile> profile = load_profile(fake.world);

  REQUIRE(profile.ok());
  CHECK(profile->url == "http://127.0.0.1:9");
  CHECK(profile->key == "from_env");
}

TEST_CASE("the stored key never goes to another server") {
  FakeWorld fake;
  fake.log_in();
  fake.world.environment.url = "http://127.0.0.1:6666";

  CHECK(fake.run({"status"}) == 1);

  CHECK(fake.server.calls.empty());
  CHECK_THAT(fake.screen.err, Catch::Contains("that login's key is not sent there; set REEVE_KEY_FILE too"));
}

TEST_CASE("the stored CA does not vouch for another server") {
  const Certificates certificates = make_certificates();
  FakeWorld fake;
  REQUIRE(save_profile(fake.world, {.url = "https://a", .key = "x", .ca_pem = certificates.ca.certificate_pem}).ok());
  fake.world.environment.url = "https://b";
  fake.world.environment.key_file = fake.write("k", "y");

  CHECK_THAT(load_profile(fake.world).error().text(), Catch::Contains("nothing says which CA to trust for https://b"));

  fake.world.environment.ca_file = fake.write("ca.pem", certificates.ca.certificate_pem);
  CHECK(load_profile(fake.world).ok());
}

TEST_CASE("a damaged profile says how to mend it") {
  FakeWorld fake;
  fake.log_in();
  fake.write("config/profile.json", "{\"version\":1,");
  CHECK_THAT(load_profile(fake.world).error().text(), Catch::Contains("`reeve login` writes it anew"));

  fake.write("config/profile.json", "{\"version\":2}");
  CHECK_THAT(load_profile(fake.world).error().text(), Catch::Contains("has version 2, allowed is 1"));

  fake.write("config/profile.json", "{\"version\":1,\"key\":\"k\",\"url\":\"http://far.example\"}");
  CHECK_THAT(load_profile(fake.world).error().text(), Catch::Contains("unencrypted"));
}
