/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A snapshot in the middle of a chain is made complete while a clone runs from it and from those beside it: the clones
 * go on, and can be saved; the snapshots below and above still restore.
 */

#include "config.h"
#include "tests/service/notebook-vm.h"

#define CHAIN 6u
#define MIDDLE 3u
#define NO_OPTIONS "(@a{sv} {},)"

typedef struct
{
  Bus *bus;
  char *directories[CHAIN];
  char *paths[CHAIN];
  Notebook notebooks[CHAIN];
} Chain;

static Chain *
chain_new (Bus *bus)
{
  Chain *chain = g_new0 (Chain, 1);
  NotebookVm *vm = notebook_vm_new (bus, "author");

  chain->bus = bus;
  for (guint i = 0; i < CHAIN; i++)
    {
      g_autofree char *name = g_strdup_printf ("%u", i);

      notebook_vm_tell (vm, 20);
      chain->directories[i] = bus_path (bus, name);
      chain->paths[i] = notebook_vm_save (vm, chain->directories[i], i > 0);
      chain->notebooks[i] = vm->notebook;
    }
  notebook_vm_free (vm);
  return chain;
}

static void
chain_free (Chain *chain)
{
  for (guint i = 0; i < CHAIN; i++)
    {
      g_free (chain->directories[i]);
      g_free (chain->paths[i]);
    }
  g_free (chain);
}

static NotebookVm *
restore (Chain *chain, guint number, const char *name)
{
  return notebook_vm_new_restored (chain->bus, name, chain->directories[number], &chain->notebooks[number]);
}

static void
check_all (Chain *chain)
{
  for (guint i = 0; i < CHAIN; i++)
    {
      bus_do (chain->bus, chain->paths[i], "Snapshot", "Verify", NO_OPTIONS);
      notebook_vm_free (restore (chain, i, "check"));
    }
}

static void
on_reply (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  gboolean *done = user_data;

  g_assert_no_error (error);
  *done = TRUE;
}

/* the clones take down bytes all the while. Returns how often they were asked meanwhile */
static guint
consolidate_under (Chain *chain, guint number, NotebookVm *const *clones, guint n_clones)
{
  gboolean done = FALSE;
  guint n_asked = 0;

  g_dbus_connection_call (chain->bus->connection,
                          OVM_BUS_NAME,
                          chain->paths[number],
                          "org.openvmm.Snapshot",
                          "Consolidate",
                          g_variant_new_parsed (NO_OPTIONS),
                          NULL,
                          G_DBUS_CALL_FLAGS_NONE,
                          G_MAXINT,
                          NULL,
                          on_reply,
                          &done);
  while (!done)
    {
      for (guint i = 0; i < n_clones; i++, n_asked++)
        notebook_vm_tell (clones[i], 3);
      (void) g_main_context_iteration (NULL, FALSE);
    }
  bus_assert_property (chain->bus, chain->paths[number], "Snapshot", "Incremental", "false");
  return n_asked;
}

/* what a clone is saved to over the snapshot that was made complete is like any other */
static void
save_over (Chain *chain, NotebookVm *clone, const char *name)
{
  g_autofree char *directory = bus_path (chain->bus, name);
  g_autofree char *path = notebook_vm_save (clone, directory, TRUE);

  bus_do (chain->bus, path, "Snapshot", "Verify", NO_OPTIONS);
  notebook_vm_free (notebook_vm_new_restored (chain->bus, "again", directory, &clone->notebook));
}

static void
test_clone_goes_on (Bus *bus, gconstpointer data)
{
  Chain *chain = chain_new (bus);
  NotebookVm *clones[] = { restore (chain, MIDDLE, "middle"), restore (chain, CHAIN - 1, "last") };
  guint n_asked = consolidate_under (chain, MIDDLE, clones, G_N_ELEMENTS (clones));

  g_test_message ("the clones were asked %u times meanwhile", n_asked);
  g_assert_cmpuint (n_asked, >, 0);
  check_all (chain);
  save_over (chain, clones[0], "over-middle");
  save_over (chain, clones[1], "over-last");

  /* below it, and above */
  consolidate_under (chain, MIDDLE - 1, clones, G_N_ELEMENTS (clones));
  consolidate_under (chain, CHAIN - 1, clones, G_N_ELEMENTS (clones));
  check_all (chain);
  for (guint i = 0; i < G_N_ELEMENTS (clones); i++)
    notebook_vm_tell (clones[i], 5);
  notebook_vm_free (clones[0]);
  notebook_vm_free (clones[1]);
  chain_free (chain);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  notebook_vm_use_fast_directory ();
  bus_test_add ("/service/consolidate/clone-goes-on", test_clone_goes_on);
  return g_test_run ();
}
