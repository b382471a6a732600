#!/usr/bin/env python3
"""Steps under a real systemd, started from within the runner's own sandbox: as units, by a uid 0 without capabilities.

Boots a Debian 12 root (kept below build/ for the next run) with systemd-nspawn. The runner's unit is the one of
systemd/; in place of the runner runs tests/runner/keep_main.cc, which has its launchers and nothing else. Needs root,
and REEVE_KEEP and REEVE_HOSTILE, programs that were built without sanitizers (default: those of build/plain/bin).
"""
import os
import re
import shutil
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from machine import CLONE, Machine, copy_base, run, wait_until  # noqa: E402

ROOT = os.path.join(CLONE, 'build', 'boot', 'steps')
BIN = os.path.join(CLONE, 'build', 'plain', 'bin')
KEEP = os.environ.get('REEVE_KEEP', os.path.join(BIN, 'reeve-keep'))
HOSTILE = os.environ.get('REEVE_HOSTILE', os.path.join(BIN, 'reeve-hostile'))
LIBRARIES = re.compile(r'=> (/\S+)')


def make_root():
    copy_base(ROOT)
    for program in (KEEP, HOSTILE):
        shutil.copy(program, f'{ROOT}/usr/bin/')
        for library in LIBRARIES.findall(run('ldd', program)):
            there = f'{ROOT}/usr/lib/x86_64-linux-gnu/{os.path.basename(library)}'
            if not os.path.exists(there):
                shutil.copy(library, there)
    shutil.copy(f'{CLONE}/systemd/reeve-runner.service', f'{ROOT}/lib/systemd/system/')
    # The unit starts on enrolled hosts alone.
    os.makedirs(f'{ROOT}/var/lib/reeve-runner', mode=0o700)
    with open(f'{ROOT}/var/lib/reeve-runner/identity', 'w', encoding='utf-8'):
        pass
    run('chroot', ROOT, 'useradd', '--system', '--user-group', 'reeve-agent')
    run('chroot', ROOT, 'useradd', '--system', '--user-group', '--create-home', '--home-dir', '/srv/app', 'app')
    os.makedirs(f'{ROOT}/srv/shared')
    os.chmod(f'{ROOT}/srv/shared', 0o777)
    with open(f'{ROOT}/etc/systemd/system/victim.service', 'w', encoding='utf-8') as file:
        file.write('[Service]\nExecStart=/bin/sleep infinity\n')


