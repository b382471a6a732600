"""A real reeve-runner, spoken to over its socket by the second implementation of docs/warrant.md.

Host starts, kills and restarts the runner in a folder of its own; Org has every key and signs what a server and its
people would sign. Folders lie below /var/lib, because a policy must not lie below one that anybody may write to.
"""
import hashlib
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

CLONE = os.path.abspath(os.path.join(os.path.dirname(__file__), '..', '..'))
BIN = os.environ.get('REEVE_BIN', os.path.join(CLONE, 'build', 'dev', 'bin'))
sys.path.insert(0, CLONE)

from tests.warrant import merkle  # noqa: E402
from tests.warrant.messages import decode, encode  # noqa: E402
from tests.warrant.signing import Key, media_type, sign  # noqa: E402

HOUR_MS = 3_600_000
STATES = {1: 'not_started', 2: 'done', 3: 'failed', 4: 'unknown', 5: 'refused'}


def now_ms():
    return time.time_ns() // 1_000_000


def put_effect(folder):
    """The test's program, copied to where only root may write: a clone may lie where a policy allows none."""
    path = shutil.copy(os.path.join(BIN, 'reeve-effect'), folder)
    os.chmod(path, 0o755)
    return path


class Org:
    def __init__(self, name='acme'):
        self.name = name.encode()
        self.root, self.planner, self.freshness, self.audit = (Key(f'{name} {purpose}') for purpose in
                                                               ('root', 'planner', 'freshness', 'audit'))
        self.approvers = {person: Key(f'{name} {person}') for person in ('ada', 'bob')}
        year = now_ms() + 365 * 24 * HOUR_MS
        self.trust = {
            'schema': 1, 'org': self.name, 'version': 1, 'not_after_ms': year, 'root_threshold': 1,
            'roots': [{'public_key': self.root.public, 'person': b'root'}],
            'approvers': sorted(({'public_key': key.public, 'person': person.encode(), 'risk_max': 4,
                                  'not_after_ms': year} for person, key in self.approvers.items()),
                                key=lambda each: each['public_key']),
            'planner_keys': [self.planner.public], 'freshness_keys': [self.freshness.public],
            'audit_keys': [self.audit.public], 'approvals_min': [1, 1, 1, 2, 0]}
        self.trust_file = sign(media_type('trust'), encode('Trust', self.trust), self.root)

    def fingerprint(self):
        covered = b'reeve root v1\0' + self.name + b'\0' + struct.pack('<I', 1) + self.root.public + b'root\0'
        return f'sha256:{hashlib.sha256(covered).hexdigest()}@1'

    def update(self):
        at = now_ms()
        statement = {'schema': 1, 'org': self.name, 'trust_version': 1, 'revocation_version': 0, 'at_ms': at,
                     'not_after_ms': at + HOUR_MS}
        return {'trust': [self.trust_file],
                'freshness': sign(media_type('freshness'), encode('Freshness', statement), self.freshness)}

    def approve(self, step, step_bytes, person='ada'):
        approval = {'schema': 1, 'org': self.name, 'plan': step['plan'],
                    'root': merkle.root([merkle.leaf_hash(step_bytes)]), 'count': 1, 'hosts': 1,
                    'risk_max': step['risk'], 'person': person.encode(), 'decision': 1, 'at_ms': now_ms(),
                    'not_after_ms': now_ms() + HOUR_MS, 'comment': b''}
        return sign(media_type('approval'), encode('Approval', approval), self.approvers[person])

    def warrant(self, host, step, sequence, challenge):
        step_bytes = encode('Step', step)
        dispatch = {'schema': 1, 'org': self.name, 'host': host, 'step': hashlib.sha256(step_bytes).digest(),
                    'sequence': sequence, 'challenge': challenge, 'at_ms': now_ms(), 'not_after_ms': now_ms() + 600_000}
        return {'step': step_bytes, 'leaf_index': 0, 'leaf_count': 1, 'proof': [],
                'approvals': [self.approve(step, step_bytes)],
                'dispatch': sign(media_type('dispatch'), encode('Dispatch', dispatch), self.planner),
                'trust': self.update()}

    def order(self, host, step_id, kind, challenge=b''):
        order = {'schema': 1, 'org': self.name, 'host': host, 'step': step_id, 'kind': kind, 'challenge': challenge,
                 'at_ms': now_ms(), 'not_after_ms': now_ms() + 600_000}
        return {'order': sign(media_type('order'), encode('Order', order), self.planner), 'trust': self.update()}


