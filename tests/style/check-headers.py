#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Contracts: what a header says of a function that can fail."""

import re

import style

PROTOTYPE = r'^(?!typedef|static|#)(?P<type>[A-Za-z_][\w ]*[ *]+)(?P<name>\w+) \((?P<arguments>[^;{}]*)\)' \
            r'(?P<attributes>[^;{}()]*(?:\([^;{}]*\))?[^;{}()]*);'


def prototypes(text):
    """(line, name, arguments, attributes) of every function that the header declares."""
    for line, match in style.find(PROTOTYPE, style.blank_c(text)):
        yield line, match.group('name'), match.group('arguments'), match.group('attributes')


def can_fail(name, arguments):
    """Whether it fails with an error, and is not there to make one."""
    return 'GError **' in arguments and not re.search(r'_set_(?:\w+_)?(?:error|corrupt)$|_error_propagate', name)


def has_contract(line, text):
    """Whether a comment stands right above the declaration, or above the group without blank lines it is in."""
    for above in reversed(text.splitlines()[:line - 1]):
        if not above.strip():
            return False
        if above.rstrip().endswith('*/') and not re.match(r'\s*\w.*;', above):
            return True
    return False


def check_unused_result(tree):
    """Nobody may overlook a failure."""
    return [f'{path}:{line}: {name} can fail: end it with G_GNUC_WARN_UNUSED_RESULT'
            for path, text in tree.items() for line, name, arguments, attributes in prototypes(text)
            if can_fail(name, arguments) and 'G_GNUC_WARN_UNUSED_RESULT' not in attributes]


def check_comments(tree):
    """The contract stands in the header."""
    return [f'{path}:{line}: {name} can fail: say how in a comment above it'
            for path, text in tree.items() for line, name, arguments, _ in prototypes(text)
            if can_fail(name, arguments) and not has_contract(line, text)]


def check_comment_names(tree):
    """Comments of functions that are not there (any more)."""
    problems = []
    for path, text in tree.items():
        code = style.blank_c(text)
        for line, match in style.find(r'^/\*\*\s*(?:\n \* )?(\w+):', text):
            if not re.search(rf'\b{match.group(1)}\b', code):
                problems.append(f'{path}:{line}: there is no {match.group(1)} here')
    return problems


def check_error_last(tree):
    """GError ** is the last argument."""
    return [f'{path}:{line}: {name}: GError **error is the last argument'
            for path, text in tree.items() for line, name, arguments, _ in prototypes(text)
            if can_fail(name, arguments) and re.search(r'GError \*\*\w*\s*,', arguments)]


def check_examples(tap):
    good = '/** f: tries. */\ngboolean f (int a,\n            GError **error) G_GNUC_WARN_UNUSED_RESULT;\n'
    silent = '/** f: tries. */\ngboolean f (GError **error);\n'
    bare = 'Foo *foo_new (GError **error) G_GNUC_WARN_UNUSED_RESULT;\n'
    tap.finds('result-that-may-go-unused', check_unused_result({'a.h': silent}))
    tap.finds('no-fault-in-used-result', check_unused_result({'a.h': good + 'void g (void);\n'}), 0)
    tap.finds('fallible-without-comment', check_comments({'a.h': bare}))
    tap.finds('no-fault-in-comment', check_comments({'a.h': good}), 0)
    tap.finds('no-fault-in-long-comment', check_comments({'a.h': '/**\n * foo_new:\n *\n * Makes.\n */\n' + bare}), 0)
    tap.finds('no-fault-in-comment-of-a-pair', check_comments({'a.h': '/** f, g: try. */\n' + bare + bare}), 0)
    tap.finds('comment-further-up', check_comments({'a.h': '/** f: tries. */\n\n' + bare}))
    tap.finds('comment-of-nothing', check_comment_names({'a.h': '/** g: goes. */\nvoid f (void);\n'}))
    tap.finds('no-fault-in-maker-of-errors', check_unused_result({'a.h': 'int a_set_error (GError **e, int b);\n'}), 0)
    tap.finds('error-not-last', check_error_last({'a.h': 'int f (GError **error, int a);\n'}))
    tap.case('finds/every-prototype', [] if len(list(prototypes(good + silent + bare))) == 3 else ['not all seen'])


def main():
    tap = style.Tap('style/headers')
    check_examples(tap)
    tree = style.read_tree(('.h',), ('vmm/', 'src/'))
    tap.case('unused-result', check_unused_result(tree))
    tap.case('comments', check_comments(tree))
    tap.case('comment-names', check_comment_names(tree))
    tap.case('error-last', check_error_last(tree))
    tap.end()


if __name__ == '__main__':
    main()
