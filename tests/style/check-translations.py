#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Translations: po/POTFILES.in lists every file with words in it, the template is current, languages are complete."""

import os
import re
import shutil
import subprocess
import tempfile

import style

MARK = r'\b(?:_|N_|C_|NC_|Q_|ngettext|g_dngettext)\s*\('
DOMAIN = 'openvmm-manager'
PO = os.path.join(style.TOP, 'po')
# the keywords of meson's preset "glib" that are in use
XGETTEXT = ['xgettext', '--from-code=UTF-8', '--add-comments', '--keyword=_', '--keyword=N_', '--keyword=C_:1c,2',
            '--keyword=NC_:1c,2', '--keyword=g_dngettext:2,3', '--output=-']


def run(command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def read_list(name):
    """The lines of a list in po/, without comments."""
    with open(os.path.join(PO, name), encoding='utf-8') as file:
        return [line.strip() for line in file if line.strip() and not line.startswith('#')]


def check_files(listed, tree):
    """Files with marked words that are not listed, and listed ones that have none or are not in order."""
    marked = {path for path, text in tree.items() if re.search(MARK, style.blank_c(text))}
    problems = [f'po/POTFILES.in: add {path}' for path in sorted(marked - set(listed))]
    problems += [f'po/POTFILES.in: {path} has no words to translate' for path in listed if path not in marked]
    problems += ['po/POTFILES.in: not in alphabetical order'] if listed != sorted(listed) else []
    return problems


def get_messages(template):
    """The messages of a template, without what moves with every edit or flag: places, dates, line breaks."""
    ran = run(['msgcat', '--no-wrap', '--no-location', '--sort-output', '-'], input=template)
    return [re.sub(r'^#.*\n', '', message, flags=re.MULTILINE).strip()
            for message in ran.stdout.split('\n\n')[1:]] if ran.returncode == 0 else []


def check_template(template, current):
    """Messages that are in one only."""
    old, new = get_messages(template), get_messages(current)
    problems = [f'po/{DOMAIN}.pot: lacks: {message}' for message in new if message not in old]
    problems += [f'po/{DOMAIN}.pot: not in the sources: {message}' for message in old if message not in new]
    return problems + ([f'run: ninja {DOMAIN}-update-po'] if problems else [])


def check_language(path, template):
    """What msgfmt and msgcmp have against a translation."""
    problems = []
    checked = run(['msgfmt', '--check', '--check-accelerators', '--statistics', '-o', os.devnull, path],
                  env=dict(os.environ, LC_ALL='C'))
    if checked.returncode != 0 or re.search('fuzzy|untranslated', checked.stderr):
        problems += checked.stderr.splitlines()
    compared = run(['msgcmp', path, template], env=dict(os.environ, LC_ALL='C'))
    return problems + (compared.stderr.splitlines() if compared.returncode != 0 else [])


PO_HEAD = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n'
COMPLETE = PO_HEAD + '"Language: de\\n"\n"Project-Id-Version: x\\n"\n"PO-Revision-Date: x\\n"\n' \
    '"Last-Translator: x\\n"\n"Language-Team: x\\n"\n"MIME-Version: 1.0\\n"\n"Content-Transfer-Encoding: 8bit\\n"\n'


def check_language_example(entries, template='\nmsgid "a %s"\nmsgstr ""\n'):
    """The number of languages found wrong, out of one."""
    with tempfile.TemporaryDirectory() as top:
        paths = [os.path.join(top, name) for name in ('de.po', 'x.pot')]
        for path, text in zip(paths, (COMPLETE + entries, PO_HEAD + template)):
            with open(path, 'w', encoding='utf-8') as file:
                file.write(text)
        return check_language(*paths)[:1]


def check_examples(tap):
    tree = {'src/a.c': 'f (_ ("x"));', 'src/b.c': 'f ("N_ (x)"); /* _ ("x") */'}
    tap.finds('file-not-listed', check_files([], tree))
    tap.finds('file-without-words', check_files(['src/a.c', 'src/b.c'], tree))
    tap.finds('no-fault-in-list', check_files(['src/a.c'], tree), 0)
    old, new = (PO_HEAD + f'\nmsgid "{word}"\nmsgstr ""\n' for word in ('old', 'new'))
    tap.finds('old-template', check_template(old, new), 3)
    tap.finds('no-fault-in-template', check_template(old, old), 0)
    tap.finds('no-fault-in-language', check_language_example('\n#, c-format\nmsgid "a %s"\nmsgstr "ä %s"\n'), 0)
    tap.finds('untranslated', check_language_example('\nmsgid "a %s"\nmsgstr ""\n'))
    tap.finds('fuzzy', check_language_example('\n#, fuzzy\nmsgid "a %s"\nmsgstr "b %s"\n'))
    tap.finds('missing', check_language_example(''))
    tap.finds('other-format', check_language_example('\n#, c-format\nmsgid "a %s"\nmsgstr "b %d"\n'))


def main():
    tap = style.Tap('style/translations')
    if not shutil.which('xgettext'):
        tap.skip('all', 'gettext is not installed')
        tap.end()
    check_examples(tap)

    listed = read_list('POTFILES.in')
    tap.case('files', check_files(listed, style.read_tree(('.c',), ('src/',))))
    template = os.path.join(PO, DOMAIN + '.pot')
    extracted = run(XGETTEXT + listed, cwd=style.TOP)
    with open(template, encoding='utf-8') as file:
        tap.case('template', check_template(file.read(), extracted.stdout) if extracted.returncode == 0
                 else extracted.stderr.splitlines())
    for language in read_list('LINGUAS'):
        tap.case('language-' + language, check_language(os.path.join(PO, language + '.po'), template))
    tap.end()


if __name__ == '__main__':
    main()
