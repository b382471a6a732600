#!/usr/bin/env python3
"""From a line appended to a file until a WebSocket client of /v1/logs/live has it: real agent, real server, TLS.

usage: REEVE_BIN=build/release/bin tests/bench/live_latency.py [--lines 1000] [--watchers 1]

Prints p50, p95 and the maximum. Asserts nothing.
"""
import argparse
import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'e2e'))
from lab import Lab, wait_until  # noqa: E402
from live_client import WebSocketClient  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--lines', type=int, default=1000)
    parser.add_argument('--watchers', type=int, default=1, help='clients; the first one measures')
    parser.add_argument('--pause', type=float, default=.05, help='between lines, at most; drawn evenly')
    arguments = parser.parse_args()
    with Lab(plain_api=False) as lab:
        lab.up()
        path = os.path.join(lab.root, 'app.log')
        open(path, 'w').close()
        lab.add_agent('host-1', f'  - type: file\n    include: [{path}]\n    start: head').start()
        wait_until('the agent is online', lambda: any(a['state'] == 'online' for a in lab.agents()))
        with open(os.path.join(lab.server_data, 'api.key')) as key:
            headers = ['Authorization: Bearer ' + key.read().strip()]

        def connect():
            return WebSocketClient('127.0.0.1', lab.api_port, '/v1/logs/live?text=mark-', headers,
                                   ca_file=os.path.join(lab.server_data, 'ca.pem'))

        def drain(client):
            try:
                while client.message() is not None:
                    pass
            except OSError:
                pass

        watching = connect()
        assert watching.message()['type'] == 'ping'
        for _ in range(arguments.watchers - 1):
            threading.Thread(target=drain, args=(connect(),), daemon=True).start()

        written, seen, skipped = {}, {}, 0
        done = threading.Event()

        def watch():
            nonlocal skipped
            while len(seen) + skipped < arguments.lines + 1:
                message = watching.message()
                now = time.monotonic()
                if message is None:
                    break
                if message['type'] == 'skipped':
                    skipped += message['count']
                if message['type'] == 'log':
                    seen[message['log']['body'].split('mark-')[1].split('-')[0]] = now
            done.set()

        threading.Thread(target=watch, daemon=True).start()
        dice = random.Random(1)
        with open(path, 'a', buffering=1) as out:
            out.write('INFO the hint reaches the agent mark-first-end\n')
            written['first'] = time.monotonic()
            wait_until('the first line', lambda: 'first' in seen)
            time.sleep(1)
            for n in range(arguments.lines):
                time.sleep(dice.uniform(0, arguments.pause))
                written[str(n)] = time.monotonic()
                out.write(f'{time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())} INFO user logged in mark-{n}-end\n')
        if not done.wait(30):
            print('not all lines came')
        took = sorted(seen[n] - written[n] for n in written if n != 'first' and n in seen)
        print(f'lines {len(took)} of {arguments.lines}, skipped {skipped}, watchers {arguments.watchers}: '
              f'p50 {took[len(took) // 2] * 1000:.0f} ms  p95 {took[int(len(took) * .95)] * 1000:.0f} ms  '
              f'max {took[-1] * 1000:.0f} ms')


if __name__ == '__main__':
    main()
