#!/usr/bin/env python3
"""From a line appended to a file until a search answers it, with and without somebody following.

usage: REEVE_BIN=build/release/bin tests/bench/latency.py [--lines 200] [--quiet-lines 30]

Appends one line at a time and asks for it until it is there; prints p50, p95 and the maximum. Asserts nothing.
"""
import argparse
import json
import os
import random
import subprocess
import sys
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'e2e'))
from lab import BIN, Lab, wait_until  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--lines', type=int, default=200)
    parser.add_argument('--quiet-lines', type=int, default=200)
    arguments = parser.parse_args()
    with Lab() as lab:
        lab.up()
        path = os.path.join(lab.root, 'app.log')
        open(path, 'w').close()
        agent = lab.add_agent('host-1', f'  - type: file\n    include: [{path}]\n    start: head').start()
        wait_until('the agent is online', lambda: any(a['state'] == 'online' for a in lab.agents()))
        with open(os.path.join(lab.server_data, 'api.key')) as key:
            headers = {'Authorization': 'Bearer ' + key.read().strip()}

        def there(mark):
            request = urllib.request.Request(f'{lab.url()}/v1/logs?text={mark}', headers=headers)
            with urllib.request.urlopen(request, timeout=30) as response:
                return json.load(response)['logs']

        def measure(count, seed):
            dice, seen = random.Random(seed), []
            for i in range(count):
                mark = f'mark-{seed}-{i}-end'
                time.sleep(dice.uniform(0, .05))  # so that lines do not fall into step with any timer
                with open(path, 'a') as out:
                    out.write(f'{time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())} INFO user logged in {mark}\n')
                begun = time.monotonic()
                wait_until(mark, lambda: there(mark), 30, every=.01)
                seen.append(time.monotonic() - begun)
            seen.sort()
            return seen

        def show(label, seen):
            print(f'{label:24} n={len(seen):4}  p50 {seen[len(seen) // 2]:.3f} s  p95 {seen[int(len(seen) * .95)]:.3f} s  '
                  f'max {seen[-1]:.3f} s')

        follow = subprocess.Popen([os.path.join(BIN, 'reeve'), 'logs', '--follow'], stdout=subprocess.DEVNULL,
                                  env=dict(os.environ, REEVE_HOME=os.path.join(lab.root, 'cli')))
        measure(3, 1)  # the hint reaches the agent
        show('with --follow open', measure(arguments.lines, 2))
        follow.terminate()
        follow.wait()
        measure(4, 3)  # the hint runs out
        show('nobody follows', measure(arguments.quiet_lines, 4))


if __name__ == '__main__':
    main()
