#!/usr/bin/env python3
"""Parsers in Lua through real programs: three inputs on three workers, one with a script that never ends.

The agent is killed with SIGKILL again and again while lines are written; every line of every input must then be stored
once, those of the good parser with their fields. A parser that is saved is used without a restart.
"""
import collections
import os
import time
import unittest

from lab import Lab, wait_until

KILLS = 6
BURSTS = 60
LINES = 50  # of each input in a burst

GOOD = '''return {parse = function(record)
  local number = record.line:match("^shop request (\\\\d+)$")
  if not number then return false end
  record.number = math.tointeger(number)
end}
'''
HOSTILE = 'return {parse = function() while true do pcall(function() while true do end end) end end}\n'


def write(path, text):
    with open(path + '.part', 'w') as out:
        out.write(text)
    os.rename(path + '.part', path)


class Lua(unittest.TestCase):
    def test_every_line_is_stored_once_whatever_scripts_do_and_whenever_the_agent_is_killed(self):
        with Lab() as lab:
            lab.up()
            logs, parsers = os.path.join(lab.root, 'logs'), os.path.join(lab.root, 'parsers')
            os.mkdir(logs)
            os.mkdir(parsers)
            write(f'{parsers}/good.lua', GOOD)
            write(f'{parsers}/hostile.lua', HOSTILE)
            inputs = ''.join(f'  - type: file\n    include: [{logs}/{name}.log]\n    start: head\n' + more for name, more in (
                ('plain', ''), ('shop', '    parse: [good]\n'), ('bad', '    parse: [hostile]\n')))
            agent = lab.add_agent('host-1', inputs, more=f'parsers: [{parsers}]')
            agent.start()

            wanted = collections.Counter()
            for burst in range(BURSTS):
                for name in ('plain', 'shop', 'bad'):
                    lines = [f'{name} request {burst * LINES + i}' for i in range(LINES)]
                    wanted.update(lines)
                    with open(f'{logs}/{name}.log', 'a') as out:
                        out.write(''.join(line + '\n' for line in lines))
                time.sleep(.05)  # the writer's own pace
                if burst % (BURSTS // KILLS) == BURSTS // KILLS - 1:
                    agent.kill()
                    agent.start()
            wait_until('all lines are stored', lambda: len(lab.logs()) >= sum(wanted.values()), seconds=60)

            rows = lab.logs()
            self.assertEqual(collections.Counter(row['body'] for row in rows), wanted)
            for row in rows:
                fields = row.get('fields') or {}
                if row['body'].startswith('shop'):
                    self.assertEqual(fields.get('number'), row['body'].split()[-1])
                if row['body'].startswith('bad'):
                    self.assertIn('parse_error', fields)

            write(f'{parsers}/hostile.lua', GOOD.replace('shop', 'bad'))
            wait_until('the parser is loaded anew', lambda: 'a parser was loaded anew parser=hostile' in agent.tail(100000))
            with open(f'{logs}/bad.log', 'a') as out:
                out.write('bad request 777777\n')
            wait_until('the line is stored', lambda: any(row['body'].endswith('777777') for row in lab.logs()))
            last = next(row for row in lab.logs() if row['body'].endswith('777777'))
            self.assertEqual(last['fields'].get('number'), '777777')


if __name__ == '__main__':
    unittest.main()
