"""Random messages within the bounds, often at their very edge, and ways to step over it."""
import copy

from .messages import DAY, QUARTER_HOUR, SCHEMAS, YEAR_9999, encode

PERSONS = [b'ada', b'bob', b'cem', b'dag', b'eva', 'Zoë'.encode(), b'planner']
NUMBERS = [0, 1, 2, 3, 4, 5, 6, 15, 16, 17, 255, 256, 9_999, 10_000, 10_001, 32_768, 32_769, 3_600_000, 3_600_001,
           2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1, YEAR_9999, YEAR_9999 + 1, -1, -2**31, -2**63]
LIVES = [-1, 0, 1, QUARTER_HOUR - 1, QUARTER_HOUR, QUARTER_HOUR + 1, DAY - 1, DAY, DAY + 1]
LENGTHS = [0, 1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257, 4_095, 4_096, 4_097]
LONG_LENGTHS = LENGTHS + [32_768, 32_769, 40_960, 40_961]
COUNTS = [0, 1, 4, 5, 6, 8, 9, 16, 17, 32, 33, 64, 65]
LONG_COUNTS = [256, 257, 1_000, 1_001]
ODD_TEXTS = [b'a\0b', b'\xc3\xa9', b'\xc0\xaf', b'\xed\xa0\x80', b'\xf4\x8f\xbf\xbf', b'\xf4\x90\x80\x80', b'\xe2\x82',
             b'\xff', b'\xf0\x80\x80\xaf', b'\xef\xbf\xbe', b'\x7f', b'\x01\n\t', b'a=b', b'/', b'/.', b'/..', b'//a',
             b'/a/', b'/a//b', b'/a/./b', b'/a/../b', b'/a/...', b'/.a/b.', b'a/b', b'./a', b' ', b'\xe2\x80\xae']
MESSAGE_NAMES = ['Envelope', 'Step', 'Approval', 'Dispatch', 'Order', 'Result', 'Preflight', 'Checkpoint', 'Trust',
                 'Revocation', 'Freshness', 'ToRunner', 'FromRunner']


def text(rng, low=1, high=256):
    length = rng.choices([rng.randint(low, low + 12), low, high], [20, 1, 1])[0]
    out = ''.join(rng.choice('abcxyz019._-@ é€😀') for _ in range(length)).encode()[:length]
    return out.decode('utf-8', 'ignore').encode().ljust(length, b'~')


def path(rng):
    return b''.join(b'/' + text(rng, 1, 40).replace(b'.', b'd') for _ in range(rng.randint(1, 4)))


def argv(rng):
    names = sorted({text(rng).replace(b'=', b'e') for _ in range(rng.choice([0, 0, 1, 3]))})
    return {'path': path(rng), 'sha256': rng.choice([b'', rng.randbytes(32)]),
            'arguments': [text(rng, 0, 300) for _ in range(rng.choice([0, 1, 2, 5]))],
            'environment': [{'name': name, 'value': text(rng, 0, 300)} for name in names],
            'working_directory': rng.choice([b'', path(rng)]), 'user': text(rng)}


def action(rng):
    arguments = []
    for name in sorted({text(rng) for _ in range(rng.choice([0, 1, 1, 3]))}):
        value = rng.choice([{'text': text(rng, 0, 300)}, {'number': rng.choice([0, -1, 2**63 - 1, -2**63, 80])}])
        arguments.append({'name': name, **value})
    return {'name': text(rng), 'arguments': arguments}


def execution(rng):
    what = rng.choice([{'argv': argv(rng)}, {'action': action(rng)}])
    return {**what, 'timeout_ms': rng.choice([1, 30_000, 3_600_000]), 'output_bytes_max': rng.choice([0, 8_192, 32_768])}


def life(rng, life_max, begin='at_ms'):
    duration = rng.choice([1, life_max, rng.randint(1, life_max)])
    start = rng.choice([0, YEAR_9999 - duration, rng.randint(10**12, 2 * 10**12)])
    return {begin: start, 'not_after_ms': start + duration}


