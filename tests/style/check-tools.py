#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What other people's checkers say: shellcheck, codespell, xmllint."""

import os
import shutil
import subprocess
import tempfile

import style

XML = ('.xml', '.policy')
# what is not prose of ours: licence, translations, data of tests
NOT_SPELLED = ('LICENSE', '.po', '.pot', '.json', '.bin', '.snapshot')


def is_shell(path, text):
    """Whether it is a script that shellcheck can read."""
    first = text.splitlines()[0] if text else ''
    interpreter = first.split('/')[-1].split()[-1:] if first.startswith('#!') else []
    return path.endswith('.sh') or interpreter in (['sh'], ['bash'], ['dash'])


def is_xml(path, text):
    """Whether it is XML; the bus policy calls itself .conf."""
    begins = text.lstrip().startswith(('<?xml', '<!DOCTYPE'))
    return path.endswith(XML) or (path.endswith(('.conf', '.conf.in')) and begins)


def run(top, command, paths):
    """The problems that a checker prints for the files."""
    if not paths:
        return []
    ran = subprocess.run([*command, *paths], cwd=top, capture_output=True, text=True, check=False)
    output = [line for line in (ran.stdout + ran.stderr).splitlines() if line.strip()]
    return output or [f'{command[0]} failed with {ran.returncode}'] if ran.returncode != 0 else []


def shellcheck(top, tree):
    return run(top, ['shellcheck', '--external-sources', '--format=gcc'],
               [path for path, text in tree.items() if is_shell(path, text)])


def codespell(top, tree):
    words = os.path.join(style.TOP, 'tests', 'style', 'codespell-words')
    return run(top, ['codespell', '--ignore-words', words], [path for path in tree if not path.endswith(NOT_SPELLED)])


def xmllint(top, tree):
    return run(top, ['xmllint', '--noout', '--nonet'], [path for path, text in tree.items() if is_xml(path, text)])


BAD = {
    'shellcheck': {'a': '#!/bin/sh\ncd $1\n', 'b.sh': '#!/bin/sh\necho "$1"\n'},
    'codespell': {'a.md': 'Recieve it.\n', 'b.po': 'recieve\n'},
    'xmllint': {'a.conf': '<!DOCTYPE a>\n<a>\n', 'b.conf': '[Unit]\n'},
}


def check_example(check):
    """The problems in a tree that has one bad file for the checker."""
    with tempfile.TemporaryDirectory() as top:
        for name, text in BAD[check.__name__].items():
            with open(os.path.join(top, name), 'w', encoding='utf-8') as file:
                file.write(text)
        return {line.split(':')[0] for line in check(top, BAD[check.__name__]) if ':' in line}


def main():
    tap = style.Tap('style/tools')
    tree = style.read_tree()
    for check in (shellcheck, codespell, xmllint):
        name = check.__name__
        if not shutil.which(name):
            tap.skip(name, f'{name} is not installed')
            continue
        found = check_example(check)
        tap.case(f'finds/{name}', [] if any(path.startswith('a') for path in found) else [f'found {found}'])
        tap.case(name, check(style.TOP, tree))
    tap.end()


if __name__ == '__main__':
    main()
