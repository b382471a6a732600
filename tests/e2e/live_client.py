"""The smallest WebSocket client that the tests and benchmarks need: RFC 6455 over TLS or plain TCP, text messages in."""
import base64
import hashlib
import json
import os
import socket
import ssl
import struct


class WebSocketClient:
    """Connects, or raises RefusedError with the answer's status and body."""

    def __init__(self, host, port, target, headers=(), ca_file=None, timeout=30):
        raw = socket.create_connection((host, port), timeout)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if ca_file:
            context = ssl.create_default_context(cafile=ca_file)
            context.set_alpn_protocols(['http/1.1'])
            raw = context.wrap_socket(raw, server_hostname=host)
        self.socket = raw
        self.buffer = b''
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f'GET {target} HTTP/1.1', f'Host: {host}:{port}', 'Upgrade: websocket', 'Connection: Upgrade',
                 f'Sec-WebSocket-Key: {key}', 'Sec-WebSocket-Version: 13', *headers]
        raw.sendall(('\r\n'.join(lines) + '\r\n\r\n').encode())
        head = self._read_until(b'\r\n\r\n').decode()
        status = int(head.split(' ')[1])
        if status != 101:
            raw.close()
            raise RefusedError(status, head)
        expected = base64.b64encode(hashlib.sha1((key + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').encode()).digest())
        assert f'sec-websocket-accept: {expected.decode().lower()}' in head.lower(), head

    def _read_until(self, mark):
        while mark not in self.buffer:
            self._fill()
        head, self.buffer = self.buffer.split(mark, 1)
        return head

    def _fill(self):
        more = self.socket.recv(65536)
        if not more:
            raise ConnectionError('the server closed the connection')
        self.buffer += more

    def _take(self, count):
        while len(self.buffer) < count:
            self._fill()
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def _send(self, opcode, payload):
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
        assert len(payload) < 126
        self.socket.sendall(bytes([0x80 | opcode, 0x80 | len(payload)]) + mask + masked)

    def message(self):
        """The next text message as JSON; None once the server has closed."""
        text = b''
        while True:
            first, second = self._take(2)
            size = second & 0x7f
            if size == 126:
                size = struct.unpack('>H', self._take(2))[0]
            elif size == 127:
                size = struct.unpack('>Q', self._take(8))[0]
            payload = self._take(size)
            opcode = first & 0x0f
            if opcode == 8:
                return None
            if opcode == 9:
                self._send(10, payload)
                continue
            if opcode == 10:
                continue
            text += payload
            if first & 0x80:
                return json.loads(text)

    def close(self):
        self.socket.close()


class RefusedError(Exception):
    def __init__(self, status, head):
        super().__init__(f'{status}: {head}')
        self.status = status
