/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/caller.h"

#include "tests/src/bus.h"

static void
test_names_the_user (Bus *bus, gconstpointer data)
{
  g_autofree char *uid = g_strdup_printf ("%u", (guint) getuid ());

  bus_create (bus, "vm", "'test-delay-ms': <uint32 200>");
  bus_vm (bus, BUS_VM ("vm"), "Start", "(@a{sv} {},)");
  bus_assert_property (bus, OVM_ROOT_PATH "/job/1", "Job", "StartedByUID", uid);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  bus_test_add ("/src/caller/names-the-user", test_names_the_user);
  return g_test_run ();
}
