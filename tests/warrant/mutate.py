"""Encodings that no encoder writes: damaged, reordered, padded, and spelled in other ways that a library would accept."""
from .messages import SCHEMAS
from .wire import Invalid, framed, take_length, take_varint, varint


def padded_varint(value, extra):
    plain = bytearray(varint(value))
    plain[-1] |= 0x80
    return bytes(plain) + b'\x80' * (extra - 1) + b'\0'


def split(name, data):
    """[(field or None, tag's value, the value's bytes with their length)]; nothing where that cannot be said."""
    fields = {field.number: field for field in SCHEMAS[name]}
    out, at = [], 0
    try:
        while at < len(data):
            tag, at = take_varint(data, at)
            begin = at
            if tag & 7 == 2:
                _, at = take_length(data, at)
            elif tag & 7 == 0:
                _, at = take_varint(data, at)
            else:
                return []
            out.append((fields.get(tag >> 3), tag, data[begin:at]))
    except Invalid:
        return []
    return out


def join(nodes):
    return b''.join(varint(tag) + value for _, tag, value in nodes)


def respell(rng, nodes):
    """One node's bytes in another way, and where that node stands."""
    at = rng.randrange(len(nodes))
    field, tag, value = nodes[at]
    extra = rng.choice([1, 1, 2, 4])
    way = rng.randrange(8)
    if way == 0:
        return at, padded_varint(tag, extra) + value
    if tag & 7 == 2:
        body, _ = take_length(value, 0)
        if way in (1, 2):
            return at, varint(tag) + padded_varint(len(body), extra) + body
        if way == 3:  # a length that is wrong
            return at, varint(tag) + varint(max(0, len(body) + rng.choice([-1, 1, 2**31, 2**32, 2**63]))) + body
        if way == 4 and field and field.packed:  # each by itself
            return at, b''.join(varint(tag & ~7) + bytes([byte]) for byte in body)
        if way == 5 and field and field.packed and len(body) > 1:
            return at, framed(tag >> 3, body[:2]) + framed(tag >> 3, body[2:])
        if way == 6 and field and field.is_message:  # in two parts, which a library merges
            parts = split(field.kind, body)
            cut = rng.randint(0, len(parts))
            return at, framed(tag >> 3, join(parts[:cut])) + framed(tag >> 3, join(parts[cut:]))
    else:
        number, _ = take_varint(value, 0)
        if way in (1, 2):
            return at, varint(tag) + padded_varint(number, extra)
        if way == 3:
            return at, varint(tag) + varint(number + rng.choice([2**32, 2**33, 2**63]))
        if way == 4:  # past 64 bits
            return at, varint(tag) + b'\xff' * 9 + rng.choice([b'\x02', b'\x7f', b'\xff\x01'])
        if way == 5:
            return at, varint(tag) + varint(2)
    wire = rng.choice([kind for kind in range(8) if kind != tag & 7])
    return at, varint(tag & ~7 | wire) + (value if rng.random() < 0.5 else b'\0' * 8)


def odd_node(rng, name):
    """A field that should not be there: unknown, or a default written out."""
    if rng.random() < 0.6 and SCHEMAS[name]:
        field = rng.choice(SCHEMAS[name])
        return field.number, varint(field.number << 3 | field.wire) + b'\0'
    number = rng.choice([0, 1, 12, 22, 23, 31, 100, 2**14, 2**29 - 1, 2**29, 2**40])
    kind = rng.choice([0, 0, 2, 2, 1, 5, 3, 4, 6, 7])
    value = {0: b'\1', 1: b'\0' * 8, 2: b'\2ab', 3: varint(number << 3 | 4), 5: b'\0' * 4}.get(kind, b'')
    return number, varint(number << 3 | kind) + value


def mutate_nodes(rng, name, nodes):
    pieces = [varint(tag) + value for _, tag, value in nodes]
    way = rng.randrange(6)
    if way == 0 and pieces:
        del pieces[rng.randrange(len(pieces))]
    elif way == 1 and pieces:
        pieces.insert(rng.randint(0, len(pieces)), rng.choice(pieces))
    elif way == 2 and len(pieces) > 1:
        a, b = rng.sample(range(len(pieces)), 2)
        pieces[a], pieces[b] = pieces[b], pieces[a]
    elif way == 3:
        number, piece = odd_node(rng, name)
        in_order = sum(1 for _, tag, _ in nodes if tag >> 3 < number)
        pieces.insert(rng.choice([in_order, in_order, rng.randint(0, len(pieces))]), piece)
    elif pieces:
        at, piece = respell(rng, nodes)
        pieces[at] = piece
    return b''.join(pieces)


def mutate(rng, name, data):
    """Other bytes, mostly; `data` is an encoding of `name`."""
    way = rng.random()
    if way < 0.2 and data:
        out = bytearray(data)
        for _ in range(rng.choice([1, 1, 1, 2, 5])):
            out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
        return bytes(out)
    if way < 0.25:
        return data[:rng.randint(0, len(data))]
    if way < 0.3:
        return data + rng.choice([b'\0', b'\1', rng.randbytes(rng.randint(1, 4))])
    nodes = split(name, data)
    inner = [at for at, (field, tag, _) in enumerate(nodes) if field and field.is_message and tag & 7 == 2]
    if inner and rng.random() < 0.65:
        at = rng.choice(inner)
        field, tag, value = nodes[at]
        body, _ = take_length(value, 0)
        changed = mutate(rng, field.kind, body)
        nodes[at] = (field, tag, varint(len(changed)) + changed)
        return join(nodes)
    return mutate_nodes(rng, name, nodes)
