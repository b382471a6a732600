"""The schemas of docs/warrant.md, and the bounds of every message."""
from . import wire
from .wire import Field, Invalid

YEAR_9999 = 253_402_300_799_999
DAY = 86_400_000
QUARTER_HOUR = 900_000
STEP_BYTES = 16_384
PAYLOAD_BYTES = 40_960
MESSAGE_BYTES = 262_144

SCHEMAS = {
    'Signature': [Field(1, 'key_id', 'bytes'), Field(2, 'signature', 'bytes')],
    'Envelope': [Field(1, 'payload_type', 'str'), Field(2, 'payload', 'bytes'),
                 Field(3, 'signatures', 'Signature', many=True)],
    'EnvironmentVariable': [Field(1, 'name', 'str'), Field(2, 'value', 'str')],
    'Argv': [Field(1, 'path', 'str'), Field(2, 'sha256', 'bytes'), Field(3, 'arguments', 'str', many=True),
             Field(4, 'environment', 'EnvironmentVariable', many=True), Field(5, 'working_directory', 'str'),
             Field(6, 'user', 'str')],
    'Argument': [Field(1, 'name', 'str'), Field(2, 'text', 'str', oneof='value'),
                 Field(3, 'number', 's64', oneof='value')],
    'Action': [Field(1, 'name', 'str'), Field(2, 'arguments', 'Argument', many=True)],
    'Exec': [Field(1, 'argv', 'Argv', oneof='what'), Field(2, 'action', 'Action', oneof='what'),
             Field(3, 'timeout_ms', 'u32'), Field(4, 'output_bytes_max', 'u32')],
    'Step': [Field(1, 'schema', 'u32'), Field(2, 'org', 'str'), Field(3, 'plan', 'bytes'), Field(4, 'index', 'u32'),
             Field(5, 'count', 'u32'), Field(6, 'host', 'bytes'), Field(7, 'host_name', 'str'),
             Field(8, 'epoch', 'u64'), Field(9, 'exec', 'Exec'), Field(10, 'probe', 'Exec', optional=True),
             Field(11, 'rollback', 'Exec', optional=True), Field(12, 'rollback_on_failure', 'bool'),
             Field(13, 'keep_within_ms', 'u32'), Field(14, 'effect', 'u32'), Field(15, 'risk', 'u32'),
             Field(16, 'approvals', 'u32'), Field(17, 'requester', 'str'), Field(18, 'policy_hash', 'bytes'),
             Field(19, 'not_before_ms', 's64'), Field(20, 'not_after_ms', 's64'),
             Field(21, 'preconditions', 'Action', many=True)],
    'Approval': [Field(1, 'schema', 'u32'), Field(2, 'org', 'str'), Field(3, 'plan', 'bytes'),
                 Field(4, 'root', 'bytes'), Field(5, 'count', 'u32'), Field(6, 'hosts', 'u32'),
                 Field(7, 'risk_max', 'u32'), Field(8, 'person', 'str'), Field(9, 'decision', 'u32'),
                 Field(10, 'at_ms', 's64'), Field(11, 'not_after_ms', 's64'), Field(12, 'comment', 'str')],
    'Dispatch': [Field(1, 'schema', 'u32'), Field(2, 'org', 'str'), Field(3, 'host', 'bytes'),
                 Field(4, 'step', 'bytes'), Field(5, 'sequence', 'u64'), Field(6, 'challenge', 'bytes'),
                 Field(7, 'at_ms', 's64'), Field(8, 'not_after_ms', 's64')],
    'Order': [Field(1, 'schema', 'u32'), Field(2, 'org', 'str'), Field(3, 'host', 'bytes'), Field(4, 'step', 'bytes'),
              Field(5, 'kind', 'u32'), Field(6, 'challenge', 'bytes'), Field(7, 'at_ms', 's64'),
              Field(8, 'not_after_ms', 's64')],
    'Result': [Field(1, 'schema', 'u32'), Field(2, 'org', 'str'), Field(3, 'host', 'bytes'), Field(4, 'epoch', 'u64'),
               Field(5, 'step', 'bytes'), Field(6, 'phase', 'u32'), Field(7, 'state', 'u32'), Field(8, 'code', 'str'),
               Field(9, 'detail', 'str'), Field(10, 'exit_status', 's32'), Field(11, 'signal', 'u32'),
               Field(12, 'started_ms', 's64'), Field(13, 'ended_ms', 's64'), Field(14, 'boot', 'str'),
               Field(15, 'output', 'bytes'), Field(16, 'output_bytes', 'u64'), Field(17, 'policy_hash', 'bytes'),
               Field(18, 'trust_version', 'u64'), Field(19, 'sequence', 'u64'), Field(20, 'previous', 'bytes')],
    'Check': [Field(1, 'name', 'str'), Field(2, 'verdict', 'u32'), Field(3, 'detail', 'str')],
    'Preflight': [Field(1, 'schema', 'u32'), Field(2, 'org', 'str'), Field(3, 'host', 'bytes'),
                  Field(4, 'step', 'bytes'), Field(5, 'at_ms', 's64'), Field(6, 'checks', 'Check', many=True)],
    'Checkpoint': [Field(1, 'schema', 'u32'), Field(2, 'org', 'str'), Field(3, 'size', 'u64'),
                   Field(4, 'root', 'bytes'), Field(5, 'at_ms', 's64')],
    'RootKey': [Field(1, 'public_key', 'bytes'), Field(2, 'person', 'str')],
    'ApproverKey': [Field(1, 'public_key', 'bytes'), Field(2, 'person', 'str'), Field(3, 'risk_max', 'u32'),
                    Field(4, 'not_after_ms', 's64')],
    'Trust': [Field(1, 'schema', 'u32'), Field(2, 'org', 'str'), Field(3, 'version', 'u64'),
              Field(4, 'not_after_ms', 's64'), Field(5, 'root_threshold', 'u32'),
              Field(6, 'roots', 'RootKey', many=True), Field(7, 'approvers', 'ApproverKey', many=True),
              Field(8, 'planner_keys', 'bytes', many=True), Field(9, 'freshness_keys', 'bytes', many=True),
              Field(10, 'audit_keys', 'bytes', many=True), Field(11, 'approvals_min', 'u32', many=True, packed=True)],
    'Revocation': [Field(1, 'schema', 'u32'), Field(2, 'org', 'str'), Field(3, 'version', 'u64'),
                   Field(4, 'at_ms', 's64'), Field(5, 'keys', 'bytes', many=True),
                   Field(6, 'persons', 'str', many=True), Field(7, 'plans', 'bytes', many=True),
                   Field(8, 'steps', 'bytes', many=True), Field(9, 'hosts', 'bytes', many=True)],
    'Freshness': [Field(1, 'schema', 'u32'), Field(2, 'org', 'str'), Field(3, 'trust_version', 'u64'),
                  Field(4, 'revocation_version', 'u64'), Field(5, 'at_ms', 's64'), Field(6, 'not_after_ms', 's64')],
    'TrustUpdate': [Field(1, 'trust', 'Envelope', many=True), Field(2, 'revocation', 'Envelope', optional=True),
                    Field(3, 'freshness', 'Envelope', optional=True)],
    'Warrant': [Field(1, 'step', 'bytes'), Field(2, 'leaf_index', 'u64'), Field(3, 'leaf_count', 'u64'),
                Field(4, 'proof', 'bytes', many=True), Field(5, 'approvals', 'Envelope', many=True),
                Field(6, 'dispatch', 'Envelope'), Field(7, 'trust', 'TrustUpdate')],
    'PreflightRequest': [Field(1, 'step', 'bytes')],
    'OrderRequest': [Field(1, 'order', 'Envelope'), Field(2, 'trust', 'TrustUpdate')],
    'ResultAck': [Field(1, 'through', 'u64')],
    'Nothing': [],
    'ToRunner': [Field(1, 'trust', 'TrustUpdate', oneof='kind'), Field(2, 'challenge', 'Nothing', oneof='kind'),
                 Field(3, 'warrant', 'Warrant', oneof='kind'), Field(4, 'preflight', 'PreflightRequest', oneof='kind'),
                 Field(5, 'order', 'OrderRequest', oneof='kind'), Field(6, 'result_ack', 'ResultAck', oneof='kind'),
                 Field(7, 'state', 'Nothing', oneof='kind')],
    'RunnerState': [Field(1, 'public_key', 'bytes'), Field(2, 'org', 'str'), Field(3, 'host_name', 'str'),
                    Field(4, 'epoch', 'u64'), Field(5, 'version', 'str'), Field(6, 'policy_hash', 'bytes'),
                    Field(7, 'trust_version', 'u64'), Field(8, 'revocation_version', 'u64'),
                    Field(9, 'sequence', 'u64'), Field(10, 'result_sequence', 'u64'), Field(11, 'execution', 'bool'),
                    Field(12, 'why_not', 'str')],
    'RunnerChallenge': [Field(1, 'challenge', 'bytes')],
    'Refused': [Field(1, 'code', 'str'), Field(2, 'detail', 'str'), Field(3, 'step', 'bytes')],
    'FromRunner': [Field(1, 'state', 'RunnerState', oneof='kind'),
                   Field(2, 'challenge', 'RunnerChallenge', oneof='kind'), Field(3, 'result', 'Envelope', oneof='kind'),
                   Field(4, 'preflight', 'Envelope', oneof='kind'), Field(5, 'refused', 'Refused', oneof='kind')],
}