def body(rng, *ids):
    return {'schema': 1, 'org': text(rng), **{name: rng.randbytes(16 if name == 'plan' else 32) for name in ids}}


def step(rng):
    count = rng.choice([1, 10_000, rng.randint(1, 50)])
    out = {**body(rng, 'plan', 'host', 'policy_hash'), 'index': rng.choice([0, count - 1, rng.randrange(count)]),
           'count': count, 'host_name': text(rng), 'epoch': rng.choice([0, 1, 2**64 - 1]), 'exec': execution(rng),
           'rollback_on_failure': 0, 'keep_within_ms': 0, 'effect': rng.randint(1, 3), 'risk': rng.randint(0, 4),
           'approvals': rng.choice([1, 2, 16]), 'requester': text(rng), **life(rng, DAY, 'not_before_ms'),
           'preconditions': [action(rng) for _ in range(rng.choice([0, 0, 1, 3]))]}
    if rng.random() < 0.5:
        out['probe'] = execution(rng)
    if rng.random() < 0.5:
        out.update(rollback=execution(rng), rollback_on_failure=rng.randint(0, 1),
                   keep_within_ms=rng.choice([0, 60_000, 3_600_000]))
    return out


def padded_step(rng):
    """One at the bound of a step's bytes, or one byte past it."""
    out = step(rng)
    out['exec'] = {'argv': {**argv(rng), 'arguments': [b'x' * 4_000] * 2}, 'timeout_ms': 1, 'output_bytes_max': 0}
    arguments = out['exec']['argv']['arguments']
    room = 16_384 + rng.choice([-1, 0, 0, 1, 1]) - len(encode('Step', out))
    while room > 300:
        arguments.append(b'y' * min(room - 150, 4_000))
        room -= len(arguments[-1]) + 3
    for spare in range(room, 0, -1):
        arguments.append(b'z' * spare)
        if len(encode('Step', out)) <= 16_385 and rng.random() < 0.5:
            break
        arguments.pop()
    return out


def order(rng):
    kind = rng.randint(1, 3)
    return {**body(rng, 'host', 'step'), 'kind': kind, 'challenge': rng.randbytes(32) if kind == 2 else b'',
            **life(rng, QUARTER_HOUR)}


def approval(rng):
    count = rng.choice([1, 10_000, rng.randint(1, 50)])
    return {**body(rng, 'plan', 'root'), 'count': count, 'hosts': rng.choice([1, count]), 'risk_max': rng.randint(0, 4),
            'person': rng.choice(PERSONS), 'decision': rng.randint(1, 2), **life(rng, DAY), 'comment': text(rng, 0, 4_096)}


def dispatch(rng):
    return {**body(rng, 'host', 'step', 'challenge'), 'sequence': rng.choice([1, 2**64 - 1, rng.getrandbits(30) + 1]),
            **life(rng, QUARTER_HOUR)}


def result(rng):
    state = rng.randint(1, 5)
    sequence = 0 if state == 5 else rng.choice([1, 2, 2**64 - 1])
    return {**body(rng, 'host', 'step', 'policy_hash'), 'epoch': rng.choice([0, 3]), 'phase': rng.randint(1, 2),
            'state': state, 'code': text(rng, 0, 256), 'detail': text(rng, 0, 4_096),
            'exit_status': rng.choice([0, 1, -1, 2**31 - 1, -2**31]), 'signal': rng.choice([0, 9]),
            'started_ms': rng.choice([0, YEAR_9999, 5]), 'ended_ms': rng.choice([0, 4]), 'boot': text(rng, 0, 256),
            'output': rng.randbytes(rng.choice([0, 10, 32_768] if rng.random() < 0.1 else [0, 10])),
            'output_bytes': rng.choice([0, 2**64 - 1]), 'trust_version': rng.choice([0, 7]), 'sequence': sequence,
            'previous': rng.randbytes(32) if sequence > 1 else b''}


