#!/usr/bin/env python3
"""The packages in a real, booted Debian: installed, running under systemd with its sandbox, upgraded, removed, purged.

Builds the three packages from build/release, makes a Debian 12 root with debootstrap (kept below build/ for the next
run), installs into a copy of it, and boots the copy with systemd-nspawn in a network of its own. Needs root.
"""
import glob
import json
import os
import shutil
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from machine import CLONE, Machine, copy_base, run, wait_until  # noqa: E402

BUILD = os.path.join(CLONE, 'build', 'release')
ROOT = os.path.join(CLONE, 'build', 'boot', 'root')


def make_packages():
    for old in glob.glob(os.path.join(BUILD, '*.deb')):
        os.remove(old)
    run('cpack', '-G', 'DEB', cwd=BUILD)
    return sorted(glob.glob(os.path.join(BUILD, '*.deb')))


def make_root(packages):
    copy_base(ROOT)
    os.makedirs(f'{ROOT}/packages')
    for package in packages:
        shutil.copy(package, f'{ROOT}/packages/')
    with open(f'{ROOT}/etc/hostname', 'w', encoding='utf-8') as file:
        file.write('booted\n')
    with open(f'{ROOT}/usr/sbin/policy-rc.d', 'w', encoding='utf-8') as file:
        file.write('#!/bin/sh\nexit 101\n')
    os.chmod(f'{ROOT}/usr/sbin/policy-rc.d', 0o755)
    with open(f'{ROOT}/etc/hosts', 'w', encoding='utf-8') as file:
        file.write('127.0.0.1 localhost\n127.0.1.1 booted\n')
    install = 'apt-get update -qq && apt-get install -y -qq --no-install-recommends /packages/*.deb'
    run('unshare', '--uts', 'sh', '-c', f'hostname booted && chroot {ROOT} sh -c "$0"', install)
    os.remove(f'{ROOT}/usr/sbin/policy-rc.d')


POLICY = """version: 1
execution: on
commands:
  - {name: who, path: /usr/bin/id, user: nobody}
units: [demo.service]
"""