def need(condition, what):
    if not condition:
        raise Invalid(what)


def within(value, low, high, what):
    need(low <= value <= high, what)


def name_like(message, *fields):
    for field in fields:
        within(len(message[field]), 1, 256, field)


def text_like(message, *fields):
    for field in fields:
        within(len(message[field]), 0, 4096, field)


def exactly(message, size, *fields):
    for field in fields:
        need(len(message[field]) == size, field)


def time_like(message, *fields):
    for field in fields:
        within(message[field], 0, YEAR_9999, field)


def life(message, begin, life_max):
    time_like(message, begin, 'not_after_ms')
    need(message[begin] < message['not_after_ms'] <= message[begin] + life_max, 'not_after_ms')


def ascending(values, what):
    need(all(a < b for a, b in zip(values, values[1:])), what)


def path_like(path):
    within(len(path), 1, 4096, 'path')
    first, *parts = path.split(b'/')
    need(first == b'' and parts and all(part not in (b'', b'.', b'..') for part in parts), 'path')


def signed_body(message):
    need(message['schema'] == 1, 'schema')
    name_like(message, 'org')


def check_envelope(message):
    within(len(message['payload_type']), 1, 128, 'payload_type')
    need(all(0x21 <= byte <= 0x7e for byte in message['payload_type']), 'payload_type')
    within(len(message['payload']), 0, PAYLOAD_BYTES, 'payload')
    signatures = message['signatures']
    within(len(signatures), 1, 16, 'signatures')
    for signature in signatures:
        exactly(signature, 32, 'key_id')
        exactly(signature, 64, 'signature')
    need(len({(s['key_id'], s['signature']) for s in signatures}) == len(signatures), 'signatures')


