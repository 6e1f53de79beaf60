#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Static analysis: clang-tidy over every C file that is built; .clang-tidy chooses what it looks for."""

import concurrent.futures
import json
import os
import shutil
import subprocess
import sys
import tempfile

import style

FOLDERS = ('vmm/', 'src/', 'tests/')
EXAMPLE = 'int f (int *p)\n{\n  if (p == 0)\n    return *p;\n  return 0;\n}\n'


def built_files(build, top=style.TOP):
    """Our C files in the build's compile_commands.json, as paths from the top; generated ones are not ours."""
    with open(os.path.join(build, 'compile_commands.json'), encoding='utf-8') as file:
        commands = json.load(file)
    files = {os.path.relpath(os.path.normpath(os.path.join(command['directory'], command['file'])), top)
             for command in commands}
    return sorted(path for path in files if path.startswith(FOLDERS) and path.endswith('.c'))


def analyse(build, path, top=style.TOP):
    """The problems that clang-tidy finds in one file."""
    rules = os.path.join(style.TOP, '.clang-tidy')
    ran = subprocess.run(['clang-tidy', f'--config-file={rules}', '-p', build, '--quiet', path], cwd=top,
                         capture_output=True, text=True, check=False)
    found = [line for line in ran.stdout.splitlines() if ' error: ' in line or ' warning: ' in line]
    return found or [ran.stderr] if ran.returncode != 0 else []


def check_example(tap):
    with tempfile.TemporaryDirectory() as top:
        with open(os.path.join(top, 'a.c'), 'w', encoding='utf-8') as file:
            file.write(EXAMPLE)
        with open(os.path.join(top, 'compile_commands.json'), 'w', encoding='utf-8') as file:
            json.dump([{'directory': top, 'file': 'a.c', 'command': 'cc -c a.c'}], file)
        tap.finds('null-pointer', [line for line in analyse(top, 'a.c', top) if 'core.NullDereference' in line])


def main():
    tap = style.Tap('style/tidy')
    build = sys.argv[1]
    if not shutil.which('clang-tidy'):
        tap.skip('all', 'clang-tidy is not installed')
        tap.end()
    check_example(tap)
    paths = built_files(build)
    tap.case('files-are-built', [] if paths else [f'{build}: none of our files in compile_commands.json'])
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, problems in zip(paths, pool.map(lambda path: analyse(build, path), paths)):
            tap.case(path, problems)
    tap.end()


if __name__ == '__main__':
    main()
