#!/usr/bin/env python3
"""The page in a real browser, over the real server and agent: tests/web/walk.mjs at two widths, light and dark.

Needs node, npm and chromium, and fails with a word where one is missing: a page that nobody walked through is not
tested. Its packages are installed below build/, never in the source tree.

`test_page.py client` writes the page's typed client anew, after the API has changed.
"""
import datetime
import gzip
import json
import os
import shutil
import subprocess
import sys
import threading
import unittest
import urllib.error
import urllib.request

from lab import BIN, CLONE, Lab

WEB = os.path.join(CLONE, 'server', 'web')
CLIENT = os.path.join(WEB, 'src', 'api', 'client.ts')
WALK = os.path.join(CLONE, 'tests', 'web')
PACKAGES = os.path.join(CLONE, 'build', 'test-web')
LINES = 600
WALK_SECONDS_MAX = 400
HOSTILE = '<img src=x onerror=alert(1)> <script>alert(2)</script>'


def need(program):
    path = shutil.which(program)
    if not path:
        raise AssertionError(f'{program} is missing; the page cannot be tested without it (installers/packages.sh names it)')
    return path


def install():
    """The walk's packages, once for each version of the lock file."""
    os.makedirs(PACKAGES, exist_ok=True)
    with open(os.path.join(WALK, 'package-lock.json'), 'rb') as lock:
        wanted = lock.read()
    mark = os.path.join(PACKAGES, 'installed')
    if os.path.exists(mark):
        with open(mark, 'rb') as there:
            if there.read() == wanted:
                return
    for name in ('package.json', 'package-lock.json'):
        shutil.copy(os.path.join(WALK, name), PACKAGES)
    done = subprocess.run([need('npm'), 'ci', '--no-audit', '--no-fund', '--ignore-scripts'], cwd=PACKAGES,
                          capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0:
        raise AssertionError(f'npm could not install what the walk needs: {done.stderr[-1500:]}')
    with open(mark, 'wb') as out:
        out.write(wanted)


def write_history(path):
    """An hour's lines, one each six seconds, ending now."""
    now = datetime.datetime.now(datetime.timezone.utc)
    with open(path, 'w') as out:
        for i in range(LINES):
            at = (now - datetime.timedelta(seconds=(LINES - i) * 5)).isoformat(timespec='milliseconds').replace('+00:00', 'Z')
            if i % 23 == 0:
                out.write(f'{at} ERROR payment {i} failed: card declined by issuer\n')
            elif i % 11 == 0:
                out.write(f'{at} WARN waited {i} ms for a connection from the pool\n')
            elif i == 500:
                out.write(f'{at} INFO comment posted: {HOSTILE}\n')
            else:
                out.write(f'{at} INFO GET /cart/{i * 7919} 200 in {i % 90} ms\n')


def get(url, **headers):
    """Status, headers and body as they come; no redirect, nothing decoded."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def made_client():
    """The typed client, made anew from what a fresh server says of itself."""
    with Lab() as lab:
        lab.start_server()
        path = os.path.join(lab.root, 'openapi.json')
        status, _, described = get(lab.url() + '/openapi.json')
        assert status == 200, described
        with open(path, 'wb') as out:
            out.write(described)
        made = subprocess.run([need('node'), os.path.join(WEB, 'tools', 'make_client.mjs'), path], capture_output=True,
                              text=True, timeout=60, check=False)
        assert made.returncode == 0, made.stderr
        return made.stdout


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node, cls.chromium = need('node'), need('chromium')
        install()

    def walk(self, width, scheme):
        with Lab() as lab:
            lab.start_server()
            log = os.path.join(lab.root, 'app.log')
            write_history(log)
            host = f'web-{width}'
            lab.add_agent(host, f'  - type: file\n    include: [{log}]\n    start: head\n    service: shop\n  - type: host',
                          enroll=False)
            with open(os.path.join(lab.server_data, 'admin.password')) as secret:
                password = secret.read().strip()
            failure = os.path.join(CLONE, 'build', 'test-logs', f'page-{width}-{scheme}.png')
            os.makedirs(os.path.dirname(failure), exist_ok=True)
            print(f'-- {width} px, {scheme}', flush=True)
            plan = {
                'url': lab.url(), 'width': width, 'scheme': scheme, 'email': 'admin@e2e.local', 'password': password,
                'chromium': self.chromium, 'shots': os.environ.get('REEVE_SHOTS'), 'failure': failure,
                'agent': {'program': os.path.join(BIN, 'reeve-agent'), 'config': os.path.join(lab.root, host + '.yaml'),
                          'host': host, 'log': log},
            }
            said = self.follow([self.node, os.path.join(WALK, 'walk.mjs'), json.dumps(plan)], {
                'kill the server': lab.server.kill, 'start the server': lab.start_server})
            self.assertIn('walked through', said, said + lab.server.tail())

    def follow(self, argv, deeds):
        """Runs the walk, does what it asks for, and gives back all that it said."""
        said = []
        with subprocess.Popen(argv, cwd=PACKAGES, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors='replace') as walk:
            late = threading.Timer(WALK_SECONDS_MAX, walk.kill)
            late.start()
            try:
                for line in walk.stdout:
                    print(line, end='', flush=True)
                    said.append(line)
                    if line.startswith('ASK '):
                        deeds[line[4:].strip()]()
                        walk.stdin.write('done\n')
                        walk.stdin.flush()
            finally:
                late.cancel()
                walk.kill()
        return ''.join(said)

    def test_walk_wide_and_light(self):
        self.walk(1440, 'light')

    def test_walk_wide_and_dark(self):
        self.walk(1440, 'dark')

    def test_walk_narrow_and_light(self):
        self.walk(360, 'light')

    def test_walk_narrow_and_dark(self):
        self.walk(360, 'dark')

    def test_types_and_templates_are_sound(self):
        build = os.path.join(os.path.dirname(BIN), 'web')
        done = subprocess.run([self.node, 'node_modules/svelte-check/bin/svelte-check', '--tsconfig', './tsconfig.json',
                               '--fail-on-warnings', '--output', 'human'], cwd=build, capture_output=True, text=True,
                              timeout=200, check=False)
        self.assertEqual(done.returncode, 0, done.stdout[-3000:] + done.stderr[-1000:])

    def test_the_pages_functions_hold_what_they_say(self):
        done = subprocess.run([self.node, os.path.join(WALK, 'lib_test.mjs'), WEB], capture_output=True, text=True,
                              cwd=os.path.join(os.path.dirname(BIN), 'web'), timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_no_text_can_become_markup(self):
        for folder, _, names in os.walk(os.path.join(WEB, 'src')):
            for name in names:
                with open(os.path.join(folder, name)) as source:
                    text = source.read()
                for door in ('{@html', 'innerHTML', 'outerHTML', 'insertAdjacentHTML', 'document.write', 'eval('):
                    self.assertNotIn(door, text, f'{name} has {door}')

    def test_the_typed_client_is_the_one_that_the_server_describes(self):
        with open(CLIENT) as kept:
            if kept.read() != made_client():
                self.fail(f'{CLIENT} is not what /openapi.json describes; python3 tests/e2e/test_page.py client makes it anew')

    def test_files_come_with_their_policy_and_are_kept_by_their_hash(self):
        with Lab() as lab:
            lab.start_server()
            status, headers, page = get(lab.url() + '/')
            self.assertEqual(status, 200)
            self.assertIn(b'<div id="page">', page)
            self.assertNotIn(b'style=', page)
            self.assertIsNone(headers['Content-Encoding'])
            policy = headers['Content-Security-Policy']
            self.assertTrue(policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';"), policy)
            self.assertNotIn('unsafe', policy)
            self.assertEqual(headers['X-Content-Type-Options'], 'nosniff')
            self.assertEqual(headers['Referrer-Policy'], 'no-referrer')
            self.assertIn('camera=()', headers['Permissions-Policy'])
            self.assertEqual(headers.get_all('Cache-Control'), ['no-cache'])

            status, again, body = get(lab.url() + '/', **{'If-None-Match': headers['ETag']})
            self.assertEqual((status, body, again['ETag']), (304, b'', headers['ETag']))
            status, packed, body = get(lab.url() + '/', **{'Accept-Encoding': 'br, gzip'})
            self.assertEqual((status, packed['Content-Encoding'], gzip.decompress(body)), (200, 'gzip', page))
            status, plain, body = get(lab.url() + '/', **{'Accept-Encoding': 'gzip;q=0'})
            self.assertEqual((status, plain['Content-Encoding'], body), (200, None, page))

            script = page.decode().split('src="', 1)[1].split('"', 1)[0]
            status, headers, _ = get(lab.url() + script)
            self.assertEqual((status, headers.get_all('Cache-Control')), (200, ['public, max-age=31536000, immutable']))
            self.assertEqual(headers['Content-Type'], 'text/javascript; charset=utf-8')
            for wrong in ('/assets/../server.yaml', '/assets/%2e%2e%2fserver.yaml', '/assets/none.js', '/assets/'):
                self.assertIn(get(lab.url() + wrong)[0], (400, 404), wrong)


if __name__ == '__main__':
    if sys.argv[1:] == ['client']:
        client = made_client()
        with open(CLIENT, 'w') as out:
            out.write(client)
        sys.exit(0)
    unittest.main(verbosity=1)
