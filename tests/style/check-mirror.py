#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests mirror sources: vmm/x.c has tests/vmm/test-x.c and the other way round, and every test is built."""

import fnmatch
import os
import re

import style

SOURCES = ('vmm/', 'src/')
MIRRORS = tuple('tests/' + folder for folder in SOURCES)


def test_of(source):
    """The test file of a source file."""
    folder, name = os.path.split(source)
    return f'tests/{folder}/test-{name}'


def source_of(test):
    """The source file of a test file."""
    folder, name = os.path.split(test)
    return f'{folder.removeprefix("tests/")}/{name.removeprefix("test-")}'


def check_sources(paths, exceptions):
    """Sources without tests, and exceptions that are not needed."""
    sources = {path for path in paths if path.startswith(SOURCES) and path.endswith('.c')}
    missing = {source for source in sources if test_of(source) not in paths}
    problems = []
    for pattern in exceptions:
        excused = set(fnmatch.filter(missing, pattern))
        if not excused:
            problems.append(f'{pattern}: is a listed exception, but nothing it names lacks a test')
        missing -= excused
    return problems + [f'{source}: has no {test_of(source)}' for source in sorted(missing)]


def check_tests(paths):
    """Tests of what is not there."""
    return [f'{path}: there is no {source_of(path)}' for path in paths
            if path.startswith(MIRRORS) and os.path.basename(path).startswith('test-') and path.endswith('.c')
            and source_of(path) not in paths]


def check_registered(paths, builds):
    """Tests that are not in the list of their build file, or of the one above."""
    problems = []
    for path in paths:
        name = os.path.basename(path)
        if not (path.startswith('tests/') and name.startswith('test-') and name.endswith('.c')):
            continue
        folder = os.path.dirname(path)
        text = builds.get(folder + '/meson.build', '') + builds.get(os.path.dirname(folder) + '/meson.build', '')
        word = re.escape(name.removeprefix('test-').removesuffix('.c'))
        if not re.search(rf"'(?:[\w/-]*/)?(?:test-)?{word}(?:\.c)?'", text):
            problems.append(f'{path}: is not built: add \'{name[5:-2]}\' to the list in {folder}/meson.build')
    return problems


def check_paths(tests):
    """Names of the cases begin with the path of what they test."""
    problems = []
    for path, text in tests.items():
        prefix = '/' + source_of(path).removesuffix('.c') + '/'
        for line, match in style.find(r'g_test_add(?:_\w+)?\s*\(\s*"([^"]*)"', text):
            if not match.group(1).startswith(prefix):
                problems.append(f'{path}:{line}: "{match.group(1)}" does not begin with {prefix}')
    return problems


def check_examples(tap):
    tap.finds('source-without-test', check_sources(['vmm/a.c', 'src/b.c', 'tests/src/test-b.c'], {}))
    tap.finds('needless-exceptions',
              check_sources(['vmm/a.c', 'tests/vmm/test-a.c'], {'vmm/a.c': 'x', 'vmm/b.c': 'x'}), 2)
    tap.finds('no-fault-in-exception', check_sources(['vmm/a-b.c'], {'vmm/a*.c': 'x'}), 0)
    tap.finds('test-without-source', check_tests(['tests/vmm/devices/test-a.c', 'vmm/a.c']))
    tap.finds('no-fault-in-pair',
              check_tests(['tests/vmm/devices/test-a.c', 'vmm/devices/a.c', 'tests/kvm/test-b.c']), 0)
    tap.finds('test-not-built', check_registered(['tests/vmm/test-a.c'], {'tests/vmm/meson.build': "# a\n'aa',"}))
    tap.finds('no-fault-in-built', check_registered(['tests/vmm/test-a.c'], {'tests/vmm/meson.build': "'a',"}), 0)
    tap.finds('case-of-another', check_paths({'tests/vmm/test-a.c': 'g_test_add_func ("/vmm/ab/c", f);\n'}))
    tap.finds('no-fault-in-case', check_paths({'tests/vmm/test-a.c': 'g_test_add_func ("/vmm/a/c", f);\n'}), 0)


def main():
    tap = style.Tap('style/mirror')
    check_examples(tap)
    paths = style.list_files()
    tap.case('sources', check_sources(paths, style.read_exceptions('mirror-exceptions')))
    tap.case('tests', check_tests(paths))
    tap.case('registered', check_registered(paths, style.read_tree(('meson.build',), ('tests/',))))
    tests = style.read_tree(('.c',), MIRRORS)
    tap.case('case-names', check_paths({path: text for path, text in tests.items() if '/test-' in path}))
    tap.end()


if __name__ == '__main__':
    main()
