#!/usr/bin/env python3
"""What parsing, joining and redaction cost: generated lines -> parsers -> blackhole, beside `zstd -3` in the same minutes.

usage: REEVE_BENCH=<folder with gen_corpus.py> REEVE_BIN=build/release/bin tests/bench/parse.py [--mib 128] [--rounds 5]

z is the agent's CPU time in units of `zstd -3 -T1` of the same file, the median over the rounds. The generated corpus is
JSON, logfmt, RFC 5424 and RFC 3164, and CRI (half of it around JSON), a fifth of the lines each; the second one is that of
gen_corpus.py (nginx, JSON, syslog) and is left out without $REEVE_BENCH. Prints one table; asserts nothing but that every
line became a row.
"""
import argparse
import os
import random
import re
import statistics
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'e2e'))
from lab import BIN  # noqa: E402
from spine import corpus, cpu_and_rss  # noqa: E402

SERVICES = ['checkout', 'cart', 'catalog', 'auth', 'payments', 'search', 'shipping', 'recommender']
MESSAGES = [('info', 'request completed'), ('info', 'cache hit for key user:%d'), ('info', 'order %d placed'),
            ('debug', 'acquired connection %d from pool primary'), ('warn', 'slow query took %d ms on shard 7'),
            ('error', 'failed to charge card for order %d: upstream timeout'), ('info', 'session refreshed for user %d')]
BLOCK_LINES = 20_000
DEFAULT_RULES = ['private_key', 'aws_key', 'jwt', 'service_token', 'authorization', 'url_password', 'password', 'secret']


def make_lines(count, seed):
    r = random.Random(seed)
    lines = []
    for number in range(count):
        level, message = r.choice(MESSAGES)
        message = message % r.randrange(1_000_000) if '%' in message else message
        service, ms = r.choice(SERVICES), r.expovariate(.05)
        second = number // 1000 % 60
        time = f'2026-03-01T00:{number // 60_000 % 60:02}:{second:02}.{number % 1000:03}Z'
        json_line = (f'{{"ts":"{time}","level":"{level}","service":"{service}","pid":{r.randrange(30_000)},'
                     f'"trace_id":"{r.getrandbits(128):032x}","msg":"{message}","http":{{"method":"GET",'
                     f'"path":"/api/v1/{service}/{r.randrange(100_000)}","status":{500 if level == "error" else 200}}},'
                     f'"latency_ms":{ms:.3f}}}')
        kind = number % 5
        if kind == 0:
            lines.append(json_line)
        elif kind == 1:
            lines.append(f'time={time} level={level} msg="{message}" service={service} caller=handler.go:{r.randrange(900)} '
                         f'took={ms:.1f}ms status=200')
        elif kind == 2:
            lines.append(f'<{r.randrange(8, 190)}>1 {time} web-{r.randrange(20):02} {service} {r.randrange(30_000)} ID{r.randrange(99)} '
                         f'[req@32473 user="u{r.randrange(5000)}" path="/api/{service}"] {message}')
        elif kind == 3:
            lines.append(f'Mar  1 00:{number // 60_000 % 60:02}:{second:02} web-{r.randrange(20):02} {service}[{r.randrange(30_000)}]: '
                         f'{message} in {ms:.1f} ms for 10.0.{r.randrange(256)}.{r.randrange(256)}')
        else:
            inner = json_line if number % 2 else f'{message} in {ms:.1f} ms'
            lines.append(f'{time[:-1]}456789Z {r.choice(["stdout", "stderr"])} F {inner}')
    return lines


def own_corpus(mib):
    path = os.path.join(tempfile.gettempdir(), f'reeve-formats-{mib}.log')
    if not os.path.exists(path):
        with open(path + '.part', 'w') as out:
            seed = 1
            while out.tell() < mib << 20:
                out.write('\n'.join(make_lines(BLOCK_LINES, seed)) + '\n')
                seed += 1
        os.rename(path + '.part', path)
    return path


