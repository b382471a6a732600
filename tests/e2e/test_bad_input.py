#!/usr/bin/env python3
"""What real programs say to bad input: configuration, files they may not read, wrong identities, full disks."""
import os
import pwd
import shutil
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

from lab import BIN, Lab, wait_until


class Configuration(unittest.TestCase):
    def check(self, text, program='reeve-agent'):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'agent.yaml')
            with open(path, 'w') as out:
                out.write(text)
            return subprocess.run([os.path.join(BIN, program), 'check', '--config', path], capture_output=True,
                                  text=True, timeout=30)

    def test_an_unknown_key_is_named_with_its_place(self):
        done = self.check('data_dir: /tmp/x\nspoool:\n  bytes_max: 1GiB\n')
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, r'agent\.yaml:2:1: .*spoool')

    def test_a_value_out_of_range_names_the_range(self):
        done = self.check('data_dir: /tmp/x\nspool:\n  bytes_max: 5x\n')
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, r'agent\.yaml:3:\d+: .*5x.*allowed')

    def test_a_key_that_stands_twice_is_an_error(self):
        done = self.check('data_dir: /tmp/x\ndata_dir: /tmp/y\n')
        self.assertEqual(done.returncode, 2)
        self.assertIn('agent.yaml:2:1', done.stderr)

    def test_an_absent_file_is_named(self):
        done = subprocess.run([os.path.join(BIN, 'reeve-agent'), 'check', '--config', '/nonexistent.yaml'],
                              capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 2)
        self.assertIn('/nonexistent.yaml', done.stderr)

    def test_the_server_speaks_the_same_way(self):
        done = self.check('data_dir: /tmp/x\nlisten:\n  apis: 127.0.0.1:1\n', 'reeve-server')
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, r':3:3: .*apis')

    def test_a_wrong_flag_is_a_usage_error(self):
        for program, *words in (('reeve', 'status'), ('reeve-agent', 'run', '--config', 'x'),
                                ('reeve-server', 'run', '--config', 'x')):
            done = subprocess.run([os.path.join(BIN, program), *words, '--no-such-flag'], capture_output=True,
                                  text=True, timeout=30)
            self.assertEqual((program, done.returncode), (program, 2))
            self.assertIn('--no-such-flag', done.stderr)


class Identity(unittest.TestCase):
    def test_a_token_works_once(self):
        with Lab() as lab:
            lab.up()
            token = lab.token()
            first = lab.add_agent('a', '  - type: host', enroll=False)
            second = lab.add_agent('b', '  - type: host', enroll=False)
            lab.enroll(first.config, token)
            refused = lab.enroll(second.config, token, check=False)
            self.assertEqual(refused.returncode, 1)
            self.assertIn('used', refused.stderr)

    def test_a_wrong_fingerprint_stops_the_enrolment(self):
        with Lab(plain_api=False) as lab:
            lab.up()
            token = lab.token()
            token['ca_fingerprint'] = 'sha256:' + '0' * 64
            agent = lab.add_agent('a', '  - type: host', enroll=False)
            refused = lab.enroll(agent.config, token, check=False)
            self.assertEqual(refused.returncode, 1)
            self.assertFalse(os.path.exists(os.path.join(agent.data, 'identity', 'cert.pem')))

    def test_a_revoked_agent_is_cut_within_five_seconds(self):
        with Lab() as lab:
            lab.up()
            agent = lab.add_agent('a', '  - type: host').start()
            online = wait_until('online', lambda: [a for a in lab.agents() if a['state'] == 'online'])
            lab.reeve('agents', 'revoke', online[0]['id'])
            begun = time.monotonic()
            wait_until('the link is refused', lambda: 'revoked' in agent.tail(), 5)
            self.assertLess(time.monotonic() - begun, 5)
            self.assertEqual(lab.agents()[0]['state'], 'revoked')

    def test_a_certificate_of_another_org_is_refused(self):
        with Lab() as lab, Lab() as other:
            lab.up()
            other.up()
            stranger = other.add_agent('stranger', '  - type: host')
            # The stranger's key and certificate, pointed at this server.
            identity = os.path.join(stranger.data, 'identity', 'identity.json')
            with open(identity) as file:
                text = file.read()
            with open(identity, 'w') as file:
                file.write(text.replace(str(other.link_port), str(lab.link_port)))
            stranger.start()
            # Each side refuses the other's certificate; the agent sees the server's first.
            wait_until('the agent says why', lambda: 'certificate' in stranger.tail().lower())
            self.assertEqual(lab.agents(), [])


