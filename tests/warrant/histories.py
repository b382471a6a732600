"""Random lives of a host's trust: rotations and thresholds, lists and statements, and what somebody else would try."""
import copy
import hashlib

from .messages import DAY, decode, encode
from .mutate import mutate
from .signing import Key, key_id, media_type, sign
from .trust import LISTS, Denied, TrustState, fingerprint_digest
from .values import tweak
from .wire import Invalid

ORG = b'acme'
NOW = 1_900_000_000_000
ROOTS = [Key(f'root {number}') for number in range(7)]
ROOT_PERSONS = [b'ada', b'bob', b'cem', b'ada', b'dag', b'bob', b'eva']  # some have two keys
APPROVERS = [Key(f'approver {number}') for number in range(6)]
APPROVER_PERSONS = [b'ada', b'bob', b'eva', b'eva', b'fay', b'gus']
PLANNERS = [Key(f'planner {number}') for number in range(2)]
FRESHNESS = [Key(f'freshness {number}') for number in range(2)]
STRANGER = Key('stranger')
EVERYBODY = {key.public: key for key in ROOTS + APPROVERS + PLANNERS + FRESHNESS + [STRANGER]}


def by_key(entries):
    return sorted(entries, key=lambda entry: entry['public_key'])


def random_roots(rng):
    chosen = rng.sample(range(len(ROOTS)), rng.randint(1, 5))
    roots = by_key({'public_key': ROOTS[at].public, 'person': ROOT_PERSONS[at]} for at in chosen)
    return roots, rng.randint(1, len({root['person'] for root in roots}))


def first_trust(rng):
    roots, threshold = random_roots(rng)
    approvers = by_key({'public_key': key.public, 'person': person, 'risk_max': rng.choice([2, 4, 4, 4]),
                        'not_after_ms': NOW + rng.choice([DAY, 30 * DAY])}
                       for key, person in zip(APPROVERS, APPROVER_PERSONS))
    return {'schema': 1, 'org': ORG, 'version': rng.choice([1, 1, 1, 4]), 'not_after_ms': NOW + 90 * DAY,
            'root_threshold': threshold, 'roots': roots, 'approvers': approvers,
            'planner_keys': sorted(key.public for key in PLANNERS),
            'freshness_keys': sorted(key.public for key in FRESHNESS), 'audit_keys': [],
            'approvals_min': [1, 1, 1, rng.choice([1, 2]), rng.choice([1, 2])]}


def root_keys(*trusts):
    keys = {root['public_key'] for trust in trusts for root in trust['roots']}
    return [EVERYBODY.get(key, STRANGER) for key in sorted(keys)]


