#!/usr/bin/env python3
"""History rewritten in the server's database: an agent that has seen it alarms, and `reeve audit verify` names the entry.

The attacker here has the server's disk, knows the file's format with its checksums, and lets the server itself sign
what it then finds.
"""
import json
import os
import re
import shutil
import sqlite3
import struct
import time
import unittest
import urllib.request

from lab import Lab, free_ports, wait_until

PAGE = 4096
RESERVED = 8


def crc_table():
    table = []
    for n in range(256):
        for _ in range(8):
            n = (n >> 1) ^ (0x82f63b78 if n & 1 else 0)
        table.append(n)
    return table


TABLE = crc_table()


def crc32c(data, crc=0):
    crc ^= 0xffffffff
    for byte in data:
        crc = TABLE[(crc ^ byte) & 0xff] ^ (crc >> 8)
    return crc ^ 0xffffffff


def seal_pages(path):
    """Puts the checksum that the store looks for into every page."""
    with open(path, 'r+b') as file:
        data = file.read()
        for at in range(0, len(data), PAGE):
            page = data[at:at + PAGE]
            crc = crc32c(page[:-RESERVED], crc32c(struct.pack('<q', at)))
            file.seek(at + PAGE - RESERVED)
            file.write(struct.pack('<I', crc) + b'RvC1')


class AuditLab(Lab):
    def __init__(self, interval='1s'):
        super().__init__()
        self.interval = interval
        self.store = os.path.join(self.server_data, 'store')
        self.org_db = os.path.join(self.store, 'org.db')

    def up(self):
        self.init_server()
        with open(self.config) as file:
            text = file.read()
        text, count = re.subn(r'checkpoint_interval: \S+', f'checkpoint_interval: {self.interval}', text)
        assert count == 1, text
        with open(self.config, 'w') as file:
            file.write(text)
        return super().up()

    def witness(self, name='web-1'):
        """A linked agent that has pinned all there is now."""
        metrics = free_ports(1)[0]
        agent = self.add_agent(name, '  - type: host', more=f'listen: 127.0.0.1:{metrics}')
        agent.metrics = metrics
        agent.start()
        self.wait_pinned(agent)
        return agent

    def size(self):
        return self.entries()[-1]['id']

    def entries(self):
        return self.reeve_json('audit', 'list', '-n', 1000)

    def wait_pinned(self, agent):
        def pinned():
            status = self.status(agent)
            return status and status['audit_size'] >= self.size() and not status['audit_alarm']
        wait_until('the agent has pinned the audit', pinned, 60)

    def status(self, agent):
        try:
            with open(os.path.join(agent.data, 'witness.json')) as file:
                pin = json.load(file)
            return {'audit_size': pin['size'], 'audit_alarm': pin['alarm']}
        except FileNotFoundError:
            return None

    def alarm(self, host='web-1'):
        return next(a['audit_alarm'] for a in self.agents() if a['host'] == host)

    def rewrite_live(self, *statements):
        with sqlite3.connect(self.org_db, timeout=30) as database:
            for statement in statements:
                database.execute(statement)
        database.close()

    def rewrite_stopped(self, *statements):
        self.server.stop()
        database = sqlite3.connect(self.org_db)
        for statement in statements:
            database.execute(statement)
        database.commit()
        database.execute('PRAGMA wal_checkpoint(TRUNCATE)')
        database.close()
        seal_pages(self.org_db)
        self.start_server()

    def export(self, name):
        path = os.path.join(self.root, name)
        self.reeve('audit', 'export', path)
        return path

    def verify(self, *args):
        return self.run('reeve', 'audit', 'verify', *args, check=False)


FORGET_HASHES = ['DELETE FROM audit_leaves', 'DELETE FROM audit_nodes']


