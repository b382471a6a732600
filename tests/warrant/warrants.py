"""Random warrants and orders for one host, genuine or with some of the faults that a runner must see."""
import copy
import hashlib
import random

from . import histories, merkle, values
from .histories import APPROVER_PERSONS, APPROVERS, FRESHNESS, NOW, ORG, PLANNERS, STRANGER
from .messages import DAY, MESSAGE_BYTES, QUARTER_HOUR, encode
from .mutate import mutate
from .signing import Key, key_id, media_type, sign
from .trust import LISTS, TrustState, fingerprint_digest
from .verify import Host, judge

RUNNERS = [Key('runner 0'), Key('runner 1')]
SKEW = 300_000


class Scene:
    """All that goes into one message, and the host that it is for; faults change it before it is signed."""

    def __init__(self, rng, kind):
        self.rng, self.kind = rng, kind
        self.judged = NOW + rng.randint(0, 1_000)
        back = rng.choice([0, 1, SKEW])
        wall, signed = rng.choice([(self.judged, self.judged - back), (self.judged - back, self.judged)])
        self.host = {'org': ORG, 'id': RUNNERS[0].id, 'name': b'web-1', 'epoch': rng.choice([0, 1, 9]), 'locked': False,
                     'wall': wall, 'signed': signed, 'sequence': rng.choice([0, 7]), 'policy_hash': rng.randbytes(32),
                     'floors': [rng.choice([1, 1, 2]) for _ in range(5)],
                     'seen': [rng.randbytes(32) for _ in range(rng.randint(0, 2))],
                     'challenges': [rng.randbytes(32) for _ in range(rng.randint(1, 2))]}
        self.make_trust()
        self.make_plan()
        self.make_approvals()
        self.make_request()
        self.shown = dict.fromkeys(('trust', 'revocation', 'freshness'), rng.random() < 0.5)  # in the message itself
        if rng.random() < 0.5:
            self.shown['freshness'] = True  # as a server does it
        self.types = {name: media_type(name) for name in ('trust', 'revocation', 'freshness', 'dispatch', 'order')}
        self.spoil = {}  # what of these is spelled in another way, and signed so
        self.late = []  # faults of the finished message

    def make_trust(self):
        rng = self.rng
        self.trust = histories.first_trust(rng)
        self.trust['not_after_ms'] = self.judged + rng.choice([1, 90 * DAY])
        self.digest, self.trust_signers = fingerprint_digest(self.trust), histories.root_keys(self.trust)
        self.revocation = None
        if rng.random() < 0.5:
            self.revocation = {'schema': 1, 'org': ORG, 'version': rng.choice([1, 5]), 'at_ms': NOW, 'persons': [b'zoe'],
                               'plans': [rng.randbytes(16)], **{name: [rng.randbytes(32)] for name in
                                                                ('keys', 'steps', 'hosts')}}
        at = self.judged - rng.choice([0, DAY - 1, 1_000])
        self.freshness = {'schema': 1, 'org': ORG, 'trust_version': self.trust['version'],
                          'revocation_version': self.revocation['version'] if self.revocation else 0, 'at_ms': at,
                          'not_after_ms': rng.choice([self.judged + 1, at + DAY])}
        self.freshness_signer = rng.choice(FRESHNESS)

    def make_plan(self):
        rng, host = self.rng, self.host
        count = rng.choice([1, 1, 2, 3, 5, 8, rng.randint(1, 12)])
        self.index, self.plan = rng.randrange(count), rng.randbytes(16)
        begin = self.judged - rng.choice([0, 1, DAY - 1])
        self.step = {**values.step(rng), 'org': ORG, 'plan': self.plan, 'index': self.index, 'count': count,
                     'host': host['id'], 'host_name': host['name'], 'epoch': host['epoch'],
                     'approvals': rng.choice([1, 1, 2]), 'requester': rng.choice([b'planner', b'bob', b'gus']),
                     'policy_hash': host['policy_hash'],
                     'not_before_ms': begin, 'not_after_ms': rng.choice([self.judged + 1, begin + DAY])}
        self.others = [rng.randbytes(20) for _ in range(count)]
        able = {person for key, person in zip(APPROVERS, APPROVER_PERSONS) if self.risk_of(key) == 4}
        if len(able - {self.step['requester']}) < self.needed():
            self.step['risk'] = min(2, self.step['risk'])

    def risk_of(self, key):
        return next(entry['risk_max'] for entry in self.trust['approvers'] if entry['public_key'] == key.public)

    def needed(self):
        risk = self.step['risk']
        return max(self.step['approvals'], self.trust['approvals_min'][risk], self.host['floors'][risk])

    def make_approvals(self):
        rng, by_person = self.rng, {}
        for key, person in rng.sample(list(zip(APPROVERS, APPROVER_PERSONS)), len(APPROVERS)):
            if person != self.step['requester'] and self.risk_of(key) >= self.step['risk']:
                by_person[person] = key
        chosen = list(by_person.items())[:self.needed() + rng.choice([0, 0, 1])]
        self.approvals = [self.approval(person, key) for person, key in chosen]

    def approval(self, person, key, **changes):
        rng = self.rng
        at = self.judged - rng.choice([0, 1_000, DAY - 1])
        body = {'schema': 1, 'org': ORG, 'plan': self.plan, 'count': self.step['count'], 'hosts': 1,
                'risk_max': rng.randint(min(self.step['risk'], 4), 4), 'person': person, 'decision': 1, 'at_ms': at,
                'not_after_ms': rng.choice([self.judged + 1, at + DAY]), 'comment': b'', **changes}
        return {'body': body, 'signers': [key], 'type': media_type('approval'), 'spoil': None}

    def make_request(self):
        rng, host = self.rng, self.host
        at = self.judged + rng.choice([0, SKEW, -1_000, -(QUARTER_HOUR - 1)])
        self.request = {'schema': 1, 'org': ORG, 'host': host['id'], 'at_ms': at,
                        'challenge': rng.choice(host['challenges']),
                        'not_after_ms': rng.choice([max(at, self.judged) + 1, at + QUARTER_HOUR])}
        if self.kind == 'warrant':
            self.request['sequence'] = host['sequence'] + rng.choice([1, 100])
        else:
            self.request['kind'] = rng.randint(1, 3)
            if self.request['kind'] != 2:
                self.request['challenge'] = b''
        self.request_signer = rng.choice(PLANNERS)

    # -- what is sent --------------------------------------------------------------------------------------------------

    def bytes_of(self, name, message):
        return self.spoil.get(name, lambda data: data)(encode(name, message))

    def signed_approval(self, approval, root):
        payload = encode('Approval', {'root': root, **approval['body']})
        if approval['spoil']:
            payload = approval['spoil'](payload)
        return sign(approval['type'], payload, *approval['signers'])

    def assemble(self):
        """(ToRunner's dict, earlier steps of the state)"""
        material = {'trust': sign(self.types['trust'], self.bytes_of('Trust', self.trust), *self.trust_signers)}
        if self.revocation:
            signer = histories.root_keys(self.trust)[0]
            material['revocation'] = sign(self.types['revocation'], self.bytes_of('Revocation', self.revocation), signer)
        if self.freshness:
            payload = self.bytes_of('Freshness', self.freshness)
            material['freshness'] = sign(self.types['freshness'], payload, self.freshness_signer)
        shown, earlier = {'trust': []}, []
        for name in material:
            if not self.shown[name]:
                earlier.append({'trust': b't', 'revocation': b'r', 'freshness': b'f'}[name] +
                               encode('Envelope', material[name]))
            elif name == 'trust':
                shown['trust'] = [material['trust']]
            else:
                shown[name] = material[name]
        step = self.bytes_of('Step', self.step)
        hashes = [merkle.leaf_hash(other) for other in self.others]
        hashes[self.index] = merkle.leaf_hash(step)
        purpose = 'dispatch' if self.kind == 'warrant' else 'order'
        request = {'step': hashlib.sha256(step).digest(), **self.request}
        signed = sign(self.types[purpose], self.bytes_of(purpose.capitalize(), request), self.request_signer)
        if self.kind == 'order':
            return {'order': {'order': signed, 'trust': shown}}, earlier
        root = merkle.root(hashes)
        return {'warrant': {'step': step, 'leaf_index': self.index, 'leaf_count': len(hashes),
                            'proof': merkle.inclusion_proof(hashes, self.index),
                            'approvals': [self.signed_approval(approval, root) for approval in self.approvals],
                            'dispatch': signed, 'trust': shown}}, earlier


