"""What the second implementation is checked against besides the first one: figures of the standards it cites."""
import hashlib
import unittest

from . import merkle, messages, signing, wire

# The leaves of the certificate-transparency reference tree, with its roots for 1 to 8 of them.
LEAVES = [bytes.fromhex(text) for text in ('', '00', '10', '2021', '3031', '40414243', '5051525354555657',
                                           '606162636465666768696a6b6c6d6e6f')]
ROOTS = ['6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
         'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
         'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
         'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
         '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
         '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
         'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
         '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328']


class Reference(unittest.TestCase):
    def test_roots_are_those_of_certificate_transparency(self):
        hashes = [merkle.leaf_hash(leaf) for leaf in LEAVES]
        self.assertEqual([merkle.root(hashes[:count]).hex() for count in range(1, 9)], ROOTS)
        self.assertEqual(merkle.root([]), hashlib.sha256(b'').digest())

    def test_every_proof_of_small_trees_verifies_and_no_other_index_does(self):
        hashes = [merkle.leaf_hash(b'%d' % leaf) for leaf in range(20)]
        for size in range(1, 21):
            root = merkle.root(hashes[:size])
            for index in range(size):
                proof = merkle.inclusion_proof(hashes[:size], index)
                verified = [at for at in range(size + 1) if merkle.verify_inclusion(b'%d' % index, at, size, proof, root)]
                self.assertEqual(verified, [index])
            for old in range(1, size + 1):
                proof = merkle.consistency_proof(hashes[:size], old)
                self.assertTrue(merkle.verify_consistency(old, merkle.root(hashes[:old]), size, root, proof))

    def test_pae_is_that_of_dsse(self):
        self.assertEqual(signing.pre_authentication(b'http://example.com/HelloWorld', b'hello world'),
                         b'DSSEv1 29 http://example.com/HelloWorld 11 hello world')

    def test_a_signature_is_that_of_rfc_8032(self):
        public = bytes.fromhex('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c')
        signature = bytes.fromhex('92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da'
                                  '085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00')
        self.assertTrue(signing.verify(public, b'\x72', signature))
        self.assertFalse(signing.verify(public, b'\x73', signature))

    def test_a_dispatch_is_these_bytes(self):
        message = {'schema': 1, 'org': b'acme', 'host': b'h' * 32, 'step': b's' * 32, 'sequence': 300,
                   'challenge': b'c' * 32, 'at_ms': 1_000, 'not_after_ms': 2_000}
        data = b'\x08\x01\x12\x04acme\x1a ' + b'h' * 32 + b'" ' + b's' * 32 + b'(\xac\x02' + b'2 ' + b'c' * 32 + \
            b'8\xd0\x0f' + b'@\xa0\x1f'
        self.assertEqual(messages.encode('Dispatch', message), data)
        self.assertEqual(messages.decode('Dispatch', data), message)

    def test_a_field_out_of_order_or_twice_or_padded_is_invalid(self):
        good = messages.encode('ToRunner', {'result_ack': {'through': 1}})
        self.assertEqual(good, b'\x32\x02\x08\x01')
        for bad in (b'', good * 2, b'\x32\x00' + good, b'\x32\x03\x08\x81\x00', b'\xb2\x00\x02\x08\x01',
                    b'\x32\x02\x08\x00', b'\x32\x82\x00\x08\x01', good + b'\x3a\x00',
                    b'\x32\x04\x08\x01\x10\x01', good[:-1], good + b'\x00'):
            with self.assertRaises(wire.Invalid):
                messages.decode('ToRunner', bad)


def run():
    """(passed, failed)"""
    result = unittest.TextTestRunner(verbosity=0).run(unittest.defaultTestLoader.loadTestsFromTestCase(Reference))
    failed = len(result.failures) + len(result.errors)
    return result.testsRun - failed, failed