def check_argv(message):
    path_like(message['path'])
    need(len(message['sha256']) in (0, 32), 'sha256')
    within(len(message['arguments']), 0, 64, 'arguments')
    for argument in message['arguments']:
        within(len(argument), 0, 4096, 'arguments')
    environment = message['environment']
    within(len(environment), 0, 32, 'environment')
    for variable in environment:
        name_like(variable, 'name')
        need(b'=' not in variable['name'], 'environment')
        text_like(variable, 'value')
    ascending([variable['name'] for variable in environment], 'environment')
    if message['working_directory']:
        path_like(message['working_directory'])
    name_like(message, 'user')


def check_action(message):
    name_like(message, 'name')
    within(len(message['arguments']), 0, 64, 'arguments')
    for argument in message['arguments']:
        name_like(argument, 'name')
        if 'text' in argument:
            text_like(argument, 'text')
    ascending([argument['name'] for argument in message['arguments']], 'arguments')


def check_exec(message):
    within(message['timeout_ms'], 1, 3_600_000, 'timeout_ms')
    within(message['output_bytes_max'], 0, 32_768, 'output_bytes_max')


def check_step(message):
    signed_body(message)
    name_like(message, 'host_name', 'requester')
    exactly(message, 16, 'plan')
    exactly(message, 32, 'host', 'policy_hash')
    within(message['count'], 1, 10_000, 'count')
    need(message['index'] < message['count'], 'index')
    need('rollback' in message or not (message['rollback_on_failure'] or message['keep_within_ms']), 'rollback')
    within(message['keep_within_ms'], 0, 3_600_000, 'keep_within_ms')
    within(message['effect'], 1, 3, 'effect')
    within(message['risk'], 0, 4, 'risk')
    within(message['approvals'], 1, 16, 'approvals')
    life(message, 'not_before_ms', DAY)
    within(len(message['preconditions']), 0, 16, 'preconditions')


def check_approval(message):
    signed_body(message)
    name_like(message, 'person')
    exactly(message, 16, 'plan')
    exactly(message, 32, 'root')
    within(message['count'], 1, 10_000, 'count')
    within(message['hosts'], 1, message['count'], 'hosts')
    within(message['risk_max'], 0, 4, 'risk_max')
    within(message['decision'], 1, 2, 'decision')
    life(message, 'at_ms', DAY)
    text_like(message, 'comment')


def check_dispatch(message):
    signed_body(message)
    exactly(message, 32, 'host', 'step', 'challenge')
    need(message['sequence'] >= 1, 'sequence')
    life(message, 'at_ms', QUARTER_HOUR)


def check_order(message):
    signed_body(message)
    exactly(message, 32, 'host', 'step')
    within(message['kind'], 1, 3, 'kind')
    exactly(message, 32 if message['kind'] == 2 else 0, 'challenge')
    life(message, 'at_ms', QUARTER_HOUR)


