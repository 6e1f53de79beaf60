#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Layers: who may include, link and call what. docs/architecture.md has the table in words."""

import fnmatch
import os
import re

import style

# (files, what they may include in quotes, what they must not include in angle brackets); the first that fits counts.
# {name} is the file's own name without its suffix.
INCLUDES = [
    ('vmm/devices/device-types.c.in', ['vmm/device.h'], []),
    ('vmm/devices/*', ['config.h', 'vmm/vmm-device.h', 'proto/devices/{name}.pb-c.h'],
     ['linux/kvm.h', 'gio/*', 'systemd/*', 'sys/ioctl.h']),
    ('vmm/vmm.h', [], ['linux/*', 'systemd/*']),
    ('vmm/vmm-device.h', [], ['linux/*', 'gio/*', 'systemd/*']),
    ('vmm/kvm*', ['config.h', 'vmm/*', 'proto/*'], ['systemd/*']),
    ('vmm/*', ['config.h', 'vmm/*', 'proto/*'], ['linux/kvm.h', 'systemd/*']),
    ('src/ctl/*', ['config.h', 'src/ctl/*', 'dbus/*'], ['linux/kvm.h', 'protobuf-c/*', 'systemd/*']),
    ('src/*', ['config.h', 'src/*', 'dbus/*', 'vmm/vmm.h'], ['linux/kvm.h', 'protobuf-c/*']),
]

# What the build files of a folder may name; the first that fits counts.
DEPENDENCIES = [
    ('proto/*', ['protobuf_c_dep', 'proto_dep']),
    ('vmm/*', ['vmm_dep', 'proto_dep', 'gio_dep', 'glib_dep', 'crypto_dep', 'threads_dep', 'protobuf_c_dep']),
    ('dbus/*', ['dbus_dep', 'gio_dep', 'glib_dep']),
    ('src/*', ['service_dep', 'ctl_dep', 'src_dep', 'dbus_dep', 'vmm_dep', 'gio_dep', 'glib_dep', 'libsystemd_dep',
               'threads_dep']),
]

# Folders that hold no code written by hand, and what they may hold.
NO_CODE = {'proto/': ('.proto', 'meson.build'), 'dbus/': ('.xml', 'meson.build')}

LOUD = r'\b(g_(?:message|info|warning|critical|print|printerr)|f?printf|puts)\s*\('

C_FILES = ('.c', '.h', '.c.in', '.h.in')


def first_rule(rules, path):
    for rule in rules:
        if fnmatch.fnmatchcase(path, rule[0]):
            return rule
    return None


