"""A second implementation of docs/warrant.md, written from that page alone, for comparison with common/warrant.

It is slow and plain on purpose: no Protobuf library, one small module for each section of the page. Messages are dicts;
strings are bytes, as they are on the wire. Ed25519 is python3-cryptography's, which stands on OpenSSL as ours does: the
comparison says nothing about OpenSSL itself.
"""
