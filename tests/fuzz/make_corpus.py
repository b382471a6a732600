#!/usr/bin/env python3
"""Writes the seeds of the fuzz corpora: a few messages of each kind that a client would really send, and some it would not.

usage: make_corpus.py

What a fuzzer found later lies beside them under names of its own; this script never touches those.
"""
import os
import struct

HERE = os.path.dirname(os.path.abspath(__file__))


def http1():
    get = b'GET /a?b=c%20d HTTP/1.1\r\nHost: h\r\nAccept: */*\r\n\r\n'
    return {
        'get': b'\x07' + get,
        'pipelined': b'\x01' + get * 3,
        'head': b'\x03HEAD / HTTP/1.1\r\nHost: h\r\n\r\n',
        'old': b'\x05GET / HTTP/1.0\r\n\r\n',
        'post': b'\x02POST /stream HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello',
        'chunked': b'\x09POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n'
                   b'3;x=y\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\nTrailer: t\r\n\r\n',
        'continue': b'\x04PUT /drop HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok',
        'upgrade': b'\x06GET /w HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'
                   b'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
        'gzip': b'\x08POST / HTTP/1.1\r\nHost: h\r\nContent-Encoding: gzip\r\nContent-Length: 23\r\n\r\n'
                b'\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x4b\x4c\x4a\x06\x00\xc2\x41\x24\x35\x03\x00\x00\x00',
        'both_lengths': b'\x0bPOST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
        'absolute': b'\x0cGET http://h/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n',
        'folded': b'\x0dGET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n',
        'response': b'\x02HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
        'response_chunked': b'\x05HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n',
        'response_head': b'\x02HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n',
    }


def frame(kind, flags, stream, payload=b''):
    return struct.pack('>I', len(payload))[1:] + bytes([kind, flags]) + struct.pack('>I', stream) + payload


def http2():
    settings = frame(4, 0, 0)
    get = b'\x82\x87\x84\x41\x01h'
    post = b'\x83\x87\x84\x41\x01h'
    return {
        'get': settings + frame(1, 5, 1, get),
        'several': settings + b''.join(frame(1, 5, 2 * i + 1, get) for i in range(5)),
        'post': settings + frame(1, 4, 1, post) + frame(0, 0, 1, b'hello') + frame(0, 1, 1, b' you'),
        'padded': settings + frame(1, 12, 1, b'\x04' + post + b'\0' * 4) + frame(0, 9, 1, b'\x02ok\0\0'),
        'continued': settings + frame(1, 1, 1, get[:3]) + frame(9, 4, 1, get[3:]),
        'trailers': settings + frame(1, 4, 1, post) + frame(0, 0, 1, b'x') + frame(1, 5, 1, b'\x40\x01t\x01v'),
        'stream': settings + frame(4, 1, 0) + frame(1, 5, 1, b'\x82\x87\x41\x01h\x44\x07/stream') + frame(8, 0, 0, b'\0\0\xff\xff'),
        'reset': settings + frame(1, 4, 1, post) + frame(3, 0, 1, b'\0\0\0\x08') + frame(6, 0, 0, b'12345678'),
        'length': settings + frame(1, 4, 1, post + b'\x5c\x015') + frame(0, 1, 1, b'hello'),
        'goaway': settings + frame(7, 0, 0, b'\0' * 8) + frame(1, 5, 1, get),
        'priority': settings + frame(2, 0, 3, b'\0\0\0\0\x10') + frame(1, 37, 1, b'\0\0\0\0\x10' + get),
        'unknown': frame(4, 0, 0, b'\0\x04\0\0\0\0\0\x05\0\0\x40\0') + frame(77, 0, 0, b'?') + frame(1, 5, 1, get),
    }


def message(opcode, payload, final=True, mask=b'\x01\x02\x03\x04'):
    first = bytes([(0x80 if final else 0) | opcode])
    size = bytes([0x80 | len(payload)]) if len(payload) < 126 else b'\xfe' + struct.pack('>H', len(payload))
    return first + size + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload))