# -- faults -------------------------------------------------------------------------------------------------------------
# Each takes (rng, scene). Not each is one: some go to a bound and not past it.

def revoke(scene, kind, entry):
    if scene.revocation is None:
        scene.revocation = {'schema': 1, 'org': ORG, 'version': 1, 'at_ms': NOW, **{name: [] for name in LISTS}}
        if scene.freshness:
            scene.freshness['revocation_version'] = 1
    scene.revocation[kind] = sorted({*scene.revocation[kind], entry})


def fault_trust_signers(rng, scene):
    scene.trust_signers = rng.sample(scene.trust_signers, len(scene.trust_signers) - 1) or [STRANGER]


def fault_trust_missing(rng, scene):
    scene.shown['trust'] = False
    scene.trust_signers = [STRANGER]


def fault_trust_version(rng, scene):
    scene.trust['version'] = rng.choice([1, 2, 9])


def fault_trust_expired(rng, scene):
    scene.trust['not_after_ms'] = scene.judged + rng.choice([-1, 0, 0, 1])


def fault_freshness(rng, scene):
    way = rng.randrange(5)
    if way == 0:
        scene.freshness = None
    elif way == 1:
        scene.freshness_signer = rng.choice([STRANGER, *PLANNERS])
    elif scene.freshness and way == 2:
        scene.freshness[rng.choice(['trust_version', 'revocation_version'])] += rng.choice([1, 2**32])
    elif scene.freshness and way == 3:
        scene.freshness.update(not_after_ms=scene.judged + rng.choice([0, 1]), at_ms=scene.judged - 1_000)
    elif scene.freshness:
        revoke(scene, 'keys', scene.freshness_signer.id)


