#!/usr/bin/env bash
# Branch coverage of what decides whether a step may run: common/warrant and the runner's own verification.
#
# Builds without sanitizers in build/coverage, runs test_warrant and test_runner (but for its campaign), and prints
# gcovr's table. Branches that only an exception or a broken invariant takes do not count; the failures of check() in
# these files are listed. The order of verification must be at 100 %, all of it at the floor below: what is missing there
# are mostly branches of members that the compiler makes for structs, one set for each type.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

build=build/coverage
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DREEVE_WEB=OFF \
  -DCMAKE_CXX_FLAGS_DEBUG="-O0 -g1 --coverage -fno-inline" >/dev/null
cmake --build "$build" --target test_warrant test_runner >"$build/build.log" 2>&1 || { tail -n 30 "$build/build.log"; exit 1; }
find "$build" -name '*.gcda' -delete
"$build/bin/test_warrant" >/dev/null
"$build/bin/test_runner" '~*attacks of all classes*' '~*on 50 hosts*' >/dev/null

echo "check() in these files, whose failing branch is not counted:"
grep -nE '^\s*check\(' common/warrant/*.cc common/warrant/*_impl.h agent/runner/runner.cc || true
table=$(gcovr --root . --object-directory "$build" --branches --exclude-throw-branches --exclude-unreachable-branches \
  --exclude-lines-by-pattern '\s*check\(.*' --filter 'common/warrant/' --filter 'agent/runner/runner.cc' "$build")
echo "$table"
floor=84
total=$(awk '$1 == "TOTAL" {sub("%", "", $4); print $4}' <<<"$table")
passed=0
grep -qE '^common/warrant/verify.cc .* 100%' <<<"$table" && passed=$((passed + 1))
[ "$total" -ge "$floor" ] && passed=$((passed + 1))
echo "$passed passed, $((2 - passed)) failed"
[ "$passed" -eq 2 ]
