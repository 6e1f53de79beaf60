#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every function of the system that the VMM calls either can be made to fail by fault-calls.c, or is listed as one that
need not: a new one is neither, and is found here.

Usage: check-calls.py LIST LIBRARY FUNCTION...: the list of those that need not, the VMM, and those that can.
"""

import fnmatch
import re
import subprocess
import sys


def read_list(path):
    """Patterns of the list; a line is a pattern, blanks, and a reason."""
    patterns = []
    with open(path, encoding='utf-8') as file:
        for line in file:
            if line.strip() and not line.startswith('#'):
                pattern, reason = line.split(maxsplit=1)
                if not reason.strip():
                    sys.exit(f'{path}: {pattern} has no reason')
                patterns.append(pattern)
    return patterns


def read_calls(library):
    """Functions that a library calls and does not have itself."""
    symbols = subprocess.run(['nm', '--format=posix', library], capture_output=True, text=True, check=True).stdout
    rows = re.findall(r'^(\S+) ([A-Za-z])\b', symbols, re.MULTILINE)
    defined = {name for name, kind in rows if kind not in 'Uw'}
    return {name for name, kind in rows if kind == 'U'} - defined


def find_uncounted(calls, counted, patterns):
    """Calls that are in neither list."""
    return sorted(call for call in calls if call not in counted
                  and not any(fnmatch.fnmatchcase(call, pattern) for pattern in patterns))


def main():
    """TAP."""
    patterns = read_list(sys.argv[1])
    calls = read_calls(sys.argv[2])
    counted = set(sys.argv[3:])
    uncounted = find_uncounted(calls, counted, patterns)
    unused = sorted(counted - calls)
    for name in uncounted:
        print(f'# {name}: the VMM calls it, and no test makes it fail: add it to fault-calls.c, or to the list')
    for name in unused:
        print(f'# {name}: is in fault-calls.c, but the VMM does not call it')
    results = [
        (find_uncounted({'fallocate64', 'ioctl'}, {'ioctl'}, ['g_*']) == ['fallocate64'], 'finds a new call'),
        ({'ioctl', 'pwrite64', 'mmap64'} <= calls, 'reads the calls of the VMM'),
        (not uncounted, 'every call that can fail is counted'),
        (not unused, 'every call that is counted is made'),
    ]
    print(f'1..{len(results)}')
    for number, (good, what) in enumerate(results, 1):
        print('ok' if good else 'not ok', number, what)
    return 0 if all(good for good, _ in results) else 1


if __name__ == '__main__':
    sys.exit(main())
