#!/usr/bin/env python3
"""The spine's figures: a corpus through a real agent and server over mTLS, beside `zstd -3` in the same minutes.

usage: REEVE_BENCH=<folder with gen_corpus.py> REEVE_BIN=build/release/bin tests/bench/spine.py [--mib 256] [--rounds 5]

z is CPU time in units of `zstd -3 -T1` of the same file, the median over the rounds; each round has a fresh spool, the
agent's identity is kept elsewhere. Server CPU is read from /proc before and after. Bytes on the wire are those of the
loopback device (TCP and acknowledgements included). Prints one table; asserts nothing but that every line arrived.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'e2e'))
from lab import BIN, Lab, wait_until  # noqa: E402

TICKS = os.sysconf('SC_CLK_TCK')


def cpu_and_rss(argv, **options):
    """Runs to its end; user+sys seconds, peak RSS in MiB, wall seconds. Its exit status must be 0."""
    begun = time.monotonic()
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **options)
    errors = process.stderr.read()
    _, status, use = os.wait4(process.pid, 0)
    process.returncode = status
    if status != 0:
        sys.exit(f'{argv} ended with wait status {status}: {errors.decode(errors="replace")[-2000:]}')
    return use.ru_utime + use.ru_stime, use.ru_maxrss / 1024, time.monotonic() - begun


def cpu_of_pid(pid):
    with open(f'/proc/{pid}/stat') as stat:
        fields = stat.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def peak_of_pid(pid):
    with open(f'/proc/{pid}/status') as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith('VmHWM'))


def loopback_bytes():
    with open('/proc/net/dev') as devices:
        return next(int(line.split(':')[1].split()[0]) for line in devices if line.strip().startswith('lo:'))


def corpus(folder, mib):
    path = os.path.join(tempfile.gettempdir(), f'reeve-corpus-{mib}.log')
    if not os.path.exists(path):
        subprocess.run([sys.executable, os.path.join(folder, 'gen_corpus.py'), path + '.part', str(mib)], check=True,
                       stdout=subprocess.DEVNULL)
        os.rename(path + '.part', path)
    return path


def ask(lab, target):
    with open(os.path.join(lab.server_data, 'api.key')) as key:
        request = urllib.request.Request(lab.url() + target, headers={'Authorization': 'Bearer ' + key.read().strip()})
    with urllib.request.urlopen(request, timeout=120) as response:
        return json.load(response)


def stored_rows(lab):
    with urllib.request.urlopen(lab.url() + '/metrics', timeout=30) as response:
        samples = response.read().decode().splitlines()
    return next(int(float(line.split()[1])) for line in samples if line.startswith('reeve_store_rows '))


def searched_per_second(lab, question):
    """Rows looked at per second of server CPU and of wall time, over all pages of one search."""
    pid = lab.server.process.pid
    rows, cursor, begun, cpu = 0, None, time.monotonic(), cpu_of_pid(pid)
    while True:
        page = ask(lab, f'/v1/logs?from=2000-01-01T00:00:00Z&limit=1000&{question}' + (f'&cursor={cursor}' if cursor else ''))
        rows += page['scanned']['rows']
        cursor = page['next_cursor']
        if cursor is None:
            break
    return rows, rows / (time.monotonic() - begun), rows / max(cpu_of_pid(pid) - cpu, 1 / TICKS)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--mib', type=int, default=256)
    parser.add_argument('--rounds', type=int, default=5)
    arguments = parser.parse_args()
    bench = os.environ.get('REEVE_BENCH')
    if not bench:
        print('skipped: set REEVE_BENCH to the folder that holds gen_corpus.py')
        return
    path = corpus(bench, arguments.mib)
    size = os.path.getsize(path)
    with open(path, 'rb') as lines_of:
        lines = sum(chunk.count(b'\n') for chunk in iter(lambda: lines_of.read(1 << 20), b''))
    agent_bin = os.path.join(BIN, 'reeve-agent')

    rows = {'zstd': [], 'agent': [], 'server': [], 'blackhole': []}
    z = {'agent': [], 'server': [], 'blackhole': []}
    rss, wire, wall = [], [], []
    with Lab() as lab:
        lab.up()
        inputs = f'  - type: file\n    include: [{path}]\n    start: head'
        agent = lab.add_agent('bench', inputs)
        identity = os.path.join(lab.root, 'identity')
        shutil.copytree(os.path.join(agent.data, 'identity'), identity)
        hole = lab.add_agent('hole', inputs, more='output: blackhole', enroll=False)
        server = lab.server.process.pid
        for round_number in range(arguments.rounds):
            shutil.rmtree(agent.data, ignore_errors=True)
            shutil.rmtree(hole.data, ignore_errors=True)
            yardstick, _, _ = cpu_and_rss(['zstd', '-3', '-T1', '-q', '-f', '-o', os.devnull, path])
            before, wire_before = cpu_of_pid(server), loopback_bytes()
            cpu, mib, seconds = cpu_and_rss([agent_bin, 'run', '--until-eof', '--config', agent.config, '--identity', identity])
            served = cpu_of_pid(server) - before
            wire.append(loopback_bytes() - wire_before)
            swallowed, _, _ = cpu_and_rss([agent_bin, 'run', '--until-eof', '--config', hole.config])
            for name, value in (('agent', cpu), ('server', served), ('blackhole', swallowed)):
                rows[name].append(value)
                z[name].append(value / yardstick)
            rows['zstd'].append(yardstick)
            rss.append(mib)
            wall.append(seconds)

        stored = stored_rows(lab)
        assert stored == lines * arguments.rounds, f'{stored} rows stored, {lines * arguments.rounds} shipped'
        # A page may end inside of a block, which the next page then opens again: rows looked at can be more than stored.
        scanned, by_wall, by_cpu = searched_per_second(lab, 'text=there-is-no-such-text')
        assert scanned >= stored, f'{scanned} rows looked at, {stored} stored'
        _, regex_wall, regex_cpu = searched_per_second(lab, 'regex=no%5Bsx%5Duch%5Cd%2Btext')
        server_rss = peak_of_pid(server)
        disk = sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(lab.server_data) for name in names)

    median = statistics.median
    print(f'corpus {size / 2**20:.0f} MiB, {lines} lines, {arguments.rounds} rounds; zstd -3: {median(rows["zstd"]):.2f} CPU s')
    print(f'{"":28}{"CPU s":>8}{"z":>7}   z range')
    for name, label in (('agent', 'agent, to the server'), ('server', 'server'), ('blackhole', 'agent, into blackhole')):
        print(f'{label:28}{median(rows[name]):8.2f}{median(z[name]):7.2f}   {min(z[name]):.2f}-{max(z[name]):.2f}')
    print(f'agent peak RSS {max(rss):.0f} MiB, wall {median(wall):.2f} s; server peak RSS {server_rss:.0f} MiB')
    print(f'wire {median(wire) / 2**20:.1f} MiB (corpus / {size / median(wire):.2f}); '
          f'store {disk / arguments.rounds / 2**20:.1f} MiB a round (corpus / {size * arguments.rounds / disk:.2f})')
    print(f'searched, literal without a match: {by_wall / 1e6:.2f} M lines/s, {by_cpu / 1e6:.2f} M lines per CPU s')
    print(f'searched, regex without a match:   {regex_wall / 1e6:.2f} M lines/s, {regex_cpu / 1e6:.2f} M lines per CPU s')


if __name__ == '__main__':
    main()
