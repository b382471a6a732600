#!/usr/bin/env python3
"""kill -9 of a real runner at random moments of a step: it has run at most once, and what is said of it is true.

usage: test_runner_kill.py [--full]      150 kills, with --full 1,500

Each step adds a line to a file of its own. After the kill the runner is started again; then the file is counted and
compared with the result: not_started and failed (by the probe) mean no line, done means one, nothing ever means two.
The same warrant is sent again afterwards and must add nothing.
"""
import collections
import os
import random
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from runner_by_hand import STATES, Host, Org, program, put_effect  # noqa: E402


def policy(folder, effect):
    return f"""version: 1
execution: on
rate_per_hour: 600
commands:
  - name: add
    path: {effect}
    arguments: [{{literal: add}}, {{path_below: {folder}}}, {{integer: [0, 1000]}}]
    user: root
    write: [{folder}]
  - name: has
    path: {effect}
    arguments: [{{literal: has}}, {{path_below: {folder}}}]
    user: root
    read_only: true
"""


def lines(path):
    with open(path) as file:
        return len(file.read().splitlines())


def main():
    kills = 1500 if '--full' in sys.argv[1:] else 150
    rng = random.Random(20261130)
    org, wrong, states = Org(), [], collections.Counter()
    with Host(org, 'version: 1\n') as host:
        effects = os.path.join(host.root, 'effects')
        os.mkdir(effects)
        effect = put_effect(host.root)
        host.write_policy(policy(effects, effect))
        host.start()
        for number in range(kills):
            if number % 500 == 499:  # the policy's own limit on steps an hour: a new enrolment begins to count anew
                host.kill()
                host.run('enroll', '--org', 'acme', '--name', host.name, '--root', org.fingerprint(), '--replace')
                host.sequence = 0
                host.start()
            path = os.path.join(effects, f'{number}')
            open(path, 'x').close()
            step = host.step(program(effect, 'add', path, str(rng.choice([0, 0, 20]))),
                             probe=program(effect, 'has', path))
            warrant = host.warrant(step)
            host.send('warrant', warrant)
            time.sleep(rng.uniform(0, 0.08))  # the moment is what is tried, not waited for
            host.kill()
            host.start()
            # What the runner knows of it comes unasked or, where it never heard of it, as a refusal of the old challenge.
            host.send('warrant', warrant)
            result = host.result_of(step)
            state, count = STATES[result['state']], lines(path)
            states[state] += 1
            right = {'not_started': count == 0, 'done': count == 1, 'failed': count == 0, 'unknown': count <= 1,
                     'refused': count == 0}[state]
            if not right:
                wrong.append(f'step {number}: {state} {result["code"]}, {count} lines')
            host.send('warrant', warrant)
            host.expect('result', lambda value: value['state'] == 5)
            if lines(path) != count or lines(path) > 1:
                wrong.append(f'step {number}: {lines(path)} lines after it was sent again')
    unknown = states['unknown'] / kills
    print(f'{kills} kills: {dict(states)}; unknown {unknown:.2%}')
    for each in wrong:
        print('WRONG:', each)
    if states['done'] == 0 or states['not_started'] == 0:
        wrong.append('the kills did not meet the steps')
    bad = len(wrong) + (unknown > 0.001)
    print(f'{kills - len(wrong)} passed, {bad} failed')
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
