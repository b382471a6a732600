"""What a host believes: trust files, the revocation list, the freshness statement."""
import hashlib
import re
import struct

from .messages import decode
from .signing import key_id, media_type, signed_by
from .wire import Invalid


class Denied(Exception):
    pass


def fingerprint_digest(trust):
    parts = [b'reeve root v1\0', trust['org'], b'\0', struct.pack('<I', trust['root_threshold'])]
    for root in trust['roots']:
        parts += [root['public_key'], root['person'], b'\0']
    return hashlib.sha256(b''.join(parts)).digest()


def fingerprint_text(digest, version):
    return b'sha256:%s@%d' % (digest.hex().encode(), version)


def parse_fingerprint(text):
    match = re.fullmatch(rb'sha256:([0-9a-fA-F]{64})@([0-9]+)', text)
    if not match or not 1 <= int(match[2]) < 1 << 64:
        raise Invalid('not a root fingerprint')
    return bytes.fromhex(match[1].decode()), int(match[2])


def need_threshold(envelope, trust, roots):
    """That enough distinct persons of these roots have signed it."""
    signers = {root['person'] for root in roots if signed_by(envelope, root['public_key'])}
    if len(signers) < trust['root_threshold']:
        raise Denied('trust: too few persons have signed it')


LISTS = ('keys', 'persons', 'plans', 'steps', 'hosts')


class TrustState:
    def __init__(self, org, digest, version_min):
        self.org, self.digest, self.version_min = org, digest, version_min
        self.trust = self.revocation = self.freshness = None
        self.kept = {'trust': []}

    @property
    def trust_version(self):
        return self.trust['version'] if self.trust else 0

    @property
    def revocation_version(self):
        return self.revocation['version'] if self.revocation else 0

    def listed(self, kind, entry):
        return self.revocation is not None and entry in self.revocation[kind]

    def key_revoked(self, public_key):
        return self.listed('keys', key_id(public_key))

    def take(self, update):
        for envelope in update['trust']:
            self.take_trust(envelope)
        if 'revocation' in update:
            self.take_revocation(update['revocation'])
        if 'freshness' in update:
            self.take_freshness(update['freshness'])

    def open(self, envelope, purpose, message):
        if envelope['payload_type'] != media_type(purpose):
            raise Denied(f'{purpose}: of another type')
        try:
            body = decode(message, envelope['payload'])
        except Invalid as error:
            raise Denied(f'{purpose}: {error}') from None
        if body['org'] != self.org:
            raise Denied(f'{purpose}: of another org')
        return body

    def root_revoked(self, root):
        return self.key_revoked(root['public_key']) or self.listed('persons', root['person'])

    def take_trust(self, envelope):
        trust = self.open(envelope, 'trust', 'Trust')
        need_threshold(envelope, trust, trust['roots'])
        if self.trust is None:
            if fingerprint_digest(trust) != self.digest or trust['version'] < self.version_min:
                return
        elif trust['version'] < self.trust['version']:
            return
        elif trust['version'] == self.trust['version']:
            if trust != self.trust:
                raise Denied('trust: there is another of this version')
            return
        elif trust['version'] != self.trust['version'] + 1:
            raise Denied('trust: a version is missing')
        else:
            for each in (self.trust, trust):
                need_threshold(envelope, each, [root for root in each['roots'] if not self.root_revoked(root)])
        self.trust = trust
        self.kept['trust'] = [envelope]

    def take_revocation(self, envelope):
        revocation = self.open(envelope, 'revocation', 'Revocation')
        if self.trust is None:
            raise Denied('revocation: no trust file is believed')
        if envelope == self.kept.get('revocation'):
            return
        if not any(signed_by(envelope, root['public_key']) for root in self.trust['roots'] if not self.root_revoked(root)):
            raise Denied('revocation: no root has signed it')
        if revocation['version'] < self.revocation_version:
            return
        if revocation['version'] == self.revocation_version:
            if revocation != self.revocation:
                raise Denied('revocation: there is another of this version')
            return
        if self.revocation and any(set(self.revocation[kind]) - set(revocation[kind]) for kind in LISTS):
            raise Denied('revocation: something is missing')
        self.revocation = revocation
        self.kept['revocation'] = envelope

    def take_freshness(self, envelope):
        freshness = self.open(envelope, 'freshness', 'Freshness')
        if self.trust is None:
            raise Denied('freshness: no trust file is believed')
        if not any(signed_by(envelope, key) for key in self.trust['freshness_keys'] if not self.key_revoked(key)):
            raise Denied('freshness: no freshness key has signed it')
        if self.freshness and freshness['at_ms'] < self.freshness['at_ms']:
            return
        self.freshness = freshness
        self.kept['freshness'] = envelope
