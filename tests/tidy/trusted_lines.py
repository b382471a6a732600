#!/usr/bin/env python3
"""Counts what a host must trust: the lines of ours that reeve-runner is made of. The aim is 4,000; decision 23 says why
that is not reached, and the bound of today keeps it from growing.

usage: trusted_lines.py [BUILD]          default: build/dev of this clone; reeve-runner must be built there

What counts is code: a line that is neither blank nor a comment alone, in every source whose object the linker took
(its map says which, also out of libraries) and in every header of ours that such a source includes (the compiler's own
list). Prints each folder's sum, then `N passed, N failed`; the exit status is 1 beyond the bound.
"""
import collections
import os
import re
import subprocess
import sys

LINES_AIM = 4000
LINES_MAX = 9300
CLONE = os.path.abspath(os.path.join(os.path.dirname(__file__), '..', '..'))


def linked_objects(build):
    """Objects of ours in the linker's map, as paths below the build folder."""
    with open(os.path.join(build, 'reeve-runner.map'), encoding='utf-8', errors='replace') as file:
        text = file.read()
    objects = set(re.findall(r'([\w./-]+\.dir/[\w./-]+\.cc\.o)', text))
    for archive, member in re.findall(r'([\w./-]+\.a)\(([\w.-]+\.cc\.o)\)', text):
        library = os.path.basename(archive)[3:-2]
        folder = os.path.dirname(archive)
        objects.add(os.path.join(folder, 'CMakeFiles', library + '.dir', member))
    return {os.path.normpath(os.path.relpath(o, build) if os.path.isabs(o) else o) for o in objects}


def inputs(build):
    """Object -> the files it was compiled from, by the compiler's own account."""
    out = subprocess.run(['ninja', '-C', build, '-t', 'deps'], capture_output=True, text=True, check=True).stdout
    listed = collections.defaultdict(list)
    current = None
    for line in out.splitlines():
        if line and not line[0].isspace():
            current = line.split(':')[0]
        elif line.strip():
            listed[current].append(os.path.normpath(os.path.join(build, line.strip())))
    return listed


def code_lines(path):
    count = 0
    in_comment = False
    with open(path, encoding='utf-8') as file:
        for line in file:
            text = line.strip()
            if in_comment:
                in_comment = '*/' not in text
                continue
            if text.startswith('/*'):
                in_comment = '*/' not in text
                continue
            if text and not text.startswith('//'):
                count += 1
    return count


def main():
    build = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(CLONE, 'build', 'dev'))
    deps = inputs(build)
    files = set()
    for obj in linked_objects(build):
        if obj not in deps:
            print(f'the linker took {obj}, of which nothing is known')
            print('0 passed, 1 failed')
            return 1
        files.update(f for f in deps[obj] if f.startswith(CLONE + '/') and not f.startswith(build + '/'))
    folders = collections.Counter()
    whole = 0
    for path in files:
        lines = code_lines(path)
        folders[os.path.dirname(os.path.relpath(path, CLONE))] += lines
        with open(path, 'rb') as file:
            whole += file.read().count(b'\n')
    for folder, lines in sorted(folders.items()):
        print(f'{lines:6}  {folder}')
    total = sum(folders.values())
    print(f'{total:6}  lines of code in {len(files)} files; aim {LINES_AIM}, at most {LINES_MAX}; '
          f'{whole} with comments and blank lines')
    right = 0 < total <= LINES_MAX
    print(f'{int(right)} passed, {int(not right)} failed')
    return 0 if right else 1


if __name__ == '__main__':
    sys.exit(main())
