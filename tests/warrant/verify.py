"""The order of verification: what a runner says to a message, up to its local policy."""
import hashlib

from . import merkle
from .messages import MESSAGE_BYTES, decode
from .signing import media_type, signed_by
from .trust import Denied
from .wire import Invalid

CLOCK_DIFFERENCE = 300_000


class Refused(Exception):
    def __init__(self, code, reason=''):
        super().__init__(code, reason)
        self.code, self.reason = code, reason


def need(condition, code):
    if not condition:
        raise Refused(code)


def decoded(name, data, code):
    try:
        return decode(name, data)
    except Invalid as error:
        raise Refused(code, str(error)) from None


class Host:
    """What the runner knows of itself and its past."""

    def __init__(self, **known):
        self.org, self.id, self.name, self.epoch = known['org'], known['id'], known['name'], known['epoch']
        self.locked, self.wall, self.signed = known['locked'], known['wall'], known['signed']
        self.sequence, self.policy_hash, self.floors = known['sequence'], known['policy_hash'], known['floors']
        self.seen, self.challenges = known['seen'], known['challenges']

    @property
    def judged(self):
        return max(self.wall, self.signed)


def judge_standing(host, state):
    need(state.trust, 'trust_missing')
    need(host.judged < state.trust['not_after_ms'], 'trust_expired')
    fresh = state.freshness
    need(fresh and fresh['trust_version'] == state.trust_version
         and fresh['revocation_version'] == state.revocation_version and host.judged < fresh['not_after_ms'], 'stale')
    need(abs(host.wall - host.signed) <= CLOCK_DIFFERENCE, 'clock')
    need(not host.locked, 'locked')


def planner_signed(envelope, state):
    need(any(signed_by(envelope, key) for key in state.trust['planner_keys'] if not state.key_revoked(key)), 'planner')


def within_window(host, message):
    return message['at_ms'] <= host.judged + CLOCK_DIFFERENCE and host.judged < message['not_after_ms']


def judge_approvals(warrant, step, host, state):
    """The distinct persons who approved."""
    for envelope in warrant['approvals']:
        need(envelope['payload_type'] == media_type('approval'), 'approval')
    approvals = [decoded('Approval', envelope['payload'], 'approval') for envelope in warrant['approvals']]
    persons = set()
    for number, (envelope, approval) in enumerate(zip(warrant['approvals'], approvals)):
        if number == 0:
            need(warrant['leaf_index'] == step['index'] and warrant['leaf_count'] == step['count'], 'proof')
            need(merkle.verify_inclusion(warrant['step'], warrant['leaf_index'], warrant['leaf_count'],
                                         warrant['proof'], approval['root']), 'proof')
        need(all(approval[field] == step[field] for field in ('org', 'plan', 'count')), 'approval')
        need(approval['root'] == approvals[0]['root'] and approval['risk_max'] >= step['risk'], 'approval')
        key = next((approver for approver in state.trust['approvers']
                    if approver['person'] == approval['person'] and signed_by(envelope, approver['public_key'])), None)
        need(key, 'approval')
        need(not state.key_revoked(key['public_key']) and not state.listed('persons', key['person']), 'revoked')
        need(approval['decision'] == 1, 'vetoed')
        need(within_window(host, approval) and host.judged < key['not_after_ms'], 'approval')
        need(key['risk_max'] >= step['risk'], 'approval')
        persons.add(approval['person'])
    return persons


def verify_warrant(warrant, trust_refused, host, state):
    """The distinct persons that counted."""
    need(warrant['dispatch']['payload_type'] == media_type('dispatch'), 'type')
    need(not trust_refused, 'trust')
    judge_standing(host, state)
    planner_signed(warrant['dispatch'], state)
    dispatch = decoded('Dispatch', warrant['dispatch']['payload'], 'encoding')
    step = decoded('Step', warrant['step'], 'encoding')
    step_id = hashlib.sha256(warrant['step']).digest()
    need(dispatch['org'] == step['org'] == host.org, 'org')
    need(dispatch['host'] == step['host'] == host.id and step['host_name'] == host.name, 'host')
    need(step['epoch'] == host.epoch, 'epoch')
    need(step_id not in host.seen, 'seen')
    need(dispatch['sequence'] > host.sequence, 'sequence')
    need(step['not_before_ms'] <= host.judged < step['not_after_ms'] and within_window(host, dispatch), 'window')
    need(dispatch['challenge'] in host.challenges, 'challenge')
    need(not (state.listed('hosts', host.id) or state.listed('plans', step['plan'])
              or state.listed('steps', step_id)), 'revoked')
    need(dispatch['step'] == step_id, 'proof')
    persons = judge_approvals(warrant, step, host, state)
    persons.discard(step['requester'])
    floors = (state.trust['approvals_min'][step['risk']], host.floors[step['risk']])
    need(0 not in floors and len(persons) >= max(step['approvals'], *floors), 'approvals')
    need(step['policy_hash'] == host.policy_hash, 'policy_hash')
    return sorted(persons)


def verify_order(request, trust_refused, host, state):
    need(request['order']['payload_type'] == media_type('order'), 'type')
    need(not trust_refused, 'trust')
    need(state.trust, 'trust_missing')
    planner_signed(request['order'], state)
    order = decoded('Order', request['order']['payload'], 'encoding')
    if order['kind'] == 2:
        judge_standing(host, state)
    need(order['org'] == host.org, 'org')
    need(order['host'] == host.id, 'host')
    need(within_window(host, order), 'window')
    if order['kind'] == 2:
        need(order['challenge'] in host.challenges, 'challenge')
        need(not state.listed('hosts', host.id), 'revoked')
    return []


def judge(data, host, state):
    """(code, persons, reason) for a message as it came through the socket; "none" where all is well."""
    try:
        need(len(data) <= MESSAGE_BYTES, 'size')
        message = decoded('ToRunner', data, 'shape')
        verifier = {'warrant': verify_warrant, 'order': verify_order}
        kind = next(iter(message))
        if kind not in verifier:
            return 'other', [], ''
        trust_refused = False
        try:
            state.take(message[kind]['trust'])
        except Denied:
            trust_refused = True
        return 'none', verifier[kind](message[kind], trust_refused, host, state), ''
    except Refused as refused:
        return refused.code, [], refused.reason
