// PKCS#11, as little of it as one signature takes.
#include "cli/pkcs11.h"

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>

#include <vector>

#include "cli/harmless.h"
#include "common/crypto/signing.h"

namespace reeve::cli {

namespace {

constexpr CK_ULONG slots_max = 256;
constexpr CK_ULONG point_bytes_max = 256;

// Both names of the curve that tokens give in CKA_EC_PARAMS: the PrintableString "edwards25519" of PKCS#11 3.0, and
// the OID 1.3.101.112 of RFC 8410.
constexpr std::string_view curve_name =
    "\x13\x0c"
    "edwards25519";
constexpr std::string_view curve_oid = "\x06\x03\x2b\x65\x70";

std::string describe(CK_RV result) {
  switch (result) {
    case CKR_PIN_INCORRECT:
      return "the PIN is wrong";
    case CKR_PIN_LOCKED:
      return "the PIN is locked";
    case CKR_PIN_LEN_RANGE:
      return "the PIN is too short or too long";
    case CKR_TOKEN_NOT_PRESENT:
      return "the token has gone";
    case CKR_DEVICE_REMOVED:
      return "the token has been pulled";
    case CKR_MECHANISM_INVALID:
      return "it cannot make Ed25519 signatures";
    default:
      break;
  }
  char code[32];
  std::snprintf(code, sizeof code, "PKCS#11 error 0x%lx", result);
  return code;
}

Error failed(const std::string& doing, CK_RV result) {
  const bool is_pin = result == CKR_PIN_INCORRECT || result == CKR_PIN_LOCKED || result == CKR_PIN_LEN_RANGE;
  return Error(is_pin ? Code::denied : Code::unavailable, doing + ": " + describe(result));
}

// A module that has been loaded and initialised; at most one in a process.
class Module {
 public:
  static Result<std::unique_ptr<Module>> load(const std::string& path) {
    auto module = std::make_unique<Module>();
    module->library_ = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (module->library_ == nullptr) {
      const char* reason = ::dlerror();
      return Error(Code::not_found, "load the PKCS#11 module " + harmless_line(path) + ": " +
                                        harmless_line(reason != nullptr ? reason : "no reason given"));
    }
    const auto get = reinterpret_cast<CK_C_GetFunctionList>(::dlsym(module->library_, "C_GetFunctionList"));
    if (get == nullptr || get(&module->functions_) != CKR_OK || module->functions_ == nullptr)
      return Error(Code::invalid, harmless_line(path) + " is no PKCS#11 module");
    const CK_RV result = module->functions_->C_Initialize(nullptr);
    if (result != CKR_OK) return failed("start the PKCS#11 module " + harmless_line(path), result);
    module->is_initialised_ = true;
    return module;
  }

  Module() = default;
  ~Module() {
    if (is_initialised_) functions_->C_Finalize(nullptr);
    if (library_ != nullptr) ::dlclose(library_);
  }
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  CK_FUNCTION_LIST* operator->() const { return functions_; }