def websocket():
    return {
        'binary': b'\0' + message(2, b'hello'),
        'text': b'\0' + message(1, 'grüezi'.encode()),
        'not_text': b'\0' + message(1, b'\xff\xfe'),
        'fragments': b'\x01' + message(2, b'one', False) + message(9, b'ping') + message(0, b'two'),
        'many': b'\x03' + message(2, b'a' * 200) * 5,
        'large': b'\x02' + message(2, b'b' * 5000),
        'close': b'\x01' + message(8, struct.pack('>H', 1000) + b'bye') + message(2, b'late'),
        'pong': b'\x02' + message(10, b'') + message(9, b''),
        'unmasked': b'\0' + b'\x82\x03abc',
        'reserved': b'\0' + b'\xf2\x83\x01\x02\x03\x04abc',
        'huge': b'\0' + b'\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x01\x02\x03\x04',
    }


def block():
    golden = os.path.join(HERE, '..', 'wire', 'golden')
    seeds = {}
    for name in sorted(os.listdir(golden)):
        with open(os.path.join(golden, name), 'rb') as file:
            seeds[name.split('.')[0]] = file.read()
    whole = seeds['block_v1_logs']
    seeds['cut'] = whole[:300]
    seeds['preamble'] = whole[:80]
    return seeds


def doors():
    """The first byte says which door."""
    text = lambda number, value: bytes([number << 3 | 2, len(value)]) + value
    attribute = text(1, b'service.name') + text(2, text(1, b'shop'))
    sender = text(1, text(1, attribute))
    record = bytes([1 << 3 | 1]) + struct.pack('<Q', 1795262400000000000) + b'\x10\x11' + text(5, text(1, b'a line'))
    point = bytes([3 << 3 | 1]) + struct.pack('<Q', 1795262400000000000) + bytes([4 << 3 | 1]) + struct.pack('<d', 1.5)
    metric = text(1, b'm') + text(7, text(1, point) + b'\x10\x01\x18\x01')
    return {
        'items': b'\x00{"items":[{"kind":"log","id":"a","time":"2026-11-21T12:00:00Z","body":"x","level":"warn","host":"h",'
                 b'"fields":{"a":{"b":[1,2.5,null,true]}}},{"kind":"metric","name":"m","value":1e3,"labels":{"l":"v"}},'
                 b'{"kind":"event","type":"t","payload":{"k":"v"}},{"kind":"log"},7]}',
        'logs': b'\x01[{"body":"x"}]',
        'metrics': b'\x02[{"name":"m","value":-1,"unit":"s","metric_kind":"counter"}]',
        'event': b'\x03{"type":"user.signup","occurredAt":1795262400,"idempotencyKey":"k","payload":[1]}',
        'span': b'\x04[{"name":"GET /","kind":"server","attributes":{"code":200}}]',
        'service_metric': b'\x05{"service_name":"s","metric_type":"m","value":2,"tags":{"a":1},"timestamp":1795262400000}',
        'otlp_json_logs': b'\x06{"resourceLogs":[{"resource":{"attributes":[{"key":"host.name","value":{"stringValue":"h"}}]},'
                          b'"scopeLogs":[{"logRecords":[{"timeUnixNano":"1795262400000000000","severityNumber":9,"traceId":"ab",'
                          b'"body":{"kvlistValue":{"values":[{"key":"a","value":{"bytesValue":"//8="}}]}}}]}]}]}',
        'otlp_json_metrics': b'\x07{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"h","histogram":{"dataPoints":'
                             b'[{"count":"3","sum":1.5,"bucketCounts":["1","2"],"explicitBounds":[1]}]}},'
                             b'{"name":"s","summary":{"dataPoints":[{"quantileValues":[{"quantile":0.5,"value":"NaN"}]}]}}]}]}]}',
        'otlp_logs': b'\x08' + text(1, sender + text(2, text(2, record))),
        'otlp_metrics': b'\x09' + text(1, sender + text(2, text(2, metric))),
    }


def main():
    for target, seeds in (('http1', http1()), ('http2', http2()), ('websocket', websocket()), ('block', block()), ('doors', doors())):
        folder = os.path.join(HERE, 'corpus', target)
        os.makedirs(folder, exist_ok=True)
        for name, data in seeds.items():
            with open(os.path.join(folder, 'seed_' + name), 'wb') as file:
                file.write(data)


if __name__ == '__main__':
    main()