class Boot(unittest.TestCase):
    """In the order of a machine's life; each test goes on where the one before left it."""

    @classmethod
    def setUpClass(cls):
        cls.packages = make_packages()
        make_root(cls.packages)
        cls.machine = Machine(ROOT, '--private-network')
        cls.shell = cls.machine.shell

    @classmethod
    def tearDownClass(cls):
        cls.machine.off()
        shutil.rmtree(ROOT, ignore_errors=True)

    def state(self, unit):
        return self.shell(f'systemctl show -P ActiveState {unit}').strip()

    def logs(self, text):
        return self.shell(f'reeve logs --since 1h {text}')

    def test_1_the_server_serves_after_the_installation_alone(self):
        wait_until('the server', lambda: self.state('reeve-server') == 'active')
        self.assertIn('serving at https://', self.shell('systemctl show -P StatusText reeve-server'))
        self.assertEqual(self.state('reeve-agent'), 'inactive')  # not enrolled yet

    def test_2_a_host_is_enrolled_with_the_one_printed_command(self):
        self.shell('reeve login https://localhost:7700 --key-file /var/lib/reeve-server/api.key '
                   '--ca-file /var/lib/reeve-server/ca.pem')
        command = [line.strip() for line in self.shell('reeve agents token').splitlines() if 'reeve-agent enroll' in line][0]
        self.shell(command + ' && systemctl start reeve-agent')
        wait_until('the agent', lambda: self.state('reeve-agent') == 'active')
        self.assertEqual(self.shell('stat -c %U /var/lib/reeve-agent/identity/identity.json').strip(), 'reeve-agent')

    def test_3_the_journal_and_logs_of_root_are_read(self):
        self.shell('systemd-run --quiet --wait --unit speaker sh -c "echo spoken-to-the-journal"')
        self.shell('install -m 0600 /dev/null /var/log/secret.log && echo written-by-root >>/var/log/secret.log')
        wait_until('the journal', lambda: 'spoken-to-the-journal' in self.logs('spoken-to-the-journal'))
        wait_until('the file', lambda: 'written-by-root' in self.logs('written-by-root'))
        # The boot's first words, from before the agent was there.
        first = self.shell('journalctl --boot --output=cat --no-pager | head -n 1').strip()
        self.assertIn(first, self.shell(f"reeve logs --since 1h --limit 1000 '{first}'"))

    def test_4_the_sandbox_holds(self):
        pid = self.shell('systemctl show -P MainPID reeve-agent').strip()
        status = self.shell(f'cat /proc/{pid}/status')
        self.assertIn('CapEff:\t0000000000000004', status)  # CAP_DAC_READ_SEARCH
        self.assertIn('NoNewPrivs:\t1', status)
        self.assertIn('Seccomp:\t2', status)
        pid = self.shell('systemctl show -P MainPID reeve-server').strip()
        self.assertIn('CapBnd:\t0000000000000000', self.shell(f'cat /proc/{pid}/status'))

    def api(self, method, path, body=None):
        """The API, from within the machine's network by a client of this host: the machine has none."""
        key = self.shell('cat /var/lib/reeve-server/api.key').strip()
        data = [] if body is None else ['-H', 'Content-Type: application/json', '-d', json.dumps(body)]
        out = run('nsenter', '-t', self.machine.init, '-n', 'curl', '-s', '-X', method, '--cacert',
                  f'{ROOT}/var/lib/reeve-server/ca.pem', '-H', f'X-Api-Key: {key}', *data,
                  'https://localhost:7700' + path)
        return json.loads(out)

    def step(self, more):
        return {'host': 'booted', 'effect': 'idempotent', 'risk': 2, **more}

    def carry_out(self, steps):
        """Plans, approves, runs; gives the receipts."""
        with open(f'{ROOT}/root/plan.json', 'w', encoding='utf-8') as file:
            json.dump({'title': 'in the booted machine', 'valid_for': '1h', 'steps': steps}, file)
        plan = json.loads(self.shell('reeve plan /root/plan.json --json'))['id']
        self.shell(f'REEVE_HOME=/root/alice reeve approve {plan} --key /root/alice.pem --pass-file /root/phrase --yes')
        self.shell(f'reeve run {plan} --wait', check=False)
        return [json.loads(line) for line in self.shell(f'reeve receipts {plan} --json').splitlines()]

    def test_4b_the_runner_carries_out_what_people_signed_and_nothing_else_is_its_own(self):
        self.assertEqual(self.state('reeve-runner'), 'inactive')  # installed, and disabled
        self.shell('echo "a phrase that is long enough" >/root/phrase')
        self.shell('reeve keys init --org default --from-server --yes --pass-file /root/phrase')
        made = self.shell('reeve keys approver new alice --out /root/alice.pem --pass-file /root/phrase')
        public = next(word for word in made.split() if len(word) == 64)
        self.shell(f'reeve keys approver add alice --public {public} --pass-file /root/phrase --push')
        key = self.api('POST', '/v1/keys', {'label': 'alice', 'role': 'approver'})['key']
        fingerprint = next(w for w in self.shell('reeve keys show').split() if w.startswith('sha256:') and '@' in w)
        self.shell(f'echo {key} >/root/alice.key && export REEVE_HOME=/root/alice && reeve login https://localhost:7700 '
                   f'--key-file /root/alice.key --ca-file /var/lib/reeve-server/ca.pem && '
                   f'reeve keys pin {fingerprint} --org default')

        self.shell(f'reeve-runner enroll --org default --root {fingerprint}')
        with open(f'{ROOT}/etc/reeve/policy.d/policy.yaml', 'w', encoding='utf-8') as file:
            file.write(POLICY)
        self.shell('reeve-runner check && systemctl enable --now reeve-runner')
        wait_until('the runner', lambda: self.state('reeve-runner') == 'active')
        pid = self.shell('systemctl show -P MainPID reeve-runner').strip()
        self.assertIn('CapEff:\t0000000000000000', self.shell(f'cat /proc/{pid}/status'))
        devices = [line.split(':')[0].strip() for line in self.shell(f'cat /proc/{pid}/net/dev').splitlines() if ':' in line]
        self.assertEqual(devices, ['lo'])
        refused = self.shell(f'nsenter -t {pid} -m touch /srv/x 2>&1 || true')
        self.assertIn('Read-only file system', refused)

        self.shell('printf "[Service]\\nExecStart=/bin/sleep 1000\\n" >/run/systemd/system/demo.service && '
                   'systemctl daemon-reload && systemctl start demo')
        before = self.shell('systemctl show -P InvocationID demo')
        wait_until('the server knows the runner', lambda: any(each['execution'] for each in self.api('GET', '/v1/runners')['runners']))
        receipts = self.carry_out([
            self.step({'exec': {'argv': {'path': '/usr/bin/id', 'user': 'nobody'}, 'timeout': '30s'}}),
            self.step({'exec': {'action': 'unit.restart', 'arguments': {'unit': 'demo.service'}, 'timeout': '30s'}})])
        self.assertEqual([each['state'] for each in receipts], ['done', 'done'], receipts)
        self.assertIn('(nobody)', receipts[0]['output'])
        self.assertNotEqual(self.shell('systemctl show -P InvocationID demo'), before)

        denied = self.carry_out([self.step({'exec': {'argv': {'path': '/usr/bin/id', 'user': 'root'}, 'timeout': '30s'}})])
        self.assertEqual((denied[0]['state'], denied[0]['code']), ('refused', 'policy'))

    def test_5_a_killed_program_comes_back_and_a_hung_one_is_killed_by_the_watchdog(self):
        for unit in ('reeve-agent', 'reeve-server'):
            before = self.shell(f'systemctl show -P MainPID {unit}').strip()
            self.shell(f'kill -9 {before}')
            wait_until(f'{unit} again', lambda u=unit, b=before: self.state(u) == 'active' and
                       self.shell(f'systemctl show -P MainPID {u}').strip() not in ('0', b))
        self.shell('mkdir -p /run/systemd/system/reeve-agent.service.d && '
                   'printf "[Service]\\nWatchdogSec=2\\n" >/run/systemd/system/reeve-agent.service.d/short.conf && '
                   'systemctl daemon-reload && systemctl restart reeve-agent')
        hung = self.shell('systemctl show -P MainPID reeve-agent').strip()
        self.shell(f'kill -STOP {hung}')
        wait_until('a new agent', lambda: self.state('reeve-agent') == 'active' and
                   self.shell('systemctl show -P MainPID reeve-agent').strip() not in ('0', hung))

    def test_6_an_upgrade_keeps_data_identity_and_the_changed_configuration(self):
        self.shell('echo "# ours" >>/etc/reeve/agent.yaml')
        self.shell('dpkg -i /packages/*.deb')
        wait_until('the server', lambda: self.state('reeve-server') == 'active')
        wait_until('the agent', lambda: self.state('reeve-agent') == 'active')
        self.assertIn('spoken-to-the-journal', self.logs('spoken-to-the-journal'))
        self.assertIn('# ours', self.shell('cat /etc/reeve/agent.yaml'))

    def test_7_removal_stops_and_keeps_data_purging_leaves_nothing(self):
        self.shell('dpkg -r reeve-agent reeve-server reeve')
        self.assertEqual(self.shell('pgrep -l reeve || true'), '')
        self.shell('test -d /var/lib/reeve-server/store && test -e /etc/reeve/agent.yaml')
        self.shell('dpkg -P reeve-agent reeve-server')
        left = self.shell('find / -xdev -name "*reeve*" -not -path "/proc/*" -not -path "/packages/*" '
                          '-not -path "/root/*" -not -path "/var/log/*" -not -path "/var/lib/systemd/*" '
                          '-not -path "/sys/*" -not -path "/run/*"; getent passwd reeve-agent reeve-server || true')
        self.assertEqual(left, '')


if __name__ == '__main__':
    unittest.main(verbosity=2)