class Requests(unittest.TestCase):
    def answer(self, lab, method, target, body=None, key=True):
        with open(os.path.join(lab.server_data, 'api.key')) as file:
            headers = {'Authorization': 'Bearer ' + file.read().strip()} if key else {}
        request = urllib.request.Request(lab.url() + target, method=method, data=body, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def test_bad_requests_get_a_clear_answer(self):
        with Lab() as lab:
            lab.up()
            for method, target, body, status, word in [
                    ('GET', '/v1/logs?cursor=zzz', None, 400, 'cursor'),
                    ('GET', '/v1/logs?limit=0', None, 400, 'limit'),
                    ('GET', '/v1/logs?limt=5', None, 400, 'limt'),
                    ('GET', '/v1/logs?regex=(', None, 400, 'regex'),
                    ('GET', '/v1/logs?from=yesterday', None, 400, 'from'),
                    ('GET', '/v1/metrics/query', None, 400, 'name'),
                    ('GET', '/v1/no-such-thing', None, 404, 'no-such-thing'),
                    ('DELETE', '/v1/logs', None, 405, 'DELETE'),
                    ('POST', '/v1/agents/tokens', b'{"valid_for": ', 400, 'byte'),
                    ('POST', '/v1/agents/tokens', b'{"valid_for": "2h"}', 400, '1h'),
                    ('POST', '/v1/enroll', b'{"token":"x","csr":"y","host":"z"}', None, '')]:
                with self.subTest(method + ' ' + target):
                    got, text = self.answer(lab, method, target, body)
                    if status:
                        self.assertEqual(got, status, text)
                    else:
                        self.assertIn(got, (400, 403), text)
                    self.assertIn(word, text)
                    self.assertIn('"request_id"', text)
            self.assertEqual(self.answer(lab, 'GET', '/v1/logs', key=False)[0], 401)


class Unreadable(unittest.TestCase):
    def test_a_file_it_may_not_read_does_not_stop_the_others(self):
        if os.getuid() != 0:
            self.skipTest('needs root to drop to nobody')
        with Lab() as lab:
            lab.up()
            closed, opened = os.path.join(lab.root, 'closed.log'), os.path.join(lab.root, 'opened.log')
            for path, text in ((closed, 'secret\n'), (opened, 'INFO public line\n')):
                with open(path, 'w') as out:
                    out.write(text)
            os.chmod(closed, 0o600)
            agent = lab.add_agent('a', f'  - type: file\n    include: [{lab.root}/*ed.log]\n    start: head')
            nobody = pwd.getpwnam('nobody')
            os.chmod(lab.root, 0o755)
            for at, folders, files in os.walk(agent.data):
                for name in [at] + [os.path.join(at, f) for f in folders + files]:
                    os.chown(name, nobody.pw_uid, nobody.pw_gid)
            # The clone may lie where only root may look; the program goes where nobody can start it.
            agent.argv[0] = shutil.copy(agent.argv[0], lab.root)
            agent.options = {'user': 'nobody', 'group': nobody.pw_gid, 'extra_groups': []}
            agent.start()
            wait_until('the readable file is stored', lambda: lab.logs('public line'))
            wait_until('the other is named', lambda: 'closed.log' in agent.tail(20000))
            self.assertEqual(lab.logs('secret'), [])
            # Said once, not at every poll.
            self.assertEqual(agent.tail(200000).count('closed.log'), 1)


class SmallDisk:
    """A tmpfs of its own, so that it can be filled."""

    def __init__(self, size):
        self.size = size

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix='reeve-full-')
        done = subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={self.size}', 'tmpfs', self.path],
                              capture_output=True, text=True)
        if done.returncode != 0:
            os.rmdir(self.path)
            raise unittest.SkipTest('needs to mount a tmpfs: ' + done.stderr.strip())
        return self

    def __exit__(self, *_):
        subprocess.run(['umount', '-l', self.path], check=False)
        shutil.rmtree(self.path, ignore_errors=True)

    def fill(self):
        with open(os.path.join(self.path, 'filler'), 'wb', buffering=0) as out:
            try:
                while True:
                    out.write(bytes(65536))
            except OSError:
                pass

    def free(self):
        os.remove(os.path.join(self.path, 'filler'))


class FullDisk(unittest.TestCase):
    def test_a_full_disk_on_the_host_makes_files_wait(self):
        with Lab() as lab, SmallDisk('24m') as disk:
            lab.up()
            path = os.path.join(lab.root, 'app.log')
            open(path, 'w').close()
            agent = lab.add_agent('a', f'  - type: file\n    include: [{path}]\n    start: head',
                                  data=os.path.join(disk.path, 'agent'), more='spool:\n  bytes_max: 16MiB').start()
            wait_until('online', lambda: any(a['state'] == 'online' for a in lab.agents()))
            disk.fill()
            with open(path, 'a') as out:
                for i in range(20000):
                    out.write(f'INFO waiting line {i} {os.urandom(32).hex()}\n')
            wait_until('the agent says that its disk is full', lambda: 'full' in agent.tail(20000).lower() or
                       'No space' in agent.tail(20000))
            self.assertTrue(agent.alive())
            disk.free()
            wait_until('every line arrived', lambda: len(lab.logs('waiting line')) >= 20000, 60, every=1)
            self.assertEqual(len({row['body'] for row in lab.logs('waiting line')}), 20000)
            self.assertEqual(len(lab.logs('waiting line')), 20000)

    def test_a_full_disk_on_the_server_refuses_ingest_and_answers_queries(self):
        with SmallDisk('24m') as disk, Lab(root=disk.path) as lab, tempfile.TemporaryDirectory() as elsewhere:
            lab.up()
            path = os.path.join(elsewhere, 'app.log')
            with open(path, 'w') as out:
                out.write('INFO first line\n')
            agent = lab.add_agent('a', f'  - type: file\n    include: [{path}]\n    start: head',
                                  data=os.path.join(elsewhere, 'agent')).start()
            wait_until('the first line', lambda: lab.logs('first line'))
            disk.fill()
            with open(path, 'a') as out:
                for i in range(5000):
                    out.write(f'INFO second wave {i} {os.urandom(64).hex()}\n')
            ready = lambda: subprocess.run(['python3', '-c', f'import urllib.request as u; u.urlopen("{lab.url()}/readyz")'],
                                           capture_output=True).returncode == 0
            wait_until('the server says it is not ready', lambda: not ready(), 60)
            self.assertEqual(len(lab.logs('first line')), 1)
            self.assertTrue(lab.server.alive() and agent.alive())
            disk.free()
            wait_until('the rest arrives by itself', lambda: len(lab.logs('second wave')) >= 5000, 60, every=1)
            self.assertEqual(len(lab.logs('second wave')), 5000)


if __name__ == '__main__':
    unittest.main()
