#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sums up single test cases, and decides whether skips are allowed.

A TAP test counts as its cases, any other test as one. A TAP test that ends badly without a bad case (it crashed,
timed out, or ran fewer cases than planned) counts as one failure more, so that nothing that went wrong is lost.
"""

import argparse
import collections
import fnmatch
import json
import os
import re
import sys

PASS, FAIL, SKIP = 'passed', 'failed', 'skipped'

# output: what the whole test printed; of the first bad case alone
Case = collections.namedtuple('Case', 'run name outcome detail output', defaults=[''])

OUTPUT_LINES_MAX = 200

TAP_CASE = re.compile(r'(not )?ok\b\s*\d*\s*-?\s*([^#]*?)\s*(?:#\s*(skip|todo)\S*\s*(.*))?$', re.IGNORECASE)
TOTALS = re.compile(r'(\d+) passed, (\d+) failed, (\d+) skipped')


def tap_cases(run, text):
    """The cases in the standard output of a TAP test."""
    cases = []
    for line in text.splitlines():
        match = TAP_CASE.match(line)
        if not match:
            continue
        bad, name, directive, reason = match.groups()
        directive = (directive or '').lower()
        if bad:
            outcome = SKIP if directive == 'todo' else FAIL
        else:
            outcome = {'skip': SKIP, 'todo': FAIL}.get(directive, PASS)
        cases.append(Case(run, name, outcome, reason or ''))
    return cases


def output_of(test):
    """What a test printed, without its good cases."""
    text = test.get('stdout', '') + test.get('stderr', '')
    lines = [line for line in text.splitlines() if not line.startswith(('ok ', '# Start of', '# End of'))]
    return '\n'.join(lines[-OUTPUT_LINES_MAX:])


def test_cases(run, test, protocol):
    """The cases of one line of meson's log; the first bad one carries the output."""
    cases = judge_test(run, test, protocol)
    for index, case in enumerate(cases):
        if case.outcome == FAIL:
            cases[index] = case._replace(output=output_of(test))
            break
    return cases


def judge_test(run, test, protocol):
    name, result, code = test['name'], test['result'], test['returncode']
    detail = f'{result.lower()}, exit code {code}'
    good = result in ('OK', 'EXPECTEDFAIL')
    if protocol != 'tap':
        outcome = PASS if good else SKIP if result == 'SKIP' else FAIL
        return [Case(run, name, outcome, '' if good else detail)]

    cases = tap_cases(run, test.get('stdout', ''))
    if result == 'SKIP':
        if not cases:
            cases = [Case(run, name, SKIP, 'no case was run')]
    elif not good and not any(case.outcome == FAIL for case in cases):
        cases.append(Case(run, name, FAIL, detail))
    return cases


def meson_cases(run, directory, code):
    """The cases of `meson test --logbase RUN` in a build directory, which ended with this exit code."""
    with open(os.path.join(directory, 'meson-info', 'intro-tests.json'), encoding='utf-8') as file:
        protocols = {tuple(test['cmd']): test['protocol'] for test in json.load(file)}
    log = os.path.join(directory, 'meson-logs', run + '.json')
    if not os.path.exists(log):
        return [Case(run, 'meson test', FAIL, 'no test was run')]
    cases = []
    with open(log, encoding='utf-8') as file:
        for line in file:
            test = json.loads(line)
            cases += test_cases(run, test, protocols.get(tuple(test['command']), 'exitcode'))
    if code != 0 and not any(case.outcome == FAIL for case in cases):
        cases.append(Case(run, 'meson test', FAIL, f'exit code {code} though no test failed: not all may have run'))
    return cases


def lab_cases(run, code, text):
    """The cases of the lab: TAP lines in its output, checked against the totals in its last line."""
    lines = text.rstrip().splitlines()
    totals = TOTALS.fullmatch(lines[-1].strip()) if lines else None
    if not totals:
        return [Case(run, 'lab', FAIL, f'ended without its totals, exit code {code}')]
    passed, failed, skipped = map(int, totals.groups())
    cases = tap_cases(run, text)
    counted = collections.Counter(case.outcome for case in cases)
    if (counted[PASS], counted[FAIL], counted[SKIP]) != (passed, failed, skipped):
        cases = [Case(run, 'lab', outcome, 'see its output')
                 for outcome, count in ((PASS, passed), (FAIL, failed), (SKIP, skipped)) for _ in range(count)]
    if code != 0 and failed == 0:
        cases.append(Case(run, 'lab', FAIL, f'exit code {code} though no test failed'))
    return cases


def read_allowed(path):
    """The patterns of the list of allowed skips."""
    patterns = []
    with open(path, encoding='utf-8') as file:
        for number, line in enumerate(file, 1):
            words = line.split(maxsplit=1)
            if not words or words[0].startswith('#'):
                continue
            if len(words) < 2:
                raise SystemExit(f'{path}:{number}: {words[0]} has no reason; say why it may skip')
            patterns.append(words[0])
    return patterns


def judge(cases, patterns):
    """The same cases, with skips that are not allowed as failures."""
    judged = []
    for case in cases:
        if case.outcome == SKIP and not any(fnmatch.fnmatchcase(case.name, pattern) for pattern in patterns):
            case = case._replace(outcome=FAIL, detail=f'skipped, and not in the list of allowed skips: {case.detail}')
        judged.append(case)
    return judged


def report(cases, out):
    """Prints what did not pass and the totals; whether all is well."""
    counted = collections.Counter(case.outcome for case in cases)
    for outcome in (SKIP, FAIL):
        for case in cases:
            if case.outcome == outcome:
                print(f'{outcome}: {case.run}: {case.name}: {case.detail}'.rstrip(': '), file=out)
                for line in case.output.splitlines():
                    print(f'    {line}', file=out)
    print(f'{counted[PASS]} passed, {counted[FAIL]} failed, {counted[SKIP]} skipped', file=out)
    return counted[PASS] > 0 and counted[FAIL] == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--allowed-skips', metavar='FILE', required=True)
    parser.add_argument('--meson', nargs=3, action='append', default=[], metavar=('RUN', 'DIRECTORY', 'EXIT-CODE'))
    parser.add_argument('--lab', nargs=3, action='append', default=[], metavar=('RUN', 'EXIT-CODE', 'LOG'))
    parser.add_argument('--skipped', nargs=2, action='append', default=[], metavar=('RUN', 'REASON'))
    arguments = parser.parse_args()

    cases = []
    for run, directory, code in arguments.meson:
        cases += meson_cases(run, directory, int(code))
    for run, code, log in arguments.lab:
        with open(log, encoding='utf-8', errors='replace') as file:
            cases += lab_cases(run, int(code), file.read())
    cases += [Case(run, run, SKIP, reason) for run, reason in arguments.skipped]
    sys.exit(0 if report(judge(cases, read_allowed(arguments.allowed_skips)), sys.stdout) else 1)


if __name__ == '__main__':
    main()
