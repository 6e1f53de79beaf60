#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Man pages without warnings; commands, options, JSON and statuses are the same in sources, manual and completion."""

import os
import re
import shutil
import subprocess

import style

MANUAL = 'docs/man/openvmmctl.1'
COMPLETION = 'data/completions/openvmmctl'
# commands are defined by what follows; options by the entries of GOption
COMMAND = r'const OvmCtlCommand ovm_ctl_(\w+)_command'
OPTION = r'^\s*\{\s*"([a-z-]+)",\s*(?:\'(.)\'|0),'
STATUS = r'^\s*OVM_CTL_STATUS_\w+ = (\d+),'


def groff(text):
    """What groff says against a page."""
    ran = subprocess.run(['groff', '-man', '-ww', '-z', '-Kutf8', '-Tutf8', '-rHY=0'], input=text, capture_output=True,
                         text=True, check=False)
    return ran.stderr.splitlines() or ([f'groff failed with {ran.returncode}'] if ran.returncode else [])


def get_options(sources):
    """{command: {(option, letter or None)}}; the common ones and those before the command under ''."""
    options = {}
    for path, text in sources.items():
        command = re.search(COMMAND, text)
        names = {(match.group(1), match.group(2)) for _, match in style.find(OPTION, text)}
        if command or names:
            options.setdefault(command.group(1) if command else '', set()).update(names)
    return options


def get_manual_options(manual):
    """The same, from the manual."""
    options, section = {}, ''
    for line in manual.splitlines():
        if line.startswith('.SH '):
            section = '' if line == '.SH OPTIONS' else None
        elif line.startswith('.SS '):
            section = line.split()[1]
            options.setdefault(section, set())
        elif section is not None and line.startswith(('.B \\-', '.BR \\-')):
            name = re.search(r'\\-\\-([a-z\\-]+)', line)
            letter = re.match(r'\.BR \\-(\w) ', line)
            options.setdefault(section, set()).add((name.group(1).replace('\\', ''), letter and letter.group(1)))
    return options


def compare(path, wanted, found):
    """What is missing in a file, and what it has too much."""
    problems = [f'{path}: lacks {item}' for item in sorted(map(str, wanted - found))]
    return problems + [f'{path}: there is no {item}' for item in sorted(map(str, found - wanted))]


def flatten(options):
    commands = {(name,) for name in options}
    return commands | {(command, *option) for command, names in options.items() for option in names}


def check_manual(manual, sources):
    return compare(MANUAL, flatten(get_options(sources)), flatten(get_manual_options(manual)))


def check_json(manual, sources):
    """What each command prints as JSON, but for that which prints none."""
    section = manual.partition('.SH JSON\n')[2].partition('\n.SH ')[0]
    tags = ' '.join(match.group(1) for _, match in style.find(r'^\.TP\n\.BR? (.+)$', section))
    return compare(MANUAL + ': JSON', set(get_options(sources)) - {'', 'console'},
                   set(re.findall(r'(?<![\w\\-])[a-z]+', tags)))


def check_statuses(manual, header):
    wanted = {match.group(1) for _, match in style.find(STATUS, header)}
    section = manual.partition('.SH "EXIT STATUS"')[2].partition('.SH')[0]
    found = {match.group(1) for _, match in style.find(r'^\.B (\d+)$', section)}
    return compare(MANUAL + ': EXIT STATUS', wanted, found)


def complete(completion, words):
    """What bash offers for the last of the words."""
    script = '''source "$1"; shift
openvmmctl() { printf 'NAME STATE\\nweb running\\ndb stopped\\n'; }
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _openvmmctl; printf '%s\\n' "${COMPREPLY[@]}"'''
    ran = subprocess.run(['bash', '-c', script, 'bash', completion, 'openvmmctl', *words], capture_output=True,
                         text=True, check=False, cwd=style.TOP)
    return set(ran.stdout.split()) | ({'stderr: ' + ran.stderr} if ran.stderr else set())


