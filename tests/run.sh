#!/usr/bin/env bash
# Installs what is missing, builds, runs every test, and ends with the line "N passed, N failed".
#
#   tests/run.sh          what every change must pass
#   tests/run.sh --full   the long campaigns too (hours of simulated faults; about 30 minutes more), and the packages in a
#                         booted Debian (root; debootstrap and systemd-nspawn)
#
# Writes below build/ of this clone, the ccache and temporary folders only. Each suite's output is in build/test-logs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

full=no
for argument in "$@"; do
  case "$argument" in
    --full) full=yes ;;
    -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "tests/run.sh: unknown argument \"$argument\"; allowed: --full, --help" >&2; exit 2 ;;
  esac
done

. installers/packages.sh
install_packages "${build_packages[@]}" "${test_packages[@]}" "${peer_packages[@]}"

started=$SECONDS
logs=build/test-logs
rm -rf "$logs"
mkdir -p "$logs"

echo "building (preset dev: AddressSanitizer and UndefinedBehaviorSanitizer)"
cmake --preset dev >"$logs/configure.log" || { cat "$logs/configure.log"; exit 1; }
if ! cmake --build --preset dev >"$logs/build.log" 2>&1; then
  grep -E 'error|FAILED' -A 8 "$logs/build.log" | head -60
  echo "the build failed; all of it is in $logs/build.log"
  echo "0 passed, 1 failed"
  exit 1
fi
echo "built in $((SECONDS - started)) s"

# Runs one suite and notes "<passed> <failed>" for it. A suite says its own counts in its last lines; one that ends
# badly without saying any counts as one failure.
suite() {
  local name=$1 status=0 begun=$SECONDS passed failed counts
  shift
  "$@" >"$logs/$name.log" 2>&1 || status=$?
  counts=$(python3 tests/count.py "$status" "$logs/$name.log")
  passed=${counts% *} failed=${counts#* }
  echo "$passed $failed" >"$logs/$name.counts"
  printf '%-22s %5s passed %3s failed  %4s s\n' "$name" "$passed" "$failed" "$((SECONDS - begun))"
  if [ "$failed" -ne 0 ]; then
    echo "--- the end of $logs/$name.log ---"
    tail -n 40 "$logs/$name.log"
  fi
}

format_check() {
  git ls-files -co --exclude-standard '*.h' '*.cc' | xargs -r clang-format-14 --dry-run -Werror
}

shell_check() { git ls-files -co --exclude-standard '*.sh' .ci/run | xargs -r shellcheck -x; }

unit_tests() {
  local name
  for name in "$@"; do suite "$name" "build/dev/bin/test_$name"; done
}

programs=() simulations=()
for program in build/dev/bin/test_*; do
  name=${program##*/test_}
  case "$name" in
    sim*) simulations+=("$name") ;;
    *) programs+=("$name") ;;
  esac
done

# Two lanes for two cores: the simulator and clang-tidy are long and quiet; the rest is short or waits for sockets.
{
  unit_tests "${simulations[@]}"
  suite clang-tidy tests/tidy/clang_tidy.sh
} &
lane=$!
suite tidy python3 tests/tidy/tidy.py
suite tidy-rules python3 tests/tidy/tidy_test.py
suite trusted-lines python3 tests/tidy/trusted_lines.py
suite format format_check
suite shellcheck shell_check
unit_tests "${programs[@]}"
for script in tests/e2e/test_*.py; do
  name=$(basename "$script" .py)
  suite "e2e-${name#test_}" python3 "$script"
done
wait "$lane"

if [ "$full" = yes ]; then
  install_packages "${boot_packages[@]}" gcovr
  suite sim-campaign build/dev/bin/sim_campaign --full
  suite runner-campaign build/dev/bin/runner_campaign --attacks 1000000 --genuine 5000
  suite runner-kill python3 tests/e2e/test_runner_kill.py --full
  suite warrant-full python3 tests/e2e/test_warrant_differential.py --full
  suite warrant-coverage tests/coverage.sh
  cmake --preset release >"$logs/release.log" && cmake --build --preset release >>"$logs/release.log" 2>&1
  suite boot python3 tests/boot/test_boot.py
  # Hostile children and the keeper as they ship: sanitizers reserve more address space than a step may have.
  cmake -S . -B build/plain -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE="-O2 -Wno-restrict" -DREEVE_WEB=OFF >>"$logs/release.log"
  cmake --build build/plain --target reeve-keep reeve-hostile >>"$logs/release.log" 2>&1
  suite boot-steps python3 tests/boot/test_steps.py
fi

passed=0 failed=0
for counts in "$logs"/*.counts; do
  read -r p f <"$counts"
  passed=$((passed + p)) failed=$((failed + f))
done
echo "took $((SECONDS - started)) s"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
