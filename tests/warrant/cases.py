"""Random cases, and what this implementation says to each: a case is (its items, the expected line of the oracle)."""
import copy
import hashlib
import itertools
import random
import struct

from . import merkle, signing, values
from .histories import history
from .messages import decode, encode
from .mutate import mutate
from .sweep import swept
from .trust import fingerprint_digest, fingerprint_text, parse_fingerprint
from .warrants import verification
from .wire import Invalid

KEYS = [signing.Key(f'case {number}') for number in range(4)]


def item(value):
    if isinstance(value, int):
        value = b'%d' % value
    elif isinstance(value, list):
        value = b''.join(item(entry) for entry in value)
    return struct.pack('<I', len(value)) + value


def frame(items):
    return item(b''.join(item(entry) for entry in items))


def hex_list(entries):
    return ','.join(entry.hex() for entry in entries) or '-'


def decoding(rng):
    name = rng.choice(values.MESSAGE_NAMES)
    if rng.random() < 0.03:
        data = encode(name := rng.choice(['Step', 'Step', 'Step', 'Preflight', 'ToRunner']), values.large(rng, name))
    else:
        message = values.make(rng, name)
        way = rng.random()
        if 0.25 < way < 0.65:
            message = copy.deepcopy(message)
            for _ in range(rng.choice([1, 1, 1, 2, 3])):
                values.tweak(rng, name, message)
        data = encode(name, message)
        if way > 0.6:
            for _ in range(rng.choice([1, 1, 1, 2])):
                data = mutate(rng, name, data)
        if rng.random() < 0.02:
            name = rng.choice(values.MESSAGE_NAMES)
    return decode_case(name, data)


def decode_case(name, data):
    try:
        message = decode(name, data)
        again = encode(name, message)
        if again != data:
            raise AssertionError(f'{name}: what was accepted is not what is encoded: {data.hex()} {again.hex()}')
        line = 'ok ' + again.hex()
        if name == 'Trust':
            line += ' ' + fingerprint_text(fingerprint_digest(message), message['version']).decode()
    except Invalid as error:
        line = f'invalid # {error}'
    return [b'decode', name.encode(), data], line


def fingerprint(rng):
    text = fingerprint_text(rng.randbytes(32), rng.choice([1, 9, 10, 2**63, 2**64 - 1, rng.getrandbits(64) + 1]))
    way = rng.random()
    if way > 0.2:
        text = rng.choice([
            text.upper(), text.replace(b'@', b'@0'), text.replace(b'@', b'@+'), text.replace(b'@', b'@ '), text + b' ',
            b' ' + text, text[:rng.randint(0, len(text))], text.split(b'@')[0] + b'@0', text.split(b'@')[0] + b'@',
            text.split(b'@')[0] + b'@18446744073709551616', text.split(b'@')[0] + b'@99999999999999999999999',
            text.split(b'@')[0] + b'@-1', text + b'\n', text + b'\0', text.replace(b':', b'=', 1), text.replace(b'@', b''),
            text[:30] + b'A' + text[31:], text[:30] + b'g' + text[31:], text[:7] + text[9:], text + b'@1',
            text[:7] + b'00' + text[7:], text.replace(b'@', b'@1_0')])
    try:
        digest, version = parse_fingerprint(text)
        return [b'fingerprint', text], fingerprint_text(digest, version).decode()
    except Invalid:
        return [b'fingerprint', text], 'invalid'


def signed(rng):
    kind = rng.choice([signing.media_type('step'), b'x', b'1', b'!~', b' '])
    payload = rng.randbytes(rng.choice([0, 1, 9, 10, 99, 100, 1_000]))
    signers = rng.sample(KEYS, rng.randint(1, 3))
    envelope = signing.sign(kind, payload, *signers)
    way = rng.randrange(9)
    one = rng.choice(envelope['signatures'])
    if way == 1:
        envelope['payload'] = payload + b'0'
    elif way == 2:
        envelope['payload_type'] = kind + b'1'
    elif way == 3:  # the boundary between type and payload moved
        envelope = {**envelope, 'payload_type': kind + b' 2', 'payload': payload[2:]}
    elif way == 4:
        one['key_id'] = rng.randbytes(32)
    elif way == 5:
        at = rng.randrange(64)
        one['signature'] = one['signature'][:at] + bytes([one['signature'][at] ^ 1 << rng.randrange(8)]) + \
            one['signature'][at + 1:]
    elif way == 6:  # S + L: the same point, refused by RFC 8032
        s = int.from_bytes(one['signature'][32:], 'little') + 2**252 + 27742317777372353535851937790883648493
        one['signature'] = one['signature'][:32] + (s % 2**256).to_bytes(32, 'little')
    elif way == 7:
        one['signature'] = signers[0].private.sign(payload)
    elif way == 8:
        envelope['signatures'].append(copy.deepcopy(one))
    keys = [key.public for key in KEYS] + [rng.randbytes(32), bytes(32), b'\1' + bytes(31)]
    data = encode('Envelope', envelope)
    try:
        envelope = decode('Envelope', data)
    except Invalid:
        return [b'signed', data, keys], 'invalid'
    said = signing.pre_authentication(envelope['payload_type'], envelope['payload'])
    line = [hashlib.sha256(said).hexdigest()]
    line += [('yes:' if signing.signed_by(envelope, key) else 'no:') + signing.key_id(key).hex()[:8] for key in keys]
    return [b'signed', data, keys], ' '.join(line)