class World:
    """Makes envelopes that follow from what the state believes, and some that do not."""

    def __init__(self, rng):
        self.rng = rng
        self.first = first_trust(rng)
        digest = fingerprint_digest(self.first)
        if rng.random() < 0.05:
            digest = rng.randbytes(32)
        self.beginning = [ORG, digest, rng.choice([1, 1, self.first['version'], self.first['version'] + 1])]
        self.state = TrustState(*self.beginning)
        self.past = []
        self.now = NOW

    def envelope(self, purpose, name, message, signers):
        rng = self.rng
        fault = rng.random()
        if fault < 0.03:
            message = {**message, 'org': rng.choice([b'acme2', b'acm', b'ACME'])}
        elif fault < 0.05:
            message = copy.deepcopy(message)
            tweak(rng, name, message)
        payload = encode(name, message)
        if rng.random() < 0.03:
            payload = mutate(rng, name, payload)  # and signed so
        kind = media_type(purpose if fault < 0.95 else rng.choice(['trust', 'revocation', 'freshness', 'approval']))
        out = sign(kind, payload, *(signers or [STRANGER]))
        if 0.05 <= fault < 0.07:
            out['payload'] = mutate(rng, name, payload)
        elif fault < 0.1:
            out['payload_type'] = media_type('freshness' if purpose == 'trust' else 'trust')
        elif fault < 0.13:
            signature = rng.choice(out['signatures'])
            signature['signature'] = rng.choice([bytes(64), signature['signature'][::-1], rng.randbytes(64)])
        elif fault < 0.2:
            for signature in out['signatures']:
                signature['key_id'] = rng.choice([rng.randbytes(32), STRANGER.id])
        elif fault < 0.25:
            out['signatures'].append(STRANGER.signature(kind, payload))
        elif fault < 0.28:  # one person's signature twice, under the two names of a key
            again = copy.deepcopy(out['signatures'][0])
            out['signatures'] = [out['signatures'][0], {**again, 'key_id': rng.randbytes(32)}]
        return out

    def signers(self, keys):
        """Mostly all of them; else some, or none that count."""
        rng = self.rng
        way = rng.random()
        if way < 0.6:
            return keys
        if way < 0.9:
            return rng.sample(keys, rng.randint(0, len(keys)))
        return rng.sample(ROOTS + APPROVERS + FRESHNESS + PLANNERS, 2)

    def next_trust(self):
        rng, believed = self.rng, self.state.trust
        if believed is None:
            return 't', self.envelope('trust', 'Trust', self.first, self.signers(root_keys(self.first)))
        trust = {**copy.deepcopy(believed), 'version': believed['version'] + rng.choices([1, 2, 0, -1], [12, 1, 1, 1])[0]}
        if rng.random() < 0.6:
            trust['roots'], trust['root_threshold'] = random_roots(rng)
        if rng.random() < 0.3:
            trust['freshness_keys'] = sorted(key.public for key in rng.sample(FRESHNESS, rng.randint(0, 2)))
        way = rng.random()
        keys = root_keys(believed, trust) if way < 0.7 else root_keys(trust) if way < 0.85 else root_keys(believed)
        return 't', self.envelope('trust', 'Trust', trust, self.signers(keys))

    def next_revocation(self):
        rng, before = self.rng, self.state.revocation
        trust = self.state.trust or self.first
        old = before or {kind: [] for kind in LISTS}
        lists = {kind: set(old[kind]) for kind in LISTS}
        for _ in range(rng.choice([0, 1, 1, 2])):
            kind = rng.choice(LISTS)
            lists[kind].add({'keys': key_id(rng.choice(list(EVERYBODY))), 'persons': rng.choice(ROOT_PERSONS),
                             'plans': rng.randbytes(16)}.get(kind) or rng.randbytes(32))
        if rng.random() < 0.15:
            held = rng.choice([kind for kind in LISTS if lists[kind]] or ['keys'])
            lists[held] -= {min(lists[held], default=b'')}
        version = (before['version'] if before else 0) + rng.choices([1, 2, 7, 0, -1], [10, 2, 1, 1, 1])[0]
        message = {'schema': 1, 'org': ORG, 'version': max(1, version), 'at_ms': self.now,
                   **{kind: sorted(lists[kind]) for kind in LISTS}}
        signers = [rng.choice(root_keys(trust))] if rng.random() < 0.8 else self.signers([STRANGER])
        return 'r', self.envelope('revocation', 'Revocation', message, signers)

    def next_freshness(self):
        rng, state = self.rng, self.state
        self.now += rng.choice([0, 1, 1_000, 60_000])
        at = self.now - rng.choices([0, 1, 3_600_000], [8, 1, 1])[0]
        message = {'schema': 1, 'org': ORG, 'trust_version': max(1, state.trust_version + rng.choices([0, 1], [8, 1])[0]),
                   'revocation_version': state.revocation_version, 'at_ms': at,
                   'not_after_ms': at + rng.choice([1, 3_600_000, DAY])}
        signer = rng.choices([rng.choice(FRESHNESS), rng.choice(PLANNERS), STRANGER], [8, 1, 1])[0]
        return 'f', self.envelope('freshness', 'Freshness', message, [signer])

    def next(self):
        rng = self.rng
        if self.past and rng.random() < 0.1:
            return rng.choice(self.past)  # shown again
        if self.state.trust is None and rng.random() < 0.7:
            made = self.next_trust()
        else:
            made = rng.choice([self.next_trust, self.next_trust, self.next_revocation, self.next_freshness])()
        self.past.append(made)
        return made


def update_of(rng, world):
    """Several at once; all but the first follow from what was believed before, so some will not fit."""
    update = {'trust': []}
    for kind, envelope in (world.next() for _ in range(rng.randint(0, 4))):
        if kind == 't':
            update['trust'].append(envelope)
        else:
            update['revocation' if kind == 'r' else 'freshness'] = envelope
    return update


def believed(state):
    at = state.freshness['at_ms'] if state.freshness else -1
    return f'{state.trust_version}/{state.revocation_version}/{at}'


def apply(state, step):
    """(the word of the answer, the reason) for one step: a letter, and the bytes of an envelope or of a ToRunner."""
    letter, data = step[:1], step[1:]
    try:
        if letter == b'u':
            message = decode('ToRunner', data)
            if 'trust' not in message:
                return 'invalid', ''
            take = lambda: state.take(message['trust'])
        else:
            envelope = decode('Envelope', data)
            takes = {b't': state.take_trust, b'r': state.take_revocation, b'f': state.take_freshness}
            take = lambda: takes[letter](envelope)
    except Invalid as error:
        return 'invalid', str(error)
    try:
        take()
        return 'accept:' + believed(state), ''
    except Denied as denied:
        return 'deny:' + believed(state), str(denied)


def history(rng):
    world = World(rng)
    steps, words, reasons = [], [], []
    for _ in range(rng.randint(3, 12)):
        if rng.random() < 0.25:
            data = b'u' + encode('ToRunner', {'trust': update_of(rng, world)})
        else:
            letter, envelope = world.next()
            data = letter.encode() + encode('Envelope', envelope)
        if rng.random() < 0.02:
            data = data[:1] + mutate(rng, 'ToRunner' if data[:1] == b'u' else 'Envelope', data[1:])
        steps.append(data)
        word, reason = apply(world.state, data)
        words.append(word)
        reasons += [reason] if reason else []
    kept = hashlib.sha256(encode('ToRunner', {'trust': world.state.kept})).hexdigest()
    return [b'history', *world.beginning, steps], ' '.join([*words, kept]) + ' # ' + '; '.join(reasons)
