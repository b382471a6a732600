// What `--help` teaches beyond the list of options: examples, and what to expect. At most 80 columns.
#pragma once

namespace reeve::cli::help {

inline constexpr const char* reeve =
    R"(Examples:
  reeve login https://reeve.example:7700 --key-file api.key --ca-file ca.pem
  reeve status                           is all well?
  reeve logs --follow                    what is happening now
  reeve logs --level error --since 15m   what went wrong just before
  reeve metrics system.cpu.utilization   how it went, as a curve
  reeve agents token                     the command that enrols another host
  reeve keys show                        who may approve what
  reeve approve PLAN --key alice.pem     read a fix, and sign it

Every command has its own: reeve logs --help

Exit codes: 0 done, 1 failed (not reachable, not allowed, not found), 2 not
understood. NO_COLOR=1 switches colours off; output that does not go to a
terminal has none.

Environment: REEVE_HOME is the folder of the stored login, by default
~/.config/reeve. REEVE_URL, REEVE_KEY_FILE and REEVE_CA_FILE override the
stored login, or replace it where there is none.)";

inline constexpr const char* login =
    R"(Examples:
  reeve login https://reeve.example:7700 --key-file api.key --ca-file ca.pem
  reeve login https://reeve.example:7700 --key-file api.key \
      --ca-fingerprint sha256:9f2c...
  reeve login http://127.0.0.1:7700 --key-file api.key

`reeve-server init` makes api.key and ca.pem in its data folder. Where only the
CA's fingerprint is at hand, the CA is fetched from the server and taken only if
it is exactly that one; nothing is trusted because it answered first. This
prints the fingerprint: openssl x509 -in ca.pem -noout -fingerprint -sha256

Plain http is for this machine alone. Server, key and CA are stored in
${REEVE_HOME:-~/.config/reeve}/profile.json, readable by you only; the key file
is not needed any more.)";

inline constexpr const char* status =
    R"(Examples:
  reeve status
  reeve status --json | jq .agents_offline

lag is the age of the oldest record that an agent has not delivered yet. A gap
is a stretch of data that an agent knows it has lost, with the reason; where
there is none, nothing is missing. Exit code 1 when the server is not reachable
or takes no data.)";

inline constexpr const char* agents =
    R"(Examples:
  reeve agents                      the fleet
  reeve agents token                the command that enrols another host
  reeve agents revoke web-1         cut a host off)";

inline constexpr const char* agents_list =
    R"(Examples:
  reeve agents list
  reeve agents list --json | jq -r 'select(.state == "offline").host'

LAG is the age of the oldest record that has not reached the server, SPOOL what
lies on the host's disk, DROPPED how many records the agent had to let go, GAPS
how many stretches of data are known to be lost.)";

inline constexpr const char* agents_token =
    R"help(Examples:
  reeve agents token
  reeve agents token --valid-for 10m
  ssh web-2 "sudo sh -c '$(reeve agents token)'"

The token in the command works once, for an hour at most. The command carries
the CA's fingerprint, so that the new host knows its server from the first
word. Where this machine knows the org's trust file (reeve keys show), a second
command tells the host its root keys: they never come from the server.)help";

inline constexpr const char* agents_revoke =
    R"(Examples:
  reeve agents revoke web-1
  reeve agents revoke 0198c2f0-7c1e-7abc-8def-0123456789ab

The agent is cut off within 5 seconds. What it has sent stays. Revoking twice
is no error.)";

inline constexpr const char* logs =
    R"(Examples:
  reeve logs                                 the newest 100 of the last hour
  reeve logs --follow                        what comes from now on
  reeve logs timeout --since 15m             that contain "timeout"
  reeve logs "connection refused" nginx -i   that contain both, in any case
  reeve logs --regex 'status=5\d\d' --service nginx
  reeve logs --level warn --host web-1 --from 10:30 --to 10:45
  reeve logs --since 7d --limit 1000 --json | jq -r .body
  reeve logs --histogram --since 24h         how much was said when
  reeve logs --templates --level warn        what was said how often

The newest line stands at the bottom, next to the prompt. Where several texts
and patterns are given, a line must match all.

TIME is how long ago (15m, 2h, 7d), a time of today (10:30), a day (2026-11-21)
or both (2026-11-21T10:30:00Z). Times are UTC, typed and shown, unless --local
is given.

A time and level that a line itself begins with are left out where they are the
same as shown before it. Control characters are shown as \x1b, so that no log
line can play with your terminal. --json gives the exact text, and the exact
bytes in body_base64url where they were no text.

Following begins with the last 10 lines. It survives a restart of the server
without missing a line, and says so. Ctrl-C ends it, with exit code 0.)";

inline constexpr const char* metrics =
    R"(Examples:
  reeve metrics                          all series with their last value
  reeve metrics --match cpu              those whose name contains "cpu"
  reeve metrics system.cpu.utilization   each of them as a curve
  reeve metrics system.memory.usage --label host:web-1
  reeve metrics system.network.io --agg rate --since 6h --step 5m
  reeve metrics system.cpu.utilization --json | jq -c .points

A curve runs from its lowest to its highest value; a blank is a step without
data. Where there are more steps than columns, the highest of each column is
drawn. --agg rate turns a counter into its growth per second.

TIME is how long ago (15m, 2h, 7d), a time of today (10:30), a day (2026-11-21)
or both (2026-11-21T10:30:00Z); UTC unless --local is given.)";

inline constexpr const char* audit =
    R"(Examples:
  reeve audit list --since 24h              who did what today
  reeve audit export audit.ndjson           all of it, signed
  reeve audit verify audit.ndjson           is it what was written?)";

inline constexpr const char* audit_list =
    R"(Examples:
  reeve audit list
  reeve audit list --action agent.revoke --since 30d
  reeve audit list --json -n 1000 | jq -r .actor.name | sort | uniq -c)";

inline constexpr const char* audit_export =
    R"(Examples:
  reeve audit export audit-$(date +%F).ndjson

The file has every entry that is kept with its hash in the audit's Merkle tree,
the hashes of those that are not kept any more, and the newest checkpoint that
the server signed. Keep it away from the server: a later export can be held
against it.)";

inline constexpr const char* audit_verify =
    R"(Examples:
  reeve audit verify audit.ndjson
  reeve audit verify audit.ndjson --key 3d40...
  reeve audit verify audit.ndjson --trust trust.env
  reeve audit verify new.ndjson --against old.ndjson

Asks no server. Every entry is hashed anew, and the tree's root is held against
the signed checkpoint; the first entry that does not fit is named. Exit code 1
where anything does not.

Whoever owns the server and its key can sign a rewritten history. It shows
against an earlier export, and on every agent, which remember what they were
shown: reeve agents list. The trust file is believed as it is.)";

}  // namespace reeve::cli::help