class Host:
    """One runner with its folders; `policy` is YAML."""

    def __init__(self, org, policy, name='web-1', launcher='fork'):
        self.org, self.name, self.launcher = org, name, launcher
        self.root = tempfile.mkdtemp(prefix='reeve-runner-', dir='/var/lib')
        os.chmod(self.root, 0o755)
        self.state = os.path.join(self.root, 'state')
        self.policy = os.path.join(self.root, 'policy.d')
        self.socket_path = os.path.join(self.root, 'runner.sock')
        os.mkdir(self.policy)
        self.write_policy(policy)
        self.process = self.peer = None
        self.sequence = 0
        self.run('enroll', '--org', org.name.decode(), '--name', name, '--root', org.fingerprint())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        shutil.rmtree(self.root, ignore_errors=True)

    def write_policy(self, text):
        with open(os.path.join(self.policy, 'policy.yaml'), 'w') as out:
            out.write(text)
        os.chmod(os.path.join(self.policy, 'policy.yaml'), 0o644)

    def run(self, command, *args, check=True):
        done = subprocess.run([os.path.join(BIN, 'reeve-runner'), command, *args, '--state', self.state],
                              capture_output=True, text=True)
        assert not check or done.returncode == 0, done.stderr
        return done

    def start(self):
        with open(os.path.join(self.root, 'runner.log'), 'ab') as log:
            self.process = subprocess.Popen(
                [os.path.join(BIN, 'reeve-runner'), 'run', '--state', self.state, '--policy', self.policy, '--socket',
                 self.socket_path, '--launcher', self.launcher], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        return self.connect()

    def log(self):
        with open(os.path.join(self.root, 'runner.log'), errors='replace') as log:
            return log.read()

    def connect(self, seconds=20):
        """Until the runner has said who it is: a socket that a killed one left behind may still take a call."""
        deadline = time.monotonic() + seconds
        while True:
            self.peer = socket.socket(socket.AF_UNIX)
            self.peer.settimeout(seconds)
            try:
                self.peer.connect(self.socket_path)
                self.told = self.expect('state')
                break
            except OSError:
                assert self.process.poll() is None, self.log()[-2000:]
                assert time.monotonic() < deadline, self.log()[-2000:]
                time.sleep(0.005)
        self.host_id = hashlib.sha256(self.told['public_key']).digest()
        self.sequence = max(self.sequence, self.told['sequence'])
        return self

    def kill(self):
        if self.peer:
            self.peer.close()
            self.peer = None
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        if self.process:
            self.process.wait()

    # -- messages ------------------------------------------------------------------------------------------------------

    def send_bytes(self, data):
        self.peer.sendall(struct.pack('<I', len(data)) + data)

    def send(self, kind, message):
        self.send_bytes(encode('ToRunner', {kind: message}))

    def take(self, count):
        data = b''
        while len(data) < count:
            try:
                more = self.peer.recv(count - len(data))
            except ConnectionResetError:
                more = b''
            if not more:
                raise ConnectionError('the runner is gone: ' + self.log()[-3000:])
            data += more
        return data

    def receive(self):
        """(kind, what it says); results and preflight reports are decoded out of their envelopes."""
        message = decode('FromRunner', self.take(struct.unpack('<I', self.take(4))[0]))
        kind, value = next((name, message[name]) for name in ('state', 'challenge', 'result', 'preflight', 'refused')
                           if message.get(name) is not None)
        if kind in ('result', 'preflight'):
            value = decode(kind.capitalize(), value['payload'])
        return kind, value

    def expect(self, kind, matches=lambda value: True):
        while True:
            got, value = self.receive()
            if got == kind and matches(value):
                return value

    def challenge(self):
        self.send('challenge', {})
        return self.expect('challenge')['challenge']

    def step(self, argv, **more):
        self.send('state', {})
        policy_hash = self.expect('state')['policy_hash']
        return {'schema': 1, 'org': self.org.name, 'plan': os.urandom(16), 'index': 0, 'count': 1, 'host': self.host_id,
                'host_name': self.name.encode(), 'epoch': self.told['epoch'], 'exec': argv, 'rollback_on_failure': False,
                'keep_within_ms': 0, 'effect': 3, 'risk': 1, 'approvals': 1, 'requester': b'eve',
                'policy_hash': policy_hash, 'not_before_ms': now_ms() - 1000, 'not_after_ms': now_ms() + HOUR_MS,
                'preconditions': [], **more}

    def warrant(self, step):
        self.sequence += 1
        return self.org.warrant(self.host_id, step, self.sequence, self.challenge())

    def result_of(self, step, seconds=30):
        """What became of this step's own phase, or why it was refused; that it was seen before is neither."""
        self.peer.settimeout(seconds)
        step_id = hashlib.sha256(encode('Step', step)).digest()
        result = self.expect('result', lambda value: value['step'] == step_id and value['phase'] == 1 and
                             value['code'] != b'seen')
        if result['sequence']:
            self.send('result_ack', {'through': result['sequence']})
        return result


def program(path, *arguments, user='root', timeout_ms=20_000, output=4096):
    return {'argv': {'path': path.encode(), 'sha256': b'', 'arguments': [each.encode() for each in arguments],
                     'environment': [], 'working_directory': b'', 'user': user.encode()},
            'timeout_ms': timeout_ms, 'output_bytes_max': output}