class Steps(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        make_root()
        cls.machine = Machine(ROOT, '--network-veth')
        cls.shell = cls.machine.shell
        cls.count = 0

    @classmethod
    def tearDownClass(cls):
        cls.machine.off()
        shutil.rmtree(ROOT, ignore_errors=True)

    def in_sandbox(self, command, wait=True):
        """Runs `command` in place of the runner, under its very unit. Gives what it printed."""
        Steps.count += 1
        out = f'/run/out-{Steps.count}'
        drop_in = '/run/systemd/system/reeve-runner.service.d'
        lines = ['[Service]', 'Type=exec', 'ExecStart=', f'ExecStart={command}', f'StandardOutput=truncate:{out}',
                 f'StandardError=truncate:{out}.err', 'Restart=no']
        text = '\\n'.join(lines)
        self.shell(f'mkdir -p {drop_in} && printf "{text}\\n" >{drop_in}/instead.conf && systemctl daemon-reload && '
                   f'systemctl reset-failed reeve-runner 2>/dev/null; systemctl start reeve-runner')
        if wait:
            wait_until(command, lambda: self.shell('systemctl show -P ActiveState reeve-runner').strip() in
                       ('inactive', 'failed'))
        return self.shell(f'cat {out} {out}.err')

    def step(self, *words, user='app', network='no', timeout_ms=10000, write='-', wait=True):
        argv = ['/usr/bin/reeve-keep', 'unit', '/var/lib/reeve-runner', user, network, str(timeout_ms), write, *words]
        return self.in_sandbox(' '.join(f"'{word}'" for word in argv), wait)

    def units(self):
        return self.shell('systemctl list-units --all --plain --no-legend "reeve-step-*"').strip()

    def test_1_the_runner_has_no_capability_only_lo_and_can_write_nothing(self):
        said = self.in_sandbox("/bin/sh -c 'grep Cap /proc/self/status; cat /proc/net/dev; id -u; touch /srv/shared/x; "
                               "touch /etc/x; touch /var/lib/reeve-runner/x && echo state-written; ls -ld /run/reeve-runner'")
        for kind in ('Inh', 'Prm', 'Eff', 'Bnd', 'Amb'):
            self.assertIn(f'Cap{kind}:\t0000000000000000', said)
        self.assertEqual(re.findall(r'^ *(\w+[0-9]*): +\d', said, re.MULTILINE), ['lo'])
        self.assertIn('state-written', said)
        self.assertEqual(self.shell('ls /srv/shared').strip(), '')
        self.assertIn('drwxr-x--- 2 root reeve-agent', said)
        exposure = self.shell('systemd-analyze security --no-pager reeve-runner.service | tail -n 1')
        self.assertLessEqual(float(re.search(r'([0-9.]+) ', exposure.split('service:')[1]).group(1)), 1.0)

    def test_2_a_step_runs_as_its_user_with_nothing_else(self):
        said = self.step('/usr/bin/reeve-hostile', 'describe')
        uid = self.shell('id -u app').strip()
        self.assertIn('ended executed 1 status 0', said)
        self.assertIn(f'uid {uid} gid ', said)
        self.assertIn('fd 0\nfd 1\nfd 2\nenv PATH=/usr/bin:/bin\ncwd /\n', said)
        for kind in ('Inh', 'Prm', 'Eff', 'Bnd', 'Amb'):
            self.assertIn(f'Cap{kind}:\t0000000000000000', said)
        self.assertNotIn('signal ', said.split('\n', 1)[1].replace('by-hand', ''))
        self.assertEqual(self.units(), '')

    def test_3_a_step_has_the_network_only_where_it_is_asked_for(self):
        said = self.step('/bin/cat', '/proc/net/dev')
        self.assertEqual(re.findall(r'^ *(\S+):\s+\d', said, re.MULTILINE), ['lo'])
        said = self.step('/bin/cat', '/proc/net/dev', network='network')
        self.assertIn('host0', re.findall(r'^ *(\S+):\s+\d', said, re.MULTILINE))
        self.assertIn('inet EAFNOSUPPORT', self.step('/usr/bin/reeve-hostile', 'forbidden'))
        self.assertIn('inet allowed', self.step('/usr/bin/reeve-hostile', 'forbidden', network='network'))

    def test_4_a_step_writes_only_where_it_may(self):
        said = self.step('/usr/bin/touch', '/srv/shared/no')
        self.assertIn('Read-only file system', said)
        said = self.step('/usr/bin/touch', '/srv/shared/yes', write='/srv/shared')
        self.assertIn('ended executed 1 status 0', said)
        self.assertEqual(self.shell('stat -c %U /srv/shared/yes').strip(), 'app')

    def test_5_what_no_step_needs_is_forbidden_and_its_keeper_out_of_reach(self):
        for user in ('app', 'root'):
            said = self.step('/usr/bin/reeve-hostile', 'forbidden', user=user)
            for what in ('mount', 'ptrace', 'unshare', 'clone', 'bpf', 'kill-keeper', 'kill-keepers-group', 'kill-all',
                         'tgkill-keeper', 'pidfd-keeper', 'setsig'):
                self.assertIn(f'{what} EPERM', said)
            self.assertIn('memory-keeper EACCES', said)
            self.assertIn('fd-keeper EACCES', said)

    def test_6_a_root_without_capabilities_restarts_a_unit(self):
        self.shell('systemctl start victim')
        before = self.shell('systemctl show -P MainPID victim').strip()
        said = self.step('/usr/bin/systemctl', 'restart', 'victim.service', user='root')
        self.assertIn('ended executed 1 status 0', said)
        self.assertNotEqual(self.shell('systemctl show -P MainPID victim').strip(), before)
        said = self.step('/usr/bin/systemctl', 'restart', 'victim.service')
        self.assertNotIn('status 0', said)

    def test_7_nobody_of_a_step_survives_it(self):
        for how in ('stubborn', 'daemon', 'family', 'bomb') * 3:
            said = self.step('/usr/bin/reeve-hostile', how, f'/srv/shared/{how}', timeout_ms=300, write='/srv/shared')
            self.assertIn('ended executed 1', said)
            self.assertIn('timed_out 1', said)
            self.assertEqual(self.shell('pgrep -l reeve-hostile || true'), '')
        wait_until('the units to go', lambda: self.units() == '')

    def test_8_a_runner_that_is_killed_finds_its_steps_and_can_stop_them(self):
        for stop in (False, True):
            mark = f'/srv/shared/orphan-{stop}'
            self.step('/usr/bin/reeve-hostile', 'stubborn', mark, timeout_ms=60000 if stop else 3000, write='/srv/shared',
                      wait=False)
            wait_until('the step', lambda m=mark: self.shell(f'ls {m} 2>/dev/null || true'))
            launch = re.search('by-hand-[0-9]+', self.shell(f'cat /run/out-{Steps.count}.err')).group(0)
            self.shell('systemctl kill -s KILL reeve-runner')
            wait_until('its end', lambda: self.shell('systemctl show -P ActiveState reeve-runner').strip() == 'failed')
            find = f'/usr/bin/reeve-keep unit /var/lib/reeve-runner find {launch}'
            self.assertIn('running', self.in_sandbox(find))
            if stop:
                self.in_sandbox(find.replace(' find ', ' stop '))
            said = wait_until('the note', lambda f=find: (lambda s: s if 'ended' in s else '')(self.in_sandbox(f)))
            self.assertIn('ended executed 1 status 0 signal 9', said)
            self.assertIn('stopped 1' if stop else 'timed_out 1', said)
            self.assertEqual(self.shell('pgrep -l reeve-hostile || true'), '')

    def test_9_a_user_that_is_not_there_is_told_before_the_gate(self):
        self.assertIn('it ended before it came to the gate', self.step('/bin/true', user='nobody-of-this-name'))


if __name__ == '__main__':
    unittest.main(verbosity=2)
