#!/usr/bin/env python3
"""Syslog from real senders: Debian's logger(1) and rsyslogd, over UDP, TCP and TLS; counts equal, also over a restart."""
import collections
import os
import re
import shutil
import socket
import subprocess
import time
import unittest

from lab import Lab, Program, free_ports, wait_until
from test_scrape import make_certificates

RSYSLOG_TLS = '/usr/lib/x86_64-linux-gnu/rsyslog/lmnsd_ossl.so'


class Receiver:
    """A server and an agent that listens for syslog on free ports."""

    def __init__(self, lab, more=''):
        self.lab = lab
        self.udp, self.tcp, self.tls = free_ports(3)
        make_certificates(lab.root)
        root = lab.root
        inputs = (f'  - type: syslog\n    listen:\n      udp: 127.0.0.1:{self.udp}\n      tcp: 127.0.0.1:{self.tcp}\n'
                  f'      tls: {{address: "127.0.0.1:{self.tls}", cert: {root}/leaf.pem, key: {root}/leaf.key, '
                  f'client_ca: {root}/ca.pem}}\n{more}')
        self.agent = lab.add_agent('web-1', inputs).start()
        wait_until('syslog is listening', lambda: 'syslog is listening' in self.agent.tail(100000))

    def counts(self, marks, texts=()):
        """How many rows carry each mark, by source."""
        found = collections.Counter()
        for row in self.lab.logs(*texts):
            for mark in marks:
                if mark in row['body']:
                    found[(mark, row['source'].split(' ')[0])] += 1
        return found


def logger(*args, text=None, lines=None):
    command = ['logger', '-n', '127.0.0.1', '-t', 'loggertest', *map(str, args)]
    subprocess.run(command + ([text] if text else []), input=lines, text=True, check=True, timeout=60)


def rsyslogd(lab, name, actions):
    """A daemon of its own: reads lines from a socket of the test's, forwards them by `actions`."""
    work = os.path.join(lab.root, name)
    os.makedirs(work)
    config = os.path.join(work, 'rsyslog.conf')
    with open(config, 'w') as out:
        out.write(f'''global(workDirectory="{work}" defaultNetstreamDriverCAFile="{lab.root}/ca.pem"
                      defaultNetstreamDriverCertFile="{lab.root}/leaf.pem"
                      defaultNetstreamDriverKeyFile="{lab.root}/leaf.key")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="{work}/log.sock" RateLimit.Interval="0" UseSysTimeStamp="off")
{actions}
''')
    daemon = Program([shutil.which('rsyslogd'), '-n', '-f', config, '-i', f'{work}/pid'], f'{work}/out.log')
    lab.programs.append(daemon)
    daemon.start()
    wait_until('rsyslogd listens', lambda: os.path.exists(f'{work}/log.sock') or not daemon.alive())
    assert daemon.alive(), daemon.tail()
    return daemon, f'{work}/log.sock'


def write_to(path, lines):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.connect(path)
        for line in lines:
            out.send(line.encode())


