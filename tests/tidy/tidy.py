#!/usr/bin/env python3
"""What a machine can check of our style, without compiling.

usage: tidy.py [ROOT]

Each rule is a function that yields complaints as (path, line, text). Prints them, then `tidy: N rules, M complaints`;
the exit status is 1 when there was any.
"""
import os
import re
import subprocess
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]')

# Folder -> the folders it may include from; the longest matching prefix decides. ARCHITECTURE.md has the picture.
MAY_INCLUDE = {
    'common/base': ['common/base'],
    'common/mine': ['common/mine', 'common/base'],
    'common/wire': ['common/wire', 'common/mine', 'common/base', 'proto'],
    'common/secrets': ['common/secrets', 'common/wire', 'common/base'],
    'common/crypto': ['common/crypto', 'common/base'],
    'common/warrant': ['common/warrant', 'common/crypto', 'common/base', 'proto'],
    'common/sys': ['common/sys', 'common/crypto', 'common/base'],
    'collectors': ['collectors', 'common/sys', 'common/wire', 'common/base'],
    'plugins': ['plugins/plugin.h'],
    'agent': ['agent', 'collectors', 'plugins/plugin.h', 'common'],
    # The trusted base: what it may see is counted.
    'agent/runner': ['agent/runner', 'agent/version.h', 'common/base', 'common/crypto', 'common/warrant', 'common/sys/disk.h',
                     'common/secrets/redact_patterns.h'],
    'server': ['server', 'common'],
    'server/doors': ['server', 'common', 'proto'],
    'cli': ['cli', 'server/explain', 'common'],
    'tests': ['tests', 'agent', 'server', 'cli', 'collectors', 'common', 'plugins/plugin.h', 'proto'],
}

# Library header prefix -> the only places that may name it.
LIBRARY_HOMES = {
    'uv.h': ['common/sys/'],
    'openssl/': ['common/sys/', 'common/crypto/'],
    'boost/': ['common/sys/'],
    'wslay/': ['common/sys/'],
    'systemd/': ['common/sys/', 'agent/runner/'],
    'sys/socket.h': ['common/sys/', 'agent/runner/', 'plugins/'],  # a plugin brings its own client
    'netinet/': ['common/sys/', 'plugins/'],
    'google/protobuf/': ['common/wire/', 'common/warrant/', 'server/doors/'],
    'zstd.h': ['common/wire/', 'common/sys/content_coding.cc'],
    'sqlite3.h': ['server/store/', 'tests/sim/', 'tests/server/'],
    'curl/': ['cli/', 'server/'],
    'yaml-cpp/': ['common/sys/', 'agent/runner/'],
    'nlohmann/': ['common/base/json.cc'],
    'nghttp2/': ['common/sys/'],
    'argon2.h': ['common/sys/'],
    'p11-kit/': ['cli/pkcs11.cc'],
    'zlib.h': ['common/sys/'],
    'snappy': ['server/api/content_encoding.cc'],
    'simdjson.h': ['server/doors/'],
    'lua.h': ['agent/lua/'],
    'lauxlib.h': ['agent/lua/'],
    'lualib.h': ['agent/lua/'],
    'CLI/': ['agent/args.cc', 'server/args.cc', 'cli/args.cc'],
}
HEAVY_IN_HEADERS = ('google/protobuf/', 'nlohmann/', 'CLI/', 'uv.h', 'openssl/', 'boost/', 'zstd.h', 'yaml-cpp/', 're2/',
                    'sqlite3.h', 'curl/', 'wslay/', 'nghttp2/', 'simdjson.h', 'lua.h')
SQL = re.compile(r'"\s*(SELECT|INSERT|UPDATE|DELETE|CREATE TABLE|PRAGMA)\s', re.IGNORECASE)
PROMISES = re.compile(r'\b(TODO|FIXME|XXX|HACK)\b')
LINES_MAX = 500


def tracked(root):
    out = subprocess.run(['git', '-C', root, 'ls-files', '-co', '--exclude-standard'], capture_output=True, text=True,
                         check=True).stdout
    return [p for p in out.splitlines() if os.path.isfile(os.path.join(root, p))]


def home(path):
    best = ''
    for folder in MAY_INCLUDE:
        if path.startswith(folder + '/') and len(folder) > len(best):
            best = folder
    return best


def includes(text):
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1)


def upward_includes(path, text):
    """An include goes along the arrows of ARCHITECTURE.md, or sideways within its folder."""
    folder = home(path)
    if not folder:
        return
    for number, name in includes(text):
        ours = name.startswith(('common/', 'proto/', 'agent/', 'collectors/', 'plugins/', 'server/', 'cli/', 'tests/'))
        if ours and not any(name == ok or name.startswith(ok + '/') for ok in MAY_INCLUDE[folder]):
            yield number, f'{folder} may not include {name}'


def libraries_at_home(path, text):
    """Each library is named in one place, behind our own interface."""
    for number, name in includes(text):
        for prefix, places in LIBRARY_HOMES.items():
            if name.startswith(prefix) and not path.startswith('tests/') and not any(path.startswith(p) for p in places):
                yield number, f'<{name}> belongs in {", ".join(places)}'


def light_headers(path, text):
    """Headers cost little to include."""
    if not path.endswith('.h') or path.startswith('tests/'):
        return
    if '#pragma once' not in text:
        yield 1, 'no #pragma once'
    if path.endswith('_impl.h'):
        return  # shared by the sources of one folder, and by its name for nobody else
    for number, name in includes(text):
        if name.startswith(HEAVY_IN_HEADERS) or name.endswith('.pb.h'):
            yield number, f'a header includes <{name}>; forward declare, or hide it in the .cc'


def sql_in_the_store(path, text):
    if path.startswith(('server/store/', 'tests/')):
        return
    for number, line in enumerate(text.splitlines(), 1):
        if SQL.search(line):
            yield number, 'SQL outside of server/store'


def length(path, text):
    lines = text.count('\n')
    if lines > LINES_MAX:
        yield lines, f'{lines} lines; past {LINES_MAX}, look for the second noun hiding inside'


def no_promises(path, text):
    """Work that is owed stands in an issue, not in the source."""
    if path.startswith('tests/tidy/'):
        return
    for number, line in enumerate(text.splitlines(), 1):
        if PROMISES.search(line):
            yield number, 'a promise of work for later'


def opening(path, text):
    """A source file opens by saying what it is for; a .cc may leave that to its own header."""
    if path.endswith('_test.cc'):
        return  # its test cases are sentences already
    own_header = '#include "' + os.path.splitext(path)[0] + '.h"'
    if not text.startswith(('//', '/*')) and not (path.endswith('.cc') and text.startswith(own_header)):
        yield 1, 'the file does not open with a comment that says what it is for'


RULES = [upward_includes, libraries_at_home, light_headers, sql_in_the_store, length, no_promises, opening]


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
    complaints = 0
    for path in tracked(root):
        if not path.endswith(('.h', '.cc', '.c')):
            continue
        with open(os.path.join(root, path), encoding='utf-8') as source:
            text = source.read()
        for rule in RULES:
            for line, what in rule(path, text):
                print(f'{path}:{line}: {what}')
                complaints += 1
    print(f'tidy: {len(RULES)} rules, {complaints} complaints')
    return 1 if complaints else 0


if __name__ == '__main__':
    sys.exit(main())