 private:
  void* library_ = nullptr;
  CK_FUNCTION_LIST* functions_ = nullptr;
  bool is_initialised_ = false;
};

std::string label_of(const CK_TOKEN_INFO& info) {
  std::string label(reinterpret_cast<const char*>(info.label), sizeof info.label);
  while (label.ends_with(' ')) label.pop_back();
  return label;
}

Result<CK_SLOT_ID> find_token(const Module& module, const std::string& wanted) {
  std::vector<CK_SLOT_ID> slots(slots_max);
  CK_ULONG count = slots_max;
  const CK_RV result = module->C_GetSlotList(CK_TRUE, slots.data(), &count);
  if (result != CKR_OK) return failed("list the tokens", result);
  std::vector<CK_SLOT_ID> found;
  std::string seen;
  for (CK_ULONG i = 0; i < count; ++i) {
    CK_TOKEN_INFO info{};
    if (module->C_GetTokenInfo(slots[i], &info) != CKR_OK || (info.flags & CKF_TOKEN_INITIALIZED) == 0) continue;
    const std::string label = label_of(info);
    if (label == wanted) found.push_back(slots[i]);
    seen += (seen.empty() ? "" : ", ") + harmless_line(label);
  }
  if (found.size() == 1) return found.front();
  if (found.empty())
    return Error(Code::not_found, "no token is labelled \"" + harmless_line(wanted) +
                                      "\"; there are: " + (seen.empty() ? "none" : seen));
  return Error(Code::invalid, std::to_string(found.size()) + " tokens are labelled \"" + harmless_line(wanted) +
                                  "\"; pull all but one");
}

class Session : public ApprovalSigner {
 public:
  explicit Session(std::unique_ptr<Module> module) : module_(std::move(module)) {}
  ~Session() override {
    if (!is_open_) return;
    if (is_logged_in_) (*module_)->C_Logout(session_);
    (*module_)->C_CloseSession(session_);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  Status open(const TokenKey& key, std::string_view pin) {
    const CK_SLOT_ID slot = TRY(find_token(*module_, key.token));
    CK_RV result = (*module_)->C_OpenSession(slot, CKF_SERIAL_SESSION, nullptr, nullptr, &session_);
    if (result != CKR_OK) return failed("open the token \"" + harmless_line(key.token) + "\"", result);
    is_open_ = true;
    std::string copy(pin);
    result = (*module_)->C_Login(session_, CKU_USER, reinterpret_cast<CK_UTF8CHAR*>(copy.data()), copy.size());
    ::explicit_bzero(copy.data(), copy.size());
    if (result != CKR_OK) return failed("log in to the token \"" + harmless_line(key.token) + "\"", result);
    is_logged_in_ = true;

    private_ = TRY(find_key(CKO_PRIVATE_KEY, key.key_label));
    const CK_OBJECT_HANDLE public_half = TRY(find_key(CKO_PUBLIC_KEY, key.key_label));
    const Bytes curve = TRY(attribute(public_half, CKA_EC_PARAMS));
    if (curve != curve_name && curve != curve_oid)
      return Error(Code::invalid, "the key \"" + harmless_line(key.key_label) + "\" is on another curve than Ed25519");
    const Bytes point = TRY(attribute(public_half, CKA_EC_POINT));
    public_key_ = TRY(parse_ec_point(point));
    return {};
  }

  Bytes public_key() const override { return public_key_; }

  Result<Bytes> sign(BytesView message) override {
    CK_MECHANISM mechanism{.mechanism = CKM_EDDSA, .pParameter = nullptr, .ulParameterLen = 0};
    CK_RV result = (*module_)->C_SignInit(session_, &mechanism, private_);
    if (result != CKR_OK) return failed("sign with the token", result);
    Bytes copy(message);  // the interface does not promise to leave it alone
    Bytes signature(crypto::signature_bytes, '\0');
    CK_ULONG size = signature.size();
    result = (*module_)->C_Sign(session_, reinterpret_cast<CK_BYTE*>(copy.data()), copy.size(),
                                reinterpret_cast<CK_BYTE*>(signature.data()), &size);
    if (result != CKR_OK) return failed("sign with the token", result);
    if (size != signature.size())
      return Error(Code::corrupt, "the token's signature has " + std::to_string(size) + " bytes instead of 64");
    return signature;
  }

 private:
  Result<CK_OBJECT_HANDLE> find_key(CK_OBJECT_CLASS object_class, const std::string& label) {
    CK_KEY_TYPE type = CKK_EC_EDWARDS;
    std::string name = label;
    CK_ATTRIBUTE wanted[] = {{CKA_CLASS, &object_class, sizeof object_class},
                             {CKA_KEY_TYPE, &type, sizeof type},
                             {CKA_LABEL, name.data(), name.size()}};
    CK_RV result = (*module_)->C_FindObjectsInit(session_, wanted, std::size(wanted));
    if (result != CKR_OK) return failed("look for the key", result);
    CK_OBJECT_HANDLE found[2] = {};
    CK_ULONG count = 0;
    result = (*module_)->C_FindObjects(session_, found, std::size(found), &count);
    (*module_)->C_FindObjectsFinal(session_);
    if (result != CKR_OK) return failed("look for the key", result);
    const std::string what = object_class == CKO_PRIVATE_KEY ? "private key" : "public key";
    if (count == 0)
      return Error(Code::not_found, "the token has no Ed25519 " + what + " labelled \"" + harmless_line(label) + "\"");
    if (count > 1)
      return Error(Code::invalid, "the token has several Ed25519 " + what + "s labelled \"" + harmless_line(label) +
                                      "\"; labels must tell them apart");
    return found[0];
  }

  Result<Bytes> attribute(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) {
    Bytes value(point_bytes_max, '\0');
    CK_ATTRIBUTE wanted{.type = type, .pValue = value.data(), .ulValueLen = value.size()};
    const CK_RV result = (*module_)->C_GetAttributeValue(session_, object, &wanted, 1);
    if (result != CKR_OK || wanted.ulValueLen > value.size()) return failed("read the public key", result);
    value.resize(wanted.ulValueLen);
    return value;
  }

  std::unique_ptr<Module> module_;
  CK_SESSION_HANDLE session_ = 0;
  CK_OBJECT_HANDLE private_ = 0;
  Bytes public_key_;
  bool is_open_ = false;
  bool is_logged_in_ = false;
};

}  // namespace

Result<std::unique_ptr<ApprovalSigner>> open_token(const TokenKey& key, std::string_view pin) {
  std::unique_ptr<Module> module = TRY(Module::load(key.module));
  auto session = std::make_unique<Session>(std::move(module));
  TRY(session->open(key, pin));
  return std::unique_ptr<ApprovalSigner>(std::move(session));
}

Result<Bytes> parse_ec_point(BytesView point) {
  constexpr std::string_view header = "\x04\x20";
  if (point.size() == crypto::public_key_bytes + header.size() && point.starts_with(header))
    point.remove_prefix(header.size());
  if (point.size() != crypto::public_key_bytes)
    return Error(Code::invalid,
                 "the token's public key has " + std::to_string(point.size()) + " bytes; an Ed25519 key has 32");
  return Bytes(point);
}

}  // namespace reeve::cli
