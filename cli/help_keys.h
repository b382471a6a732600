// What `--help` teaches about keys, plans and approvals. At most 80 columns.
#pragma once

namespace reeve::cli::help {

inline constexpr const char* keys =
    R"(Examples:
  reeve keys init --org acme --from-server      the root key and trust file
  reeve keys approver new alice --out alice.pem on alice's machine
  reeve keys approver add alice --public HEX    on the root holder's
  reeve keys push                               the server hands it to the hosts
  reeve keys show                               who may approve what
  reeve keys revoke alice --push                never again

Only hosts decide what runs, and they believe the trust file. Version N+1 of it
counts when the root holders of N and of N+1 have signed it; so the server, which
only carries it, can put nobody in. docs/approving.md tells the whole way.

What is believed on this machine lies in ${REEVE_HOME:-~/.config/reeve}/trust.)";

inline constexpr const char* keys_init =
    R"(Examples:
  reeve keys init --org acme --from-server
  reeve keys init --org acme --planner HEX --freshness HEX --audit HEX
  reeve keys init --org acme --threshold 2 --root ann=/media/ann/root.pem \
      --root bob=<64 hex digits> --root eve=<64 hex digits> --from-server

NAME=FILE makes the key where FILE is not there yet, and signs with it.
NAME=HEX names a root holder who has made the own key (reeve keys root new) and
signs the proposal elsewhere (reeve keys sign). Nothing is sent anywhere
without --push or --from-server.)";

inline constexpr const char* keys_new =
    R"(Examples:
  reeve keys approver new alice --out alice.pem
  reeve keys root new bob --out /media/bob/root.pem

Prints the public key, which is no secret; hand it to the root holder in a way
that you both trust. The private key stays in the file, sealed under the pass
phrase, and is never sent anywhere.)";

inline constexpr const char* keys_approver =
    R"(Examples:
  reeve keys approver new alice --out alice.pem    by alice
  reeve keys approver add alice --public HEX       by the root holder
  reeve keys approver remove alice                 by the root holder

A removed approver's earlier signatures end with the old trust file. To make
sure at once, on every host: reeve keys revoke alice --push)";

inline constexpr const char* keys_approver_add =
    R"(Examples:
  reeve keys approver add alice --public 5f0c... --risk-max 3 --expires 90d
  reeve keys approver add alice --public alice.pub --root /media/ann/root.pem

A person may have several keys, and still counts once.)";

inline constexpr const char* keys_root =
    R"(Examples:
  reeve keys root new bob --out /media/bob/root.pem)";

inline constexpr const char* keys_rotate =
    R"(Examples:
  reeve keys rotate root --new ann=/media/ann/new.pem --root /media/ann/old.pem
  reeve keys rotate root --remove bob --root ann.pem --root eve.pem
  reeve keys rotate planner --from-server
  reeve keys rotate approver alice --new HEX

--root names the old keys; new root keys that are made or opened here sign too.
After a rotation of the root, hosts that are already enrolled follow by
themselves; new ones are told the new fingerprint.)";

inline constexpr const char* keys_renew =
    R"(Examples:
  reeve keys renew
  reeve keys renew --approvals 0:1,1:1,2:2,3:2,4:never

An expired trust file stops everything until it is renewed.)";

inline constexpr const char* keys_sign =
    R"(Examples:
  reeve keys sign trust-4.proposed.rvt --root /media/bob/root.pem

Shows what changes, asks for the first digits of its hash, and adds your
signature to the file. Once enough root holders have signed, it is believed.)";

inline constexpr const char* keys_revoke =
    R"(Examples:
  reeve keys revoke alice --push
  reeve keys revoke 0198c2f0-7c1e-7abc-8def-0123456789ab --push    a plan
  reeve keys revoke key:HEX host:HEX step:HEX person:NAME

One root holder is enough, and nothing comes back: a revocation list only grows.
Hosts run nothing until they have the newest list, so it cannot be kept from
them.)";

inline constexpr const char* keys_show =
    R"(Examples:
  reeve keys show
  reeve keys show trust-4.proposed.rvt)";

inline constexpr const char* keys_pin =
    R"(Examples:
  reeve keys pin sha256:9f2c...@1 --org acme
  reeve keys fetch
  reeve keys take trust-4.rvt

The fingerprint comes from a root holder (reeve keys show), by a way that is not
the server. From there on only what the roots have signed is believed.)";

inline constexpr const char* keys_push =
    R"(Examples:
  reeve keys push
  reeve keys push trust-4.rvt)";

inline constexpr const char* plan =
    R"(Examples:
  reeve plan restart-nginx.yaml

A plan file:
  title: restart nginx after the new certificate
  valid_for: 2h
  steps:
    - hosts: [web-1, web-2]
      exec:
        action: unit.restart
        arguments: {unit: nginx.service}
        timeout: 30s
      effect: idempotent
      risk: 1

Instead of an action, a program and its arguments, never a shell line:
  argv: {path: /usr/bin/systemctl, arguments: [restart, nginx], user: root}

Also: probe, rollback (as exec), rollback_on_failure, keep_within, approvals,
preconditions. A bare whole number is a number, one in quotes is a text.)";

inline constexpr const char* approve =
    R"(Examples:
  reeve approve PLAN --key alice.pem
  reeve approve PLAN --key alice.pem --veto --comment "not before the backup"
  reeve approve PLAN --pkcs11 /usr/lib/softhsm/libsofthsm2.so \
      --token reeve --key-label alice

Shows every step as the hosts would run it, made of the very bytes that the
signature covers; what the server says about them is marked as its words. Text
stands in quotes, with \n, \t and \xNN for what cannot be seen. Exit code 1
where you may not sign, or the server shows something else than it means.)";

inline constexpr const char* run =
    R"(Examples:
  reeve run PLAN --preflight    would it run? nothing is started
  reeve run PLAN --wait         one host, then a tenth, then the rest

The first step that fails stops the rest.)";

inline constexpr const char* stop =
    R"(Examples:
  reeve stop PLAN)";

inline constexpr const char* rollback =
    R"(Examples:
  reeve rollback PLAN

Only what was signed as a step's rollback runs, at most once.)";

inline constexpr const char* keep =
    R"(Examples:
  reeve keep PLAN

For steps with keep_within: without this, they undo themselves.)";

inline constexpr const char* receipts =
    R"(Examples:
  reeve receipts PLAN
  reeve receipts PLAN --json | jq -r 'select(.verified) | .state'

Each is checked against the key of its host, whose hash stands in the step that
was approved. Exit code 1 where one is not the host's own word.)";

inline constexpr const char* fixes =
    R"(Examples:
  reeve fixes
  reeve fixes --json | jq -r 'select(.state == "waiting").id')";

}  // namespace reeve::cli::help
