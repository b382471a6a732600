// Approver keys in tokens, with SoftHSM as the token and OpenSC's tool to make the key.
#include "cli/pkcs11.h"

#include "tests/cli/trusted_world.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

using namespace reeve;
using namespace reeve::cli;

namespace {

const std::string module = "/usr/lib/softhsm/libsofthsm2.so";

// A folder with one token, "reeve", whose PIN is 123456.
class SoftToken {
 public:
  explicit SoftToken(const std::string& folder) : log_(folder + "/token.log") {
    std::filesystem::create_directory(folder + "/tokens");
    std::ofstream(folder + "/softhsm2.conf") << "directories.tokendir = " << folder << "/tokens\nlog.level = ERROR\n";
    ::setenv("SOFTHSM2_CONF", (folder + "/softhsm2.conf").c_str(), 1);
    shell("softhsm2-util --init-token --free --label reeve --pin 123456 --so-pin 12345678");
  }

  void make_key(const std::string& label, const std::string& type = "EC:edwards25519") const {
    shell("pkcs11-tool --module " + module + " --token-label reeve --login --pin 123456 --keypairgen --key-type " +
          type + " --label " + label + " --id " + (label == "alice" ? "01" : "02"));
  }

 private:
  void shell(const std::string& command) const {
    INFO(command << ", whose output is in " << log_);
    REQUIRE(std::system((command + " >>" + log_ + " 2>&1").c_str()) == 0);
  }

  std::string log_;
};

// SoftHSM 2.6.1 loses 37 bytes with each signature; what is allocated while one of these lives is no leak of ours.
struct ForeignLeaks {
#ifdef __SANITIZE_ADDRESS__
  __lsan::ScopedDisabler disabler;
#endif
};

Result<std::unique_ptr<ApprovalSigner>> open(const std::string& label, const std::string& pin = "123456",
                                             const std::string& token = "reeve") {
  return open_token({.module = module, .token = token, .key_label = label}, pin);
}

}  // namespace

TEST_CASE("a key in a token signs an approval that counts") {
  TrustedWorld fake;
  const SoftToken token(fake.folder);
  token.make_key("alice");
  [[maybe_unused]] const ForeignLeaks foreign;
  const std::string pin_file = fake.write("pin", "123456\n");
  Bytes public_key;
  {
    const Result<std::unique_ptr<ApprovalSigner>> signer = open("alice");
    INFO((signer ? "" : signer.error().text()));
    REQUIRE(signer.ok());
    public_key = (*signer)->public_key();
    const Result<Bytes> signature = (*signer)->sign("message");
    REQUIRE(signature.ok());
    CHECK(crypto::verify_ed25519(public_key, "message", *signature));
    CHECK_FALSE(crypto::verify_ed25519(public_key, "another", *signature));
  }
  fake.must({"keys", "rotate", "approver", "alice", "--new", to_hex(public_key), "--pass-file", fake.pass_file});
  fake.expect_plan({make_step({.name = "web-1"})});
  fake.expect_approval();

  fake.must({"approve", plan_id, "--pkcs11", module, "--token", "reeve", "--key-label", "alice", "--pin-file", pin_file,
             "--yes"});

  CHECK(warrant::signed_by(fake.posted_envelope(), public_key));
}

TEST_CASE("a wrong PIN, token, label, curve or module signs nothing, and says which it was") {
  FakeWorld fake;
  const SoftToken token(fake.folder);
  token.make_key("alice");
  token.make_key("other", "EC:prime256v1");
  const auto why = [](const Result<std::unique_ptr<ApprovalSigner>>& signer) {
    REQUIRE_FALSE(signer.ok());
    return signer.error().text();
  };

  CHECK(why(open("alice", "654321")) == "log in to the token \"reeve\": the PIN is wrong");
  CHECK(why(open("alice", "123456", "card")) == "no token is labelled \"card\"; there are: reeve");
  CHECK(why(open("bob")) == "the token has no Ed25519 private key labelled \"bob\"");
  CHECK(why(open("other")) == "the token has no Ed25519 private key labelled \"other\"");
  CHECK_THAT(why(open_token({.module = "/nowhere.so", .token = "reeve", .key_label = "alice"}, "123456")),
             Catch::StartsWith("load the PKCS#11 module /nowhere.so: "));
  CHECK(why(open_token({.module = "libc.so.6", .token = "reeve", .key_label = "alice"}, "123456")) ==
        "libc.so.6 is no PKCS#11 module");
}

TEST_CASE("two keys of one label are told apart by nobody, so neither signs") {
  FakeWorld fake;
  const SoftToken token(fake.folder);
  token.make_key("alice");
  token.make_key("alice");

  const Result<std::unique_ptr<ApprovalSigner>> signer = open("alice");

  REQUIRE_FALSE(signer.ok());
  CHECK_THAT(signer.error().text(), Catch::Contains("several Ed25519 private keys labelled \"alice\""));
}

TEST_CASE("a public key of a token is 32 bytes, with or without their DER header") {
  const Bytes key(32, 'k');
  CHECK(*parse_ec_point(key) == key);
  CHECK(*parse_ec_point("\x04\x20" + key) == key);
  CHECK_FALSE(parse_ec_point("\x04\x21" + key).ok());
  CHECK_FALSE(parse_ec_point(Bytes(31, 'k')).ok());
  CHECK_FALSE(parse_ec_point(Bytes(33, 'k')).ok());
  CHECK_FALSE(parse_ec_point("").ok());
}