def count_lines(path):
    with open(path, 'rb') as lines_of:
        return sum(chunk.count(b'\n') for chunk in iter(lambda: lines_of.read(1 << 20), b''))


def run_agent(folder, path, keys, more):
    """CPU seconds and peak MiB of one run into the blackhole."""
    config = os.path.join(folder, 'agent.yaml')
    data = tempfile.mkdtemp(dir=folder)
    with open(config, 'w') as out:
        out.write(f'data_dir: {data}\nhost: bench\noutput: blackhole\nlog_level: error\n{more}'
                  f'inputs:\n  - type: file\n    include: [{path}]\n    start: head\n{keys}')
    cpu, mib, _ = cpu_and_rss([os.path.join(BIN, 'reeve-agent'), 'run', '--until-eof', '--config', config])
    return cpu, mib


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--mib', type=int, default=128)
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--only', default='', help='a regular expression over the names of rows')
    arguments = parser.parse_args()

    formats = own_corpus(arguments.mib)
    no_redaction = f'redact: {{off: [{", ".join(DEFAULT_RULES)}]}}\n'
    rows = [
        ('as they are', formats, '', ''),
        ('as they are, secrets not looked for', formats, '', no_redaction),
        ('parse: [cri, json, logfmt, syslog]', formats, '    parse: [cri, json, logfmt, syslog]\n', ''),
        ('the same, secrets not looked for', formats, '    parse: [cri, json, logfmt, syslog]\n', no_redaction),
        ('the same, joined by a pattern', formats, "    parse: [cri, json, logfmt, syslog]\n    multiline: {start: '^\\S'}\n", ''),
        ('the same, an own pattern for secrets', formats, '    parse: [cri, json, logfmt, syslog]\n',
         "redact: {patterns: [{name: ssn, pattern: '\\b\\d{3}-\\d{2}-\\d{4}\\b'}]}\n"),
    ]
    bench = os.environ.get('REEVE_BENCH')
    if bench:
        mixed = corpus(bench, arguments.mib)
        rows += [
            ('nginx, json, syslog: as they are', mixed, '', ''),
            ('nginx, json, syslog: secrets not looked for', mixed, '', no_redaction),
            ('nginx, json, syslog: parse: [json, syslog]', mixed, '    parse: [json, syslog]\n', ''),
            ('the same and Lua: [json, syslog, nginx]', mixed, '    parse: [json, syslog, nginx]\n', ''),
        ]
    else:
        print('without $REEVE_BENCH: the rows over gen_corpus.py are left out')
    rows = [row for row in rows if re.search(arguments.only, row[0])]

    times = {name: [] for name, _, _, _ in rows}
    z = {name: [] for name, _, _, _ in rows}
    peak = {name: 0 for name, _, _, _ in rows}
    with tempfile.TemporaryDirectory(prefix='reeve-parse-') as folder:
        for _ in range(arguments.rounds):
            for name, path, keys, more in rows:
                yardstick, _, _ = cpu_and_rss(['zstd', '-3', '-T1', '-q', '-f', '-o', os.devnull, path])
                cpu, mib = run_agent(folder, path, keys, more)
                times[name].append(cpu)
                z[name].append(cpu / yardstick)
                peak[name] = max(peak[name], mib)

    print(f'{arguments.mib} MiB, {arguments.rounds} rounds')
    print(f'{"":44}{"CPU s":>7}{"ns/line":>9}{"z":>7}   z range      peak MiB')
    for name, path, _, _ in rows:
        seconds = statistics.median(times[name])
        print(f'{name:44}{seconds:7.2f}{seconds / count_lines(path) * 1e9:9.0f}{statistics.median(z[name]):7.2f}   '
              f'{min(z[name]):.2f}-{max(z[name]):.2f}{peak[name]:12.0f}')


if __name__ == '__main__':
    main()
