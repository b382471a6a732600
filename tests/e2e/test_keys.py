"""Keys made, changed and revoked by the real program: offline, by pass files and by a person at a terminal."""
import os
import pty
import re
import select
import subprocess
import tempfile
import time
import unittest

from lab import BIN

PHRASE = 'correct horse battery'
ONLINE = ['--planner', '1' * 64, '--freshness', '2' * 64, '--audit', '3' * 64]


class Person:
    """One person's machine: a REEVE_HOME, key files, and the command line."""

    def __init__(self, root, name):
        self.name, self.folder = name, os.path.join(root, name)
        os.makedirs(self.folder)
        self.home = os.path.join(self.folder, 'home')
        self.pass_file = self.path('pass')
        with open(self.pass_file, 'w', encoding='ascii') as file:
            file.write(PHRASE + '\n')
        # No proxy, no server: whatever went out would fail.
        self.env = {'PATH': os.environ['PATH'], 'REEVE_HOME': self.home, 'TERM': 'dumb',
                    'REEVE_URL': 'http://127.0.0.1:1', 'REEVE_KEY_FILE': self.pass_file}

    def path(self, name):
        return os.path.join(self.folder, name)

    def trust(self, name):
        return os.path.join(self.home, 'trust', 'acme', name)

    def reeve(self, *words, code=0):
        done = subprocess.run([os.path.join(BIN, 'reeve'), *words], capture_output=True, text=True, env=self.env,
                              stdin=subprocess.DEVNULL, start_new_session=True, timeout=60, check=False)
        assert done.returncode == code, f'{words} ended with {done.returncode}: {done.stdout}{done.stderr}'
        return done.stdout if code == 0 else done.stderr

    def signing(self, *words, code=0):
        return self.reeve(*words, '--pass-file', self.pass_file, code=code)

    def at_terminal(self, words, answers):
        """Runs with a terminal of its own; gives the exit code, and all that the terminal showed. `answers` are pairs:
        what is waited for, and what is typed then."""
        child, terminal = pty.fork()
        if child == 0:
            os.execve(os.path.join(BIN, 'reeve'), ['reeve', *words], self.env)
        shown, seen, deadline = '', 0, time.monotonic() + 60
        answers = list(answers)
        while time.monotonic() < deadline:
            if not select.select([terminal], [], [], 1)[0]:
                continue
            try:
                part = os.read(terminal, 4096).decode(errors='replace')
            except OSError:  # the other end has gone
                break
            if not part:
                break
            shown += part
            if answers and answers[0][0] in shown[seen:]:
                seen = shown.index(answers[0][0], seen) + len(answers[0][0])
                os.write(terminal, answers.pop(0)[1].encode())
        os.close(terminal)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown


def fingerprint(text):
    return re.search(r'sha256:[0-9a-f]{64}@\d+', text).group(0)