def leaves_of(rng):
    count = rng.choice([0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33, 64, 65, rng.randint(1, 100)])
    return [rng.randbytes(rng.choice([0, 1, 32, 65])) for _ in range(count)]


def tree(rng):
    leaves = leaves_of(rng)
    hashes = [merkle.leaf_hash(leaf) for leaf in leaves]
    index, old_size = rng.randint(0, len(leaves)), rng.randint(0, len(leaves))
    top = merkle.root(hashes).hex()
    line = [top, top]
    if index < len(leaves):
        line.append(hex_list(merkle.inclusion_proof(hashes, index)))
    if old_size:
        line.append(hex_list(merkle.consistency_proof(hashes, old_size)))
    return [b'tree', leaves, index, old_size], ' '.join(line)


def spoil_proof(rng, proof, extra):
    """A proof with something wrong, mostly; `extra` are hashes that would fit somewhere else."""
    proof = list(proof)
    way = rng.randrange(8)
    if way == 1:
        proof.insert(rng.randint(0, len(proof)), rng.choice(extra))
    elif way == 2 and proof:
        del proof[rng.randrange(len(proof))]
    elif way == 3 and proof:
        at = rng.randrange(len(proof))
        proof[at] = bytes([proof[at][0] ^ 1]) + proof[at][1:]
    elif way == 4 and len(proof) > 1:
        proof.reverse()
    elif way == 5 and proof:
        at = rng.randrange(len(proof))
        proof[at] = rng.choice([proof[at] + b'\0', proof[at][:-1], b'', rng.choice(extra)])
    elif way == 6 and len(proof) > 1:  # the same bytes, cut elsewhere
        proof[:2] = [proof[0] + proof[1][:1], proof[1][1:]]
    return proof


def inclusion(rng):
    leaves = leaves_of(rng) or [b'']
    hashes = [merkle.leaf_hash(leaf) for leaf in leaves]
    index, size, top = rng.randrange(len(leaves)), len(leaves), merkle.root(hashes)
    proof = merkle.inclusion_proof(hashes, index)
    leaf = leaves[index]
    way = rng.randrange(12)
    if way == 1:
        index = rng.choice([index ^ 1, size, 2**64 - 1, 0])
    elif way == 2:
        size = rng.choice([size + 1, max(0, size - 1), 0, 2**64 - 1, 2 * size])
    elif way == 3:
        leaf += b'\0'
    elif way == 4:
        top = rng.choice([top[:-1], top + b'\0', b'', hashes[0], bytes(32)])
    elif way == 5 and proof:  # an inner node in the place of a leaf
        leaf, proof = proof[0] + hashes[index], proof[1:]
        index, size = index >> 1, (size + 1) >> 1
    elif way > 6:
        proof = spoil_proof(rng, proof, [*hashes, top])
    said = merkle.verify_inclusion(leaf, index, size, proof, top)
    return [b'inclusion', leaf, index, size, proof, top], 'yes' if said else 'no'


def consistency(rng):
    leaves = leaves_of(rng) or [b'']
    hashes = [merkle.leaf_hash(leaf) for leaf in leaves]
    old_size, new_size = rng.randint(1, len(leaves)), len(leaves)
    old_root, new_root = merkle.root(hashes[:old_size]), merkle.root(hashes)
    proof = merkle.consistency_proof(hashes, old_size)
    way = rng.randrange(12)
    if way == 1:
        old_size = rng.choice([0, 1, old_size + 1, max(0, old_size - 1), new_size + 1, 2**64 - 1])
    elif way == 2:
        new_size = rng.choice([0, new_size + 1, max(0, new_size - 1), old_size, 2**64 - 1])
    elif way == 3:
        old_root = rng.choice([old_root[:-1], b'', new_root, bytes(32)])
    elif way == 4:
        new_root = rng.choice([new_root[:-1], b'', old_root, bytes(32)])
    elif way > 5:
        proof = spoil_proof(rng, proof, [*hashes, old_root, new_root])
    said = merkle.verify_consistency(old_size, old_root, new_size, new_root, proof)
    return [b'consistency', old_size, old_root, new_size, new_root, proof], 'yes' if said else 'no'


KINDS = {'decode': (decoding, 46), 'fingerprint': (fingerprint, 2), 'signed': (signed, 4), 'tree': (tree, 3),
         'inclusion': (inclusion, 4), 'consistency': (consistency, 4), 'history': (history, 12),
         'verify': (verification, 25)}


def make_swept(first, stride):
    """Each stride-th case of the sweep: (kind, items, expected line)."""
    return [('decode', *decode_case(name, data)) for name, data in itertools.islice(swept(), first, None, stride)]


def make(seed, index):
    """(kind, items, expected line) of case `index` of a seed: the same anywhere, and alone."""
    rng = random.Random(f'{seed}/{index}')
    kind = rng.choices(list(KINDS), [weight for _, weight in KINDS.values()])[0]
    items, line = KINDS[kind][0](rng)
    return kind, items, line
