#!/usr/bin/env python3
"""Plugins in a real agent: Redis watched against a real redis-server, over its restart; the minimal one; refusals."""
import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

from lab import BIN, CLONE, Lab, Program, free_ports, wait_until
from test_scrape import series_of

BUILT = os.path.join(os.path.dirname(BIN), 'plugins')


def resp(port, *words):
    """One command, and the first bytes of its answer."""
    with socket.create_connection(('127.0.0.1', port), 5) as connection:
        connection.sendall(b'*%d\r\n' % len(words) + b''.join(b'$%d\r\n%s\r\n' % (len(word.encode()), word.encode())
                                                              for word in words))
        return connection.recv(65536).decode()


def answers(port):
    try:
        return resp(port, 'PING') == '+PONG\r\n'
    except OSError:
        return False


def info(port):
    """INFO, as a client that is not ours reads it."""
    text = subprocess.run(['redis-cli', '-p', str(port), 'INFO'], capture_output=True, text=True, check=True).stdout
    return dict(line.split(':', 1) for line in text.splitlines() if ':' in line)


class Plugins(unittest.TestCase):
    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest('only root can make a folder that the agent loads plugins from')
        # Everybody may write to /tmp, so the agent would refuse what lies below it.
        self.folder = tempfile.mkdtemp(prefix='reeve-plugins-', dir='/run')
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def install(self, name, source=None):
        """Puts a plugin where the agent may load it; its path and hash."""
        path = os.path.join(self.folder, name)
        shutil.copyfile(source or os.path.join(BUILT, name), path)
        os.chmod(path, 0o644)
        with open(path, 'rb') as file:
            return path, hashlib.sha256(file.read()).hexdigest()

    def plugin_input(self, name, config='', sha256=None, interval='1s'):
        path, true_hash = self.install(name)
        return (f'  - type: plugin\n    path: {path}\n    sha256: {sha256 or true_hash}\n    interval: {interval}\n'
                f'    config: {{{config}}}\n')

    def redis(self, lab, port):
        work = os.path.join(lab.root, 'redis')
        os.makedirs(work, exist_ok=True)
        server = Program(['redis-server', '--port', str(port), '--bind', '127.0.0.1', '--dir', work, '--save', '',
                          '--slowlog-log-slower-than', '10000'], os.path.join(lab.root, 'redis.log'))
        lab.programs.append(server)
        server.start()
        wait_until('redis answers', lambda: answers(port))
        return server

    def test_redis_is_watched_over_its_restart(self):
        with Lab() as lab:
            lab.up()
            (port,) = free_ports(1)
            server = self.redis(lab, port)
            for i in range(25):
                resp(port, 'SET', f'key-{i}', 'value')
            agent = lab.add_agent('web-1', self.plugin_input('redis.so', f'address: "127.0.0.1:{port}"')).start()

            def series():
                return {name: one for (name, _), one in series_of(lab, address=f'127.0.0.1:{port}').items()}
            wait_until('metrics are stored', lambda: series().get('redis.up', {}).get('last') == 1)
            stored, said = series(), info(port)
            self.assertEqual(stored['redis.db.keys']['last'], 25)
            self.assertEqual(stored['redis.clients.max']['last'], float(said['maxclients']))
            self.assertEqual(stored['redis.keyspace.hits']['last'], float(said['keyspace_hits']))
            self.assertEqual(stored['redis.commands.processed']['kind'], 'counter')
            self.assertEqual(stored['redis.memory.used']['unit'], 'By')
            self.assertGreater(len(stored), 20)

            resp(port, 'EVAL', "local t = 0; for i = 1, 5000000 do t = t + i end; return t", '0')
            slow = wait_until('the slow command is stored', lambda: lab.logs('slow command'))
            row = next(row for row in slow if 'EVAL' in row['body'])
            self.assertEqual((row['service'], row['level']), ('redis', 'warn'))
            self.assertEqual(row['fields']['redis.command'], 'EVAL')
            self.assertGreater(int(row['fields']['redis.slowlog.duration_us']), 10000)
            self.assertLess(int(row['fields']['redis.slowlog.duration_us']), 60_000_000)
            before = len(lab.logs('slow command'))

            server.stop()
            wait_until('it is seen to be down', lambda: series()['redis.up']['last'] == 0)
            server = self.redis(lab, port)
            wait_until('it is seen to be up', lambda: series()['redis.up']['last'] == 1, 60)
            resp(port, 'EVAL', "local t = 0; for i = 1, 5000000 do t = t + i end; return t", '0')
            wait_until('its new slow log is read', lambda: len(lab.logs('slow command')) == before + 1)
            self.assertTrue(agent.alive())
            self.assertEqual(agent.stop(), 0)

    def test_the_minimal_plugin_is_compiled_by_its_own_command_loaded_and_seen(self):
        with Lab() as lab:
            lab.up()
            with open(os.path.join(CLONE, 'plugins', 'minimal', 'minimal.c')) as source:
                command = next(line for line in source if ' cc ' in line).strip(' *\n').split()
            command[command.index('-o') + 1] = os.path.join(lab.root, 'minimal.so')
            subprocess.run(command, check=True, cwd=os.path.join(CLONE, 'plugins', 'minimal'))
            path, sha256 = self.install('minimal.so', os.path.join(lab.root, 'minimal.so'))
            watched = os.path.join(lab.root, 'watched')
            open(watched, 'w').close()
            os.utime(watched, (time.time() - 3600, time.time() - 3600))
            tested = lab.run('reeve-agent', 'plugin-test', path, '--set', f'path={watched}')
            self.assertIn(f'sha256: {sha256}', tested.stdout)
            self.assertIn('0 failed', tested.stdout)
            self.assertNotIn('NOTE', tested.stdout)
            lab.add_agent('web-1', f'  - type: plugin\n    path: {path}\n    sha256: {sha256}\n    interval: 1s\n'
                                   f'    config: {{path: {watched}}}\n').start()

            found = wait_until('the metric is stored', lambda: series_of(lab, path=watched))

            (series,) = found.values()
            self.assertEqual((series['name'], series['unit'], series['kind']), ('minimal.file.age', 's', 'gauge'))
            self.assertAlmostEqual(series['last'], 3600, delta=120)

    def test_a_plugin_that_is_not_the_one_allowed_is_never_loaded(self):
        with Lab() as lab:
            lab.up()
            agent = lab.add_agent('web-1', self.plugin_input('minimal.so', sha256='0' * 64)).start()
            wait_until('it is refused', lambda: 'plugin is off' in agent.tail(100000))
            self.assertIn('the configuration allows 0000', agent.tail(100000))
            self.assertNotIn('plugin is loaded', agent.tail(100000))
            self.assertEqual(agent.stop(), 0)

            os.chmod(os.path.join(self.folder, 'minimal.so'), 0o666)
            path, true_hash = os.path.join(self.folder, 'minimal.so'), self.install('minimal.so')[1]
            os.chmod(path, 0o666)
            open_one = lab.add_agent('web-2', f'  - type: plugin\n    path: {path}\n    sha256: {true_hash}\n').start()
            wait_until('it is refused', lambda: 'plugin is off' in open_one.tail(100000))
            self.assertIn('can be written by others', open_one.tail(100000))

    def test_a_plugin_that_hangs_holds_up_neither_the_others_nor_the_end(self):
        with Lab() as lab:
            lab.up()
            built = os.path.join(lab.root, 'odd.so')
            subprocess.run(['cc', '-std=gnu99', '-O1', '-fPIC', '-shared', f'-I{CLONE}', '-o', built,
                            os.path.join(CLONE, 'tests', 'agent', 'plugins', 'odd.c')], check=True)
            path, sha256 = self.install('odd.so', built)
            inputs = ''.join(f'  - type: plugin\n    path: {path}\n    sha256: {sha256}\n    interval: 1s\n'
                             f'    config: {{mode: {mode}}}\n' for mode in ('hang', 'emit'))
            agent = lab.add_agent('web-1', inputs).start()
            wait_until('the other one is stored', lambda: len(lab.logs('polled')) >= 2)
            wait_until('both are loaded', lambda: agent.tail(100000).count('plugin is loaded') == 2)
            self.assertEqual(agent.stop(), 0)
            self.assertIn('plugin does not come back, the agent ends without it', agent.tail(100000))

    def test_a_wrong_configuration_of_a_plugin_is_said_and_the_agent_goes_on(self):
        with Lab() as lab:
            lab.up()
            agent = lab.add_agent('web-1', self.plugin_input('redis.so', 'adress: x') + '  - type: host\n').start()
            wait_until('it is refused', lambda: 'refuses its configuration' in agent.tail(100000))
            self.assertIn('no known key: adress', agent.tail(100000))
            wait_until('the others go on', lambda: lab.reeve('metrics', check=False).stdout.count('system.') > 10)
            said = lab.run('reeve-agent', '--list')
            self.assertIn('plugin', said.stdout)


if __name__ == '__main__':
    unittest.main()