class Keys(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.TemporaryDirectory(prefix='reeve-keys-')
        self.addCleanup(self.root.cleanup)

    def person(self, name):
        return Person(self.root.name, name)

    def new_org(self):
        ann = self.person('ann')
        ann.signing('keys', 'init', '--org', 'acme', *ONLINE)
        return ann

    def test_an_org_begins_offline_with_a_sealed_key_and_a_signed_trust_file(self):
        ann = self.new_org()
        with open(ann.trust('root.pem'), encoding='ascii') as file:
            self.assertTrue(file.read().startswith('-----BEGIN ENCRYPTED PRIVATE KEY-----'))
        self.assertEqual(os.stat(ann.trust('root.pem')).st_mode & 0o777, 0o600)
        shown = ann.reeve('keys', 'show')
        self.assertIn('org          acme, trust file 1', shown)
        self.assertIn('signed by    root', ann.reeve('keys', 'show', ann.trust('trust-1.rvt')))
        # OpenSSL reads the key file as it reads any other.
        public = subprocess.run(['openssl', 'pkey', '-in', ann.trust('root.pem'), '-passin', 'pass:' + PHRASE, '-pubout',
                                 '-outform', 'DER'], capture_output=True, check=True).stdout
        self.assertIn(public[-32:].hex() + '  root', shown)

    def test_an_approver_makes_the_key_and_the_root_holder_adds_and_removes_it(self):
        ann, alice = self.new_org(), self.person('alice')
        public = alice.signing('keys', 'approver', 'new', 'alice', '--out', alice.path('alice.pem')).strip()
        self.assertRegex(public, '^[0-9a-f]{64}$')
        ann.signing('keys', 'approver', 'add', 'alice', '--public', public, '--risk-max', '3', '--expires', '30d')
        self.assertIn(public + '  alice, up to risk 3', ann.reeve('keys', 'show'))
        self.assertIn('would stand in the trust file twice',
                      ann.signing('keys', 'approver', 'add', 'bob', '--public', public, code=1))
        ann.signing('keys', 'approver', 'remove', 'alice')
        self.assertIn('nobody can approve yet', ann.reeve('keys', 'show'))

    def test_a_wrong_pass_phrase_changes_nothing(self):
        ann = self.new_org()
        with open(ann.pass_file, 'w', encoding='ascii') as file:
            file.write('another horse battery\n')
        self.assertIn('the pass phrase does not open the key', ann.signing('keys', 'renew', code=1))
        self.assertIn('trust file 1', ann.reeve('keys', 'show'))
        self.assertFalse(os.path.exists(ann.trust('trust-2.rvt')))

    def test_without_a_terminal_the_pass_file_is_named(self):
        ann = self.new_org()
        self.assertEqual(ann.reeve('keys', 'renew', code=1),
                         'reeve: there is no terminal to ask on; without one, say --pass-file FILE\n')

    def test_a_pass_phrase_is_typed_at_the_terminal_twice_and_never_shown(self):
        bob = self.person('bob')
        words = ['keys', 'approver', 'new', 'bob', '--out', bob.path('bob.pem')]
        code, shown = bob.at_terminal(words, [('pass phrase for ', PHRASE + '\n'), ('the same again: ', PHRASE + '\n')])
        self.assertEqual(code, 0, shown)
        self.assertNotIn('horse', shown)
        self.assertTrue(os.path.exists(bob.path('bob.pem')))

        words[-1] = bob.path('other.pem')
        code, shown = bob.at_terminal(words, [('pass phrase for ', PHRASE + '\n'), ('the same again: ', 'typo\n')])
        self.assertEqual(code, 1, shown)
        self.assertIn('the two pass phrases differ', shown)
        # Ctrl-C is an end like any other, and the exit code says so.
        code, shown = bob.at_terminal(words, [('pass phrase for ', '\x03')])
        self.assertEqual(code, 130, shown)
        self.assertFalse(os.path.exists(bob.path('other.pem')))

    def test_two_of_three_root_holders_sign_each_on_the_own_machine(self):
        ann, bob, eve = self.person('ann'), self.person('bob'), self.person('eve')
        keys = {one.name: one.signing('keys', 'root', 'new', one.name, '--out', one.path('root.pem')).strip()
                for one in (bob, eve)}
        ann.signing('keys', 'init', '--org', 'acme', *ONLINE, '--threshold', '2', '--root',
                    'ann=' + ann.path('root.pem'), '--root', 'bob=' + keys['bob'], '--root', 'eve=' + keys['eve'])
        proposal = ann.trust('trust-1.proposed.rvt')
        self.assertIn('only the root fingerprint is known', ann.reeve('keys', 'show', code=1))

        # Bob reads what he signs, and types its hash.
        with open(proposal, 'rb') as file:
            self.assertNotIn(b'PRIVATE', file.read())
        code, shown = bob.at_terminal(['keys', 'sign', proposal, '--root', bob.path('root.pem')],
                                      [('first 8 digits of its hash: ', '00000000\n')])
        self.assertEqual(code, 1, shown)
        digits = re.search(r'hash  ([0-9a-f]{64})', shown).group(1)[:8]
        code, shown = bob.at_terminal(['keys', 'sign', proposal, '--root', bob.path('root.pem')],
                                      [('first 8 digits of its hash: ', digits + '\n'),
                                       ('pass phrase of ', PHRASE + '\n')])
        self.assertEqual(code, 0, shown)
        self.assertIn('trust file 1 of org acme is signed and believed here', shown)

        # Ann takes it; the fingerprint is the one that all of them saw.
        ann.reeve('keys', 'take', bob.trust('trust-1.rvt'))
        self.assertEqual(fingerprint(ann.reeve('keys', 'show')), fingerprint(shown))

        # One root holder alone changes nothing, and two do.
        ann.signing('keys', 'renew', '--expires', '30d', '--root', ann.path('root.pem'))
        self.assertIn('trust file 1', ann.reeve('keys', 'show'))
        eve.reeve('keys', 'pin', fingerprint(shown), '--org', 'acme')
        eve.reeve('keys', 'take', bob.trust('trust-1.rvt'))
        eve.signing('keys', 'sign', ann.trust('trust-2.proposed.rvt'), '--root', eve.path('root.pem'), '--yes')
        ann.reeve('keys', 'take', eve.trust('trust-2.rvt'))
        self.assertIn('trust file 2', ann.reeve('keys', 'show'))
        # One is enough to take away.
        bob.reeve('keys', 'take', eve.trust('trust-2.rvt'))
        bob.signing('keys', 'revoke', 'person:mallory', '--root', bob.path('root.pem'))

    def test_a_rotated_root_is_followed_by_who_pinned_the_old_one(self):
        ann, alice = self.new_org(), self.person('alice')
        alice.reeve('keys', 'pin', fingerprint(ann.reeve('keys', 'show')), '--org', 'acme')
        alice.reeve('keys', 'take', ann.trust('trust-1.rvt'))
        before = fingerprint(ann.reeve('keys', 'show'))
        ann.signing('keys', 'rotate', 'root', '--new', 'root=' + ann.path('new.pem'))
        self.assertNotEqual(fingerprint(ann.reeve('keys', 'show')), before)
        alice.reeve('keys', 'take', ann.trust('trust-2.rvt'))
        self.assertEqual(fingerprint(alice.reeve('keys', 'show')), fingerprint(ann.reeve('keys', 'show')))
        self.assertIn('is no root of org "acme"', ann.signing('keys', 'renew', code=1))

        # A skipped version is not believed.
        ann.signing('keys', 'renew', '--root', ann.path('new.pem'))
        ann.signing('keys', 'renew', '--root', ann.path('new.pem'))
        self.assertIn('does not follow', alice.reeve('keys', 'take', ann.trust('trust-4.rvt'), code=1))

    def test_a_forged_or_damaged_file_is_not_taken(self):
        ann, mallory, alice = self.new_org(), self.person('mallory'), self.person('alice')
        mallory.signing('keys', 'init', '--org', 'acme', *ONLINE)
        alice.reeve('keys', 'pin', fingerprint(ann.reeve('keys', 'show')), '--org', 'acme')
        self.assertIn('has other roots than the fingerprint',
                      alice.reeve('keys', 'take', mallory.trust('trust-1.rvt'), code=1))
        with open(ann.trust('trust-1.rvt'), 'rb') as file:
            whole = bytearray(file.read())
        # It ends with a key's id, which is a hint and decides nothing, a tag, a length, and the signature.
        hint = range(len(whole) - 66 - 32, len(whole) - 66)
        for at in set(range(0, len(whole), 7)) - set(hint):
            torn = alice.path('torn.rvt')
            with open(torn, 'wb') as file:
                file.write(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
            alice.reeve('keys', 'take', torn, code=1)
        alice.reeve('keys', 'take', ann.trust('trust-1.rvt'))

    def test_what_is_revoked_stays_so(self):
        ann = self.new_org()
        public = ann.signing('keys', 'approver', 'new', 'alice', '--out', ann.path('alice.pem')).strip()
        ann.signing('keys', 'approver', 'add', 'alice', '--public', public)
        ann.signing('keys', 'revoke', 'alice')
        ann.signing('keys', 'revoke', '0198c2f0-7c1e-7abc-8def-0123456789ab')
        shown = ann.reeve('keys', 'show')
        self.assertIn('alice, up to risk 2', shown)
        self.assertIn('REVOKED', shown)
        self.assertIn('revocation list 2', shown)
        self.assertIn('person   alice', shown)
        self.assertIn('plan     0198c2f0-7c1e-7abc-8def-0123456789ab', shown)

    def test_an_expired_trust_file_is_shown_as_such_and_can_be_renewed(self):
        ann = self.new_org()
        ann.signing('keys', 'renew', '--expires', '1s')
        deadline = time.monotonic() + 20
        while 'EXPIRED' not in ann.reeve('keys', 'show'):
            self.assertLess(time.monotonic(), deadline)
        ann.signing('keys', 'renew')
        self.assertNotIn('EXPIRED', ann.reeve('keys', 'show'))


if __name__ == '__main__':
    unittest.main()