def fits(name, patterns):
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def check_includes(tree):
    """#include lines."""
    problems = []
    for path, text in tree.items():
        rule = first_rule(INCLUDES, path)
        if not rule:
            continue
        name = os.path.basename(path).split('.')[0]
        may = [pattern.format(name=name) for pattern in rule[1]]
        for line, match in style.find(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', text):
            kind, header = match.groups()
            if kind == '"' and not fits(header, may):
                problems.append(f'{path}:{line}: must not include "{header}"; may include {", ".join(may) or "none"}')
            if kind == '<' and fits(header, rule[2]):
                problems.append(f'{path}:{line}: must not include <{header}>')
    return problems


def check_includes_from_top(tree):
    """Our own headers go in quotes, by their path from the top."""
    problems = []
    for path, text in tree.items():
        for line, match in style.find(r'^#[ \t]*include[ \t]*<((?:vmm|src|proto|dbus|tests)/[^>]+)>', text):
            problems.append(f'{path}:{line}: <{match.group(1)}> is ours: put it in quotes')
        for line, match in style.find(r'^#[ \t]*include[ \t]*"((?!config\.h)[^"/]+)"', text):
            problems.append(f'{path}:{line}: "{match.group(1)}" needs its path from the top')
    return problems


def check_kvm(tree):
    """KVM ioctls are issued in one module."""
    problems = []
    for path, text in tree.items():
        if path.startswith('vmm/kvm'):
            continue
        code = style.blank_c(text, strings=False)
        for line, match in style.find(r'\bioctl\s*\([^;]*?\bKVM_[A-Z0-9_]+|\bopen(at)?\s*\([^;]*?"/dev/kvm"', code):
            problems.append(f'{path}:{line}: only vmm/kvm*.c may: {" ".join(match.group().split())}')
    return problems


def check_bus(tree):
    """The VMM knows nothing of D-Bus and of the journal, and says nothing above debug."""
    problems = []
    for path, text in tree.items():
        code = style.blank_c(text)
        for line, match in style.find(r'\b(g_dbus_\w+|GDBus\w+|g_bus_\w+|sd_\w+)\b', code):
            problems.append(f'{path}:{line}: {match.group(1)} is for src/ alone')
        for line, match in style.find(LOUD, code):
            problems.append(f'{path}:{line}: {match.group(1)}: return a GError, or use g_debug')
    return problems


def check_dependencies(tree):
    """Dependencies in the build files."""
    problems = []
    for path, text in tree.items():
        rule = first_rule(DEPENDENCIES, path)
        if not rule:
            continue
        code = re.sub(r'#[^\n]*', '', text)
        for line, match in style.find(r'\b\w+_dep\b', code):
            if match.group() not in rule[1]:
                problems.append(f'{path}:{line}: must not use {match.group()}; may use {", ".join(rule[1])}')
    return problems


def check_no_code(paths):
    """Folders of generated code hold none that is written by hand."""
    return [f'{path}: {folder} may hold only {", ".join(suffixes)}'
            for folder, suffixes in NO_CODE.items()
            for path in paths if path.startswith(folder) and not path.endswith(suffixes)]


def check_examples(tap):
    inc = lambda path, header: check_includes({path: f'#include {header}\n'})
    tap.finds('device-including-kvm', inc('vmm/devices/rtc.c', '<linux/kvm.h>'))
    tap.finds('device-including-another', inc('vmm/devices/rtc.c', '"vmm/devices/pm.h"'))
    tap.finds('device-including-another-message', inc('vmm/devices/rtc.c', '"proto/devices/pm.pb-c.h"'))
    tap.finds('device-including-internals', inc('vmm/devices/rtc.c', '"vmm/memory.h"'))
    tap.finds('no-fault-in-own-message', inc('vmm/devices/rtc.c', '"proto/devices/rtc.pb-c.h"'), 0)
    tap.finds('kvm-header-outside-kvm', inc('vmm/machine.c', '<linux/kvm.h>'))
    tap.finds('no-fault-in-kvm-header-in-kvm', inc('vmm/kvm-x86.c', '<linux/kvm.h>'), 0)
    tap.finds('vmm-including-service', inc('vmm/machine.c', '"src/vm.h"'))
    tap.finds('vmm-including-systemd', inc('vmm/machine.c', '<systemd/sd-daemon.h>'))
    tap.finds('service-including-internals', inc('src/vm.c', '"vmm/memory.h"'))
    tap.finds('client-including-service', inc('src/ctl/save.c', '"src/vm.h"'))
    tap.finds('no-fault-in-public-header', inc('src/vm.c', '"vmm/vmm.h"'), 0)
    tap.finds('public-header-including-private', inc('vmm/vmm.h', '"vmm/memory.h"'))
    tap.finds('header-without-path', check_includes_from_top({'src/vm.c': '#include "vm.h"\n#include <src/a.h>\n'}), 2)
    tap.finds('no-fault-in-config', check_includes_from_top({'src/vm.c': '#include "config.h"\n'}), 0)
    tap.finds('kvm-ioctl', check_kvm({'vmm/vp.c': 'x = ioctl (vp->fd,\n  KVM_RUN, 0);\n'}))
    tap.finds('kvm-device', check_kvm({'vmm/vp.c': 'x = open ("/dev/kvm", O_RDWR);\n'}))
    tap.finds('no-fault-in-comment', check_kvm({'vmm/vp.c': '/* ioctl (fd, KVM_RUN) of "/dev/kvm" */\n'}), 0)
    tap.finds('no-fault-in-other-ioctl', check_kvm({'vmm/vp.c': 'ioctl (fd, FICLONE, a);\n'}), 0)
    tap.finds('bus-in-vmm', check_bus({'vmm/a.c': 'g_dbus_connection_call (c);\nGDBusConnection *c;\n'}), 2)
    tap.finds('journal-in-vmm', check_bus({'vmm/a.c': 'sd_notify (0, "a");\n'}))
    tap.finds('loud-vmm', check_bus({'vmm/a.c': 'g_warning ("a");\nprintf ("b");\n'}), 2)
    tap.finds('no-fault-in-debug', check_bus({'vmm/a.c': 'g_debug ("g_warning ()");\ng_strdup_printf ("");\n'}), 0)
    tap.finds('vmm-linking-systemd', check_dependencies({'vmm/meson.build': '# gtk_dep\n[gio_dep, libsystemd_dep]\n'}))
    tap.finds('proto-linking-glib', check_dependencies({'proto/devices/meson.build': 'glib_dep'}))
    tap.finds('code-in-dbus', check_no_code(['dbus/a.c', 'dbus/a.xml', 'proto/b.h', 'vmm/c.c']), 2)


def main():
    tap = style.Tap('style/layering')
    check_examples(tap)
    code = style.read_tree(C_FILES, ('vmm/', 'src/', 'tests/'))
    product = {path: text for path, text in code.items() if not path.startswith('tests/')}
    vmm = {path: text for path, text in code.items() if path.startswith('vmm/')}
    tap.case('includes', check_includes(product))
    tap.case('includes-from-top', check_includes_from_top(code))
    tap.case('kvm', check_kvm(product))
    tap.case('bus', check_bus(vmm))
    tap.case('dependencies', check_dependencies(style.read_tree(('meson.build',))))
    tap.case('no-code', check_no_code(style.list_files()))
    tap.end()


if __name__ == '__main__':
    main()