class Syslog(unittest.TestCase):
    def test_logger_over_udp_and_tcp_in_both_formats_and_framings(self):
        with Lab() as lab:
            lab.up()
            receiver = Receiver(lab)
            logger('-d', '-P', receiver.udp, '--rfc3164', '-p', 'user.err', text='udp-3164 payment failed')
            logger('-d', '-P', receiver.udp, '--rfc5424', '-p', 'user.warning', text='udp-5424 disk is slow')
            logger('-T', '-P', receiver.tcp, '--rfc3164', lines=''.join(f'tcp-lines {i}\n' for i in range(500)))
            logger('-T', '-P', receiver.tcp, '--rfc5424', '--octet-count',
                   lines=''.join(f'tcp-octets {i}\n' for i in range(500)))
            expected = {('udp-3164', 'udp'): 1, ('udp-5424', 'udp'): 1, ('tcp-lines', 'tcp'): 500,
                        ('tcp-octets', 'tcp'): 500}
            marks = [mark for mark, _ in expected]

            wait_until('all are stored', lambda: sum(receiver.counts(marks).values()) >= 1002)

            self.assertEqual(dict(receiver.counts(marks)), expected)
            rows = {row['body']: row for row in lab.logs('udp-')}
            self.assertEqual(len(rows), 2)
            for body, row in rows.items():
                self.assertEqual(row['level'], 'error' if 'udp-3164' in body else 'warn')
                self.assertEqual(row['service'], 'loggertest')
                self.assertEqual(row['source'], f'udp 127.0.0.1:{receiver.udp}')
                self.assertLess(abs(time.time() - age_of(row['time'])), 3600)

    def test_rsyslog_over_udp_tcp_and_tls_counts_equal_over_a_restart_of_the_server(self):
        if not os.path.exists(RSYSLOG_TLS):
            self.skipTest('rsyslog-openssl is not installed')
        with Lab() as lab:
            lab.up()
            receiver = Receiver(lab)
            target = 'action(type="omfwd" target="127.0.0.1" '
            retry = 'action.resumeRetryCount="-1" queue.type="LinkedList" queue.timeoutShutdown="10000")'
            daemon, sock = rsyslogd(lab, 'rsyslog', '\n'.join([
                f'{target} port="{receiver.udp}" protocol="udp" {retry}',
                f'{target} port="{receiver.tcp}" protocol="tcp" TCP_Framing="octet-counted" {retry}',
                f'{target} port="{receiver.tls}" protocol="tcp" StreamDriver="ossl" StreamDriverMode="1" '
                f'StreamDriverAuthMode="x509/certvalid" template="RSYSLOG_SyslogProtocol23Format" {retry}']))
            count = 3000

            write_to(sock, [f'<13>Mar  1 00:00:00 app: before-{i:05}' for i in range(count)])
            wait_until('some are stored', lambda: receiver.counts(['before-']))
            lab.server.stop()
            write_to(sock, [f'<13>Mar  1 00:00:00 app: during-{i:05}' for i in range(count)])
            lab.start_server()
            write_to(sock, [f'<13>Mar  1 00:00:00 app: after-{i:05}' for i in range(count)])

            marks = ['before-', 'during-', 'after-']
            expected = {(mark, transport): count for mark in marks for transport in ('udp', 'tcp', 'tls')}
            wait_until('all are stored', lambda: receiver.counts(marks) == expected or None, 60, every=1)
            # Not only as many, but each once.
            for transport in ('udp', 'tcp', 'tls'):
                numbers = collections.Counter(
                    re.search(r'(before|during|after)-\d{5}', row['body']).group() for row in lab.logs('-0')
                    if row['source'].startswith(transport) and re.search(r'(before|during|after)-\d{5}', row['body']))
                self.assertEqual(set(numbers.values()), {1})
            self.assertEqual(daemon.stop(), 0)

    def test_what_was_received_is_sealed_before_the_agent_ends(self):
        with Lab() as lab:
            lab.up()
            receiver = Receiver(lab)
            with socket.create_connection(('127.0.0.1', receiver.tcp)) as out:
                out.sendall(b''.join(b'<14>Mar  1 00:00:00 web-9 app: last-%d\n' % i for i in range(100)))
                wait_until('they are read', lambda: unread(receiver.tcp) == 0)
            self.assertEqual(receiver.agent.stop(), 0)
            receiver.agent.start()
            wait_until('all are stored', lambda: len(lab.logs('last-')) >= 100)
            self.assertEqual(len(lab.logs('last-')), 100)

    def test_a_sender_without_a_certificate_and_one_too_many_are_refused(self):
        with Lab() as lab:
            lab.up()
            receiver = Receiver(lab, '    connections_max: 2\n    idle_max: 2s\n')
            import ssl
            context = ssl.create_default_context(cafile=f'{lab.root}/ca.pem')
            with socket.create_connection(('127.0.0.1', receiver.tls)) as raw:
                with self.assertRaises(OSError):
                    with context.wrap_socket(raw, server_hostname='localhost') as refused:
                        refused.sendall(b'<14>Mar  1 00:00:00 a b: stranger\n')
                        refused.recv(1)
                        raise AssertionError('a stranger was let in')
            open_ones = [socket.create_connection(('127.0.0.1', receiver.tcp)) for _ in range(2)]
            with socket.create_connection(('127.0.0.1', receiver.tcp)) as third:
                third.settimeout(10)
                self.assertEqual(third.recv(1), b'')
            # The silent ones are closed in the end, and then there is room again.
            for one in open_ones:
                one.settimeout(30)
                try:
                    self.assertEqual(one.recv(1), b'')
                except ConnectionResetError:
                    pass
                one.close()
            logger('-T', '-P', receiver.tcp, text='room-again')
            wait_until('it is stored', lambda: lab.logs('room-again'))
            self.assertEqual(lab.logs('stranger'), [])

    def test_a_wrong_configuration_says_where(self):
        with Lab() as lab:
            config = os.path.join(lab.root, 'a.yaml')
            with open(config, 'w') as out:
                out.write('inputs:\n  - type: syslog\n    listen: {udp: nowhere, tls: {address: "127.0.0.1:1"}}\n'
                          '    idle_max: 1ms\n  - type: syslog\n')
            said = lab.run('reeve-agent', 'check', '--config', config, check=False)
            self.assertEqual(said.returncode, 2)
            for text in ('listen.udp', 'cert is missing', 'key is missing', 'idle_max', 'inputs[1].listen is missing'):
                self.assertIn(text, said.stderr)


def unread(port):
    """Bytes in the receive queues of connections to the port."""
    total = 0
    with open('/proc/net/tcp') as table:
        for line in table.readlines()[1:]:
            words = line.split()
            if words[1].endswith(f':{port:04X}') and words[3] == '01':
                total += int(words[4].split(':')[1], 16)
    return total


def age_of(text):
    import datetime
    return datetime.datetime.fromisoformat(text.replace('Z', '+00:00')[:19] + '+00:00').timestamp()


if __name__ == '__main__':
    unittest.main()
