/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/job-bus.h"

#include "tests/src/bus.h"

#define JOB OVM_ROOT_PATH "/job/2" /* the first one starts the VM */

static void
begin_save (Bus *bus, const char *more)
{
  g_autofree char *arguments = bus_with_path (bus, "s", "('", "', {'wait': <false>})");

  bus_create (bus, "vm", more);
  bus_vm (bus, BUS_VM ("vm"), "Start", "(@a{sv} {},)");
  bus_vm (bus, BUS_VM ("vm"), "SaveSnapshot", arguments);
}

static gboolean
has_progress (Bus *bus)
{
  g_autofree char *valid = bus_get (bus, JOB, "Job", "ProgressValid");

  return g_strcmp0 (valid, "true") == 0;
}

static void
test_shows_a_save (Bus *bus, gconstpointer data)
{
  g_autofree char *uid = g_strdup_printf ("%u", (guint) getuid ());
  g_autofree char *snapshot = NULL;

  begin_save (bus, "'test-delay-ms': <uint32 600>");
  bus_assert_property (bus, JOB, "Job", "Operation", "'save'");
  bus_assert_property (bus, JOB, "Job", "Objects", "['/org/openvmm/vm/vm']");
  bus_assert_property (bus, JOB, "Job", "State", "'running'");
  bus_assert_property (bus, JOB, "Job", "Cancelable", "true");
  bus_assert_property (bus, JOB, "Job", "Result", "'/'");
  bus_wait_until (has_progress (bus));
  bus_assert_property (bus, JOB, "Job", "BytesTotal", "16777216");
  bus_assert_property (bus, JOB, "Job", "StartedByUID", uid);

  bus_wait_until (bus_find_signal (bus, "Completed " JOB " (true, '', '')") != NULL);
  bus_assert_property (bus, JOB, "Job", "State", "'succeeded'");
  bus_assert_property (bus, JOB, "Job", "Progress", "1.0");
  snapshot = bus_get (bus, BUS_VM ("vm"), "VM", "CurrentSnapshot");
  g_assert_cmpstr (snapshot, !=, "'/'");
  bus_assert_property (bus, JOB, "Job", "Result", snapshot);
}

static void
test_cancels (Bus *bus, gconstpointer data)
{
  g_autofree char *directory = bus_path (bus, "s");

  begin_save (bus, "'test-delay-ms': <uint32 2000>");
  bus_do (bus, JOB, "Job", "Cancel", NULL);
  bus_wait_until (bus_find_signal (bus, "Completed " JOB " (false, 'org.openvmm.Error.Cancelled'") != NULL);
  bus_assert_property (bus, JOB, "Job", "State", "'cancelled'");
  bus_assert_property (bus, JOB, "Job", "Error", "'org.openvmm.Error.Cancelled'");
  g_assert_false (g_file_test (directory, G_FILE_TEST_EXISTS));
  bus_assert_property (bus, BUS_VM ("vm"), "VM", "State", "'running'");
  bus_assert_fails (bus, JOB, "Job", "Cancel", NULL, OVM_ERROR_INVALID_STATE);
}

typedef struct
{
  gboolean done;
  GError *error;
} Reply;

static void
on_reply (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Reply *reply = user_data;
  g_autoptr (GVariant)
      value = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &reply->error);

  reply->done = TRUE;
}

static void
test_who_waits_hears_of_the_cancel (Bus *bus, gconstpointer data)
{
  g_autofree char *arguments = bus_with_path (bus, "s", "('", "', @a{sv} {})");
  Reply reply = { 0 };

  bus_create (bus, "vm", "'test-delay-ms': <uint32 2000>");
  bus_vm (bus, BUS_VM ("vm"), "Start", "(@a{sv} {},)");
  g_dbus_connection_call (bus->connection,
                          OVM_BUS_NAME,
                          BUS_VM ("vm"),
                          "org.openvmm.VM",
                          "SaveSnapshot",
                          g_variant_parse (NULL, arguments, NULL, NULL, NULL),
                          NULL,
                          G_DBUS_CALL_FLAGS_NONE,
                          -1,
                          NULL,
                          on_reply,
                          &reply);
  bus_wait_until (bus_find_signal (bus, "InterfacesAdded /org/openvmm ('" JOB "'") != NULL);
  bus_do (bus, JOB, "Job", "Cancel", NULL);
  bus_wait_until (reply.done);
  g_assert_error (reply.error, OVM_ERROR, OVM_ERROR_CANCELLED);
  g_assert_nonnull (bus_find_signal (bus, "Completed " JOB " (false, 'org.openvmm.Error.Cancelled'"));
  g_clear_error (&reply.error);
}

static void
test_failure (Bus *bus, gconstpointer data)
{
  begin_save (bus, "'test-fail': <'save:NoSpace'>");
  bus_wait_until (bus_find_signal (bus, "Completed " JOB " (false, 'org.openvmm.Error.NoSpace'") != NULL);
  bus_assert_property (bus, JOB, "Job", "State", "'failed'");
}

static void
test_start_cannot_be_cancelled (Bus *bus, gconstpointer data)
{
  bus_create (bus, "vm", "'test-delay-ms': <uint32 300>");
  bus_vm (bus, BUS_VM ("vm"), "Start", "({'wait': <false>},)");
  bus_assert_property (bus, OVM_ROOT_PATH "/job/1", "Job", "Cancelable", "false");
  bus_assert_fails (bus, OVM_ROOT_PATH "/job/1", "Job", "Cancel", NULL, OVM_ERROR_NOT_SUPPORTED);
  bus_wait_until (bus_find_signal (bus, "Completed /org/openvmm/job/1 (true, '', '')") != NULL);
  bus_assert_property (bus, BUS_VM ("vm"), "VM", "State", "'running'");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  bus_test_add ("/src/job-bus/shows-a-save", test_shows_a_save);
  bus_test_add ("/src/job-bus/cancels", test_cancels);
  bus_test_add ("/src/job-bus/who-waits-hears-of-the-cancel", test_who_waits_hears_of_the_cancel);
  bus_test_add ("/src/job-bus/failure", test_failure);
  bus_test_add ("/src/job-bus/start-cannot-be-cancelled", test_start_cannot_be_cancelled);
  return g_test_run ();
}