def preflight(rng):
    checks = [{'name': text(rng), 'verdict': rng.randint(1, 3), 'detail': text(rng, 0, 4_096)}
              for _ in range(rng.choice([0, 1, 4]))]
    return {**body(rng, 'host', 'step'), 'at_ms': rng.choice([0, YEAR_9999]), 'checks': checks}


def keys(rng, low, high):
    return [rng.randbytes(32) for _ in range(rng.randint(low, high))]


def trust(rng):
    roots = [{'public_key': key, 'person': rng.choice(PERSONS)} for key in sorted(keys(rng, 1, rng.choice([3, 16])))]
    approvers = [{'public_key': key, 'person': rng.choice(PERSONS), 'risk_max': rng.randint(0, 4),
                  'not_after_ms': rng.choice([1, 10**12, YEAR_9999])} for key in sorted(keys(rng, 0, 4))]
    return {'schema': 1, 'org': text(rng), 'version': rng.choice([1, 2, 2**64 - 1]),
            'not_after_ms': rng.choice([1, YEAR_9999]), 'roots': roots, 'approvers': approvers,
            'root_threshold': rng.randint(1, len({root['person'] for root in roots})),
            **{name: sorted(keys(rng, 0, rng.choice([2, 8]))) for name in ('planner_keys', 'freshness_keys', 'audit_keys')},
            'approvals_min': [rng.choice([0, 1, 16]) for _ in range(5)]}


def revocation(rng):
    return {'schema': 1, 'org': text(rng), 'version': rng.choice([1, 2**64 - 1]), 'at_ms': rng.choice([0, YEAR_9999]),
            'persons': sorted({text(rng) for _ in range(rng.randint(0, 3))}),
            'plans': sorted(rng.randbytes(16) for _ in range(rng.randint(0, 3))),
            **{name: sorted(keys(rng, 0, 3)) for name in ('keys', 'steps', 'hosts')}}


def freshness(rng):
    return {'schema': 1, 'org': text(rng), 'trust_version': rng.choice([1, 2**64 - 1]),
            'revocation_version': rng.choice([0, 5, 2**64 - 1]), **life(rng, DAY)}


def envelope(rng):
    high = rng.choices([40, 40_960], [30, 1])[0]
    return {'payload_type': rng.choice([b'application/vnd.reeve.trust.v1+protobuf', b'!', b'~' * 128, b'a/b']),
            'payload': rng.randbytes(rng.choice([0, high, rng.randint(0, high)])),
            'signatures': [{'key_id': rng.randbytes(32), 'signature': rng.randbytes(64)}
                           for _ in range(rng.choice([1, 1, 2, 16]))]}


def trust_update(rng):
    out = {'trust': [envelope(rng) for _ in range(rng.choice([0, 0, 1, 3]))]}
    for name in ('revocation', 'freshness'):
        if rng.random() < 0.5:
            out[name] = envelope(rng)
    return out


def warrant(rng):
    return {'step': encode('Step', step(rng)), 'leaf_index': rng.choice([0, 2**64 - 1]),
            'leaf_count': rng.choice([0, 5]), 'proof': keys(rng, 0, rng.choice([3, 64])),
            'approvals': [envelope(rng) for _ in range(rng.choice([0, 1, 3]))], 'dispatch': envelope(rng),
            'trust': trust_update(rng)}


def to_runner(rng):
    kind, name = rng.choice([(field.name, field.kind) for field in SCHEMAS['ToRunner']])
    return {kind: make(rng, name)}


