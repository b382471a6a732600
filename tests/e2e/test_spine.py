#!/usr/bin/env python3
"""One line on a host, over mTLS, answered by `reeve logs`; metrics; following; leaving and coming back."""
import os
import signal
import subprocess
import unittest

from lab import BIN, Lab, Program, wait_until


def file_input(path, more=''):
    return f'  - type: file\n    include: [{path}]\n    start: head\n{more}'


def append(path, text):
    with open(path, 'ab') as out:
        out.write(text.encode() if isinstance(text, str) else text)


class Spine(unittest.TestCase):
    def test_a_line_in_a_file_is_answered_by_the_command_line(self):
        with Lab() as lab:
            lab.up()
            path = os.path.join(lab.root, 'app.log')
            append(path, '2026-03-01T12:00:00Z ERROR payment 4711 failed: card declined\n')
            agent = lab.add_agent('web-1', file_input(path, '    service: shop\n')).start()

            rows = wait_until('the line is stored', lambda: lab.logs('card declined'))

            self.assertEqual(len(rows), 1)
            self.assertEqual(rows[0]['body'], '2026-03-01T12:00:00Z ERROR payment 4711 failed: card declined')
            self.assertEqual(rows[0]['time'], '2026-03-01T12:00:00Z')
            self.assertEqual((rows[0]['level'], rows[0]['service'], rows[0]['host']), ('error', 'shop', 'web-1'))
            self.assertEqual(rows[0]['source'], path)
            self.assertEqual(agent.stop(), 0)

    def test_the_api_speaks_tls_to_those_who_know_its_authority(self):
        with Lab(plain_api=False) as lab:
            lab.up()
            path = os.path.join(lab.root, 'app.log')
            append(path, '2026-03-01T12:00:00Z INFO over tls\n')
            lab.add_agent('web-1', file_input(path)).start()
            wait_until('the line is stored', lambda: lab.logs('over tls'))

    def test_any_bytes_come_back(self):
        with Lab() as lab:
            lab.up()
            path = os.path.join(lab.root, 'bytes.log')
            append(path, b'caf\xc3\xa9\nnot \xff utf8\n\x00nul\x00\n\nlast without end')
            lab.run('reeve-agent', 'run', '--until-eof', '--config', lab.add_agent('web-1', file_input(path)).config)

            rows = lab.logs('--source', path)

            bodies = [row['body'] for row in rows]
            self.assertCountEqual(bodies, ['café', 'not \ufffd utf8', '\x00nul\x00', '', 'last without end'])

    def test_host_metrics_come_within_seconds_and_can_be_queried(self):
        with Lab() as lab:
            lab.up()
            lab.add_agent('web-1', '  - type: host').start()

            wait_until('metrics are stored', lambda: lab.reeve('metrics', check=False).stdout.count('system.') > 10, 15)

            shown = lab.reeve('metrics', 'system.memory.usage').stdout
            self.assertIn('system.memory.usage', shown)
            self.assertIn('used', shown)

    def test_follow_shows_lines_as_they_come_and_survives_the_server(self):
        with Lab() as lab:
            lab.up()
            path = os.path.join(lab.root, 'app.log')
            append(path, '')
            lab.add_agent('web-1', file_input(path)).start()
            wait_until('the agent is online', lambda: any(a['state'] == 'online' for a in lab.agents()))
            out = os.path.join(lab.root, 'follow.out')
            follow = Program([os.path.join(BIN, 'reeve'), 'logs', '--follow', '--json'], out,
                             env=dict(os.environ, REEVE_HOME=os.path.join(lab.root, 'cli')))
            lab.programs.append(follow)
            follow.start()

            def seen(mark):
                append(path, f'INFO probe {mark}\n')
                return mark in follow.tail(100000)

            wait_until('a first line is shown', lambda: seen('before-restart'), every=.3)
            lab.server.stop()
            lab.start_server()
            wait_until('a line is shown after the restart', lambda: seen('after-restart'), 60, every=.3)
            self.assertEqual(follow.stop(signal.SIGINT), 0)

    def test_an_agent_waits_for_a_server_that_is_away(self):
        with Lab() as lab:
            lab.up()
            path = os.path.join(lab.root, 'app.log')
            append(path, 'INFO one\n')
            agent = lab.add_agent('web-1', file_input(path)).start()
            wait_until('one is stored', lambda: lab.logs('one'))
            lab.server.stop()
            append(path, 'INFO two\n')
            wait_until('two is in the spool', lambda: spool_bytes(agent) > 0)
            self.assertTrue(agent.alive())
            lab.start_server()
            wait_until('two is stored', lambda: lab.logs('two'), 60)

    def test_rotation_while_the_agent_is_away_loses_nothing(self):
        with Lab() as lab:
            lab.up()
            path = os.path.join(lab.root, 'app.log')
            append(path, 'INFO line 1\n')
            agent = lab.add_agent('web-1', file_input(path)).start()
            wait_until('line 1', lambda: lab.logs('line 1'))
            agent.stop()
            append(path, 'INFO line 2\n')
            os.rename(path, path + '.1')
            append(path, 'INFO line 3\n')
            agent.start()
            wait_until('line 3', lambda: lab.logs('line 3'))
            wait_until('line 2', lambda: lab.logs('line 2'))
            self.assertEqual(len(lab.logs('line')), 3)

    def test_the_second_agent_on_one_data_folder_is_refused(self):
        with Lab() as lab:
            lab.up()
            agent = lab.add_agent('web-1', '  - type: host').start()
            wait_until('the agent is online', lambda: any(a['state'] == 'online' for a in lab.agents()))
            second = lab.run('reeve-agent', 'run', '--config', agent.config, check=False)
            self.assertEqual(second.returncode, 1)
            self.assertIn(agent.data, second.stderr)


def spool_bytes(agent):
    return sum(os.path.getsize(os.path.join(at, name))
               for at, _, names in os.walk(os.path.join(agent.data, 'spool')) for name in names)


if __name__ == '__main__':
    unittest.main()
