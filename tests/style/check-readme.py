#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""README: the calls it shows are those that ./quickstart makes, and the files it names are there."""

import os
import re

import style

OURS = r'`((?:src|vmm|tests|dbus|data|docs|proto)/[\w./-]+\.(?:[ch]|py|xml|build|proto))`'
STORY = 'tests/lab/inside/story'


def shown_calls(readme):
    """The busctl lines of the README."""
    return [line.strip()[2:] for line in readme.splitlines() if re.match(r'\s*\$ busctl ', line)]


def made_calls(story):
    """The lines that the story shows before it runs them, for the first name of each loop."""
    kernel = re.search(r'^K="([^"$]*)', story, re.MULTILINE)
    loops = re.search(r'^for name in (\w+)', story, re.MULTILINE)
    calls = re.findall(r'^\s*run "(.*)"$', re.sub(r'"\s*\\\n\s*"', ' ', story), re.MULTILINE)
    names = {'$K': kernel.group(1) if kernel else '', '$name': loops.group(1) if loops else ''}
    return [re.sub(r'(?<!\\)\$\w+', lambda match: names.get(match.group(), match.group()), call).replace('\\$', '$')
            for call in calls]


def check_calls(readme, story):
    """Calls that nobody tries."""
    made = made_calls(story)
    return [f'README.md: {STORY} does not show this line: {call}' for call in shown_calls(readme) if call not in made]


def check_links(documents, paths):
    """Links to files, and words that look like files of ours, that are not there."""
    problems = []
    for document, text in documents.items():
        for line, match in style.find(r'\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)', text):
            path = os.path.normpath(os.path.join(os.path.dirname(document), match.group(1)))
            if path not in paths:
                problems.append(f'{document}:{line}: there is no {path}')
        for line, match in style.find(OURS, text):
            if match.group(1) not in paths and 'scratch' not in match.group(1):
                problems.append(f'{document}:{line}: there is no {match.group(1)}')
    return problems


def check_anchors(documents):
    """Links to headings that are not there."""
    problems = []
    for document, text in documents.items():
        headings = {re.sub(r'[^\w -]', '', match.group(1)).strip().lower().replace(' ', '-')
                    for _, match in style.find(r'^#+ (.+)$', text)}
        for line, match in style.find(r'\]\(#([^)]+)\)', text):
            if match.group(1) not in headings:
                problems.append(f'{document}:{line}: there is no heading #{match.group(1)}')
    return problems


def check_examples(tap):
    story = 'K="quiet${X:+ $X}"\nfor name in one two; do\nrun "busctl a \\$M \'$K\'" \\\n  "b"\nrun "busctl $name"\n'
    made = made_calls(story)
    tap.case('finds/made-calls', [] if made == ["busctl a $M 'quiet' b", 'busctl one'] else made)
    tap.finds('call-nobody-makes', check_calls("    $ busctl one\n    $ busctl two\n", story))
    tap.finds('dead-link', check_links({'docs/a.md': '[a](b.md) [c](../README.md#x) [d](https://e)'}, ['README.md']))
    tap.finds('dead-path', check_links({'a.md': '`vmm/a.c` and `vmm/b.c`'}, ['vmm/a.c']))
    tap.finds('dead-anchor', check_anchors({'a.md': '## A good one\n[a](#a-good-one) [b](#bad)\n'}))


def main():
    tap = style.Tap('style/readme')
    check_examples(tap)
    documents = style.read_tree(('.md',))
    tap.case('calls', check_calls(documents['README.md'], style.read_text(STORY)))
    tap.case('links', check_links(documents, style.list_files()))
    tap.case('anchors', check_anchors(documents))
    tap.end()


if __name__ == '__main__':
    main()
