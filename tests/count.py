#!/usr/bin/env python3
"""How many tests a suite passed and failed, from its log.

usage: count.py EXIT_STATUS LOG

Knows the closing lines of Catch2, Python's unittest and our own "N passed, N failed". A suite without such a line is
one test that passed with status 0. A bad status never counts as no failure. Prints "<passed> <failed>".
"""
import re
import sys


def count(status, text):
    ours = re.findall(r'^(\d+) passed, (\d+) failed$', text, re.M)
    if ours:
        passed, failed = map(int, ours[-1])
    elif catch := re.findall(r'^All tests passed \(.* in (\d+) test cases?\)', text, re.M):
        passed, failed = int(catch[-1]), 0
    elif catch := re.findall(r'^test cases: +(\d+) \|(.*)$', text, re.M):
        bad = re.search(r'(\d+) failed', catch[-1][1])
        failed = int(bad.group(1)) if bad else 0
        passed = int(catch[-1][0]) - failed
    elif unit := re.findall(r'^Ran (\d+) tests? in', text, re.M):
        wrong = re.search(r'^FAILED \((.*)\)$', text, re.M)
        failed = sum(map(int, re.findall(r'(?:failures|errors)=(\d+)', wrong.group(1)))) if wrong else 0
        skipped = re.search(r'skipped=(\d+)', text)
        passed = int(unit[-1]) - failed - (int(skipped.group(1)) if skipped else 0)
    else:
        passed, failed = (1, 0) if status == 0 else (0, 1)
    if status != 0 and failed == 0:
        failed = 1
    return passed, failed


if __name__ == '__main__':
    with open(sys.argv[2], encoding='utf-8', errors='replace') as log:
        print(*count(int(sys.argv[1]), log.read()))
