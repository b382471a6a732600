"""Real programs on loopback for the end-to-end tests and benchmarks: one server, any number of agents, one command line.

A Lab lives in a temporary folder and on ports of its own; leaving its `with` block kills everything it started. Programs
come from $REEVE_BIN (default: build/dev/bin of this clone). Nothing here sleeps for luck: wait_until polls a condition
up to a deadline and fails with what it last saw.
"""
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
import shutil

CLONE = os.path.abspath(os.path.join(os.path.dirname(__file__), '..', '..'))
BIN = os.environ.get('REEVE_BIN', os.path.join(CLONE, 'build', 'dev', 'bin'))


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(('127.0.0.1', 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def wait_until(what, condition, seconds=30, every=0.05):
    """Polls until condition() gives something true, and returns it."""
    deadline = time.monotonic() + seconds
    while True:
        seen = condition()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f'{what}: not within {seconds} s; last seen: {seen!r}')
        time.sleep(every)


class Program:
    """A process whose output goes to a log file."""

    def __init__(self, argv, log, **options):
        self.argv, self.log, self.options = argv, log, options
        self.process = None

    def start(self):
        with open(self.log, 'ab') as out:
            self.process = subprocess.Popen(self.argv, stdout=out, stderr=out, stdin=subprocess.DEVNULL, **self.options)
        return self

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, how=signal.SIGTERM, seconds=30):
        if self.process is None:
            return None
        if self.alive():
            self.process.send_signal(how)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f'{self.argv[0]} did not end within {seconds} s of {how!r}; log: {self.tail()}')

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def tail(self, count=2000):
        with open(self.log, 'rb') as log:
            log.seek(max(0, os.path.getsize(self.log) - count))
            return log.read().decode(errors='replace')


class Lab:
    def __init__(self, plain_api=True, root=None):
        self.plain_api = plain_api
        self.root = tempfile.mkdtemp(prefix='reeve-e2e-', dir=root)
        self.api_port, self.link_port = free_ports(2)
        self.server_data = os.path.join(self.root, 'server')
        self.config = os.path.join(self.server_data, 'server.yaml')
        self.programs = []
        self.server = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for program in self.programs:
            program.kill()
        if os.environ.get('REEVE_KEEP'):
            print('kept', self.root)
        else:
            shutil.rmtree(self.root, ignore_errors=True)

    def run(self, name, *args, check=True, **options):
        """Runs a program to its end."""
        env = dict(os.environ, REEVE_HOME=os.path.join(self.root, 'cli'), NO_COLOR='1')
        options.setdefault('timeout', 60)
        done = subprocess.run([os.path.join(BIN, name), *map(str, args)], capture_output=True, text=True, env=env,
                              errors='replace', **options)
        if check and done.returncode != 0:
            raise AssertionError(f'{name} {args} ended with {done.returncode}: {done.stdout} {done.stderr}')
        return done

    def reeve(self, *args, check=True, **options):
        return self.run('reeve', *args, check=check, **options)

    def reeve_json(self, *args):
        """The JSON documents that `reeve ... --json` prints, one a line."""
        return [json.loads(line) for line in self.reeve(*args, '--json').stdout.splitlines() if line]

    # -- the server ---------------------------------------------------------------------------------------------------

    def init_server(self):
        extra = ['--plain-api'] if self.plain_api else []
        self.run('reeve-server', 'init', '--data', self.server_data, '--org', 'e2e', '--api',
                 f'127.0.0.1:{self.api_port}', '--agents', f'127.0.0.1:{self.link_port}', *extra)
        self.server = Program([os.path.join(BIN, 'reeve-server'), 'run', '--config', self.config],
                              os.path.join(self.root, 'server.log'))
        self.programs.append(self.server)

    def url(self):
        return f'http{"" if self.plain_api else "s"}://127.0.0.1:{self.api_port}'

    def start_server(self):
        if self.server is None:
            self.init_server()
        self.server.start()
        wait_until('the server answers', lambda: self.answers() or not self.server.alive(), 60)
        if not self.server.alive():
            raise AssertionError('the server ended: ' + self.server.tail())

    def answers(self):
        try:
            with socket.create_connection(('127.0.0.1', self.api_port), 1) as connection:
                connection.sendall(b'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
                return b' 200 ' in connection.recv(200) if self.plain_api else True
        except OSError:
            return False

    def login(self):
        extra = [] if self.plain_api else ['--ca-file', os.path.join(self.server_data, 'ca.pem')]
        self.reeve('login', self.url(), '--key-file', os.path.join(self.server_data, 'api.key'), *extra)

    def up(self):
        self.start_server()
        self.login()
        return self

    # -- agents -------------------------------------------------------------------------------------------------------

    def token(self):
        return self.reeve_json('agents', 'token')[0]

    def add_agent(self, name, inputs, more='', enroll=True, data=None):
        """Writes a configuration, enrols, and gives the Program (not started). `inputs` and `more` are YAML."""
        data = data or os.path.join(self.root, name)
        config = os.path.join(self.root, name + '.yaml')
        with open(config, 'w') as out:
            out.write(f'data_dir: {data}\nhost: {name}\n{more}\ninputs:\n{inputs}\n')
        if enroll:
            self.enroll(config, self.token())
        agent = Program([os.path.join(BIN, 'reeve-agent'), 'run', '--config', config],
                        os.path.join(self.root, name + '.log'))
        agent.config, agent.data = config, data
        self.programs.append(agent)
        return agent

    def enroll(self, config, token, check=True):
        return self.run('reeve-agent', 'enroll', '--config', config, '--server', self.url(), '--token', token['token'],
                        '--ca-fingerprint', token['ca_fingerprint'], check=check)

    # -- questions ----------------------------------------------------------------------------------------------------

    def logs(self, *args, limit=1000000):
        """All matching rows, in the order the command line prints them."""
        return self.reeve_json('logs', '--from', '2000-01-01T00:00:00Z', '--limit', limit, *args)

    def agents(self):
        return self.reeve_json('agents', 'list')
