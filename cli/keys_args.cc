// Rows of `reeve keys`, and what their values must be.
#include "cli/keys_args.h"

#include <charconv>

#include "cli/harmless.h"
#include "cli/help_keys.h"
#include "cli/keys_store.h"
#include "common/warrant/step.h"
#include "common/warrant/trust.h"

namespace reeve::cli {

namespace {

constexpr Duration life_max = 24h * 3650;
constexpr uint32_t approvals_most = 16;

Error bad(const std::string& place, const std::string& found, const std::string& allowed) {
  return Error(Code::invalid, place + " is \"" + harmless_line(found) + "\"; allowed is " + allowed);
}

Result<uint32_t> read_number(const std::string& place, const std::string& text, uint32_t min, uint32_t max) {
  uint32_t number = 0;
  const auto [stopped, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || stopped != text.data() + text.size() || number < min || number > max)
    return bad(place, text, "a whole number from " + std::to_string(min) + " to " + std::to_string(max));
  return number;
}

Status read_life(const std::string& command, const std::string& text, Duration& life) {
  if (text.empty()) return {};
  const std::optional<Duration> length = parse_duration(text);
  if (!length || *length < 1s || *length > life_max)
    return bad(command + ": --expires", text, "a length of time from 1s to 3650d, such as 90d");
  life = *length;
  return {};
}

// "0:1,1:1,2:2,3:2,4:never", each risk once.
Status read_approvals(const std::string& command, const std::string& text, std::vector<uint32_t>& approvals) {
  if (text.empty()) return {};
  const Error wrong = bad(command + ": --approvals", text,
                          "how many persons must approve each risk from 0 to 4, 1 to 16 or never, such as "
                          "0:1,1:1,2:1,3:2,4:never");
  std::vector<uint32_t> read;
  size_t from = 0;
  while (from <= text.size()) {
    const size_t comma = std::min(text.find(',', from), text.size());
    const std::string part = text.substr(from, comma - from);
    from = comma + 1;
    const std::string prefix = std::to_string(read.size()) + ":";
    if (!part.starts_with(prefix)) return wrong;
    const std::string value = part.substr(prefix.size());
    if (value == "never") {
      read.push_back(0);
      continue;
    }
    const Result<uint32_t> count = read_number("", value, 1, approvals_most);
    if (!count) return wrong;
    read.push_back(*count);
  }
  if (read.size() != warrant::risk_highest + 1) return wrong;
  approvals = std::move(read);
  return {};
}

Status read_name(const std::string& place, const std::string& name) {
  if (!name.empty() && name.size() <= warrant::name_bytes_max && harmless_line(name) == name) return {};
  return bad(place, name, "a name of 1 to 256 bytes that can be seen");
}

std::vector<OptionRow> signer_options(RootSigners& signers) {
  return {{"--org", &signers.org, "of this org; default the only one known here", "NAME"},
          {"--root", &signers.roots, "a root key that signs; repeatable; default root.pem of the org", "FILE"},
          {"--pass-file", &signers.pass_files, "its pass phrase; default asked on the terminal", "FILE"},
          {"--push", &signers.push, "send the result to the server"}};
}

std::vector<OptionRow> with(std::vector<OptionRow> options, std::vector<OptionRow> more) {
  options.insert(options.end(), more.begin(), more.end());
  return options;
}

CommandRow<Command> init_row(KeysTyped& typed) {
  KeysInitOptions& init = typed.init;
  return {{"keys", "init"},
          "an org's first root keys and trust file, made offline",
          help::keys_init,
          {{"--org", &init.signers.org, "the org's name, as the server has it", "NAME", true},
           {"--root", &init.signers.roots, "a root holder and the key; repeatable", "NAME=FILE"},
           {"--threshold", &typed.threshold, "how many root holders must sign; default 1", "N"},
           {"--pass-file", &init.signers.pass_files, "the pass phrase; default asked twice", "FILE"},
           {"--planner", &init.online.planner, "the server's planner key", "HEX"},
           {"--freshness", &init.online.freshness, "the server's freshness key", "HEX"},
           {"--audit", &init.online.audit, "the server's audit key", "HEX"},
           {"--from-server", &init.online.from_server, "ask the server for these three, then confirm"},
           {"--yes", &init.online.yes, "without confirming"},
           {"--approvals", &typed.approvals, "persons for each risk; default 0:1,1:1,2:1,3:2,4:never", "LIST"},
           {"--expires", &typed.expires, "of the trust file; default 365d", "LENGTH"},
           {"--out", &init.out, "a copy of the trust file", "FILE"},
           {"--push", &init.signers.push, "send it to the server"}},
          [&typed, &init]() -> Result<Command> {
            TRY_DURING(check_org(init.signers.org), "keys init: --org");
            TRY(read_life("keys init", typed.expires, init.life));
            TRY(read_approvals("keys init", typed.approvals, init.approvals_min));
            if (!typed.threshold.empty())
              init.threshold = TRY(read_number("keys init: --threshold", typed.threshold, 1, warrant::roots_max));
            return Command(init);
          }};
}

CommandRow<Command> new_row(KeysTyped& typed, const char* kind, const char* summary) {
  KeysNewOptions& fresh = typed.fresh;
  return {{"keys", kind, "new"},
          summary,
          help::keys_new,
          {{"NAME", &fresh.name, "whose key it is", "", true},
           {"--out", &fresh.out, "where the private key goes, sealed", "FILE", true},
           {"--pass-file", &fresh.pass_file, "the pass phrase; default asked twice", "FILE"}},
          [&fresh]() -> Result<Command> {
            TRY(read_name("keys new: NAME", fresh.name));
            return Command(fresh);
          }};
}

CommandRow<Command> add_row(KeysTyped& typed) {
  KeysApproverAddOptions& add = typed.add;
  return {{"keys", "approver", "add"},
          "let a person approve",
          help::keys_approver_add,
          with({{"NAME", &add.name, "the person", "", true},
                {"--public", &add.public_key, "the person's public key", "HEX|FILE", true},
                {"--risk-max", &typed.risk_max, "the highest risk that the key may approve; default 2", "0-4"},
                {"--expires", &typed.expires, "of the key; default 90d", "LENGTH"}},
               signer_options(add.signers)),
          [&typed, &add]() -> Result<Command> {
            TRY(read_name("keys approver add: NAME", add.name));
            TRY(read_life("keys approver add", typed.expires, add.life));
            if (!typed.risk_max.empty())
              add.risk_max =
                  TRY(read_number("keys approver add: --risk-max", typed.risk_max, 0, warrant::risk_highest));
            return Command(add);
          }};
}

CommandRow<Command> rotate_row(KeysTyped& typed) {
  KeysRotateOptions& rotate = typed.rotate;
  return {{"keys", "rotate"},
          "new keys in the place of old ones",
          help::keys_rotate,
          with({{"WHAT", &rotate.what, "root planner freshness audit approver", "", true},
                {"NAME", &rotate.name, "of the approver", ""},
                {"--new", &rotate.fresh, "the new key; root: NAME=FILE; repeatable", "HEX|FILE"},
                {"--remove", &rotate.gone, "root: a root holder that goes; repeatable", "NAME"},
                {"--threshold", &typed.threshold, "root: how many must sign from now on", "N"},
                {"--keep", &rotate.keep, "the old keys stay beside the new ones"},
                {"--from-server", &rotate.online.from_server, "ask the server for its new key, then confirm"},
                {"--yes", &rotate.online.yes, "without confirming"}},
               signer_options(rotate.signers)),
          [&typed, &rotate]() -> Result<Command> {
            const std::string& what = rotate.what;
            const bool is_online = what == "planner" || what == "freshness" || what == "audit";
            if (what != "root" && what != "approver" && !is_online)
              return bad("keys rotate: WHAT", what, "one of root, planner, freshness, audit, approver");
            if ((what == "approver") == rotate.name.empty())
              return Error(Code::invalid, what == "approver" ? "keys rotate approver: NAME is missing"
                                                             : "keys rotate " + what + ": it takes no NAME");
            if (what != "root" && (!rotate.gone.empty() || !typed.threshold.empty()))
              return Error(Code::invalid, "keys rotate " + what + ": --remove and --threshold are for root alone");
            if (!typed.threshold.empty())
              rotate.threshold = TRY(read_number("keys rotate: --threshold", typed.threshold, 1, warrant::roots_max));
            if (what == "root" && rotate.fresh.empty() && rotate.gone.empty() && rotate.threshold == 0)
              return Error(Code::invalid, "keys rotate root: say what changes: --new, --remove or --threshold");
            if (what == "approver" && rotate.fresh.empty())
              return Error(Code::invalid, "keys rotate approver: --new is missing");
            return Command(rotate);
          }};
}

CommandRow<Command> renew_row(KeysTyped& typed) {
  KeysRenewOptions& renew = typed.renew;
  return {{"keys", "renew"},
          "a later expiry, or other numbers of approvals",
          help::keys_renew,
          with({{"--expires", &typed.expires, "of the trust file; default 365d", "LENGTH"},
                {"--approvals", &typed.approvals, "persons for each risk, such as 0:1,1:1,2:1,3:2,4:never", "LIST"}},
               signer_options(renew.signers)),
          [&typed, &renew]() -> Result<Command> {
            TRY(read_life("keys renew", typed.expires, renew.life));
            TRY(read_approvals("keys renew", typed.approvals, renew.approvals_min));
            return Command(renew);
          }};
}

}  // namespace

std::vector<CommandRow<Command>> keys_rows(KeysTyped& typed) {
  std::vector<CommandRow<Command>> rows;
  rows.push_back({{"keys"}, "who may sign: init, show, approver, rotate, revoke, ...", help::keys, {}, {}});
  rows.push_back(init_row(typed));
  rows.push_back({{"keys", "show"},
                  "the trust file: who may approve what, until when",
                  help::keys_show,
                  {{"FILE", &typed.show.file, "this file instead of what is believed here", ""},
                   {"--org", &typed.show.org, "of this org; default the only one known here", "NAME"}},
                  [&typed]() -> Result<Command> { return Command(typed.show); }});
  rows.push_back({{"keys", "approver"}, "people who approve: new, add, remove", help::keys_approver, {}, {}});
  rows.push_back(new_row(typed, "approver", "a person makes the own key pair"));
  rows.push_back(add_row(typed));
  rows.push_back({{"keys", "approver", "remove"},
                  "all keys of a person out of the trust file",
                  help::keys_approver,
                  with({{"NAME", &typed.remove.name, "the person", "", true}}, signer_options(typed.remove.signers)),
                  [&typed]() -> Result<Command> { return Command(typed.remove); }});
  rows.push_back({{"keys", "root"}, "root holders: new", help::keys_root, {}, {}});
  rows.push_back(new_row(typed, "root", "a root holder makes the own key pair"));
  rows.push_back(rotate_row(typed));
  rows.push_back(renew_row(typed));
  rows.push_back({{"keys", "sign"},
                  "add a root holder's signature to a proposed trust file",
                  help::keys_sign,
                  with({{"FILE", &typed.sign.file, "the proposed trust file; changed in place", "", true},
                        {"--yes", &typed.sign.signers.yes, "without confirming"}},
                       signer_options(typed.sign.signers)),
                  [&typed]() -> Result<Command> { return Command(typed.sign); }});
  rows.push_back({{"keys", "revoke"},
                  "never again: persons, keys, plans, hosts",
                  help::keys_revoke,
                  with({{"WHAT", &typed.revoke.what, "a person, a public key, a plan's id, host:HEX, ...", "", true}},
                       signer_options(typed.revoke.signers)),
                  [&typed]() -> Result<Command> { return Command(typed.revoke); }});
  rows.push_back({{"keys", "pin"},
                  "believe an org's root keys, by their fingerprint",
                  help::keys_pin,
                  {{"FINGERPRINT", &typed.pin.fingerprint, "sha256:HEX@VERSION, from the root holder", "", true},
                   {"--org", &typed.pin.org, "the org", "NAME", true}},
                  [&typed]() -> Result<Command> {
                    TRY_DURING(check_org(typed.pin.org), "keys pin: --org");
                    TRY_DURING(warrant::parse_root_fingerprint(typed.pin.fingerprint), "keys pin");
                    return Command(typed.pin);
                  }});
  rows.push_back({{"keys", "take"},
                  "believe newer trust files, as far as the roots have signed them",
                  help::keys_pin,
                  {{"FILE", &typed.take.files, "trust files and revocation lists, in order", "", true}},
                  [&typed]() -> Result<Command> { return Command(typed.take); }});
  rows.push_back({{"keys", "fetch"},
                  "the same from the server",
                  help::keys_pin,
                  {{"--org", &typed.fetch.org, "of this org; default the only one known here", "NAME"}},
                  [&typed]() -> Result<Command> { return Command(typed.fetch); }});
  rows.push_back({{"keys", "push"},
                  "send trust files and revocation lists to the server",
                  help::keys_push,
                  {{"FILE", &typed.push.file, "this one; default all that the server lacks", ""},
                   {"--org", &typed.push.org, "of this org; default the only one known here", "NAME"}},
                  [&typed]() -> Result<Command> { return Command(typed.push); }});
  return rows;
}

}  // namespace reeve::cli