class Audit(unittest.TestCase):
    def test_an_honest_audit_verifies_and_nobody_alarms_over_restarts(self):
        with AuditLab() as lab:
            lab.up()
            agent = lab.witness()
            first = lab.export('first.ndjson')
            for _ in range(3):
                lab.token()
            lab.server.stop()
            lab.start_server()
            agent.stop()
            lab.token()
            agent.start()
            lab.wait_pinned(agent)
            lab.server.kill()
            lab.start_server()
            lab.token()
            lab.wait_pinned(agent)
            second = lab.export('second.ndjson')

            self.assertEqual(lab.verify(first).returncode, 0)
            done = lab.verify(second, '--against', first)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn('verified', done.stdout)
            with open(second) as file:
                key = json.loads(file.read().splitlines()[-1])['public_keys'][0]
            self.assertEqual(lab.verify(second, '--key', key).returncode, 0)
            self.assertEqual(lab.verify(second, '--key', '0' * 64).returncode, 1)
            self.assertIsNone(lab.alarm())

    def test_a_row_changed_under_the_running_server(self):
        with AuditLab() as lab:
            lab.up()
            agent = lab.witness()
            target = lab.entries()[0]['id']
            began = time.monotonic()
            lab.rewrite_live(f"UPDATE audit SET actor_name = 'nobody' WHERE id = {target}")

            alarm = wait_until('the alarm', lab.alarm, 60)

            print(f'alarm after {time.monotonic() - began:.1f} s at an interval of 1 s: {alarm[:60]}...')
            self.assertIn('rewritten', alarm)
            self.assertIn('the audit was rewritten behind', lab.server.tail(100000))
            self.assertIn('history was rewritten', agent.tail(100000))
            self.assertEqual([e['action'] for e in lab.entries()].count('audit.alarm'), 1)
            metrics = urllib.request.urlopen(f'http://127.0.0.1:{agent.metrics}/metrics').read().decode()
            self.assertIn('\nreeve_agent_audit_alarm 1\n', metrics)
            shown = lab.run('reeve-agent', 'status', '--config', agent.config, check=False).stdout
            self.assertIn('ALARM', shown)
            done = lab.verify(lab.export('audit.ndjson'))
            self.assertEqual(done.returncode, 1)
            self.assertIn(f'entry {target} was changed', done.stderr)

            # It stays over a restart, even when the row is put back, until a person clears it.
            agent.stop()
            agent.start()
            lab.server.stop()
            lab.start_server()
            wait_until('the agent is back', lambda: any(a['state'] == 'online' for a in lab.agents()))
            self.assertEqual(lab.alarm(), alarm)
            shown = lab.run('reeve-agent', 'witness', '--config', agent.config, check=False)
            self.assertEqual(shown.returncode, 1)
            running = lab.run('reeve-agent', 'witness', '--reset', '--config', agent.config, check=False)
            self.assertEqual(running.returncode, 1)
            self.assertIn('stop the agent first', running.stderr)
            agent.stop()
            reset = lab.run('reeve-agent', 'witness', '--reset', '--config', agent.config)
            self.assertIn('alarm       none', reset.stdout)
            agent.start()
            wait_until('the alarm is cleared', lambda: lab.alarm() is None)

    def test_the_default_interval_alarms_within_a_minute(self):
        with AuditLab(interval='60s') as lab:
            lab.up()
            lab.witness()
            began = time.monotonic()
            lab.rewrite_live("UPDATE audit SET detail = '{}', actor_name = 'nobody' WHERE id = 1")
            wait_until('the alarm', lab.alarm, 60)
            print(f'alarm after {time.monotonic() - began:.1f} s at the default interval')

    def rewritten(self, rewrite, verify_names=None):
        """An agent alarms after `rewrite(lab)`, and comparing with an earlier export names the entry."""
        with AuditLab() as lab:
            lab.up()
            for _ in range(5):
                lab.token()
            lab.witness()
            before = lab.export('before.ndjson')
            began = time.monotonic()
            rewrite(lab)
            alarm = wait_until('the alarm', lab.alarm, 60)
            print(f'alarm after {time.monotonic() - began:.1f} s: {alarm[:70]}...')
            done = lab.verify(lab.export('after.ndjson'), '--against', before)
            self.assertEqual(done.returncode, 1)
            if verify_names:
                self.assertIn(verify_names, done.stderr)

    def test_a_row_deleted(self):
        self.rewritten(lambda lab: lab.rewrite_live('DELETE FROM audit WHERE id = 3'), 'entry 3 is missing')

    def test_a_row_changed_with_every_hash_made_anew(self):
        self.rewritten(lambda lab: lab.rewrite_stopped("UPDATE audit SET actor_name = 'nobody' WHERE id = 3",
                                                       *FORGET_HASHES), 'entry 3 was changed since')

    def test_a_row_deleted_with_every_hash_made_anew(self):
        self.rewritten(lambda lab: lab.rewrite_stopped('DELETE FROM audit WHERE id = 3', *FORGET_HASHES),
                       'entry 3 is missing')

    def test_the_log_truncated(self):
        self.rewritten(lambda lab: lab.rewrite_stopped('DELETE FROM audit WHERE id > 4', *FORGET_HASHES,
                                                       "UPDATE numbers SET value = 4 WHERE name = 'last_audit_id'"))

    def test_an_old_copy_of_the_data_put_back(self):
        with AuditLab() as lab:
            lab.up()
            lab.witness()
            lab.server.stop()
            shutil.copytree(lab.store, lab.store + '.old')
            lab.start_server()
            for _ in range(4):
                lab.token()
            wait_until('the agent has pinned more', lambda: self.has_pinned(lab))
            before = lab.export('before.ndjson')
            lab.server.stop()
            shutil.rmtree(lab.store)
            os.rename(lab.store + '.old', lab.store)
            began = time.monotonic()
            lab.start_server()

            alarm = wait_until('the alarm', lab.alarm, 60)

            print(f'alarm after {time.monotonic() - began:.1f} s: {alarm[:70]}...')
            done = lab.verify(lab.export('after.ndjson'), '--against', before)
            self.assertEqual(done.returncode, 1)

    def has_pinned(self, lab):
        with open(os.path.join(lab.root, 'web-1', 'witness.json')) as file:
            return json.load(file)['size'] >= lab.size()


if __name__ == '__main__':
    unittest.main()