def check_completion(completion, sources):
    """The options and commands that completion offers, against those there are."""
    options = get_options(sources)
    common = {'--' + name for name, _ in options.pop('')}
    problems = compare(completion, set(options) | {'help'}, complete(completion, ['']))
    problems += compare(completion, common, complete(completion, ['--']))
    for command, names in options.items():
        wanted = {'--' + name for name, _ in names} | common - {'--version'}
        problems += compare(f'{completion}: {command}', wanted, complete(completion, [command, '--']))
    return problems


def check_completion_of_words(completion):
    """What it offers for other words than options."""
    expected = {
        ('pause', ''): {'web', 'db'},
        ('pause', 'web', 'd'): {'db'},
        ('show', 'web', ''): set(),
        ('--session', 'save', 'w'): {'web'},
        ('save', 'web', 'tests/st'): {'tests/style'},
        ('create', 'a', '--backing', 'm'): {'memfd'},
        ('create', 'a', '--kernel', 'meson_'): {'meson_options.txt'},
        ('restore', 'tests', '--in-place', ''): {'web', 'db'},
        ('restore', 'tests/st'): {'tests/style'},
        ('delete', '--snapshot', 'tests/st'): {'tests/style'},
        ('delete', 'w'): {'web'},
        ('st',): {'start'},
    }
    return [f'{completion}: {words}: {found}, not {wanted}' for words, wanted in expected.items()
            if (found := complete(completion, words)) != wanted]


def check_examples(tap):
    tap.finds('warning', groff('.TH A 1\n.SH NAME\na \\- b\n.NOSUCHMACRO\n'))
    tap.finds('no-fault-in-page', groff('.TH A 1 2026-01-01 a b\n.SH NAME\na \\- b\n'), 0)
    source = {'a.c': '  { "fast", \'f\', 0,\n  { "slow", 0, 0,\nconst OvmCtlCommand ovm_ctl_go_command = {'}
    page = '.SH COMMANDS\n.SS go\n.TP\n.BR \\-f ", " \\-\\-fast\n.TP\n.B \\-\\-slow=\\fIX\n'
    tap.finds('no-fault-in-manual', check_manual(page, source), 0)
    tap.finds('option-missing', check_manual(page.replace('.B \\-\\-slow', '.IP \\-\\-slow'), source))
    tap.finds('option-too-many', check_manual(page + '.B \\-\\-odd\n', source))
    tap.finds('other-letter', check_manual(page.replace('\\-f ', '\\-g '), source), 2)
    tap.finds('command-missing', check_manual(page, {**source, 'b.c': 'const OvmCtlCommand ovm_ctl_come_command'}))
    page = '.SH JSON\n.TP\n.BR go ", " "go \\-\\-fast"\nan object\n.SH A\n.TP\n.B come\n'
    tap.finds('no-fault-in-json', check_json(page, source), 0)
    tap.finds('json-missing', check_json(page, {**source, 'b.c': 'const OvmCtlCommand ovm_ctl_come_command'}))
    tap.finds('json-too-much', check_json(page.replace('.BR go', '.BR went ", " go'), source))
    tap.finds('status-missing', check_statuses('.SH "EXIT STATUS"\n.B 0\n.SH A\n.B 1\n',
                                               '  OVM_CTL_STATUS_A = 0,\n  OVM_CTL_STATUS_B = 1,\n'))


def main():
    tap = style.Tap('style/man')
    if not shutil.which('groff'):
        tap.skip('all', 'groff is not installed')
        tap.end()
    check_examples(tap)

    pages = style.read_tree(('.1', '.8'), ('docs/man/',))
    for path, text in pages.items():
        tap.case('page-' + os.path.basename(path), [f'{path}: {line}' for line in groff(text)])
    sources = style.read_tree(('.c',), ('src/ctl/',))
    tap.case('commands', check_manual(pages[MANUAL], sources))
    tap.case('json', check_json(pages[MANUAL], sources))
    tap.case('exit-statuses', check_statuses(pages[MANUAL], style.read_text('src/ctl/status.h')))
    tap.case('completion', check_completion(COMPLETION, sources))
    tap.case('completion-of-words', check_completion_of_words(COMPLETION))
    tap.end()


if __name__ == '__main__':
    main()
