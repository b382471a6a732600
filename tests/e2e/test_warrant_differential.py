#!/usr/bin/env python3
"""common/warrant against the second implementation in tests/warrant, case by case.

usage: test_warrant_differential.py [--full] [--cases N] [--seed TEXT] [--case INDEX] [--jobs N]

First every field at every value that may be a bound; then random cases of every kind, 6,000 by default and 100,000 with
--full, from a seed that is new each time. One that the two answer differently is printed with both answers; --seed and
--case show a random one again. The last line is "N passed, N failed".
"""
import argparse
import collections
import multiprocessing
import os
import pathlib
import secrets
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests'))

from warrant import cases, reference_test  # noqa: E402

ORACLE = pathlib.Path(os.environ.get('REEVE_BIN', ROOT / 'build/dev/bin')) / 'warrant_oracle'
BATCH = 250
SWEEP_PARTS = 2

# What a run must have met, or it has compared nothing. Of every 1,000 cases; a random run has several times as many.
LEAST = {'decode ok': 80, 'decode invalid': 80, 'fingerprint invalid': 1, 'inclusion yes': 2, 'inclusion no': 2,
         'consistency yes': 2, 'consistency no': 2, 'history accept': 30, 'history deny': 30, 'verify none': 30}
REFUSALS = ('size shape type trust trust_missing trust_expired stale clock locked planner encoding org host epoch seen '
            'sequence window challenge proof approval vetoed approvals revoked policy_hash').split()


def plain(line):
    """Without the reason."""
    return line.split(' # ')[0]


def met(kind, line):
    """What an answer counts as."""
    words = plain(line).split()
    if kind == 'history':
        return [f'history {word.split(":")[0]}' for word in words[:-1]]
    if kind in ('tree', 'signed') and words[0] != 'invalid':
        return [kind]
    return [f'{kind} {"ok" if kind == "fingerprint" and words[0] != "invalid" else words[0]}']


def ask(made):
    """The oracle's line for each case. Where a check or a sanitizer ends it, that is the line, and a new one goes on."""
    answers = []
    while len(answers) < len(made):
        frames = b''.join(cases.frame(items) for _, items, _ in made[len(answers):])
        done = subprocess.run([ORACLE], input=frames, capture_output=True)
        answers += done.stdout.decode().splitlines()
        if done.returncode != 0:
            errors = done.stderr.decode(errors='replace').splitlines()
            why = ' '.join([line for line in errors if not line.startswith('[libprotobuf')][:3])
            answers = answers[:len(made) - 1] + [f'(the oracle ended, status {done.returncode}) # {why}']
    return answers


def run_batch(task):
    """(how many, what was met, the disagreements); a task is (seed, first, count), without a seed a part of the sweep."""
    seed, first, count = task
    if seed:
        made = [cases.make(seed, index) for index in range(first, first + count)]
    else:
        made = cases.make_swept(first, SWEEP_PARTS)
    answers = ask(made)
    seen, wrong = collections.Counter(), []
    for index, ((kind, items, expected), answer) in enumerate(zip(made, answers), first):
        seen.update(met(kind, expected))
        if plain(answer) != plain(expected):
            again = f'--seed {seed} --case {index}' if seed else f'{items[1].decode()} {items[2].hex()[:2_000]}'
            wrong.append((kind, again, expected, answer))
    return len(made), seen, wrong


def show(kind, again, expected, answer):
    print(f'disagreement on a case of kind {kind}: {again}')
    print(f'  python: {expected[:300]}\n  c++:    {answer[:600]}')


def show_case(seed, index):
    kind, items, expected = cases.make(seed, index)
    for item in items:
        print(' ', item if isinstance(item, int) else [entry.hex() for entry in item] if isinstance(item, list) else
              item if len(item) < 20 and item.isascii() else item.hex())
    answer = ask([(kind, items, expected)])[0]
    print(f'{kind}\n  python: {expected}\n  c++:    {answer}')
    return int(plain(answer) != plain(expected))


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument('--full', action='store_true')
    options.add_argument('--cases', type=int)
    options.add_argument('--seed', default=secrets.token_hex(4))
    options.add_argument('--case', type=int)
    options.add_argument('--jobs', type=int, default=2)
    options = options.parse_args()
    if options.case is not None:
        return show_case(options.seed, options.case)

    passed, failed = reference_test.run()
    total = options.cases or (100_000 if options.full else 6_000)
    print(f'{total} random cases of seed {options.seed}, and the sweep')
    begun, seen, disagreements = time.monotonic(), collections.Counter(), 0
    tasks = [(None, part, None) for part in range(SWEEP_PARTS)]
    tasks += [(options.seed, first, min(BATCH, total - first)) for first in range(0, total, BATCH)]
    asked = 0
    with multiprocessing.Pool(options.jobs) as pool:
        for count, batch_seen, wrong in pool.imap_unordered(run_batch, tasks):
            asked += count
            seen += batch_seen
            disagreements += len(wrong)
            for entry in wrong[:5]:
                show(*entry)
    for what in sorted(seen):
        print(f'  {seen[what]:7} {what}')
    missing = [f'{what}: {seen[what]}' for what, least in LEAST.items() if seen[what] < least * total // 1_000]
    missing += [f'verify {code}: 0' for code in REFUSALS if not seen[f'verify {code}'] and total >= 3_000]
    for what in missing:
        print(f'too few cases to compare anything: {what}')
    print(f'{asked} cases, {disagreements} disagreements, {time.monotonic() - begun:.1f} s')
    print(f'{passed + asked - disagreements} passed, {failed + disagreements + len(missing)} failed')
    return int(failed + disagreements + len(missing) > 0)


if __name__ == '__main__':
    sys.exit(main())
