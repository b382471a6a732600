#!/usr/bin/env python3
"""A writer appends and renames for a minute while agent and server are killed with SIGKILL 20 times each.

Every line must then be stored exactly once: none lost, none twice. $REEVE_KILLS and $REEVE_SECONDS change the size.
"""
import collections
import os
import random
import signal
import threading
import time
import unittest

from lab import Lab, wait_until

KILLS = int(os.environ.get('REEVE_KILLS', '20'))
SECONDS = float(os.environ.get('REEVE_SECONDS', '60'))
SEED = int(os.environ.get('REEVE_SEED', '1'))


class Writer(threading.Thread):
    """Appends numbered lines to app.log in uneven bursts; renames it to app.log.N every second or so."""

    def __init__(self, folder, seconds, seed):
        super().__init__()
        self.path, self.seconds, self.random = os.path.join(folder, 'app.log'), seconds, random.Random(seed)
        self.lines = 0
        self.renames = 0

    def run(self):
        out = open(self.path, 'ab', buffering=0)
        end = time.monotonic() + self.seconds
        next_rename = time.monotonic() + 1
        while time.monotonic() < end:
            burst = self.random.choice([1, 3, 10, 200])
            text = b''.join(b'%s INFO request %d took %d ms user=u%d\n' % (
                time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()).encode(), self.lines + i, self.random.randrange(900),
                self.random.randrange(50)) for i in range(burst))
            # A burst is written in two parts now and then, so that a line is seen half-written.
            cut = self.random.randrange(len(text)) if self.random.random() < .3 else len(text)
            out.write(text[:cut])
            out.write(text[cut:])
            self.lines += burst
            if time.monotonic() > next_rename:
                self.renames += 1
                os.rename(self.path, f'{self.path}.{self.renames}')
                out.close()
                out = open(self.path, 'ab', buffering=0)
                next_rename += self.random.uniform(.5, 2)
            time.sleep(self.random.uniform(.002, .03))  # the writer's own pace, not a wait for anything
        out.close()


class Killer(threading.Thread):
    """Kills and restarts one program at random moments."""

    def __init__(self, program, seconds, kills, seed):
        super().__init__()
        self.program, self.random = program, random.Random(seed)
        self.moments = sorted(self.random.uniform(.2, seconds) for _ in range(kills))
        self.kills = 0

    def run(self):
        begun = time.monotonic()
        for moment in self.moments:
            time.sleep(max(0, begun + moment - time.monotonic()))
            self.program.process.send_signal(signal.SIGKILL)
            self.program.process.wait()
            self.kills += 1
            self.program.start()


class ExactlyOnce(unittest.TestCase):
    def test_every_line_is_stored_once_whatever_is_killed(self):
        with Lab() as lab:
            lab.up()
            folder = os.path.join(lab.root, 'logs')
            os.mkdir(folder)
            agent = lab.add_agent('host-1', f'  - type: file\n    include: [{folder}/app.log]\n    start: head')
            agent.start()
            writer = Writer(folder, SECONDS, SEED)
            killers = [Killer(agent, SECONDS, KILLS, SEED + 1), Killer(lab.server, SECONDS, KILLS, SEED + 2)]
            for thread in [writer, *killers]:
                thread.start()
            for thread in [writer, *killers]:
                thread.join()
            wait_until('the server answers', lab.answers, 60)

            def rows():
                done = lab.reeve('logs', '--from', '2000-01-01T00:00:00Z', '--limit', 1000000, '--json', check=False)
                return done.stdout.count('\n') if done.returncode == 0 else 0

            wait_until(f'all {writer.lines} lines are stored', lambda: rows() >= writer.lines, 120, every=1)
            bodies = collections.Counter(row['body'].split(' ')[3] for row in lab.logs())
            lost = [n for n in range(writer.lines) if bodies[str(n)] == 0]
            twice = [n for n, count in bodies.items() if count > 1]
            print(f'{writer.lines} lines, {writer.renames} renames, {killers[0].kills} + {killers[1].kills} kills: '
                  f'{len(lost)} lost, {len(twice)} twice')
            self.assertEqual(lost, [])
            self.assertEqual(twice, [])
            self.assertEqual(sum(bodies.values()), writer.lines)
            self.assertEqual([killer.kills for killer in killers], [KILLS, KILLS])


if __name__ == '__main__':
    unittest.main()
