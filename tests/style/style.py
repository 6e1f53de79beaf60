# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the style checks share: the files of the tree, C without its comments, and TAP.

A check is a function that takes {path: text} and gives problems as strings "path:line: what, and what to do".
Each check's program has examples that it must find, so that no check can pass by finding nothing at all.
"""

import os
import re
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def list_files(top=TOP):
    """Paths of the project's files, relative to the top; what git ignores is left out."""
    listed = subprocess.run(['git', '-C', top, 'ls-files', '-co', '--exclude-standard'],
                            capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        return sorted(path for path in set(listed.stdout.splitlines()) if os.path.isfile(os.path.join(top, path)))
    found = []
    for directory, names, files in os.walk(top):
        names[:] = [name for name in names if not name.startswith(('.', 'build'))]
        found += [os.path.relpath(os.path.join(directory, file), top) for file in files]
    return sorted(found)


# Data of tests, which may be any bytes.
DATA_FOLDERS = ('tests/data/', 'tests/fuzz/corpus/')


def read_text(path, top=TOP):
    """The text of a file, None if it is not text."""
    if path.startswith(DATA_FOLDERS):
        return None
    with open(os.path.join(top, path), 'rb') as file:
        content = file.read()
    return None if b'\0' in content else content.decode('utf-8')


def read_tree(suffixes=('',), folders=('',), top=TOP):
    """{path: text} of the text files with one of the suffixes, below one of the folders."""
    texts = ((path, read_text(path, top)) for path in list_files(top)
             if path.endswith(suffixes) and path.startswith(folders))
    return {path: text for path, text in texts if text is not None}


C_TOKENS = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def blank_c(text, strings=True):
    """C with its comments, and its strings if asked, blanked out; lines and columns stay."""
    def blank(match):
        token = match.group()
        if token[0] in '"\'' and not strings:
            return token
        return re.sub(r'[^\n]', ' ', token)
    return C_TOKENS.sub(blank, text)


def find(pattern, text):
    """(line number, match) of every match of a regular expression."""
    for match in re.finditer(pattern, text, re.MULTILINE):
        yield text.count('\n', 0, match.start()) + 1, match


def read_exceptions(name):
    """{first word: reason} of a list beside this file; '#' begins a comment line."""
    exceptions = {}
    with open(os.path.join(TOP, 'tests', 'style', name), encoding='utf-8') as file:
        for number, line in enumerate(file, 1):
            words = line.split(maxsplit=1)
            if words and not words[0].startswith('#'):
                if len(words) < 2:
                    raise SystemExit(f'{name}:{number}: {words[0]} has no reason')
                exceptions[words[0]] = words[1].strip()
    return exceptions


class Tap:
    """Prints TAP; the cases of one program."""

    def __init__(self, prefix):
        self.prefix = prefix
        self.count = 0
        self.failed = False

    def case(self, name, problems):
        """One case: passes if there are no problems."""
        self.count += 1
        for problem in problems:
            print(problem, file=sys.stderr)
        self.failed = self.failed or bool(problems)
        print(f'{"not ok" if problems else "ok"} {self.count} /{self.prefix}/{name}', flush=True)

    def skip(self, name, reason):
        """One case that cannot be looked at here."""
        self.count += 1
        print(f'ok {self.count} /{self.prefix}/{name} # SKIP {reason}', flush=True)

    def finds(self, name, problems, count=1):
        """One case of a check on an example: passes if that many problems were found in it."""
        found = [f'expected {count} problems, found {len(problems)}: {problems}'] if len(problems) != count else []
        self.case('finds/' + name, found)

    def end(self):
        print(f'1..{self.count}')
        sys.exit(1 if self.failed else 0)
