#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Form: clang-format, licences, sizes, words we do without."""

import os
import re
import subprocess
import tempfile

import style

FILE_LINES_MAX = 800
FUNCTION_LINES_MAX = 80
COMMENT_WIDTH_MAX = 120

LICENCE = 'SPDX-License-Identifier: LGPL-2.1-or-later'
# Files that carry no licence line: data of tests, and what tools write or do not let us comment.
NO_LICENCE = ('LICENSE', '.json', '.md', '.rst', '.po', '.pot', '.bin', '.snapshot', '.txt', 'LINGUAS', 'POTFILES',
              'POTFILES.in', '.gitignore', '.clang-format', '.clang-tidy', '.editorconfig', 'packages', 'allowed-skips',
              '-exceptions', 'words', '.catalog', '.dict', '.dts', '.svg', '.png')

EXITS = r'\b(exit|_exit|abort|g_error|g_abort|g_assert_not_reached)\s*\('
C_FILES = ('.c', '.h')


def check_clang_format(paths, top=style.TOP):
    """What clang-format would change."""
    if not paths:
        return []
    run = subprocess.run(['clang-format', '--dry-run', '-Werror', '--ferror-limit=1', *paths], cwd=top,
                         capture_output=True, text=True, check=False)
    errors = re.finditer(r'^([^:\n]+):\d+:\d+: error:', run.stderr, re.MULTILINE)
    files = sorted({match.group(1) for match in errors})
    if run.returncode != 0 and not files:
        return [run.stderr]
    return [f'{path}: not as clang-format has it: run clang-format -i on it' for path in files]


def check_licence(tree):
    """The SPDX line, near the top."""
    return [f'{path}: has no "{LICENCE}" in its first lines' for path, text in tree.items()
            if not path.endswith(NO_LICENCE) and LICENCE not in '\n'.join(text.splitlines()[:4])]


def check_size(tree):
    """Files that should be two."""
    return [f'{path}: {len(text.splitlines())} lines; {FILE_LINES_MAX} at most: split it by nouns'
            for path, text in tree.items() if len(text.splitlines()) > FILE_LINES_MAX]


def functions(text):
    """(name, first line, lines in the body) of every function; GNU style has its braces in the first column."""
    lines = text.splitlines()
    start = None
    for number, line in enumerate(lines, 1):
        if line == '{':
            start = number
        elif line == '}' and start:
            head = ' '.join(lines[max(0, start - 12):start - 1])
            names = re.findall(r'(?:^|\s)\**(\w+) \(', head)
            yield (names[-1] if names else '?'), start, number - start - 1
            start = None


def check_functions(tree, exceptions):
    """Long functions, and exceptions that are not needed."""
    problems, long = [], set()
    for path, text in tree.items():
        for name, line, length in functions(text):
            if length > FUNCTION_LINES_MAX:
                long.add(f'{path}:{name}')
                if f'{path}:{name}' not in exceptions:
                    problems.append(f'{path}:{line}: {name} has {length} lines; {FUNCTION_LINES_MAX} at most')
    return problems + [f'{name}: is a listed exception, but is not long' for name in sorted(set(exceptions) - long)]


def check_whitespace(tree):
    """Trailing blanks, tabs in C, the end of the file, and the width of comments, which clang-format leaves alone."""
    problems = []
    for path, text in tree.items():
        for line, _ in style.find(r'[ \t]+$', text):
            problems.append(f'{path}:{line}: blanks at the end of the line')
        if text and (not text.endswith('\n') or text.endswith('\n\n')):
            problems.append(f'{path}: must end with one line feed')
        if path.endswith(C_FILES):
            for line, _ in style.find(r'^[ ]*\t', text):
                problems.append(f'{path}:{line}: a tab')
        if path.endswith(C_FILES + ('.py', '.sh', '.build')):
            for line, _ in style.find(rf'^.{{{COMMENT_WIDTH_MAX + 1},}}$', text):
                problems.append(f'{path}:{line}: more than {COMMENT_WIDTH_MAX} columns')
    return problems


def check_words(tree):
    """goto, and ends of the whole process outside main()."""
    problems = []
    for path, text in tree.items():
        code = style.blank_c(text)
        for line, _ in style.find(r'\bgoto\b', code):
            problems.append(f'{path}:{line}: goto: return early, and let g_auto clean up')
        for line, match in style.find(EXITS, code):
            problems.append(f'{path}:{line}: {match.group(1)}: one VM must not end the service: return a GError')
    return problems


