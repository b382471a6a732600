#!/usr/bin/env bash
# clang-tidy on the sources that changed since the merge base with HEAD~20 (on all of them in a younger history).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

if base=$(git merge-base HEAD HEAD~20 2>/dev/null); then
  mapfile -t files < <(git diff --name-only --diff-filter=d "$base" -- '*.cc' ':!tests')
else
  mapfile -t files < <(git ls-files '*.cc' ':!tests')
fi
echo "${#files[@]} files"
[ "${#files[@]}" -gt 0 ] || exit 0
printf '%s\n' "${files[@]}" | xargs -P 2 -n 2 clang-tidy-14 --quiet -p build/dev \
  --extra-arg=-Wno-unknown-warning-option
