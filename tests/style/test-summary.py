#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests tests/summary.py: what ./check counts."""

import io
import json
import os
import sys
import tempfile

import style

sys.path.insert(0, os.path.join(style.TOP, 'tests'))
import summary  # pylint: disable=wrong-import-position

GLIB = """# random seed: R02S00
1..4
# Start of vmm tests
ok 1 /vmm/a
not ok 2 /vmm/b - ERROR:test-b.c:1: failed
ok 3 /vmm/c # SKIP no /dev/kvm
ok 4 /vmm/d
# End of vmm tests
"""


def outcomes(cases):
    return [case.outcome for case in cases]


def log_line(result='OK', stdout='', code=0):
    return {'name': 'n', 'result': result, 'returncode': code, 'stdout': stdout, 'command': ['/n', '--tap']}


def check(tap, name, got, expected):
    tap.case(name, [] if got == expected else [f'got {got}, expected {expected}'])


def check_tap(tap):
    cases = summary.tap_cases('r', GLIB)
    check(tap, 'tap/outcomes', outcomes(cases), ['passed', 'failed', 'skipped', 'passed'])
    check(tap, 'tap/names', [cases[0].name, cases[2].name], ['/vmm/a', '/vmm/c'])
    check(tap, 'tap/reason', cases[2].detail, 'no /dev/kvm')
    check(tap, 'tap/todo', outcomes(summary.tap_cases('r', 'not ok 1 x # TODO later\nok 2 y # TODO\n')),
          ['skipped', 'failed'])
    check(tap, 'tap/no-case', summary.tap_cases('r', 'okay\n# ok 1 a\n1..0\n'), [])


def check_meson(tap):
    of_test = lambda test, protocol='tap': outcomes(summary.test_cases('r', test, protocol))
    check(tap, 'meson/cases', of_test(log_line(stdout='ok 1 a\nok 2 b\n')), ['passed', 'passed'])
    check(tap, 'meson/crash-after-good-cases', of_test(log_line('ERROR', 'ok 1 a\n', -11)), ['passed', 'failed'])
    check(tap, 'meson/bad-case-counts-once', of_test(log_line('FAIL', 'not ok 1 a\n', 1)), ['failed'])
    bad = summary.test_cases('r', log_line('FAIL', 'ok 1 a\nnot ok 2 b\n# why\n', 1), 'tap')
    check(tap, 'meson/output-of-bad-case', [case.output for case in bad], ['', 'not ok 2 b\n# why'])
    check(tap, 'meson/timeout', of_test(log_line('TIMEOUT', '', -15)), ['failed'])
    check(tap, 'meson/tap-without-cases-is-a-skip', of_test(log_line('SKIP', '1..0\n')), ['skipped'])
    check(tap, 'meson/exit-code', of_test(log_line(), 'exitcode'), ['passed'])
    check(tap, 'meson/exit-code-skip', of_test(log_line('SKIP', '', 77), 'exitcode'), ['skipped'])
    check(tap, 'meson/exit-code-failure', of_test(log_line('FAIL', '', 1), 'exitcode'), ['failed'])
    with tempfile.TemporaryDirectory() as directory:
        for folder in ('meson-info', 'meson-logs'):
            os.mkdir(os.path.join(directory, folder))
        with open(os.path.join(directory, 'meson-info', 'intro-tests.json'), 'w', encoding='utf-8') as file:
            json.dump([{'cmd': ['/n', '--tap'], 'protocol': 'tap'}], file)
        count = lambda code: outcomes(summary.meson_cases('r', directory, code))
        check(tap, 'meson/no-log', count(0), ['failed'])
        log = os.path.join(directory, 'meson-logs', 'r.json')
        with open(log, 'w', encoding='utf-8') as file:
            file.write(json.dumps(log_line('FAIL', GLIB, 1)) + '\n')
        check(tap, 'meson/log', count(1), ['passed', 'failed', 'skipped', 'passed'])
        with open(log, 'w', encoding='utf-8') as file:
            file.write(json.dumps(log_line(stdout='ok 1 a\n')) + '\n')
        check(tap, 'meson/all-well', count(0), ['passed'])
        check(tap, 'meson/died-on-the-way', count(-9), ['passed', 'failed'])


def check_lab(tap):
    count = lambda code, text: outcomes(summary.lab_cases('lab', code, text))
    check(tap, 'lab/named', count(0, 'ok 1 a\nboot...\nok 2 b # SKIP no\n1 passed, 0 failed, 1 skipped\n'),
          ['passed', 'skipped'])
    check(tap, 'lab/totals-only', count(1, 'boot\n1 passed, 1 failed, 0 skipped\n'), ['passed', 'failed'])
    check(tap, 'lab/no-totals', count(0, 'ok 1 a\n'), ['failed'])
    check(tap, 'lab/nothing', count(0, ''), ['failed'])
    check(tap, 'lab/exit-code', count(3, 'ok 1 a\n1 passed, 0 failed, 0 skipped\n'), ['passed', 'failed'])


def check_judgement(tap):
    skip = summary.Case('r', '/kvm/x/y', 'skipped', 'why')
    good = summary.Case('r', '/kvm/x/z', 'passed', '')
    check(tap, 'judge/allowed', outcomes(summary.judge([skip], ['/kvm/*'])), ['skipped'])
    check(tap, 'judge/not-allowed', outcomes(summary.judge([skip], ['/vmm/*'])), ['failed'])
    check(tap, 'judge/pass-stays', outcomes(summary.judge([good], [])), ['passed'])
    out = io.StringIO()
    check(tap, 'report/well', summary.report([good, skip], out), True)
    check(tap, 'report/totals', out.getvalue().splitlines()[-1], '1 passed, 0 failed, 1 skipped')
    out = io.StringIO()
    check(tap, 'report/failed', summary.report([skip._replace(outcome='failed', output='line'), good], out), False)
    check(tap, 'report/output', '    line' in out.getvalue().splitlines(), True)
    check(tap, 'report/nothing-passed', summary.report([], io.StringIO()), False)


def check_list(tap):
    with tempfile.NamedTemporaryFile('w', suffix='.list') as file:
        file.write('# comment\n\n/kvm/* no /dev/kvm here\n')
        file.flush()
        check(tap, 'list/patterns', summary.read_allowed(file.name), ['/kvm/*'])
        file.write('/no/reason\n')
        file.flush()
        try:
            summary.read_allowed(file.name)
            problems = ['accepted']
        except SystemExit as error:
            problems = [] if '/no/reason' in str(error) else [str(error)]
        tap.case('list/reason-is-needed', problems)


def main():
    tap = style.Tap('check/summary')
    check_tap(tap)
    check_meson(tap)
    check_lab(tap)
    check_judgement(tap)
    check_list(tap)
    tap.end()


if __name__ == '__main__':
    main()