def check_statics(tree):
    """Mutable state of a file: two VMs in one process would share it."""
    problems = []
    allowed = r'\b(const|signals|properties|once|initialized|quark|type_id)\b|\bGOptionEntry\b|\(|\binline\b'
    for path, text in tree.items():
        for line, match in style.find(r'^static\b[^;={]*(?=[;=])', style.blank_c(text)):
            if not re.search(allowed, match.group()):
                problems.append(f'{path}:{line}: "{" ".join(match.group().split())}" is state that all VMs would share')
    return problems


def check_headers(tree):
    """#pragma once, right after the opening comments."""
    return [f'{path}: has no #pragma once before all else' for path, text in tree.items()
            if not style.blank_c(text).lstrip().startswith('#pragma once')]


def check_names(paths):
    """File names that are no noun."""
    return [f'{path}: name it after the one thing it is about' for path in paths
            if re.fullmatch(r'(.*[-_])?(utils?|helpers?|misc|common)\.[ch]', os.path.basename(path))]


def check_examples(tap):
    with tempfile.TemporaryDirectory() as top:
        with open(os.path.join(style.TOP, '.clang-format'), encoding='utf-8') as rules:
            with open(os.path.join(top, '.clang-format'), 'w', encoding='utf-8') as copy:
                copy.write(rules.read())
        for name, text in (('bad.c', 'int a(void){return 1;}\n'), ('good.c', 'int a;\n')):
            with open(os.path.join(top, name), 'w', encoding='utf-8') as file:
                file.write(text)
        tap.finds('unformatted-file', check_clang_format(['bad.c', 'good.c'], top))
    body = lambda lines: 'static int\nf (int a,\n   int b)\n{\n' + '  a++;\n' * lines + '}\n'
    tap.finds('missing-licence', check_licence({'a.c': 'int a;\n', 'b.c': '/* SPDX-License-Identifier: MIT */\n'}), 2)
    tap.finds('long-file', check_size({'a.c': 'a\n' * (FILE_LINES_MAX + 1), 'b.c': 'a\n' * FILE_LINES_MAX}))
    tap.finds('long-function', check_functions({'a.c': body(81)}, {}))
    tap.finds('no-fault-in-short-function', check_functions({'a.c': body(80)}, {}), 0)
    tap.finds('no-fault-in-listed-function', check_functions({'a.c': body(81)}, {'a.c:f': 'dispatch'}), 0)
    tap.finds('needless-exception', check_functions({'a.c': body(8)}, {'a.c:f': 'dispatch'}))
    tap.finds('whitespace', check_whitespace({'a.c': 'a \n\tb\n' + 'c' * 121, 'b.md': 'a\n\n'}), 5)
    tap.finds('goto-and-exit', check_words({'a.c': 'goto out;\nexit (1);\ng_error ("a");\nabort ();\n'}), 4)
    tap.finds('no-fault-in-words', check_words({'a.c': '/* goto */ g_error_free (e); puts ("exit (1)");\n'}), 0)
    tap.finds('shared-state', check_statics({'a.c': 'static int count;\nstatic Foo *the_vm = NULL;\n'}), 2)
    tap.finds('no-fault-in-constants', check_statics({'a.c': 'static const int a[] = { 1 };\nstatic guint signals[2];\n'
                                                             'static void f (void);\n'}), 0)
    tap.finds('header-without-pragma', check_headers({'a.h': '/* a */\n#ifndef A\n', 'b.h': '/* b */\n#pragma once\n'}))
    tap.finds('nameless-file', check_names(['src/util.c', 'vmm/bus-helpers.h', 'vmm/utility-bus.c']), 2)


def main():
    tap = style.Tap('style/format')
    check_examples(tap)
    tree = style.read_tree()
    code = {path: text for path, text in tree.items() if path.endswith(C_FILES)}
    product = {path: text for path, text in code.items() if path.startswith(('vmm/', 'src/'))}
    inner = {path: text for path, text in product.items() if not path.endswith('main.c')}

    tap.case('clang-format', check_clang_format(list(code)))
    tap.case('licence', check_licence(tree))
    tap.case('file-size', check_size(code))
    tap.case('function-size', check_functions(code, style.read_exceptions('function-exceptions')))
    tap.case('whitespace', check_whitespace(tree))
    tap.case('words', check_words(inner))
    tap.case('statics', check_statics(product))
    tap.case('headers', check_headers({path: text for path, text in code.items() if path.endswith('.h')}))
    tap.case('names', check_names(list(code)))
    tap.end()


if __name__ == '__main__':
    main()
