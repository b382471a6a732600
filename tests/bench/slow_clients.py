#!/usr/bin/env python3
"""What 2,000 slow clients do to the healthy ones, and what a body of a GiB does to the server's memory.

usage: tests/bench/slow_clients.py [--bin build/release/bin/http_bench] [--clients 2000] [--seconds 8]

A third of the slow clients drip a head, a third drip a body, a third ask for a MiB and read next to none of it. The
healthy load is wrk at 32 connections, measured without and with them. Prints a table; asserts nothing.
"""
import argparse
import re
import resource
import selectors
import shutil
import socket
import subprocess
import sys
import threading
import time

from http_bench import Server, wrk


class SlowClients:
    """Connections that say or read one byte a second each, all on one thread."""

    def __init__(self, port, count):
        self.port, self.count = port, count
        self.stopping = False
        self.opened = self.cut = 0
        self.thread = threading.Thread(target=self.run)
        self.ready = threading.Event()
        self.thread.start()
        self.ready.wait()

    def open(self, index):
        one = socket.socket()
        if index % 3 == 2:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.connect(('127.0.0.1', self.port))
        first = (b'GET / HTTP/1.1\r\nHost: h\r\nX: ', b'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 60000\r\n\r\n',
                 b'GET /large HTTP/1.1\r\nHost: h\r\n\r\n')[index % 3]
        one.sendall(first)
        one.setblocking(False)
        self.opened += 1
        return one

    def run(self):
        members = [(index, self.open(index)) for index in range(self.count)]
        self.ready.set()
        while not self.stopping:
            began = time.monotonic()
            for place, (index, one) in enumerate(members):
                try:
                    if index % 3 == 2:
                        if one.recv(1) == b'':
                            raise ConnectionResetError
                    else:
                        one.send(b'x')
                        if one.recv(4096) == b'':
                            raise ConnectionResetError
                except BlockingIOError:
                    pass
                except OSError:
                    self.cut += 1
                    one.close()
                    members[place] = (index, self.open(index))
                if place % 50 == 0:
                    time.sleep(0.001)
            time.sleep(max(0.0, 1 - (time.monotonic() - began)))
        for _, one in members:
            one.close()

    def stop(self):
        self.stopping = True
        self.thread.join()


def memory_kib(pid):
    with open(f'/proc/{pid}/status') as status:
        return {line.split(':')[0]: int(line.split()[1]) for line in status if line.startswith(('VmRSS', 'VmHWM'))}


def milliseconds(text):
    number, unit = re.match(r'([\d.]+)(us|ms|s)', text).groups()
    return float(number) * {'us': 0.001, 'ms': 1, 's': 1000}[unit]


def giant_body(server):
    before = memory_kib(server.process.pid)['VmRSS']
    sent = 0
    one = socket.create_connection(('127.0.0.1', server.port))
    one.sendall(b'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n')
    piece = b'4000\r\n' + b'x' * 0x4000 + b'\r\n'
    answer = b''
    try:
        while sent < 1 << 30:
            one.sendall(piece)
            sent += 0x4000
            selector = selectors.DefaultSelector()
            selector.register(one, selectors.EVENT_READ)
            if selector.select(0):
                answer = one.recv(4096)
                break
    except OSError:
        pass
    one.close()
    print(f'a body of 1 GiB, chunked: {answer[:12].decode()!r} after {sent >> 10} KiB; '
          f'memory {before} -> {memory_kib(server.process.pid)["VmHWM"]} KiB at most')


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--bin', default='build/release/bin/http_bench')
    parser.add_argument('--clients', type=int, default=2000)
    parser.add_argument('--seconds', type=int, default=8)
    arguments = parser.parse_args()
    if not shutil.which('wrk'):
        sys.exit('skipped: wrk is not installed')
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # of the server too

    server = Server(arguments.bin, 'http', 'plain')
    giant_body(server)
    url = f'http://127.0.0.1:{server.port}/'
    wrk(url, 1, 32)
    print(f'{"":26} {"requests/s":>11} {"p50":>10} {"p99":>10}')
    figures = []
    for name in ('healthy alone', f'beside {arguments.clients} slow'):
        slow = SlowClients(server.port, arguments.clients) if figures else None
        time.sleep(2)  # what they all asked for at once is written; from here on they are slow
        rate, p50, p99, errors = wrk(url, arguments.seconds, 32)
        figures.append(milliseconds(p99))
        print(f'{name:26} {rate:11.0f} {p50:>10} {p99:>10} {errors}')
        if slow:
            slow.stop()
            print(f'slow connections opened {slow.opened}, cut by the server {slow.cut}; '
                  f'memory {memory_kib(server.process.pid)["VmRSS"]} KiB')
    print(f'p99 with slow clients / without: {figures[1] / figures[0]:.2f}')
    print('server:', server.stop(), 'exit', server.process.returncode)


if __name__ == '__main__':
    main()
