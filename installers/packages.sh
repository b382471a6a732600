# shellcheck shell=bash disable=SC2034 # the lists are for those who source this
# What Reeve needs from Debian 12, and how it is installed: sourced by quickstart.sh and tests/run.sh.
#
#   install_packages "${build_packages[@]}"     does nothing, and asks nothing, where all of them are there already

build_packages=(
  g++ cmake ninja-build ccache mold pkg-config git ca-certificates
  libuv1-dev libprotobuf-dev protobuf-compiler libssl-dev libzstd-dev libre2-dev libsqlite3-dev libboost-dev
  libwslay-dev libnghttp2-dev libcurl4-openssl-dev nlohmann-json3-dev libsimdjson-dev libsnappy-dev zlib1g-dev
  libcli11-dev libyaml-cpp-dev libsystemd-dev libargon2-dev liblua5.4-dev libp11-kit-dev
)
# The page is built with npm; where it came from elsewhere, the distribution's would not go beside it.
command -v npm >/dev/null || build_packages+=(nodejs npm)
test_packages=(
  catch2 clang-format-14 clang-tidy-14 python3 python3-cryptography openssl zstd shellcheck systemd softhsm2 opensc
)
# Real peers of the end-to-end tests; their services are not started.
peer_packages=(chromium redis-server rsyslog rsyslog-openssl bsdutils prometheus prometheus-node-exporter curl)

boot_packages=(debootstrap systemd-container dpkg-dev)

install_packages() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii' || missing+=("$package")
  done
  [ "${#missing[@]}" -gt 0 ] || return 0

  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
      echo "These packages are missing and this is not root: ${missing[*]}" >&2
      echo "Install them, or run this again as root or with sudo at hand." >&2
      return 1
    }
    as_root=(sudo)
  fi
  echo "installing from the distribution: ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  # Debian's way to say that no service may be started by an installation.
  local policy=/usr/sbin/policy-rc.d forbidden=no
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod +x "$policy"
    forbidden=yes
  fi
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" \
    >/dev/null || { [ "$forbidden" = no ] || "${as_root[@]}" rm -f "$policy"; return 1; }
  [ "$forbidden" = no ] || "${as_root[@]}" rm -f "$policy"
}
