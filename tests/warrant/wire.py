"""The one encoding of a message: fields by a schema, in order, each once, defaults left out."""


class Invalid(Exception):
    """Not the one encoding of a value within the bounds."""


class Field:
    """One field. `kind` is u32, u64, bool, s32, s64, str or bytes, or the name of a message."""

    def __init__(self, number, name, kind, *, many=False, packed=False, oneof=None, optional=False):
        self.number, self.name, self.kind = number, name, kind
        self.many, self.packed, self.oneof, self.optional = many, packed, oneof, optional
        self.is_message = kind not in ('u32', 'u64', 'bool', 's32', 's64', 'str', 'bytes')
        self.wire = 2 if packed or self.is_message or kind in ('str', 'bytes') else 0

    def default(self):
        return b'' if self.kind in ('str', 'bytes') else 0


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7f | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def take_varint(data, at):
    value = shift = 0
    while True:
        if at >= len(data) or shift == 70:
            raise Invalid('a varint is cut or too long')
        byte = data[at]
        at += 1
        value |= (byte & 0x7f) << shift
        if byte < 0x80:
            break
        shift += 7
    if byte == 0 and shift:
        raise Invalid('a varint is not minimal')
    if value >> 64:
        raise Invalid('a varint is past 64 bits')
    return value, at


def take_length(data, at):
    length, at = take_varint(data, at)
    if length > len(data) - at:
        raise Invalid('a length runs past its message')
    return data[at:at + length], at + length


def encode_number(kind, value):
    return varint(value << 1 ^ value >> 63 if kind in ('s32', 's64') else value)


def decode_number(kind, raw):
    if kind == 'u64':
        return raw
    if kind == 'bool':
        if raw > 1:
            raise Invalid('a bool is neither 0 nor 1')
        return raw
    if kind in ('u32', 's32') and raw >> 32:
        raise Invalid('a number is past 32 bits')
    return raw if kind == 'u32' else raw >> 1 ^ -(raw & 1)


def framed(number, body):
    return varint(number << 3 | 2) + varint(len(body)) + body


def encode(schemas, name, message):
    """The encoding of any dict, whether within the bounds or not."""
    out = []
    for field in schemas[name]:
        if field.packed:
            if message[field.name]:
                out.append(framed(field.number, b''.join(encode_number(field.kind, v) for v in message[field.name])))
            continue
        there = field.oneof or field.is_message
        if field.many:
            values = message[field.name]
        elif there:
            values = [message[field.name]] if field.name in message else []
        else:
            values = [message[field.name]] if message[field.name] else []
        for value in values:
            if field.is_message:
                value = encode(schemas, field.kind, value)
            if field.wire == 2:
                out.append(framed(field.number, value))
            else:
                out.append(varint(field.number << 3) + encode_number(field.kind, value))
    return b''.join(out)


def read_value(schemas, checks, field, data, at):
    if field.wire == 0:
        raw, at = take_varint(data, at)
        return decode_number(field.kind, raw), at
    body, at = take_length(data, at)
    if field.packed:
        values, inner = [], 0
        while inner < len(body):
            raw, inner = take_varint(body, inner)
            values.append(decode_number(field.kind, raw))
        return values, at
    if field.is_message:
        return decode(schemas, checks, field.kind, body), at
    if field.kind == 'str':
        try:
            body.decode('utf-8')
        except UnicodeDecodeError:
            raise Invalid(f'{field.name} is not UTF-8') from None
        if b'\0' in body:
            raise Invalid(f'{field.name} has a NUL in it')
    return body, at


def decode(schemas, checks, name, data):
    """The dict of a message's one encoding, within its bounds."""
    fields = {field.number: field for field in schemas[name]}
    message, at, last, oneofs = {}, 0, 0, []
    while at < len(data):
        tag, at = take_varint(data, at)
        field = fields.get(tag >> 3)
        if field is None or tag & 7 != field.wire:
            raise Invalid(f'{name}: tag {tag} is not known')
        if field.number < last or (field.number == last and (field.packed or not field.many)):
            raise Invalid(f'{name}.{field.name} is out of order, or there twice')
        last = field.number
        value, at = read_value(schemas, checks, field, data, at)
        if field.packed:
            if not value:
                raise Invalid(f'{name}.{field.name} is an empty list, written out')
            message[field.name] = value
        elif field.many:
            message.setdefault(field.name, []).append(value)
        else:
            if not field.oneof and not field.is_message and not value:
                raise Invalid(f'{name}.{field.name} is a default, written out')
            if field.oneof:
                oneofs.append(field.oneof)
            message[field.name] = value
    if sorted(oneofs) != sorted({field.oneof for field in schemas[name] if field.oneof}):
        raise Invalid(f'{name} has not exactly one of its kinds')
    for field in schemas[name]:
        if field.name in message or field.oneof:
            continue
        if field.many:
            message[field.name] = []
        elif not field.is_message:
            message[field.name] = field.default()
        elif not field.optional:
            raise Invalid(f'{name}.{field.name} is missing')
    if name in checks:
        checks[name](message)
    return message
