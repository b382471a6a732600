#!/usr/bin/env python3
"""Real clients push into the server while it is killed and started again: what they count, it has, and nothing twice."""
import json
import os
import shutil
import subprocess
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

from lab import CLONE, Lab, Program, free_ports, wait_until

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'otel')
CLIENT = os.path.join(CLONE, 'build', 'otel')  # with its node_modules, which never lie beside the source


class Door:
    """The API as a program with the admin's key sees it."""

    def __init__(self, lab):
        self.lab = lab
        with open(os.path.join(lab.server_data, 'api.key'), encoding='utf-8') as file:
            self.key = file.read().strip()

    def ask(self, target, body=None, headers=None):
        request = urllib.request.Request(self.lab.url() + target, data=body,
                                         headers={'Authorization': 'Bearer ' + self.key, **(headers or {})})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b'null')

    def metric(self, name, agg, **more):
        query = urllib.parse.urlencode({'name': name, 'agg': agg, 'from': '-10m', **more}, doseq=True)
        return self.ask('/v1/metrics/query?' + query)['series']

    def points(self, name, **more):
        return sum(point[1] for series in self.metric(name, 'count', **more) for point in series['points'])

    def push(self, items):
        return self.ask('/v1/signals/ingest', json.dumps(items).encode())


def restart(lab):
    """As a crash and what systemd does about it."""
    lab.server.kill()
    lab.start_server()


def install_client():
    """The client with the packages of its lock file; None where there is no node."""
    if not shutil.which('npm') or not shutil.which('node'):
        return None
    os.makedirs(CLIENT, exist_ok=True)
    installed = os.path.join(CLIENT, 'node_modules', '.package-lock.json')
    known = os.path.exists(installed) and same_file('package-lock.json')
    for name in ('package.json', 'package-lock.json', 'client.mjs'):
        shutil.copy(os.path.join(SOURCE, name), CLIENT)
    if not known:
        subprocess.run(['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund'], cwd=CLIENT, check=True,
                       capture_output=True, timeout=300)
    return shutil.which('node')


def same_file(name):
    try:
        with open(os.path.join(SOURCE, name), 'rb') as ours, open(os.path.join(CLIENT, name), 'rb') as theirs:
            return ours.read() == theirs.read()
    except FileNotFoundError:
        return False


