#!/usr/bin/env python3
"""The systemd units: how exposed they leave the host, as systemd-analyze itself judges it, and that they are valid."""
import os
import re
import subprocess
import unittest

UNITS = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'systemd')


def analyze(*arguments):
    done = subprocess.run(['systemd-analyze', *arguments], capture_output=True, text=True)
    return done.stdout + done.stderr


def exposure(unit):
    said = analyze('security', '--offline=true', '--no-pager', os.path.join(UNITS, unit))
    return float(re.search(r'Overall exposure level for \S+: ([0-9.]+)', said).group(1))


class Units(unittest.TestCase):
    def test_the_agent_reads_all_logs_and_is_exposed_by_at_most_2_0(self):
        self.assertLessEqual(exposure('reeve-agent.service'), 2.0)

    def test_the_server_is_exposed_by_at_most_1_2(self):
        self.assertLessEqual(exposure('reeve-server.service'), 1.2)

    def test_the_runner_is_exposed_by_at_most_1_0_and_has_no_capability_and_no_network(self):
        self.assertLessEqual(exposure('reeve-runner.service'), 1.0)
        with open(os.path.join(UNITS, 'reeve-runner.service'), encoding='utf-8') as file:
            lines = file.read().splitlines()
        for line in ('CapabilityBoundingSet=', 'AmbientCapabilities=', 'PrivateNetwork=yes', 'ProtectSystem=strict',
                     'RestrictAddressFamilies=AF_UNIX', 'StateDirectory=reeve-runner', 'Group=reeve-agent'):
            self.assertIn(line, lines)

    def test_systemd_finds_nothing_to_complain_about_but_programs_not_installed_here(self):
        for unit in ('reeve-agent.service', 'reeve-runner.service', 'reeve-server.service'):
            said = analyze('verify', '--man=no', os.path.join(UNITS, unit))
            left = [line for line in said.splitlines() if unit in line and 'is not executable' not in line]
            self.assertEqual(left, [])


if __name__ == '__main__':
    unittest.main(verbosity=2)