def large_to_runner(rng):
    """One at the bound of a message's bytes, or next to it."""
    out = {'warrant': {**warrant(rng), 'approvals': [{**envelope(rng), 'payload': b'p' * 30_000} for _ in range(8)]}}
    approvals = out['warrant']['approvals']
    while (room := 262_144 + rng.choice([-1, 0, 1]) - len(encode('ToRunner', out))) > 10:
        approvals.append({**envelope(rng), 'payload': b'', 'signatures': envelope(rng)['signatures'][:1]})
        approvals[0]['payload'] += b'q' * min(max(room - 500, 0), 40_960 - len(approvals[0]['payload']))
        over = len(encode('ToRunner', out)) - 262_144 - rng.choice([0, 1])
        if over >= 0 or len(approvals) > 20:
            approvals[1]['payload'] = approvals[1]['payload'][:30_000 - max(over, 0)]
            break
    return out


def runner_state(rng):
    return {'public_key': rng.randbytes(32), 'org': text(rng), 'host_name': text(rng), 'epoch': rng.choice([0, 2**64 - 1]),
            'version': text(rng, 0, 256), 'policy_hash': rng.randbytes(32), 'execution': rng.randint(0, 1),
            'why_not': text(rng, 0, 4_096), 'trust_version': rng.choice([0, 3]), 'revocation_version': rng.choice([0, 3]),
            'sequence': rng.choice([0, 3]), 'result_sequence': rng.choice([0, 3])}


def from_runner(rng):
    kind, name = rng.choice([(field.name, field.kind) for field in SCHEMAS['FromRunner']])
    return {kind: make(rng, name)}


def checkpoint(rng):
    return {**body(rng, 'root'), 'size': rng.choice([0, 2**64 - 1]), 'at_ms': rng.choice([0, YEAR_9999])}


MAKERS = {'Envelope': envelope, 'Step': step, 'Approval': approval, 'Dispatch': dispatch, 'Order': order, 'Result': result,
          'Preflight': preflight, 'Checkpoint': checkpoint, 'Trust': trust, 'Revocation': revocation,
          'Freshness': freshness, 'ToRunner': to_runner, 'FromRunner': from_runner, 'Argv': argv, 'Action': action,
          'Exec': execution, 'TrustUpdate': trust_update, 'Warrant': warrant, 'Nothing': lambda rng: {},
          'PreflightRequest': lambda rng: {'step': rng.randbytes(rng.choice([0, 40]))},
          'OrderRequest': lambda rng: {'order': envelope(rng), 'trust': trust_update(rng)},
          'ResultAck': lambda rng: {'through': rng.choice([0, 2**64 - 1])}, 'RunnerState': runner_state,
          'RunnerChallenge': lambda rng: {'challenge': rng.randbytes(32)},
          'Refused': lambda rng: {'code': text(rng), 'detail': text(rng, 0, 4_096),
                                  'step': rng.choice([b'', rng.randbytes(32)])},
          'RootKey': lambda rng: {'public_key': rng.randbytes(32), 'person': text(rng)},
          'ApproverKey': lambda rng: {'public_key': rng.randbytes(32), 'person': text(rng), 'risk_max': 4,
                                      'not_after_ms': 1},
          'Signature': lambda rng: {'key_id': rng.randbytes(32), 'signature': rng.randbytes(64)},
          'Check': lambda rng: {'name': text(rng), 'verdict': 1, 'detail': b''},
          'Argument': lambda rng: {'name': text(rng), 'number': 0},
          'EnvironmentVariable': lambda rng: {'name': text(rng).replace(b'=', b'e'), 'value': b''}}


def make(rng, name):
    return MAKERS[name](rng)


def large_preflight(rng):
    """One at the bound of a payload's bytes, or next to it."""
    out = {**preflight(rng), 'checks': [{'name': b'n', 'verdict': 1, 'detail': b'd' * 4_000} for _ in range(10)]}
    room = 40_960 + rng.choice([-1, 0, 1]) - len(encode('Preflight', out))
    out['checks'].append({'name': b'n', 'verdict': 1, 'detail': b'd' * max(1, room - rng.choice([9, 10, 11]))})
    return out


