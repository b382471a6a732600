"""Merkle trees: by the recursive definitions of RFC 6962 where we build, by RFC 9162's algorithms where we verify."""
import hashlib


def leaf_hash(leaf):
    return hashlib.sha256(b'\0' + leaf).digest()


def node_hash(left, right):
    return hashlib.sha256(b'\1' + left + right).digest()


def split(count):
    """The largest power of two below count."""
    return 1 << (count - 1).bit_length() - 1


def root(hashes):
    if not hashes:
        return hashlib.sha256(b'').digest()
    if len(hashes) == 1:
        return hashes[0]
    k = split(len(hashes))
    return node_hash(root(hashes[:k]), root(hashes[k:]))


def inclusion_proof(hashes, index):
    if len(hashes) == 1:
        return []
    k = split(len(hashes))
    if index < k:
        return inclusion_proof(hashes[:k], index) + [root(hashes[k:])]
    return inclusion_proof(hashes[k:], index - k) + [root(hashes[:k])]


def consistency_proof(hashes, old_size):
    def subproof(m, part, complete):
        if m == len(part):
            return [] if complete else [root(part)]
        k = split(len(part))
        if m <= k:
            return subproof(m, part[:k], complete) + [root(part[k:])]
        return subproof(m - k, part[k:], False) + [root(part[:k])]
    return subproof(old_size, hashes, True)


def verify_inclusion(leaf, index, size, proof, expected):
    if index >= size or any(len(entry) != 32 for entry in [*proof, expected]):
        return False
    fn, sn, r = index, size - 1, leaf_hash(leaf)
    for p in proof:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node_hash(r, p)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and r == expected


def verify_consistency(old_size, old_root, new_size, new_root, proof):
    if old_size == 0:
        return not proof
    if old_size > new_size or any(len(entry) != 32 for entry in [*proof, old_root, new_root]):
        return False
    if old_size == new_size:
        return not proof and old_root == new_root
    if not proof:
        return False
    path = list(proof)
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)
    fn, sn = old_size - 1, new_size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == old_root and sr == new_root