def fault_material_type(rng, scene):
    name = rng.choice(list(scene.types))
    scene.types[name] = rng.choice([media_type('result'), scene.types[name] + b'x', scene.types[name].upper(), b'x'])


def fault_material_shown(rng, scene):
    scene.shown = {name: rng.random() < 0.5 for name in scene.shown}


def fault_clock(rng, scene):
    scene.host[rng.choice(['wall', 'signed'])] += rng.choice([-SKEW - 1, -SKEW, SKEW, SKEW + 1, -DAY * 3_650, DAY * 3_650])


def fault_locked(rng, scene):
    scene.host['locked'] = True


def fault_planner(rng, scene):
    if rng.random() < 0.5:
        scene.request_signer = rng.choice([STRANGER, *FRESHNESS, *APPROVERS])
    else:
        revoke(scene, 'keys', scene.request_signer.id)


def fault_step_value(rng, scene):
    values.tweak(rng, 'Step', scene.step)


def fault_spelling(rng, scene):
    name = rng.choice(['Step', 'Step', 'Dispatch', 'Dispatch', 'Order', 'Trust', 'Revocation', 'Freshness'])
    seed = rng.random()
    scene.spoil[name] = lambda data: mutate(random.Random(seed), name, data)


def fault_request_value(rng, scene):
    values.tweak(rng, 'Order' if scene.kind == 'order' else 'Dispatch',
                 body := {'step': rng.randbytes(32), **copy.deepcopy(scene.request)})
    scene.request = body


def fault_place(rng, scene):
    message = rng.choice([scene.step, scene.request, scene.host])
    for name, other in rng.choice([[('org', b'acme2')], [('host', RUNNERS[1].id)], [('host_name', b'web-10')],
                                   [('epoch', 2)], [('org', b'')], [('host', rng.randbytes(32))]]):
        name = {'host': 'id', 'host_name': 'name'}.get(name, name) if message is scene.host else name
        if name in message:
            message[name] = other


def fault_seen(rng, scene):
    scene.late.append('seen')


def fault_sequence(rng, scene):
    scene.host['sequence'] = scene.request.get('sequence', 1) + rng.choice([-1, 0, 0, 1])


def fault_step_window(rng, scene):
    begin = scene.judged + rng.choice([0, 1, -DAY])
    scene.step.update(not_before_ms=begin, not_after_ms=begin + rng.choice([DAY, DAY - 1]))


