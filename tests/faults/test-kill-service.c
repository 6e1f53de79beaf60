/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * openvmmd itself is killed before each file operation, of any of its threads, that a call on the bus brings about, and
 * once more after the last. What it leaves is a whole snapshot or none, and all others are as they were; the next
 * openvmmd saves beside it and clears up.
 */

#include "config.h"
#include "tests/faults/fault-subject.h"
#include "tests/src/bus.h"

#include <glib/gstdio.h>
#include <stdlib.h>

#define NO_OPTIONS "(@a{sv} {},)"
#define VM BUS_VM ("vm")

typedef enum
{
  CALL_SAVE,
  CALL_SAVE_LATER,
  CALL_SAVE_INCREMENTAL,
  CALL_CONSOLIDATE,
  CALL_DELETE,
  N_CALLS,
} Call;

/*
 * @first: a snapshot is made before, that the VM then comes from
 * @incremental: so is the snapshot that is made, or was
 */
static const struct
{
  const char *name;
  gboolean first;
  gboolean incremental;
  const char *method; /* of the snapshot that was made; NULL where it is now made */
} calls[N_CALLS] = {
  [CALL_SAVE] = { "save" },
  [CALL_SAVE_LATER] = { "save-later", .first = TRUE },
  [CALL_SAVE_INCREMENTAL] = { "save-incremental", .first = TRUE, .incremental = TRUE },
  [CALL_CONSOLIDATE] = { "consolidate", .first = TRUE, .incremental = TRUE, .method = "Consolidate" },
  [CALL_DELETE] = { "delete", .first = TRUE, .incremental = TRUE, .method = "Delete" },
};

static void
start_service (Bus *bus, guint kill_at)
{
  g_autofree char *value = g_strdup_printf ("%u", kill_at);

  g_setenv ("KILL_AT", value, TRUE);
  bus_wait_until (!bus_has_service (bus->connection));
  bus->service = bus_spawn (bus, NULL);
  bus_wait_until (bus_has_service (bus->connection));
}

static void
start_vm (Bus *bus)
{
  g_autofree char *kernel = g_build_filename (g_getenv ("GUESTS"), "counter.elf", NULL);
  g_autofree char *arguments =
      g_strdup_printf ("('vm', {'kernel': <'%s'>, 'memory-size': <uint64 16777216>, 'vp-count': <uint32 2>})",
                       kernel);

  bus_do (bus, OVM_MANAGER_PATH, "Manager", "CreateVM", arguments);
  bus_vm (bus, VM, "Start", NO_OPTIONS);
}

/* (transfer full) (nullable): object path of a snapshot in out/@name */
static char *
save (Bus *bus, const char *name, gboolean incremental)
{
  g_autofree char *arguments = g_strdup_printf ("('%s/out/%s', {'incremental': <%s>})",
                                                bus->directory,
                                                name,
                                                incremental ? "true" : "false");
  g_autoptr (GVariant) reply = bus_try (bus, VM, "VM", "SaveSnapshot", arguments, NULL);
  char *path = NULL;

  if (reply != NULL)
    g_variant_get (reply, "(o)", &path);
  return path;
}

static void
save_well (Bus *bus, const char *name, gboolean incremental)
{
  g_autofree char *path = save (bus, name, incremental);

  g_assert_nonnull (path);
}

/* waits for the end of the service. Returns: whether it was killed, and did not end as it was told */
static gboolean
end_service (Bus *bus)
{
  gboolean killed;

  g_subprocess_send_signal (bus->service, SIGTERM);
  g_assert_true (g_subprocess_wait (bus->service, NULL, NULL));
  killed = g_subprocess_get_if_signaled (bus->service);
  if (killed)
    g_assert_cmpint (g_subprocess_get_term_sig (bus->service), ==, SIGKILL);
  else
    g_assert_true (g_subprocess_get_successful (bus->service));
  g_clear_object (&bus->service);
  return killed;
}

/* at once; g_subprocess_send_signal() leaves it to another thread */
static void
arm (Bus *bus)
{
  g_assert_cmpint (kill (atoi (g_subprocess_get_identifier (bus->service)), SIGUSR1), ==, 0);
}

/* Returns: whether the service was killed, so that the call did not come back */
static gboolean
call_and_die (Bus *bus, Call call, guint at)
{
  g_autofree char *target = NULL;
  gboolean came_back;
  gboolean killed;

  start_service (bus, at);
  start_vm (bus);
  if (calls[call].first)
    save_well (bus, "first", FALSE);
  if (calls[call].method != NULL)
    target = save (bus, "target", calls[call].incremental);
  arm (bus);
  if (calls[call].method != NULL)
    {
      g_autoptr (GVariant) reply = bus_try (bus, target, "Snapshot", calls[call].method, NO_OPTIONS, NULL);

      came_back = reply != NULL;
    }
  else
    {
      target = save (bus, "target", calls[call].incremental);
      came_back = target != NULL;
    }
  killed = end_service (bus);
  g_assert_true (killed || came_back);
  return killed;
}

static gboolean
has_entry (Bus *bus, const char *name)
{
  g_autofree char *path = g_build_filename (bus->directory, "out", name, NULL);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

static void
assert_verifies (Bus *bus, const char *name)
{
  g_autofree char *path = g_build_filename (bus->directory, "out", name, NULL);

  subject_assert_verifies (path);
}

static void
assert_restores (Bus *bus, const char *name)
{
  g_autofree char *path = g_build_filename (bus->directory, "out", name, NULL);

  (void) subject_assert_restores (path);
}

/* all that is there is whole; who comes next removes the rest. Returns: whether the target is there */
static gboolean
check_what_is_left (Bus *bus, Call call)
{
  g_autofree char *out = bus_path (bus, "out");
  g_autofree char *list = NULL;
  g_autofree char *expected = NULL;
  gboolean is_there = has_entry (bus, "target");

  if (calls[call].first)
    assert_verifies (bus, "first");
  if (is_there)
    assert_restores (bus, "target");
  start_service (bus, 0);
  start_vm (bus);
  save_well (bus, "next", FALSE);
  g_assert_false (end_service (bus));
  assert_verifies (bus, "next");
  expected = g_strconcat (calls[call].first ? "first " : "", "next", is_there ? " target" : "", NULL);
  list = subject_list (out);
  g_assert_cmpstr (list, ==, expected);
  return is_there;
}

static void
test_leaves_all_or_nothing (gconstpointer data)
{
  Call call = GPOINTER_TO_UINT (data);
  gboolean killed = TRUE;
  guint n_there = 0;
  guint n;
  Bus bus;

  bus_up (&bus, NULL);
  for (n = 1; killed; n++)
    {
      g_autofree char *out = bus_path (&bus, "out");

      subject_remove_tree (out);
      g_assert_cmpint (g_mkdir (out, 0700), ==, 0);
      killed = call_and_die (&bus, call, n);
      n_there += check_what_is_left (&bus, call) ? 1 : 0;
    }
  g_test_message ("%s: killed at %u places, the snapshot is there after %u", calls[call].name, n - 2, n_there);
  g_assert_cmpuint (n, >, call == CALL_DELETE ? 5 : 25);
  /* the last time nothing killed it; a consolidation leaves the old one or the new one */
  if (call == CALL_CONSOLIDATE)
    g_assert_cmpuint (n_there, ==, n - 1);
  else
    g_assert_cmpuint (n_there, >, 0);
  bus_tear_down (&bus, NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < N_CALLS; i++)
    {
      g_autofree char *path = g_strdup_printf ("/faults/kill-service/%s", calls[i].name);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_leaves_all_or_nothing);
    }
  return subject_run_tests (NULL);
}
