"""Envelopes: what a signature is over, and whose it is."""
import functools
import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def media_type(purpose):
    return b'application/vnd.reeve.%s.v1+protobuf' % purpose.encode()


def key_id(public_key):
    return hashlib.sha256(public_key).digest()


def pre_authentication(kind, payload):
    return b'DSSEv1 %d %s %d %s' % (len(kind), kind, len(payload), payload)


@functools.lru_cache(maxsize=256)
def public_half(public_key):
    return Ed25519PublicKey.from_public_bytes(public_key)


@functools.lru_cache(maxsize=20_000)
def verify(public_key, message, signature):
    try:
        public_half(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def signed_by(envelope, public_key):
    message = pre_authentication(envelope['payload_type'], envelope['payload'])
    return any(signature['key_id'] == key_id(public_key) and verify(public_key, message, signature['signature'])
               for signature in envelope['signatures'])


class Key:
    """A key pair made from a name, so that a seed gives the same keys anywhere."""

    def __init__(self, name):
        self.private = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b'key ' + name.encode()).digest())
        self.public = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.id = key_id(self.public)

    def signature(self, kind, payload):
        return {'key_id': self.id, 'signature': self.private.sign(pre_authentication(kind, payload))}


def sign(kind, payload, *keys):
    return {'payload_type': kind, 'payload': payload, 'signatures': [key.signature(kind, payload) for key in keys]}