def fault_request_window(rng, scene):
    at = scene.judged + rng.choice([SKEW, SKEW + 1, -QUARTER_HOUR, -QUARTER_HOUR + 1, -DAY])
    scene.request.update(at_ms=at, not_after_ms=at + QUARTER_HOUR)


def fault_challenge(rng, scene):
    scene.host['challenges'] = rng.choice([[], [rng.randbytes(32)], [b'']])


def fault_revoked(rng, scene):
    kind = rng.choice(['hosts', 'plans', 'steps', 'keys', 'persons', 'roots'])
    if kind == 'steps':
        scene.late.append('revoke step')
    elif kind == 'roots':
        revoke(scene, 'keys', key_id(rng.choice(scene.trust['roots'])['public_key']))
    elif kind in ('hosts', 'plans'):
        revoke(scene, kind, scene.host['id'] if kind == 'hosts' else scene.plan)
    elif scene.approvals:
        approval = rng.choice(scene.approvals)
        revoke(scene, kind, approval['signers'][0].id if kind == 'keys' else approval['body']['person'])


def fault_dispatch_step(rng, scene):
    scene.request['step'] = rng.randbytes(32)


def fault_leaf(rng, scene):
    scene.late.append(rng.choice(['leaf_index', 'leaf_count', 'proof', 'proof', 'proof length']))


def fault_edit(rng, scene):
    scene.late.append('edit')


def fault_approval(rng, scene):
    if not scene.approvals:
        return
    approval = rng.choice(scene.approvals)
    body, key = approval['body'], approval['signers'][0]
    entry = next((entry for entry in scene.trust['approvers'] if entry['public_key'] == key.public), None)
    way = rng.randrange(14)
    if way == 0:
        body[name] = rng.randbytes(16) if (name := rng.choice(['plan', 'org'])) == 'plan' else b'acme2'
    elif way == 1:
        body['count'] += 1
    elif way == 2:
        body['risk_max'] = max(0, scene.step['risk'] - 1)
    elif way == 3:
        body['root'] = rng.randbytes(32)
    elif way == 4:
        approval['signers'] = [rng.choice([STRANGER, *APPROVERS, *PLANNERS])]
    elif way == 5:
        body['person'] = rng.choice(APPROVER_PERSONS)
    elif way == 6 and entry:
        entry['risk_max'] = max(0, scene.step['risk'] - rng.choice([0, 1]))
    elif way == 7:
        body.update(at_ms=scene.judged - 10, not_after_ms=scene.judged + rng.choice([0, 1]))
    elif way == 8 and entry:
        entry['not_after_ms'] = scene.judged + rng.choice([0, 1])
    elif way == 9:
        body['decision'] = 2
    elif way == 10:
        approval['type'] = rng.choice([media_type('dispatch'), media_type('approvals'), b'x'])
    elif way == 11:
        approval['spoil'] = lambda payload: mutate(rng, 'Approval', payload)
    elif way == 12:
        values.tweak(rng, 'Approval', full := {'root': rng.randbytes(32), **body})
        approval['body'] = full
    else:  # all keys of everybody: the first of the person's decides
        approval['signers'] = rng.sample(APPROVERS, len(APPROVERS))


def fault_approvals(rng, scene):
    way = rng.randrange(6)
    if way == 0:
        scene.approvals = scene.approvals[1:]
    elif way == 1 and scene.approvals:
        scene.approvals[0] = copy.deepcopy(scene.approvals[-1])  # twice the same person
    elif way == 2 and scene.approvals:
        scene.approvals[-1] = scene.approval(*rng.choice(list(zip(APPROVER_PERSONS, APPROVERS))))
    elif way == 3 and scene.approvals:
        scene.step['requester'] = rng.choice(scene.approvals)['body']['person']
    elif way == 4:
        person, key = rng.choice(list(zip(APPROVER_PERSONS, APPROVERS)))
        scene.approvals.insert(rng.randint(0, len(scene.approvals)), scene.approval(person, key, decision=2))
    else:
        scene.approvals = (scene.approvals * 33)[:rng.choice([32, 33])]


def fault_floor(rng, scene):
    where = rng.choice([scene.host['floors'], scene.trust['approvals_min']])
    where[min(scene.step['risk'], 4)] = rng.choice([0, 0, 5, 16])