LARGE = {'Step': padded_step, 'ToRunner': large_to_runner, 'Preflight': large_preflight}


def large(rng, name):
    return LARGE[name](rng)


# -- one step off -------------------------------------------------------------------------------------------------------

def positions(name, message):
    for field in SCHEMAS[name]:
        yield message, name, field
        if field.is_message and field.name in message:
            for inner in message[field.name] if field.many else [message[field.name]]:
                yield from positions(field.kind, inner)


def spread(rng, entry, count):
    """As many entries like this one, in order and distinct where they have names or are ids."""
    if isinstance(entry, int):
        return [entry] * count
    if isinstance(entry, bytes):
        return sorted({rng.randbytes(len(entry)) if len(entry) >= 16 else b'%05d' % i for i in range(count)})
    out = [copy.deepcopy(entry) for _ in range(count)]
    for named in ('name', 'public_key', 'signature'):
        if named in entry:
            fresh = sorted(rng.randbytes(len(entry[named])) for _ in out) if named != 'name' else \
                [b'%05d' % i for i in range(count)]
            for each, value in zip(out, fresh):
                each[named] = value
    return out


def tweak_list(rng, message, field):
    values = list(message[field.name])
    kind = rng.choice(['more', 'more', 'none', 'twice', 'swap', 'drop', 'across'])
    if not values and kind in ('more', 'twice', 'across'):
        values = [make(rng, field.kind) if field.kind in MAKERS else 1 if field.packed else rng.randbytes(32)]
    if kind == 'more':
        counts = COUNTS if rng.random() < 0.8 or field.is_message and field.kind == 'Envelope' else LONG_COUNTS
        values = spread(rng, values[0], rng.choice(counts))
    elif kind == 'none':
        values = []
    elif kind == 'twice':
        at = rng.randrange(len(values))
        values.insert(at, copy.deepcopy(values[at]))
    elif kind == 'across' and 'planner_keys' in message:
        others = message['roots'] + message['approvers']
        message['audit_keys'] = sorted([others[0]['public_key'], *message['audit_keys']])
        return
    elif len(values) > 1:
        at = rng.randrange(len(values) - 1)
        if kind == 'swap':
            values[at], values[at + 1] = values[at + 1], values[at]
        else:
            del values[at]
    if not field.is_message and not field.packed and values and rng.random() < 0.3:
        values[rng.randrange(len(values))] = odd_bytes(rng, field)
    message[field.name] = values


def odd_bytes(rng, field):
    if field.kind == 'str' and rng.random() < 0.5:
        return rng.choice(ODD_TEXTS)
    length = rng.choice(LENGTHS if field.kind == 'str' or rng.random() < 0.8 else LONG_LENGTHS)
    if field.name in ('path', 'working_directory') and rng.random() < 0.7:
        return (b'/' + b'p' * length)[:length]
    return b'n' * length if field.kind == 'str' else rng.randbytes(length)


def tweak(rng, name, message):
    """Changes one place of a message to something that may be out of bounds."""
    message, owner, field = rng.choice(list(positions(name, message)))
    if field.many:
        tweak_list(rng, message, field)
    elif field.is_message or (field.oneof and rng.random() < 0.5):
        if field.name in message and (field.oneof or rng.random() < 0.5):
            del message[field.name]
        else:
            message[field.name] = make(rng, field.kind) if field.is_message else field.default()
    elif field.kind in ('str', 'bytes'):
        message[field.name] = odd_bytes(rng, field)
    elif field.name == 'not_after_ms' and owner not in ('Trust', 'ApproverKey') and rng.random() < 0.8:
        message['not_after_ms'] = message.get('at_ms', message.get('not_before_ms', 0)) + rng.choice(LIVES)
    else:
        beyond = field.kind in ('u64', 's64')
        message[field.name] = rng.choice([number for number in NUMBERS
                                          if (beyond or abs(number) <= 2**32) and (number >= 0 or field.kind[0] == 's')])
