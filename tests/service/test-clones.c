/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A thousand clones of one snapshot at once: all answer, all are paused, some are saved, all go, and the service holds
 * what it held before. The guest halts when it has answered: a thousand that ask for their input over and over would be
 * too much for any machine.
 */

#include "config.h"
#include "tests/service/notebook-vm.h"
#include "tests/vmm/tiny-machine.h"

#include <stdio.h>

#define CLONES 1000u
#define FIRST_CLONES 20u /* after which the service has the threads and the heap that it keeps */
#define SAVED 10u
#define AT_ONCE 8u
#define ANSWERS_GPA                                                                                          \
  (0x200000u + 8) /* how many pages less one are changed before the answer; 0: it goes on waiting */
#define NO_OPTIONS "(@a{sv} {},)"
#define PATIENCE_SEC 120

/* of GLib's pool: so many may wait for other work */
#define SPARE_THREADS 8u
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SPARE_KIB                                                                                            \
  (2048 * 1024u) /* what was freed, or what is known of it, is kept, to find out who still uses it */
#else
#define SPARE_KIB (16 * 1024u)
#endif

typedef struct
{
  guint fds;
  guint threads;
  guint ram; /* mappings of guest RAM */
  guint kib; /* of its own */
} Holdings;

static guint
count_entries (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  guint n = 0;

  g_assert_nonnull (dir);
  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

static guint
count_in (const char *path, const char *words)
{
  g_autofree char *content = NULL;
  guint n = 0;

  g_assert_true (g_file_get_contents (path, &content, NULL, NULL));
  for (const char *at = content; (at = strstr (at, words)) != NULL; at++)
    n++;
  return n;
}

static guint
read_anonymous_kib (const char *path)
{
  g_autofree char *content = NULL;
  const char *line;
  guint kib;

  g_assert_true (g_file_get_contents (path, &content, NULL, NULL));
  line = strstr (content, "RssAnon:");
  g_assert_nonnull (line);
  g_assert_cmpint (sscanf (line, "RssAnon: %u", &kib), ==, 1);
  return kib;
}

static Holdings
count (Bus *bus)
{
  const char *pid = g_subprocess_get_identifier (bus->service);
  g_autofree char *fds = g_strdup_printf ("/proc/%s/fd", pid);
  g_autofree char *tasks = g_strdup_printf ("/proc/%s/task", pid);
  g_autofree char *maps = g_strdup_printf ("/proc/%s/maps", pid);
  g_autofree char *status = g_strdup_printf ("/proc/%s/status", pid);

  return (Holdings){
    .fds = count_entries (fds),
    .threads = count_entries (tasks),
    .ram = count_in (maps, "memory.bin"),
    .kib = read_anonymous_kib (status),
  };
}

static gboolean
has_no_more_than (Bus *bus, const Holdings *before)
{
  Holdings now = count (bus);

  return now.fds <= before->fds && now.threads <= before->threads + SPARE_THREADS && now.ram <= before->ram &&
         now.kib <= before->kib + SPARE_KIB;
}

static void
assert_comes_back_to (Bus *bus, const Holdings *before)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE_SEC * G_USEC_PER_SEC;
  Holdings now;

  while (!has_no_more_than (bus, before) && g_get_monotonic_time () < deadline)
    g_usleep (100 * 1000);
  now = count (bus);
  g_test_message ("%u descriptors (%u before), %u threads (%u), %u mappings of RAM (%u), %u KiB (%u)",
                  now.fds,
                  before->fds,
                  now.threads,
                  before->threads,
                  now.ram,
                  before->ram,
                  now.kib,
                  before->kib);
  g_assert_true (has_no_more_than (bus, before));
}

/* the same call for each of many VMs, some under way at once */
typedef struct
{
  Bus *bus;
  const char *path; /* NULL for that of the VM */
  const char *interface;
  const char *method;
  char *(*arguments) (guint number, gpointer data); /* NULL for none */
  gpointer data;
  guint n;
  guint begun;
  guint under_way;
} Calls;

static void begin_next (Calls *calls);

static void
on_reply (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Calls *calls = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  g_assert_no_error (error);
  calls->under_way--;
  begin_next (calls);
}

static void
begin_next (Calls *calls)
{
  g_autofree char *path = NULL;
  g_autofree char *text = NULL;

  if (calls->begun == calls->n)
    return;
  path = calls->path != NULL ? g_strdup (calls->path)
                             : g_strdup_printf (OVM_ROOT_PATH "/vm/clone%u", calls->begun);
  text = calls->arguments != NULL ? calls->arguments (calls->begun, calls->data) : NULL;
  calls->begun++;
  calls->under_way++;
  g_dbus_connection_call (calls->bus->connection,
                          OVM_BUS_NAME,
                          path,
                          calls->interface,
                          calls->method,
                          text != NULL ? g_variant_new_parsed (text) : NULL,
                          NULL,
                          G_DBUS_CALL_FLAGS_NONE,
                          G_MAXINT,
                          NULL,
                          on_reply,
                          calls);
}

