#!/usr/bin/env python3
"""Metrics scraped: a real prometheus and node exporter, counted and compared with what their pages say; and bad targets."""
import http.server
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
import unittest
import urllib.request

from lab import Lab, Program, free_ports, wait_until

SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})? (\S+)( \S+)?( # .*)?$')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')


def read_page(text):
    """{(name, labels): value} by a parser that is not ours; without NaN, as the collector leaves it out."""
    series = {}
    for line in text.splitlines():
        if not line or line.startswith('#'):
            continue
        name, labels, value = SAMPLE.match(line).group(1, 2, 3)
        unescape = lambda text: text.replace('\\\\', '\0').replace('\\"', '"').replace('\\n', '\n').replace('\0', '\\')
        pairs = tuple(sorted((key, unescape(text)) for key, text in LABEL.findall(labels or '') if text))
        if value != 'NaN':
            series[(name, pairs)] = float(value)
    return series


def fetch(url):
    request = urllib.request.Request(url, headers={'Accept': 'text/plain;version=0.0.4'})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read().decode()


def answers(url):
    try:
        return bool(fetch(url))
    except OSError:
        return False


class Page:
    """A web server that answers /metrics with what it is told, and keeps what it was asked."""

    def __init__(self, text, content_type='text/plain; version=0.0.4', delay=0, tls=None):
        page = self
        self.text, self.content_type, self.delay, self.asked = text, content_type, delay, []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_GET(self):
                page.asked.append(dict(self.headers))
                time.sleep(page.delay)
                body = page.text.encode()
                self.send_response(200)
                self.send_header('Content-Type', page.content_type)
                self.send_header('Transfer-Encoding', 'chunked')
                self.end_headers()
                for at in range(0, len(body), 1000):
                    piece = body[at:at + 1000]
                    self.wfile.write(b'%x\r\n%s\r\n' % (len(piece), piece))
                self.wfile.write(b'0\r\n\r\n')

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.server.daemon_threads = True
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def scrape_input(targets, more='', interval='1s'):
    return f'  - type: scrape\n    targets: [{", ".join(targets)}]\n    interval: {interval}\n{more}'


def series_of(lab, **labels):
    """All series with these labels, by (name, the page's own labels): {"last", "kind", ...}."""
    query = '&'.join(f'label={key}:{urllib.request.quote(value, safe="")}' for key, value in labels.items())
    with open(os.path.join(lab.server_data, 'api.key')) as key:
        request = urllib.request.Request(f'{lab.url()}/v1/metrics?from=-1h&{query}',
                                         headers={'Authorization': 'Bearer ' + key.read().strip()})
    with urllib.request.urlopen(request, timeout=60) as answer:
        listed = json.load(answer)
    assert not listed['truncated']
    found = {}
    for series in listed['series']:
        own = tuple(sorted((key, text) for key, text in series['labels'].items()
                           if key not in ('host', 'job', 'instance')))
        found[(series['name'], own)] = series
    return found


SELF = {'up', 'scrape_duration_seconds', 'scrape_samples_scraped'}


class Scrape(unittest.TestCase):
    def test_a_node_exporter_is_stored_as_its_page_says(self):
        with Lab() as lab:
            lab.up()
            (port,) = free_ports(1)
            exporter = Program([shutil.which('prometheus-node-exporter'), f'--web.listen-address=127.0.0.1:{port}'],
                               os.path.join(lab.root, 'exporter.log'))
            lab.programs.append(exporter)
            exporter.start()
            url = f'http://127.0.0.1:{port}/metrics'
            wait_until('the exporter answers', lambda: answers(url))
            lab.add_agent('web-1', scrape_input([url], '    job: node\n    labels: {room: a1}\n')).start()

            # First sight: the exporter's Go runtime grows some series with the first requests.
            wait_until('three scrapes are stored', lambda: any(
                series['points'] >= 3 for key, series in series_of(lab, job='node').items() if key[0] == 'up'))
            page = read_page(fetch(url))
            stored = {(name, tuple(pair for pair in own if pair[0] != 'room')): series
                      for (name, own), series in series_of(lab, job='node', room='a1').items() if name not in SELF}
            # A second Accept header may show other series (OpenMetrics has _created); names and labels are the same.
            volatile = re.compile(r'^(promhttp_|go_|process_)|_created$')
            self.assertEqual(sorted(key for key in page if key not in stored and not volatile.search(key[0])), [])
            self.assertEqual(sorted(key for key in stored if key not in page and not volatile.search(key[0])), [])
            self.assertGreater(len(page), 300)
            steady = [key for key in page if key in stored and re.search(
                r'^node_(memory_MemTotal|uname|filesystem_size|boot_time|dmi|os_|network_(mtu|iface|info)|exporter_build'
                r'|cpu_info|disk_info|filesystem_files$|nf_conntrack_entries_limit|time_zone)', key[0])]
            self.assertGreater(len(steady), 5)
            self.assertEqual([(key, page[key], stored[key]['last']) for key in steady
                              if page[key] != stored[key]['last']], [])
            kinds = {key[0]: series['kind'] for key, series in stored.items()}
            self.assertEqual(kinds['node_cpu_seconds_total'], 'counter')
            self.assertEqual(kinds['node_memory_MemTotal_bytes'], 'gauge')

    def test_a_prometheus_is_stored_as_its_page_says(self):
        with Lab() as lab:
            lab.up()
            (port,) = free_ports(1)
            config = os.path.join(lab.root, 'prometheus.yml')
            with open(config, 'w') as out:
                out.write('global: {scrape_interval: 1h}\n')
            prometheus = Program([shutil.which('prometheus'), f'--config.file={config}',
                                  f'--storage.tsdb.path={lab.root}/tsdb', f'--web.listen-address=127.0.0.1:{port}'],
                                 os.path.join(lab.root, 'prometheus.log'))
            lab.programs.append(prometheus)
            prometheus.start()
            url = f'http://127.0.0.1:{port}/metrics'
            wait_until('prometheus answers', lambda: answers(url))
            lab.add_agent('web-1', scrape_input([url])).start()
            wait_until('three scrapes are stored', lambda: any(
                series['points'] >= 3 for key, series in series_of(lab).items() if key[0] == 'up'))

            page = read_page(fetch(url))
            stored = {key: series for key, series in series_of(lab).items() if key[0] not in SELF}
            # What the page's program says of its own answers to us and to urllib differs with each request.
            volatile = re.compile(r'^(promhttp_|go_|process_|prometheus_http_)|_created$')
            self.assertEqual(sorted(key for key in page if key not in stored and not volatile.search(key[0])), [])
            self.assertEqual(sorted(key for key in stored if key not in page and not volatile.search(key[0])), [])
            steady = [key for key in page if key in stored and not volatile.search(key[0])
                      and re.search(r'^prometheus_(build|config|ready|rule|sd|tsdb_(head_series|blocks|lowest))', key[0])]
            self.assertGreater(len(steady), 5)
            self.assertEqual([(key, page[key], stored[key]['last']) for key in steady
                              if page[key] != stored[key]['last']], [])
            self.assertEqual({series['kind'] for key, series in stored.items() if key[0].endswith('_bucket')},
                             {'counter'})

    def test_slow_wrong_and_absent_targets_are_down_and_hold_up_nobody(self):
        with Lab() as lab:
            lab.up()
            good = Page('# TYPE jobs_total counter\njobs_total{queue="a"} 7\nload 0.5\n')
            slow = Page('a 1\n', delay=30)
            wrong = Page('a 1\nb{ 2\n')
            cut = Page('# TYPE a gauge\na 1\n', content_type='application/openmetrics-text; version=1.0.0')
            (nobody,) = free_ports(1)
            ports = [good.port, slow.port, wrong.port, cut.port, nobody]
            agent = lab.add_agent('web-1', scrape_input([f'http://127.0.0.1:{port}/metrics' for port in ports],
                                                        '    timeout: 500ms\n')).start()

            def ups():
                seen = {}
                for port in ports:
                    series = series_of(lab, instance=f'127.0.0.1:{port}').get(('up', ()))
                    seen[port] = series['last'] if series and series['points'] >= 3 else None
                return seen
            wait_until('all were tried three times', lambda: None not in ups().values(), 60)

            self.assertEqual(list(ups().values()), [1, 0, 0, 0, 0])
            stored = series_of(lab, instance=f'127.0.0.1:{good.port}')
            self.assertEqual(stored[('jobs_total', (('queue', 'a'),))]['last'], 7)
            self.assertEqual(stored[('scrape_samples_scraped', ())]['last'], 2)
            self.assertNotIn(('a', ()), series_of(lab, instance=f'127.0.0.1:{wrong.port}'))
            log = agent.tail(100000)
            self.assertIn('line 2 has a wrong label name', log)
            self.assertIn('without # EOF', log)
            # Each target is complained about once, not with every scrape.
            self.assertEqual(log.count('target is down'), 4)
            self.assertEqual(agent.stop(), 0)
            for page in (good, slow, wrong, cut):
                page.close()

    def test_https_with_a_ca_of_its_own_and_a_bearer_token(self):
        with Lab() as lab:
            lab.up()
            root = lab.root
            make_certificates(root)
            page = Page('# TYPE a gauge\na 1\n# EOF\n', content_type='application/openmetrics-text; version=1.0.0',
                        tls=(f'{root}/leaf.pem', f'{root}/leaf.key'))
            with open(f'{root}/token', 'w') as out:
                out.write('s3cret\n')
            url = f'https://localhost:{page.port}/metrics'
            more = f'    bearer_token_file: {root}/token\n    tls: {{ca: {root}/ca.pem}}\n'
            lab.add_agent('web-1', scrape_input([url], more)).start()
            wait_until('it is stored', lambda: ('a', ()) in series_of(lab))
            self.assertEqual(page.asked[0]['Authorization'], 'Bearer s3cret')
            self.assertIn('application/openmetrics-text', page.asked[0]['Accept'])

            # Another CA: down, and said why.
            os.makedirs(f'{root}/other')
            make_certificates(f'{root}/other')
            stranger = lab.add_agent('web-2', scrape_input([url], f'    tls: {{ca: {root}/other/ca.pem}}\n'))
            stranger.start()
            wait_until('it is refused', lambda: 'target is down' in stranger.tail())
            page.close()

    def test_a_wrong_configuration_says_where(self):
        with Lab() as lab:
            config = os.path.join(lab.root, 'a.yaml')
            with open(config, 'w') as out:
                out.write('inputs:\n  - type: scrape\n    targets: [ftp://x, "https://web-1/metrics"]\n'
                          '    labels: {job: a, ok: b}\n    timeout: 1m\n')
            said = lab.run('reeve-agent', 'check', '--config', config, check=False)
            self.assertEqual(said.returncode, 2)
            for text in ('a.yaml:3:', 'ftp://x', 'inputs[0].labels has "job"', 'inputs[0].timeout', 'inputs[0].tls'):
                self.assertIn(text, said.stderr)


def make_certificates(root):
    """ca.pem, leaf.pem and leaf.key for localhost."""
    def openssl(*args):
        subprocess.run(['openssl', *args], check=True, capture_output=True, cwd=root)
    openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'ca.key',
            '-out', 'ca.pem', '-days', '2', '-subj', '/CN=test ca', '-addext', 'basicConstraints=critical,CA:TRUE')
    openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'leaf.key', '-out',
            'leaf.csr', '-subj', '/CN=localhost')
    with open(os.path.join(root, 'leaf.ext'), 'w') as out:
        out.write('subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n')
    openssl('x509', '-req', '-in', 'leaf.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2',
            '-out', 'leaf.pem', '-extfile', 'leaf.ext')


if __name__ == '__main__':
    unittest.main()
