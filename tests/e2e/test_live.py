"""Watching live and asking, against the real programs over TLS."""
import csv
import io
import json
import os
import ssl
import unittest
import urllib.error
import urllib.parse
import urllib.request

from lab import Lab, wait_until
from live_client import RefusedError, WebSocketClient


class LiveTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = Lab(plain_api=False)
        cls.lab.up()
        cls.path = os.path.join(cls.lab.root, 'app.log')
        open(cls.path, 'w').close()
        cls.agent = cls.lab.add_agent('host-1', f'  - type: file\n    include: [{cls.path}]\n    start: head').start()
        wait_until('the agent is online', lambda: any(a['state'] == 'online' for a in cls.lab.agents()))
        with open(os.path.join(cls.lab.server_data, 'api.key')) as key:
            cls.bearer = 'Bearer ' + key.read().strip()
        cls.ca = os.path.join(cls.lab.server_data, 'ca.pem')

    @classmethod
    def tearDownClass(cls):
        cls.lab.__exit__(None, None, None)

    def write(self, *lines):
        with open(self.path, 'a') as out:
            out.write(''.join(line + '\n' for line in lines))

    def watch(self, target, authorization=None):
        client = WebSocketClient('127.0.0.1', self.lab.api_port, target,
                                 ['Authorization: ' + (authorization or self.bearer)], ca_file=self.ca)
        self.addCleanup(client.close)
        return client

    def open(self, target, **parameters):
        url = self.lab.url() + target + ('?' + urllib.parse.urlencode(parameters, doseq=True) if parameters else '')
        request = urllib.request.Request(url, headers={'Authorization': self.bearer})
        return urllib.request.urlopen(request, timeout=30, context=ssl.create_default_context(cafile=self.ca))

    def get(self, target, **parameters):
        with self.open(target, **parameters) as answer:
            return json.load(answer)

    def test_a_line_reaches_whoever_watches_and_a_restart_costs_none(self):
        client = self.watch('/v1/logs/live?text=restart-')
        self.assertEqual(client.message()['type'], 'ping')
        self.write('restart-1')
        message = client.message()
        self.assertEqual(message['log']['body'], 'restart-1')
        cursor = message['cursor']

        self.lab.server.stop()
        self.write('restart-2')
        self.lab.start_server()
        again = self.watch(f'/v1/logs/live?text=restart-&cursor={cursor}')
        self.write('restart-3')
        bodies = []
        while len(bodies) < 2:
            message = again.message()
            if message['type'] == 'log':
                bodies.append(message['log']['body'])
        self.assertEqual(bodies, ['restart-2', 'restart-3'])

    def test_an_event_stream_flows_line_by_line(self):
        with self.open('/v1/logs/live', text='event-') as events:
            self.assertEqual(events.headers['Content-Type'], 'text/event-stream')
            for n in range(3):
                self.write(f'event-{n}')
                while True:
                    line = events.readline().decode()
                    if line.startswith('data: ') and json.loads(line[6:])['type'] == 'log':
                        break
                self.assertEqual(json.loads(line[6:])['log']['body'], f'event-{n}')

    def test_whoever_may_not_watch_is_refused_before_the_upgrade(self):
        with self.assertRaises(RefusedError) as refused:
            self.watch('/v1/logs/live', 'Bearer rvk_wrong')
        self.assertEqual(refused.exception.status, 401)

    def test_an_export_is_whole_and_harmless(self):
        lines = [f'export {n}' for n in range(5000)] + ['=cmd("export")', 'export "quoted", twice']
        self.write(*lines)
        wait_until('all are stored', lambda: self.get('/v1/logs/histogram', itext='export')['total'] == len(lines))

        with self.open('/v1/logs/export', itext='export') as answer:
            rows = [json.loads(line) for line in answer]
        self.assertEqual([row['body'] for row in rows[:-1]], lines)
        self.assertEqual(rows[-1], {'end': True, 'rows': len(lines)})

        with self.open('/v1/logs/export', itext='export', format='csv') as answer:
            table = list(csv.DictReader(io.StringIO(answer.read().decode(), newline='')))
        self.assertEqual([row['body'] for row in table], [("'" if line[0] == '=' else '') + line for line in lines])

    def test_context_histogram_and_templates_agree_with_the_search(self):
        self.write(*(f'counted {n} of many' for n in range(300)))
        wait_until('all are stored', lambda: self.get('/v1/logs/histogram', text='counted')['total'] == 300)

        found = self.get('/v1/logs', text='counted 150 of')['logs'][0]
        context = self.get('/v1/logs/context', id=found['id'], before=2, after=2)
        self.assertEqual([log['body'] for log in context['before']], ['counted 148 of many', 'counted 149 of many'])
        self.assertEqual([log['body'] for log in context['after']], ['counted 151 of many', 'counted 152 of many'])
        template = self.get('/v1/logs/templates', template=found['template'])['templates'][0]
        self.assertEqual(template['count'], 300)
        self.assertEqual(self.get('/v1/logs/histogram', template=found['template'])['total'], 300)

    def test_strange_text_in_every_parameter_harms_nobody(self):
        names = {'/v1/logs': ['from', 'to', 'service', 'host', 'source', 'level', 'template', 'text', 'itext', 'regex',
                              'limit', 'cursor'],
                 '/v1/logs/histogram': ['service', 'regex', 'buckets', 'from'],
                 '/v1/logs/context': ['id', 'before'], '/v1/logs/templates': ['service', 'template', 'limit'],
                 '/v1/logs/export': ['service', 'regex', 'format'], '/v1/logs/live': ['level', 'regex', 'cursor'],
                 '/v1/metrics': ['name', 'match', 'label', 'from'], '/v1/metrics/labels': ['name', 'match', 'to'],
                 '/v1/metrics/query': ['name', 'label', 'step', 'window', 'agg', 'by'],
                 '/v1/metrics/live': ['label', 'cursor'], '/v1/agents': ['limit', 'cursor']}
        strange = ["'; DROP TABLE blocks; --", '" OR ""="', 'a\r\nX-Injected: yes\r\n\r\n', '\0', '%00', 'x' * 10_000,
                   '(' * 5_000, '(a*)*b', '(?:a{1000}){1000}', '[[:^alpha:]', '\\pN{9999999}', '-999999999999999999h',
                   '9' * 40, '../../../etc/passwd', '\u202e\ufeff\U0001f4a5']
        raw = ['%ff%fe', '%c3%28', '%ed%a0%80', '%', '%zz', '%0d%0aX-Injected:%20yes']
        for path, parameters in names.items():
            for name in parameters:
                for text in [urllib.parse.quote(one, safe='') for one in strange] + raw:
                    extra = '&name=x' if path == '/v1/metrics/query' and name != 'name' else ''
                    status, headers = self.ask_raw(f'{path}?{name}={text}{extra}')
                    self.assertIn(status, (200, 400, 404, 414, 431), (path, name, text[:60]))
                    self.assertNotIn('x-injected', headers)
        self.assertTrue(self.lab.server.alive())
        self.assertEqual(self.get('/healthz')['status'], 'ok')

    def ask_raw(self, target):
        request = urllib.request.Request(self.lab.url() + target, headers={'Authorization': self.bearer})
        context = ssl.create_default_context(cafile=self.ca)
        try:
            with urllib.request.urlopen(request, timeout=30, context=context) as answer:
                return answer.status, str(answer.headers).lower()
        except urllib.error.HTTPError as error:
            error.read()
            return error.code, str(error.headers).lower()


if __name__ == '__main__':
    unittest.main()
