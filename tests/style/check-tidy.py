#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Static analysis: clang-tidy over every C file that is built; .clang-tidy chooses what it looks for."""

import concurrent.futures
import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile

import style

RULES = os.path.join(style.TOP, '.clang-tidy')
FOLDERS = ('vmm/', 'src/', 'tests/')
EXAMPLE = 'int f (int *p)\n{\n  if (p == 0)\n    return *p;\n  return 0;\n}\n'


def built_files(build, top=style.TOP):
    """{path from the top: arguments} of our C files in the build's compile_commands.json; generated ones are not ours.

    A file that goes into several programs is looked at once.
    """
    with open(os.path.join(build, 'compile_commands.json'), encoding='utf-8') as file:
        commands = json.load(file)
    files = {}
    for command in commands:
        path = os.path.relpath(os.path.normpath(os.path.join(command['directory'], command['file'])), top)
        if path.startswith(FOLDERS) and path.endswith('.c'):
            files.setdefault(path, arguments_of(command))
    return files


def arguments_of(command):
    """What the compiler is told, but for the names of files and what only another compiler knows."""
    words = iter(shlex.split(command['command'])[1:])
    arguments = ['-Wno-unknown-warning-option']
    for word in words:
        if word in ('-o', '-MF', '-MQ'):
            next(words)
        elif word not in ('-c', '-MD', command['file']):
            arguments.append(word)
    return arguments


def digest(build, path, arguments):
    """A digest of all that the answer depends on: the rules, and the file with what it includes."""
    with open(RULES, 'rb') as file:
        rules = file.read()
    text = subprocess.run(['clang', '-E', '-C', '-w', *arguments, path], cwd=build, capture_output=True, check=False)
    return hashlib.sha256(rules + text.stdout).hexdigest()


def analyse(build, path, arguments):
    """The problems that clang-tidy finds in one file. Good answers are kept in the build directory."""
    known = os.path.join(build, 'tidy', digest(build, path, arguments))
    if os.path.exists(known):
        return []
    ran = subprocess.run(['clang-tidy', f'--config-file={RULES}', '--quiet', path, '--', *arguments], cwd=build,
                         capture_output=True, text=True, check=False)
    if ran.returncode == 0:
        os.makedirs(os.path.dirname(known), exist_ok=True)
        with open(known, 'w', encoding='utf-8'):
            return []
    return [line for line in ran.stdout.splitlines() if ' error: ' in line or ' warning: ' in line] or [ran.stderr]


def check_example(tap):
    with tempfile.TemporaryDirectory() as top:
        os.mkdir(os.path.join(top, 'vmm'))
        for name, text in (('vmm/a.c', EXAMPLE), ('vmm/b.c', 'int f (void);\n'), ('c.c', EXAMPLE)):
            with open(os.path.join(top, name), 'w', encoding='utf-8') as file:
                file.write(text)
        with open(os.path.join(top, 'compile_commands.json'), 'w', encoding='utf-8') as file:
            json.dump([{'directory': top, 'file': name, 'command': f'cc -DX=1 -o x.o -c {name}'}
                       for name in ('vmm/a.c', 'vmm/a.c', 'vmm/b.c', 'c.c')], file)
        files = built_files(top, top)
        found = {path: analyse(top, path, arguments) for path, arguments in files.items()}
        again = {path: analyse(top, path, arguments) for path, arguments in files.items()}
        tap.finds('our-files', sorted(files), 2)
        tap.finds('null-pointer', [line for line in found['vmm/a.c'] if 'core.NullDereference' in line])
        tap.finds('no-fault-in-good-file', found['vmm/b.c'], 0)
        tap.case('finds/the-same-again', [] if again == found else [str(again)])


def main():
    tap = style.Tap('style/tidy')
    build = sys.argv[1]
    if not shutil.which('clang-tidy'):
        tap.skip('all', 'clang-tidy is not installed')
        tap.end()
    check_example(tap)
    files = built_files(build)
    paths = sorted(files)
    tap.case('files-are-built', [] if paths else [f'{build}: none of our files in compile_commands.json'])
    analyse_one = lambda path: analyse(build, os.path.join(style.TOP, path), files[path])
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, problems in zip(paths, pool.map(analyse_one, paths)):
            tap.case(path, problems)
    tap.end()


if __name__ == '__main__':
    main()