def fault_policy(rng, scene):
    scene.step['policy_hash'] = rng.randbytes(32)


def fault_message(rng, scene):
    scene.late.append(rng.choice(['flip', 'flip', 'mutate', 'mutate', 'size', 'other kind', 'other envelope',
                                  'spoil signature', 'splice', 'splice', 'cut']))


FAULTS = [value for name, value in sorted(globals().items()) if name.startswith('fault_')]
FAULTS += [fault_approval] * 5 + [fault_approvals] * 2 + [fault_spelling] * 2


def spoil_message(rng, scene, message, fault):
    """The late faults: of the message's dict, after all has been signed."""
    inner = message.get('warrant') or message['order']
    if fault == 'edit' and 'step' in inner:
        values.tweak(rng, 'Step', step := copy.deepcopy(scene.step))
        inner['step'] = encode('Step', step)
    elif fault in ('leaf_index', 'leaf_count') and fault in inner:
        inner[fault] = rng.choice([inner[fault] + 1, max(0, inner[fault] - 1), 2**64 - 1, inner[fault]])
    elif fault == 'proof' and inner.get('proof'):
        inner['proof'][rng.randrange(len(inner['proof']))] = rng.randbytes(rng.choice([32, 32, 32, 31, 33, 0]))
    elif fault == 'proof length' and 'proof' in inner:
        inner['proof'] = rng.choice([inner['proof'] + [rng.randbytes(32)], inner['proof'][:-1],
                                     [bytes(32)] * rng.choice([64, 65])])
    elif fault == 'other envelope' and inner.get('approvals'):
        inner['approvals'][0], inner['dispatch'] = inner['dispatch'], inner['approvals'][0]
    elif fault == 'spoil signature':
        envelope = rng.choice(inner.get('approvals', []) + [inner.get('dispatch') or inner['order']])
        envelope['signatures'][0]['signature'] = rng.randbytes(64)
    elif fault == 'splice':  # a genuine part of another plan, for the same host
        other = (other := Scene(rng, scene.kind).assemble()[0]).get('warrant') or other['order']
        name = rng.choice(sorted(inner))
        inner[name] = other[name]


def spoil_bytes(rng, data, fault):
    if fault == 'flip' and data:
        at = rng.randrange(len(data))
        return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1:]
    if fault == 'mutate':
        return mutate(rng, 'ToRunner', data)
    if fault == 'cut':
        return data[:rng.randint(0, len(data))]
    if fault == 'size':
        return data + bytes(MESSAGE_BYTES + rng.choice([0, 1]) - len(data))
    if fault == 'other kind':
        return encode('ToRunner', values.to_runner(rng))
    return data


def verification(rng):
    scene = Scene(rng, rng.choices(['warrant', 'order'], [5, 1])[0])
    faults = rng.choices([0, 1, 2, 3], [4, 8, 3, 1])[0]
    for fault in (rng.choice(FAULTS) for _ in range(faults)):
        fault(rng, scene)
    step_id = hashlib.sha256(scene.bytes_of('Step', scene.step)).digest()
    if 'seen' in scene.late:
        scene.host['seen'].append(step_id)
    if 'revoke step' in scene.late:
        revoke(scene, 'steps', step_id)
    message, earlier = scene.assemble()
    for fault in scene.late:
        spoil_message(rng, scene, message, fault)
    data = encode('ToRunner', message)
    for fault in scene.late:
        data = spoil_bytes(rng, data, fault)
    host = scene.host
    version_min = rng.choice([1, scene.trust['version']])
    items = [b'verify', host['org'], scene.digest, version_min, host['id'], host['name'], host['epoch'],
             int(host['locked']), host['wall'], host['signed'], host['sequence'], host['policy_hash'],
             *host['floors'], list(host['seen']), list(host['challenges']), earlier, data]
    state = TrustState(host['org'], scene.digest, version_min)
    for step in earlier:
        histories.apply(state, step)
    code, persons, reason = judge(data, Host(**host), state)
    if not faults and code != 'none':
        raise AssertionError(f'a genuine {scene.kind} was refused: {code}')
    if code in ('none', 'other'):
        code += ' ' + (','.join(person.hex() for person in persons) or '-')
    return items, f'{code} # {reason}'
