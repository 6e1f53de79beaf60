/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* notebook-vm.h: VMs of openvmmd, on /dev/kvm, whose guest is the notebook */

#pragma once

#include "tests/src/bus.h"
#include "tests/vmm/notebook.h"

/** notebook_vm_use_fast_directory: what is temporary goes to a file system in memory, if there is one. */
static inline void
notebook_vm_use_fast_directory (void)
{
  if (access ("/dev/shm", W_OK) == 0)
    g_setenv ("TMPDIR", "/dev/shm", TRUE);
}

/** NotebookVm: a VM, the test's end of its console, and what the guest should know. */
typedef struct
{
  Bus *bus;
  char *path; /* of its object */
  int console;
  Notebook notebook;
} NotebookVm;

static inline int
notebook_vm_open_console (Bus *bus, const char *path)
{
  g_autoptr (GUnixFDList) descriptors = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_with_unix_fd_list_sync (bus->connection,
                                                                              OVM_BUS_NAME,
                                                                              path,
                                                                              "org.openvmm.VM",
                                                                              "OpenConsole",
                                                                              NULL,
                                                                              G_VARIANT_TYPE ("(h)"),
                                                                              G_DBUS_CALL_FLAGS_NONE,
                                                                              -1,
                                                                              NULL,
                                                                              &descriptors,
                                                                              NULL,
                                                                              &error);
  int fd;

  g_assert_no_error (error);
  fd = g_unix_fd_list_get (descriptors, 0, &error);
  g_assert_no_error (error);
  return fd;
}

/** notebook_vm_new: runs, and waits for what it is told. */
static inline NotebookVm *
notebook_vm_new (Bus *bus, const char *name)
{
  g_autofree char *kernel = g_build_filename (g_getenv ("GUESTS"), "notebook.elf", NULL);
  g_autofree char *arguments =
      g_strdup_printf ("('%s', {'kernel': <'%s'>, 'memory-size': <uint64 16777216>})", name, kernel);
  NotebookVm *vm = g_new0 (NotebookVm, 1);
  char first;

  bus_do (bus, OVM_MANAGER_PATH, "Manager", "CreateVM", arguments);
  vm->bus = bus;
  vm->path = g_strconcat (OVM_ROOT_PATH "/vm/", name, NULL);
  vm->console = notebook_vm_open_console (bus, vm->path);
  bus_vm (bus, vm->path, "Start", "(@a{sv} {},)");
  g_assert_cmpint (read (vm->console, &first, 1), ==, 1);
  g_assert_cmpint (first, ==, '>');
  return vm;
}

/** notebook_vm_new_restored: from the snapshot in @directory, whose guest knows @notebook; that is looked at. */
static inline NotebookVm *
notebook_vm_new_restored (Bus *bus, const char *name, const char *directory, const Notebook *notebook)
{
  g_autofree char *arguments = g_strdup_printf ("('%s', '%s', {'verify-memory': <true>})", name, directory);
  NotebookVm *vm = g_new0 (NotebookVm, 1);

  bus_do (bus, OVM_MANAGER_PATH, "Manager", "RestoreVM", arguments);
  vm->bus = bus;
  vm->path = g_strconcat (OVM_ROOT_PATH "/vm/", name, NULL);
  vm->notebook = *notebook;
  vm->console = notebook_vm_open_console (bus, vm->path);
  notebook_assert_known (&vm->notebook, vm->console);
  return vm;
}

/** notebook_vm_free: the VM goes, too. */
static inline void
notebook_vm_free (NotebookVm *vm)
{
  bus_vm (vm->bus, vm->path, "PowerOff", NULL);
  bus_vm (vm->bus, vm->path, "Delete", "(@a{sv} {},)");
  close (vm->console);
  g_free (vm->path);
  g_free (vm);
}

/** notebook_vm_tell: @n random bytes, and sees that they are known. */
static inline void
notebook_vm_tell (NotebookVm *vm, guint n)
{
  for (guint i = 0; i < n; i++)
    notebook_tell (&vm->notebook, vm->console, (guint8) g_test_rand_int_range (1, 256));
  notebook_assert_known (&vm->notebook, vm->console);
}

/** notebook_vm_save: (transfer full): object path of a snapshot in @directory. */
static inline char *
notebook_vm_save (NotebookVm *vm, const char *directory, gboolean incremental)
{
  g_autofree char *arguments = g_strdup_printf ("('%s', {'incremental': <%s>})",
                                                directory,
                                                incremental ? "true" : "false");
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = bus_try (vm->bus, vm->path, "VM", "SaveSnapshot", arguments, &error);
  char *snapshot = NULL;

  g_assert_no_error (error);
  g_variant_get (reply, "(o)", &snapshot);
  return snapshot;
}