class OpenTelemetry(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = install_client()
        if cls.node is None:
            raise unittest.SkipTest('node and npm are not installed: the clients of OpenTelemetry cannot run')

    def run_client(self, lab, door, signal, form, count, seen):
        """The client's own count, the server having been killed once `seen` said that something had come."""
        out = os.path.join(lab.root, f'{signal}-{form}.log')
        client = Program([self.node, os.path.join(CLIENT, 'client.mjs'), signal, form, lab.url(), door.key, str(count)],
                         out)
        lab.programs.append(client)
        client.start()
        wait_until('the first items are stored', lambda: seen() or not client.alive())
        self.assertTrue(client.alive(), 'the client ended before the server was killed: ' + client.tail())
        restart(lab)
        wait_until('the client ends', lambda: not client.alive(), 120)
        self.assertEqual(client.process.returncode, 0, client.tail())
        return json.loads(client.tail().splitlines()[-1])

    def check_logs(self, form):
        with Lab() as lab:
            lab.up()
            door = Door(lab)
            count = 3000

            told = self.run_client(lab, door, 'logs', form, count, lambda: lab.logs('record', limit=1))

            self.assertEqual(told['failed'], 0)
            rows = lab.logs('record')
            self.assertEqual(sorted(int(row['fields']['i']) for row in rows), list(range(count)))
            self.assertEqual({(row['service'], row['host'], row['level'], row['source']) for row in rows},
                             {('otel-client', 'otel-host', 'info', 'otlp')})

    def check_metrics(self, form):
        with Lab() as lab:
            lab.up()
            door = Door(lab)
            count = 3000

            told = self.run_client(lab, door, 'metrics', form, count, lambda: door.points('client.steps') > 2)

            self.assertEqual(told['failed'], 0)
            self.assertEqual(door.points('client.steps'), told['succeeded'])
            self.assertEqual(door.points('client.sizes.count'), told['succeeded'])
            (series,) = door.metric('client.steps', 'max')
            self.assertEqual(series['points'][-1][1], count)
            self.assertEqual(series['labels'], {'host': 'otel-host', 'part': 'a', 'service.name': 'otel-client'})
            (sizes,) = door.metric('client.sizes.count', 'max')
            self.assertEqual(sizes['points'][-1][1], count)

    def test_logs_as_protobuf_are_there_once_each(self):
        self.check_logs('proto')

    def test_logs_as_json_are_there_once_each(self):
        self.check_logs('json')

    def test_metrics_as_protobuf_are_there_once_each(self):
        self.check_metrics('proto')

    def test_metrics_as_json_are_there_once_each(self):
        self.check_metrics('json')


class Prometheus(unittest.TestCase):
    def start(self, lab, door):
        """Prometheus scraping itself five times a second, writing to us."""
        (port,) = free_ports(1)
        config = os.path.join(lab.root, 'prometheus.yml')
        with open(config, 'w', encoding='utf-8') as out:
            json.dump({
                'global': {'scrape_interval': '200ms', 'scrape_timeout': '200ms'},
                'scrape_configs': [{'job_name': 'itself', 'static_configs': [{'targets': [f'127.0.0.1:{port}']}]}],
                'remote_write': [{
                    'url': lab.url() + '/api/v1/write',
                    'authorization': {'credentials': door.key},
                    'queue_config': {'batch_send_deadline': '200ms', 'min_backoff': '100ms', 'max_backoff': '1s'},
                }],
            }, out)
        program = Program(['prometheus', f'--config.file={config}', f'--web.listen-address=127.0.0.1:{port}',
                           f'--storage.tsdb.path={os.path.join(lab.root, "tsdb")}', '--log.level=warn'],
                          os.path.join(lab.root, 'prometheus.log'))
        lab.programs.append(program)
        program.start()
        self.url = f'http://127.0.0.1:{port}'
        return program

    def samples(self, selector):
        """Prometheus' own samples of the last minutes: {(name, labels...): [(seconds, value)]}."""
        query = urllib.parse.urlencode({'query': f'{selector}[5m]'})
        with urllib.request.urlopen(f'{self.url}/api/v1/query?{query}', timeout=30) as answer:
            return json.loads(answer.read())['data']['result']

    def test_remote_write_loses_nothing_and_doubles_nothing_over_a_restart(self):
        if not shutil.which('prometheus'):
            self.skipTest('prometheus is not installed')
        with Lab() as lab:
            lab.up()
            door = Door(lab)
            program = self.start(lab, door)
            wait_until('samples are stored', lambda: door.points('up', step='1s') > 10, 60)
            lab.server.kill()
            time.sleep(2)  # a server that is away for a while: there is nothing to wait for
            lab.start_server()
            wait_until('samples of after the restart are stored', lambda: self.newest(door) > time.time() - 2, 60)

            for name in ('up', 'scrape_samples_scraped', 'prometheus_tsdb_head_samples_appended_total',
                         'go_goroutines'):
                theirs = [float(at) for series in self.samples(name) for at, _ in series['values']]
                self.assertGreater(len(theirs), 20, name)
                until = max(theirs) - .001
                begin, end = min(theirs), sorted(theirs)[-2] + .0005
                want = len([at for at in theirs if at <= end])
                wait_until(f'every sample of {name}, once', lambda: self.stored(door, name, begin, end) == want, 30)
                self.assertGreater(until, begin)
            self.assertEqual(program.stop(), 0)

    def stored(self, door, name, begin, end):
        """How many points lie in [begin, end]. A step is a second at least, so the query's range is exact by its ends."""
        def text(seconds):
            return time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(int(seconds))) + f'{seconds % 1:.4f}'[1:] + 'Z'
        query = urllib.parse.urlencode({'name': name, 'agg': 'count', 'from': text(begin - .0005),
                                        'to': text(end + .0005), 'step': '10s'})
        series = door.ask('/v1/metrics/query?' + query)['series']
        return sum(point[1] for each in series for point in each['points'])

    def newest(self, door):
        """The second of the newest sample of `up`."""
        series = door.ask('/v1/metrics?name=up')['series']
        if not series:
            return 0
        at = series[0]['last_time'][:19]
        return time.mktime(time.strptime(at, '%Y-%m-%dT%H:%M:%S')) - time.timezone


class Items(unittest.TestCase):
    def test_items_with_ids_sent_until_they_are_answered_are_there_once_each(self):
        with Lab() as lab:
            lab.up()
            door = Door(lab)
            killed = False
            for number in range(200):
                items = [{'kind': 'log', 'id': f'{number}-{i}', 'body': f'item {number} {i}'} for i in range(10)]

                def sent():
                    try:
                        return door.push(items)['accepted'] == 10
                    except (OSError, urllib.error.URLError):
                        return False
                if number == 100:
                    lab.server.kill()
                    self.assertFalse(sent())
                    lab.start_server()
                    killed = True
                wait_until('the request is answered', sent, 30)
                if number % 10 == 0:  # answered, and sent again all the same
                    self.assertEqual(door.push(items)['accepted'], 10)

            self.assertTrue(killed)
            rows = lab.logs('item')
            self.assertEqual(len(rows), 2000)
            self.assertEqual(len({row['body'] for row in rows}), 2000)

    def test_a_kill_in_the_middle_of_many_requests_doubles_nothing(self):
        """Requests run while the server dies; each that was not answered is sent again."""
        from concurrent.futures import ThreadPoolExecutor
        with Lab() as lab:
            lab.up()
            door = Door(lab)
            answered = []

            def send(number):
                items = [{'kind': 'metric', 'id': f'm{number}-{i}', 'name': 'orders', 'value': 1,
                          'labels': {'n': str(i)}} for i in range(20)]
                deadline = time.monotonic() + 60
                while time.monotonic() < deadline:
                    try:
                        door.push(items)
                        answered.append(number)
                        return
                    except (OSError, urllib.error.URLError):
                        time.sleep(.05)  # as a client that backs off

            with ThreadPoolExecutor(16) as pool:
                sending = [pool.submit(send, number) for number in range(600)]
                wait_until('a part is answered', lambda: len(answered) > 100, 60)
                restart(lab)
                for each in sending:
                    each.result()

            self.assertEqual(len(answered), 600)
            self.assertEqual(door.points('orders'), 600 * 20)


if __name__ == '__main__':
    unittest.main()
