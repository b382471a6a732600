#!/usr/bin/env python3
"""Requests a second of our HTTP server against a bare loop on the same stream, plain and over TLS.

usage: tests/bench/http_bench.py [--bin build/release/bin/http_bench] [--seconds 5] [--connections 64]

The client is wrk with one thread (h2load for HTTP/2), on the same machine. Prints a table; asserts nothing.
"""
import argparse
import re
import shutil
import signal
import subprocess
import sys


class Server:
    def __init__(self, binary, what, how):
        self.process = subprocess.Popen([binary, what, how], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().split()[1])

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.communicate(timeout=30)[0].strip()


def wrk(url, seconds, connections):
    out = subprocess.run(['wrk', '-t1', f'-c{connections}', f'-d{seconds}s', '--latency', url], capture_output=True,
                         text=True, check=True).stdout
    rate = float(re.search(r'Requests/sec:\s+([\d.]+)', out).group(1))
    p50 = re.search(r'^\s+50%\s+(\S+)', out, re.M).group(1)
    p99 = re.search(r'^\s+99%\s+(\S+)', out, re.M).group(1)
    errors = re.search(r'Socket errors.*|Non-2xx.*', out)
    return rate, p50, p99, errors.group(0) if errors else ''


def h2load(url, seconds, connections):
    out = subprocess.run(['h2load', '-t1', f'-c{connections}', '-m4', '-D', str(seconds), '--warm-up-time=1', url],
                         capture_output=True, text=True, check=True).stdout
    rate = float(re.search(r'finished in .*?([\d.]+) req/s', out).group(1))
    spread = re.search(r'time for request:\s+\S+\s+(\S+)\s+(\S+)', out)
    failed = re.search(r'(\d+) failed, (\d+) errored', out)
    bad = failed and failed.group(1) != '0'
    return rate, 'mean ' + spread.group(2), 'max ' + spread.group(1), failed.group(0) if bad else ''


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--bin', default='build/release/bin/http_bench')
    parser.add_argument('--seconds', type=int, default=5)
    parser.add_argument('--connections', type=int, default=64)
    arguments = parser.parse_args()
    for tool in ('wrk', 'h2load'):
        if not shutil.which(tool):
            sys.exit(f'skipped: {tool} is not installed')

    print(f'{"what":28} {"requests/s":>11} {"of bare":>8} {"p50":>12} {"p99":>12}')
    for how in ('plain', 'tls'):
        scheme = 'https' if how == 'tls' else 'http'
        bare_rate = None
        for what in ('bare', 'http'):
            server = Server(arguments.bin, what, how)
            url = f'{scheme}://127.0.0.1:{server.port}/'
            rate, p50, p99, errors = wrk(url, arguments.seconds, arguments.connections)
            bare_rate = bare_rate or rate
            print(f'{what + " " + how + " HTTP/1.1":28} {rate:11.0f} {rate / bare_rate:8.2f} {p50:>12} {p99:>12} {errors}')
            if what == 'http':
                rate, p50, p99, errors = h2load(url, arguments.seconds, arguments.connections)
                print(f'{what + " " + how + " HTTP/2, 4 streams":28} {rate:11.0f} {rate / bare_rate:8.2f} {p50:>12} {p99:>12} '
                      f'{errors}')
                for path in ('large', 'stream'):
                    rate, p50, p99, errors = wrk(url + path, arguments.seconds, 8)
                    print(f'{"  1 MiB " + path + " " + how:28} {rate:11.0f} {"":8} {p50:>12} {p99:>12} {errors}')
            server.stop()


if __name__ == '__main__':
    main()
