#!/usr/bin/env python3
"""What parsers in Lua cost, and what a hostile one costs its neighbours.

usage: REEVE_BENCH=<folder with gen_corpus.py> REEVE_BIN=build/release/bin tests/bench/lua_bench.py [--mib 64] [--rounds 5]

First table: lines through parsers into the blackhole; z is CPU time in units of `zstd -3 -T1` of the same file, the median
over the rounds. Second table: how fast a file is read whose input has no script, while another input of the same agent
names a script that burns as much as it may on every line, or does nothing, in turn. Asserts no time.
"""
import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'e2e'))
from lab import BIN  # noqa: E402

AGENT = os.path.join(BIN, 'reeve-agent')
SCRIPTS = {
    'idle': 'return {parse = function() return false end}',
    'burns': 'return {parse = function() local x = 0 for i = 1, 400000 do x = x + i end end}',
    'loops': 'return {parse = function() while true do pcall(error) end end}',
    'eats': 'return {parse = function() local t = {} while true do t[#t + 1] = ("x"):rep(1000) .. #t end end}',
    'tags': 'return {parse = function(record) record.tag = record.level or "none" end}',
}


def corpus(folder, kind, mib):
    path = os.path.join(tempfile.gettempdir(), f'reeve-lua-{kind}-{mib}.log')
    if not os.path.exists(path):
        subprocess.run([sys.executable, os.path.join(folder, 'gen_corpus.py'), path + '.part', str(mib), '--kind', kind],
                       check=True, stdout=subprocess.DEVNULL)
        os.rename(path + '.part', path)
    return path


def cpu_of(argv):
    """user+sys seconds and wall seconds of a command that must succeed."""
    begun = time.monotonic()
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, use = os.wait4(process.pid, 0)
    process.returncode = status
    if status != 0:
        sys.exit(f'{argv} ended with wait status {status}')
    return use.ru_utime + use.ru_stime, time.monotonic() - begun


def write_config(folder, name, inputs, more=''):
    text = f'data_dir: {folder}/{name}\noutput: blackhole\nparsers: [{folder}/parsers]\n{more}inputs:\n'
    for path, parse in inputs:
        text += f'  - type: file\n    include: [{path}]\n' + (f'    parse: [{parse}]\n' if parse else '')
    path = os.path.join(folder, name + '.yaml')
    with open(path, 'w') as config:
        config.write(text)
    return path


def lines_of(path):
    with open(path, 'rb') as lines:
        return sum(chunk.count(b'\n') for chunk in iter(lambda: lines.read(1 << 20), b''))


def rows_of(port):
    with urllib.request.urlopen(f'http://127.0.0.1:{port}/metrics', timeout=5) as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith('reeve_agent_rows_total '):
                return int(float(line.split()[1]))
    raise SystemExit('the agent does not tell its rows')


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def read_rate(config, port, rows):
    """Lines per second between the first and the last but one news of the agent's counters, which come once a second."""
    agent = subprocess.Popen([AGENT, 'run', '--config', config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    begun = time.monotonic()
    news = []
    try:
        while time.monotonic() - begun < 300:
            try:
                now = rows_of(port)
            except OSError:
                now = 0  # not listening yet
            if now > (news[-1][1] if news else 0) + 10_000:  # a hostile worker's own few lines are no news
                news.append((time.monotonic(), now))
            if now >= rows:
                break
            time.sleep(0.01)
    finally:
        agent.terminate()
        agent.wait(30)
    if len(news) < 4:
        raise SystemExit('the file was read too quickly to tell; take a larger --mib')
    (first, first_rows), (last, last_rows) = news[1], news[-2]
    return (last_rows - first_rows) / (last - first)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--mib', type=int, default=64)
    parser.add_argument('--rounds', type=int, default=5)
    arguments = parser.parse_args()
    bench = os.environ.get('REEVE_BENCH')
    if not bench:
        print('skipped: set REEVE_BENCH to the folder that holds gen_corpus.py')
        return
    nginx, mixed = corpus(bench, 'nginx', arguments.mib), corpus(bench, 'mixed', arguments.mib)
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(os.path.join(folder, 'parsers'))
        for name, text in SCRIPTS.items():
            with open(os.path.join(folder, 'parsers', name + '.lua'), 'w') as script:
                script.write(text)

        cases = [('nginx corpus, no parser', nginx, ''), ('nginx corpus, [nginx]', nginx, 'nginx'),
                 ('mixed corpus, no parser', mixed, ''), ('mixed corpus, [json, syslog]', mixed, 'json, syslog'),
                 ('mixed corpus, [json, syslog, tags]', mixed, 'json, syslog, tags'),
                 ('mixed corpus, [json, syslog, nginx]', mixed, 'json, syslog, nginx')]
        print(f'{arguments.mib} MiB, {arguments.rounds} rounds\n{"into the blackhole":38}{"CPU s":>8}{"z":>7}{"range":>12}{"lines/s":>11}')
        for number, (label, path, parse) in enumerate(cases):
            config = write_config(folder, f'case{number}', [(path, parse)])
            seconds, z = [], []
            for _ in range(arguments.rounds):
                subprocess.run(['rm', '-rf', f'{folder}/case{number}'], check=True)
                yardstick, _ = cpu_of(['zstd', '-3', '-T1', '-q', '-f', '-o', os.devnull, path])
                cpu, _ = cpu_of([AGENT, 'run', '--until-eof', '--config', config])
                seconds.append(cpu)
                z.append(cpu / yardstick)
            cpu = statistics.median(seconds)
            print(f'{label:38}{cpu:8.2f}{statistics.median(z):7.2f}{min(z):7.2f}-{max(z):.2f}{lines_of(path) / cpu:11.0f}')

        victim = os.path.join(folder, 'victim.log')
        with open(victim, 'w') as lines:
            lines.writelines(f'line {i}\n' for i in range(1000))
        large = os.path.join(folder, 'large.log')
        with open(large, 'wb') as out, open(mixed, 'rb') as part:
            text = part.read()
            for _ in range(max(1, 2048 // arguments.mib)):
                out.write(text)
        rows = lines_of(large)
        rates = {name: [] for name in ('idle', 'burns', 'loops', 'eats')}
        for number in range(arguments.rounds):
            for name, measured in rates.items():
                port = free_port()
                config = write_config(folder, f'{name}{number}', [(large, ''), (victim, name)], f'listen: 127.0.0.1:{port}\n')
                measured.append(read_rate(config, port, rows))
        idle = statistics.median(rates['idle'])
        print(f'\n{"a neighbour, beside a script that ...":38}{"lines/s":>11}{"range":>20}{"against idle":>14}')
        for name, measured in rates.items():
            median = statistics.median(measured)
            print(f'{name:38}{median:11.0f}{min(measured):10.0f}-{max(measured):.0f}{100 * (median / idle - 1):+12.1f}%')


if __name__ == '__main__':
    main()
