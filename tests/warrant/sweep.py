"""Every field of every message at every value that somebody may have thought of as a bound: not random, and all of them."""
import collections
import copy
import random

from . import values
from .messages import decode, encode
from .values import COUNTS, LENGTHS, LIVES, LONG_COUNTS, LONG_LENGTHS, NUMBERS, ODD_TEXTS, positions, spread


def richest(name):
    """A message within the bounds that has as many fields filled as there are, and is not long."""
    made = [values.make(random.Random(f'sweep {name} {number}'), name) for number in range(200)]
    within = [message for message in made if len(encode(name, message)) < 3_000]
    best = max(within, key=lambda message: sum(bool(at.get(field.name)) for at, _, field in positions(name, message)))
    decode(name, encode(name, best))  # or the sweep would be one of messages that are wrong anyway
    return best


def candidates(holder, owner, field):
    rng = random.Random(0)
    if field.many:
        entry = next(iter(holder[field.name]), 0 if field.packed else None if field.is_message else rng.randbytes(32))
        if entry is not None:
            yield from (spread(rng, entry, count) for count in COUNTS + ([] if field.kind == 'Envelope' else LONG_COUNTS))
        if entry is not None and not field.is_message and not field.packed:
            yield from ([b'x' * length] for length in LENGTHS)
            yield from ([odd] for odd in ODD_TEXTS)
        yield from ([number] * 5 for number in NUMBERS if field.packed and 0 <= number < 2**32)
    elif field.is_message:
        yield None
    elif field.kind in ('str', 'bytes'):
        yield from (b'x' * length for length in LONG_LENGTHS)
        yield from (b'/' * (length > 0) + b'x' * (length - 1) for length in LENGTHS)
        yield from ODD_TEXTS
    else:
        low, high = {'u32': (0, 2**32), 'u64': (0, 2**64), 's32': (-2**31, 2**31), 's64': (-2**63, 2**63),
                     'bool': (0, 2)}[field.kind]
        yield from (number for number in NUMBERS if low <= number < high)
        begin = holder.get('at_ms', holder.get('not_before_ms'))
        if field.name == 'not_after_ms' and begin is not None:
            yield from (begin + life for life in LIVES)


def swept():
    """(message's name, an encoding)"""
    for name in values.MESSAGE_NAMES:
        bases = [richest(name)]
        if name in ('ToRunner', 'FromRunner'):
            bases = [{field.name: richest(field.kind)} for field in values.SCHEMAS[name]]
        for base in bases:
            met = collections.Counter()
            for at, (holder, owner, field) in enumerate(positions(name, base)):
                met[owner, field.name] += 1
                if met[owner, field.name] > 2:
                    continue  # entries of a list are alike
                for value in candidates(holder, owner, field):
                    message = copy.deepcopy(base)
                    place = list(positions(name, message))[at][0]
                    if value is None:
                        place.pop(field.name, None)
                    else:
                        place[field.name] = value
                    yield name, encode(name, message)