def check_result(message):
    signed_body(message)
    exactly(message, 32, 'host', 'step', 'policy_hash')
    within(message['phase'], 1, 2, 'phase')
    within(message['state'], 1, 5, 'state')
    within(len(message['code']), 0, 256, 'code')
    within(len(message['boot']), 0, 256, 'boot')
    text_like(message, 'detail')
    time_like(message, 'started_ms', 'ended_ms')
    within(len(message['output']), 0, 32_768, 'output')
    need((message['sequence'] == 0) == (message['state'] == 5), 'sequence')
    exactly(message, 0 if message['sequence'] <= 1 else 32, 'previous')


def check_preflight(message):
    signed_body(message)
    exactly(message, 32, 'host', 'step')
    time_like(message, 'at_ms')
    within(len(message['checks']), 0, 64, 'checks')
    for check in message['checks']:
        name_like(check, 'name')
        within(check['verdict'], 1, 3, 'verdict')
        text_like(check, 'detail')


def check_checkpoint(message):
    signed_body(message)
    exactly(message, 32, 'root')
    time_like(message, 'at_ms')


def check_trust(message):
    signed_body(message)
    need(message['version'] >= 1, 'version')
    within(message['not_after_ms'], 1, YEAR_9999, 'not_after_ms')
    roots, approvers = message['roots'], message['approvers']
    within(len(roots), 1, 16, 'roots')
    within(len(approvers), 0, 256, 'approvers')
    within(message['root_threshold'], 1, len({root['person'] for root in roots}), 'root_threshold')
    for holder in roots + approvers:
        name_like(holder, 'person')
    for approver in approvers:
        within(approver['risk_max'], 0, 4, 'risk_max')
        within(approver['not_after_ms'], 1, YEAR_9999, 'not_after_ms')
    lists = [[holder['public_key'] for holder in holders] for holders in (roots, approvers)]
    for online in ('planner_keys', 'freshness_keys', 'audit_keys'):
        within(len(message[online]), 0, 8, online)
        lists.append(message[online])
    for keys in lists:
        ascending(keys, 'keys')
    everything = [key for keys in lists for key in keys]
    need(all(len(key) == 32 for key in everything), 'keys')
    need(len(set(everything)) == len(everything), 'keys')
    need(len(message['approvals_min']) == 5, 'approvals_min')
    for number in message['approvals_min']:
        within(number, 0, 16, 'approvals_min')


def check_revocation(message):
    signed_body(message)
    need(message['version'] >= 1, 'version')
    time_like(message, 'at_ms')
    for field, low, high in (('keys', 32, 32), ('persons', 1, 256), ('plans', 16, 16), ('steps', 32, 32),
                             ('hosts', 32, 32)):
        within(len(message[field]), 0, 1000, field)
        ascending(message[field], field)
        for entry in message[field]:
            within(len(entry), low, high, field)


def check_freshness(message):
    signed_body(message)
    need(message['trust_version'] >= 1, 'trust_version')
    life(message, 'at_ms', DAY)


def check_warrant(message):
    within(len(message['step']), 0, STEP_BYTES, 'step')
    within(len(message['proof']), 0, 64, 'proof')
    need(all(len(entry) == 32 for entry in message['proof']), 'proof')
    within(len(message['approvals']), 0, 32, 'approvals')


def check_runner_state(message):
    exactly(message, 32, 'public_key', 'policy_hash')
    name_like(message, 'org', 'host_name')
    within(len(message['version']), 0, 256, 'version')
    text_like(message, 'why_not')


def check_refused(message):
    name_like(message, 'code')
    text_like(message, 'detail')
    need(len(message['step']) in (0, 32), 'step')


CHECKS = {
    'Envelope': check_envelope, 'Argv': check_argv, 'Action': check_action, 'Exec': check_exec, 'Step': check_step,
    'Approval': check_approval, 'Dispatch': check_dispatch, 'Order': check_order, 'Result': check_result,
    'Preflight': check_preflight, 'Checkpoint': check_checkpoint, 'Trust': check_trust,
    'Revocation': check_revocation, 'Freshness': check_freshness,
    'TrustUpdate': lambda message: within(len(message['trust']), 0, 16, 'trust'),
    'Warrant': check_warrant,
    'PreflightRequest': lambda message: within(len(message['step']), 0, STEP_BYTES, 'step'),
    'RunnerState': check_runner_state,
    'RunnerChallenge': lambda message: exactly(message, 32, 'challenge'),
    'Refused': check_refused,
}
SIZES = {'Step': STEP_BYTES, 'ToRunner': MESSAGE_BYTES, 'FromRunner': MESSAGE_BYTES,
         **dict.fromkeys(('Approval', 'Dispatch', 'Order', 'Result', 'Preflight', 'Checkpoint', 'Trust', 'Revocation',
                          'Freshness'), PAYLOAD_BYTES)}


def encode(name, message):
    return wire.encode(SCHEMAS, name, message)


def decode(name, data):
    if len(data) > SIZES.get(name, len(data)):
        raise Invalid(f'{name} is too long')
    return wire.decode(SCHEMAS, CHECKS, name, data)
