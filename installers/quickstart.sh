#!/usr/bin/env bash
# Reeve on this host, in one command: installs what is missing, builds, makes an org, starts a server and an agent that
# reads this host's logs and metrics, and says what to type next. Ctrl-C stops both; starting again goes on where it was.
#
#   installers/quickstart.sh              start, and stay until Ctrl-C
#   installers/quickstart.sh --stop       stop what another terminal started
#   installers/quickstart.sh --purge      stop it and delete its data folder
#   --data DIR                            where everything is kept (default: .reeve in this clone)
#
# Writes below the data folder only, besides Debian packages, build/ of this clone and the ccache.
set -euo pipefail

clone=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
data=$clone/.reeve
action=start
while [ $# -gt 0 ]; do
  case "$1" in
    --data)
      [ $# -ge 2 ] || { echo "quickstart.sh: --data needs a folder" >&2; exit 2; }
      data=$(realpath -m "$2")
      shift
      ;;
    --stop) action=stop ;;
    --purge) action=purge ;;
    -h | --help) sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *)
      echo "quickstart.sh: unknown argument \"$1\"; allowed: --data DIR, --stop, --purge, --help" >&2
      exit 2
      ;;
  esac
  shift
done

server_data=$data/server
agent_data=$data/agent
bin=$clone/build/release/bin

# The pid in $data/$1.pid, if that process is still the program it was.
running() {
  local pid
  pid=$(cat "$data/$1.pid" 2>/dev/null) || return 1
  [ -n "$pid" ] && grep -qs "^reeve-" "/proc/$pid/comm" && echo "$pid"
}

# Asks each program to stop, agent first so that it can hand over what it holds, and waits for it.
stop_all() {
  local name pid waited
  touch "$data/stopping"
  for name in agent server; do
    pid=$(running "$name") || continue
    kill -TERM "$pid" 2>/dev/null || true
    for ((waited = 0; waited < 100; waited++)); do
      running "$name" >/dev/null || break
      sleep 0.1
    done
    if pid=$(running "$name"); then
      echo "reeve-$name did not stop within 10 s; killing it (nothing is lost: its disk format expects that)" >&2
      kill -KILL "$pid" 2>/dev/null || true
    fi
    rm -f "$data/$name.pid"
  done
}

if [ "$action" != start ]; then
  [ -d "$data" ] || exit 0
  stop_all
  if [ "$action" = purge ] && [ -d "$data" ]; then
    # Only a folder that this script made is deleted.
    [ -f "$data/.reeve-quickstart" ] || { echo "quickstart.sh: $data was not made by quickstart; not deleting it" >&2; exit 1; }
    rm -rf "$data"
    echo "deleted $data"
  fi
  exit 0
fi

if pid=$(running server); then
  echo "already running (server pid $pid, data in $data)"
  echo "stop it with: installers/quickstart.sh --stop --data $data"
  exit 0
fi

# shellcheck source=installers/packages.sh
. "$clone/installers/packages.sh"
install_packages "${build_packages[@]}"

if [ ! -f "$clone/build/release/build.ninja" ]; then
  (cd "$clone" && cmake --preset release >/dev/null)
fi
(cd "$clone" && cmake --build --preset release --target reeve-server reeve-agent reeve)

mkdir -p "$data"
chmod 700 "$data"
touch "$data/.reeve-quickstart"
rm -f "$data/stopping"

# The first free port from $1 on; asked once, then kept in the configuration.
free_port() {
  local port=$1
  while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
  echo "$port"
}

fail() {
  echo "$1; the end of $2:" >&2
  tail -n 20 "$2" >&2 || true
  stop_all
  exit 1
}

# Waits until the command succeeds, at most ten seconds, as long as the program lives.
wait_for() {
  local name=$1 tries
  shift
  for ((tries = 0; tries < 100; tries++)); do
    "$@" >/dev/null 2>&1 && return 0
    running "$name" >/dev/null || return 1
    sleep 0.1
  done
  return 1
}

if [ ! -f "$server_data/server.yaml" ]; then
  api_port=$(free_port 7700)
  link_port=$(free_port $((api_port + 1)))
  "$bin/reeve-server" init --data "$server_data" --org home --api "127.0.0.1:$api_port" --agents "127.0.0.1:$link_port" \
    --plain-api >/dev/null
fi
url=$("$bin/reeve-server" check --config "$server_data/server.yaml" --print-url)

"$bin/reeve-server" run --config "$server_data/server.yaml" >>"$data/server.log" 2>&1 &
echo $! >"$data/server.pid"
trap 'echo; echo "stopping"; stop_all; exit 0' INT TERM HUP

mkdir -p "$data/bin"
cat >"$data/bin/reeve" <<WRAPPER
#!/bin/sh
REEVE_HOME='$data/cli' exec '$bin/reeve' "\$@"
WRAPPER
chmod +x "$data/bin/reeve"
export PATH="$data/bin:$PATH"

wait_for server reeve login "$url" --key-file "$server_data/api.key" || fail "the server did not start" "$data/server.log"

if [ ! -f "$data/agent.yaml" ]; then
  {
    echo "data_dir: $agent_data"
    echo "inputs:"
    echo "  - type: host"
    echo "  - type: journal"
    echo "  - type: file"
    echo "    include: [/var/log/**/*.log]"
    echo "    start: head"
    echo "    head_bytes_max: 64MiB"
    echo "  - type: file"
    echo "    include: [$data/server.log]"
    echo "    service: reeve-server"
    echo "  - type: file"
    echo "    include: [$data/agent.log]"
    echo "    service: reeve-agent"
  } >"$data/agent.yaml"
fi
if [ ! -f "$agent_data/identity/identity.json" ]; then
  token_json=$(reeve agents token --json)
  token=$(sed -n 's/.*"token": *"\([^"]*\)".*/\1/p' <<<"$token_json")
  fingerprint=$(sed -n 's/.*"ca_fingerprint": *"\([^"]*\)".*/\1/p' <<<"$token_json")
  "$bin/reeve-agent" enroll --config "$data/agent.yaml" --server "$url" --token "$token" \
    --ca-fingerprint "$fingerprint" >>"$data/agent.log" 2>&1 || fail "the agent could not enrol" "$data/agent.log"
fi
"$bin/reeve-agent" run --config "$data/agent.yaml" >>"$data/agent.log" 2>&1 &
echo $! >"$data/agent.pid"
online() { reeve agents list | grep -q online; }
wait_for agent online || fail "the agent did not connect" "$data/agent.log"

cat <<NEXT

Reeve is watching $(hostname). The page:

  $url    sign in as admin@home.local with $(cat "$server_data/admin.password" 2>/dev/null || echo 'the password you set')

In another terminal:

  export PATH=$data/bin:\$PATH
  reeve logs --follow            this host's logs as they come
  reeve logs error --since 1h    search them
  reeve metrics                  this host's metrics
  reeve metrics system.cpu.utilization
  reeve status                   server and agents

Everything is kept in $data. Ctrl-C stops Reeve; --purge deletes it.
NEXT

# Stay while both live; say so if one ends by itself.
while running server >/dev/null && running agent >/dev/null; do sleep 1; done
if [ -e "$data/stopping" ] || [ ! -e "$data/.reeve-quickstart" ]; then
  echo "stopped from another terminal"
  exit 0
fi
for name in server agent; do
  running "$name" >/dev/null || fail "reeve-$name ended by itself" "$data/$name.log"
done