static void
call_all (Calls *calls)
{
  for (guint i = 0; i < AT_ONCE; i++)
    begin_next (calls);
  while (calls->under_way > 0)
    g_main_context_iteration (NULL, TRUE);
}

static char *
restore_arguments (guint number, gpointer directory)
{
  return g_strdup_printf ("('clone%u', '%s', @a{sv} {})", number, (const char *) directory);
}

static void
restore_all (Bus *bus, const char *directory, guint n)
{
  Calls calls = { .bus = bus,
                  .path = OVM_MANAGER_PATH,
                  .interface = "org.openvmm.Manager",
                  .method = "RestoreVM",
                  .arguments = restore_arguments,
                  .data = (gpointer) directory,
                  .n = n };

  call_all (&calls);
}

static char *
save_arguments (guint number, gpointer directory)
{
  return g_strdup_printf ("('%s-of-clone%u', @a{sv} {})", (const char *) directory, number);
}

static char *
delete_arguments (guint number, gpointer unused)
{
  return g_strdup ("({'force': <true>},)");
}

static void
call_each (Bus *bus,
           const char *method,
           char *(*arguments) (guint number, gpointer data),
           gpointer data,
           guint n)
{
  Calls calls = {
    .bus = bus, .interface = "org.openvmm.VM", .method = method, .arguments = arguments, .data = data, .n = n
  };

  call_all (&calls);
}

static void
assert_all_have_answered (Bus *bus)
{
  for (guint i = 0; i < CLONES; i++)
    {
      g_autofree char *path = g_strdup_printf (OVM_ROOT_PATH "/vm/clone%u", i);
      int console = notebook_vm_open_console (bus, path);

      tiny_machine_wait_byte (console, 'A');
      close (console);
    }
}

static void
assert_all_are (Bus *bus, const char *state)
{
  g_autofree char *vms = bus_call (bus, OVM_MANAGER_PATH, "Manager", "ListVMs", NULL);
  g_autofree char *words = g_strdup_printf ("'%s')", state);
  guint n = 0;

  for (const char *at = vms; (at = strstr (at, words)) != NULL; at++)
    n++;
  g_assert_cmpuint (n, ==, CLONES);
}

static void
verify_saved (Bus *bus, const char *directory)
{
  for (guint i = 0; i < SAVED; i++)
    {
      g_autofree char *saved = g_strdup_printf ("%s-of-clone%u", directory, i);
      g_autofree char *arguments = g_strdup_printf ("('%s', @a{sv} {})", saved);

      bus_do (bus, OVM_MANAGER_PATH, "Manager", "VerifySnapshot", arguments);
    }
}

/* of a guest that will answer */
static void
make_snapshot (const char *directory)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("ram-filler", NULL);
  const guint64 one = 1;
  g_autoptr (GError) error = NULL;
  int console = vmm_console_open (tiny->console, &error);
  VmmSaveResult result;

  tiny_machine_resume (tiny);
  tiny_machine_wait_byte (console, 'F');
  close (console);
  tiny_machine_pause (tiny);
  g_assert_true (vmm_memory_write (tiny->machine->memory, ANSWERS_GPA, &one, sizeof one, &error));
  g_assert_true (vmm_machine_save (tiny->machine, &(VmmSavePlan){ .directory = directory }, &result, &error));
  g_assert_no_error (error);
}

static void
test_thousand_at_once (Bus *bus, gconstpointer data)
{
  g_autofree char *directory = bus_path (bus, "s");
  Holdings before;

  make_snapshot (directory);
  restore_all (bus, directory, FIRST_CLONES);
  call_each (bus, "Delete", delete_arguments, NULL, FIRST_CLONES);
  g_usleep (5 * G_USEC_PER_SEC); /* what is kept for a moment goes */
  before = count (bus);

  restore_all (bus, directory, CLONES);
  call_each (bus, "Resume", NULL, NULL, CLONES);
  assert_all_are (bus, "running");
  assert_all_have_answered (bus);
  call_each (bus, "Pause", NULL, NULL, CLONES);
  assert_all_are (bus, "paused");
  call_each (bus, "SaveSnapshot", save_arguments, directory, SAVED);
  verify_saved (bus, directory);
  call_each (bus, "Delete", delete_arguments, NULL, CLONES);
  assert_comes_back_to (bus, &before);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  notebook_vm_use_fast_directory ();
  bus_test_add ("/service/clones/thousand-at-once", test_thousand_at_once);
  return g_test_run ();
}
