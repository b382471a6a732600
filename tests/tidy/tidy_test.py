#!/usr/bin/env python3
"""Each rule of tidy.py finds what it is for, and leaves good code alone."""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tidy


class Rules(unittest.TestCase):
    def test_an_upward_include_is_found(self):
        found = list(tidy.upward_includes('common/wire/block.cc', '#include "agent/spool.h"\n'))
        self.assertEqual(found, [(1, 'common/wire may not include agent/spool.h')])

    def test_agent_and_server_never_see_each_other(self):
        self.assertTrue(list(tidy.upward_includes('agent/link.cc', '#include "server/ingest.h"\n')))
        self.assertTrue(list(tidy.upward_includes('server/ingest.cc', '#include "agent/link.h"\n')))

    def test_the_runner_sees_only_its_trusted_base(self):
        for name in ('agent/spool.h', 'common/wire/frames.h', 'common/sys/loop.h', 'common/sys/yaml.h'):
            self.assertTrue(list(tidy.upward_includes('agent/runner/policy.cc', f'#include "{name}"\n')))
        for name in ('agent/runner/lint.h', 'common/warrant/step.h', 'common/sys/disk.h'):
            self.assertFalse(list(tidy.upward_includes('agent/runner/policy.cc', f'#include "{name}"\n')))
        self.assertFalse(list(tidy.libraries_at_home('agent/runner/policy_file.cc', '#include <yaml-cpp/yaml.h>\n')))

    def test_a_downward_include_passes(self):
        self.assertFalse(list(tidy.upward_includes('agent/link.cc', '#include "common/wire/frames.h"\n')))

    def test_a_library_outside_its_home_is_found(self):
        self.assertTrue(list(tidy.libraries_at_home('agent/spool.cc', '#include <uv.h>\n')))
        self.assertFalse(list(tidy.libraries_at_home('common/sys/loop.cc', '#include <uv.h>\n')))

    def test_a_heavy_header_in_a_header_is_found(self):
        self.assertTrue(list(tidy.light_headers('common/wire/a.h', '#pragma once\n#include "proto/block.pb.h"\n')))

    def test_sql_outside_of_the_store_is_found(self):
        self.assertTrue(list(tidy.sql_in_the_store('server/api/logs.cc', 'run("SELECT 1");\n')))
        self.assertFalse(list(tidy.sql_in_the_store('server/store/sqlite.cc', 'run("SELECT 1");\n')))

    def test_a_file_that_does_not_say_what_it_is_for_is_found(self):
        self.assertTrue(list(tidy.opening('agent/spool.h', '#pragma once\n')))
        self.assertTrue(list(tidy.opening('agent/spool.cc', '#include <map>\n')))
        self.assertFalse(list(tidy.opening('agent/spool.cc', '#include "agent/spool.h"\n')))
        self.assertFalse(list(tidy.opening('agent/spool.h', '// Keeps blocks.\n')))

    def test_a_file_past_the_bound_is_found(self):
        self.assertTrue(list(tidy.length('a.cc', '\n' * 501)))
        self.assertFalse(list(tidy.length('a.cc', '\n' * 500)))


if __name__ == '__main__':
    unittest.main()
