/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* openvmmd: the service */

#include "config.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>

#include "src/heap.h"
#include "src/name.h"
#include "src/object-tree.h"

#define TIME_SLICE_USEC 100u /* twice what most of our steps take */

typedef struct
{
  gboolean session;
  gboolean version;
  gboolean verbose;
  char *state_directory;
} Options;

typedef struct
{
  GMainLoop *loop;
  OvmManager *manager;
  OvmObjectTree *tree;
  gboolean have_name;
  gboolean closing;
  int status;
} Service;

static const char summary[] = "Runs virtual machines on KVM, for who asks on the bus name " OVM_BUS_NAME ".\n"
                              "It is usually started by the bus, at the first call.";

static const char description[] =
    "Try it without any rights but those on /dev/kvm:\n"
    "\n"
    "  openvmmd --session &\n"
    "  busctl --user call " OVM_BUS_NAME " " OVM_MANAGER_PATH " \\\n"
    "      " OVM_BUS_NAME " CreateVM 'sa{sv}' first 2 \\\n"
    "      kernel s /path/to/vmlinuz memory-size t 536870912\n"
    "  busctl --user call " OVM_BUS_NAME " /org/openvmm/vm/first org.openvmm.VM Start 'a{sv}' 0\n"
    "  busctl --user tree " OVM_BUS_NAME "\n"
    "\n"
    "openvmmctl does the same with fewer words. Both are described in openvmmd(8) and openvmmctl(1).";

static gboolean
parse_options (Options *options, int *argc, char ***argv, GError **error)
{
  gboolean system = FALSE;
  const GOptionEntry entries[] = {
    { "session", 0, 0, G_OPTION_ARG_NONE, &options->session, "Serve on the session bus, as yourself", NULL },
    { "system", 0, 0, G_OPTION_ARG_NONE, &system, "Serve on the system bus (default)", NULL },
    { "state-directory",
      0,
      0,
      G_OPTION_ARG_FILENAME,
      &options->state_directory,
      "Where RAM files without a name go",
      "DIRECTORY" },
    { "verbose", 'v', 0, G_OPTION_ARG_NONE, &options->verbose, "Say more on standard error", NULL },
    { "version", 0, 0, G_OPTION_ARG_NONE, &options->version, "Print the version and exit", NULL },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_set_summary (context, summary);
  g_option_context_set_description (context, description);
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, argc, argv, error))
    return FALSE;
  if (*argc > 1)
    {
      g_set_error (error,
                   G_OPTION_ERROR,
                   G_OPTION_ERROR_FAILED,
                   "'%s' is not understood; see --help",
                   (*argv)[1]);
      return FALSE;
    }
  if (system && options->session)
    {
      g_set_error_literal (error,
                           G_OPTION_ERROR,
                           G_OPTION_ERROR_FAILED,
                           "choose one of --session and --system");
      return FALSE;
    }
  return TRUE;
}

static char *
choose_memory_directory (const Options *options)
{
  const char *given = g_getenv ("STATE_DIRECTORY");

  if (options->state_directory != NULL)
    return g_build_filename (options->state_directory, "ram", NULL);
  if (given != NULL && *given != '\0')
    return g_build_filename (given, "ram", NULL);
  if (options->session)
    return g_build_filename (g_get_user_state_dir (), "openvmm", "ram", NULL);
  return g_strdup ("/var/lib/openvmm/ram");
}

/* what can be made anew: it may be removed at any time */
static char *
choose_working_sets_directory (const Options *options)
{
  const char *given = g_getenv ("CACHE_DIRECTORY");

  if (given != NULL && *given != '\0')
    return g_build_filename (given, "working-sets", NULL);
  if (options->session)
    return g_build_filename (g_get_user_cache_dir (), "openvmm", "working-sets", NULL);
  return g_strdup ("/var/cache/openvmm/working-sets");
}

/* each VM takes a handful of descriptors; the soft limit is low for programs that use select(), which we do not */
static void
raise_descriptor_limit (void)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_NOFILE, &limit) != 0)
    return;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit (RLIMIT_NOFILE, &limit) != 0)
    g_warning ("cannot raise the limit of open files: %s", g_strerror (errno));
}

static void
on_manager_closed (const GError *error, gpointer user_data)
{
  Service *service = user_data;

  g_main_loop_quit (service->loop);
}

static void
close_service (Service *service, int status)
{
  service->status = MAX (service->status, status);
  if (service->closing)
    return;
  service->closing = TRUE;
  (void) sd_notify (0, "STOPPING=1\nSTATUS=Powering off the VMs");
  ovm_manager_close (service->manager, on_manager_closed, service);
}

static gboolean
on_signal (gpointer user_data)
{
  g_debug ("told to stop");
  close_service (user_data, EXIT_SUCCESS);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_watchdog (gpointer user_data)
{
  (void) sd_notify (0, "WATCHDOG=1");
  return G_SOURCE_CONTINUE;
}

/* fed from here and nowhere else: this is the loop that must not hang */
static void
start_watchdog (void)
{
  guint64 timeout_usec;

  if (sd_watchdog_enabled (0, &timeout_usec) > 0)
    g_timeout_add ((guint) MAX (timeout_usec / 2000, 1), on_watchdog, NULL);
}

static void
on_name_acquired (GDBusConnection *connection, const char *name, gpointer user_data)
{
  Service *service = user_data;

  service->have_name = TRUE;
  (void) sd_notify (0, "READY=1\nSTATUS=Serving");
  g_debug ("serving as %s", name);
}

static void
on_name_lost (GDBusConnection *connection, const char *name, gpointer user_data)
{
  Service *service = user_data;

  if (service->closing)
    return;
  if (service->have_name)
    g_printerr ("openvmmd: lost the bus name %s\n", name);
  else
    g_printerr (
        "openvmmd: cannot have the bus name %s: another openvmmd serves on this bus, or its policy forbids it\n",
        name);
  close_service (service, EXIT_FAILURE);
}

static void
on_connection_closed (GDBusConnection *connection, gboolean by_peer, const GError *error, gpointer user_data)
{
  g_printerr ("openvmmd: the bus is gone\n");
  close_service (user_data, EXIT_FAILURE);
}

static GDBusConnection *
connect_to_bus (const Options *options, GError **error)
{
  GDBusConnection *connection = g_bus_get_sync (options->session ? G_BUS_TYPE_SESSION : G_BUS_TYPE_SYSTEM,
                                                NULL,
                                                error);

  if (connection == NULL)
    g_prefix_error (error, "cannot reach the %s bus: ", options->session ? "session" : "system");
  else
    g_dbus_connection_set_exit_on_close (connection, FALSE);
  return connection;
}

static int
serve (const Options *options, GDBusConnection *connection)
{
  g_autofree char *memory_directory = choose_memory_directory (options);
  g_autofree char *working_sets = choose_working_sets_directory (options);
  Service service = { .loop = g_main_loop_new (NULL, FALSE), .manager = ovm_manager_new (memory_directory) };
  guint name_id;

  ovm_snapshot_list_set_working_sets (ovm_manager_get_snapshots (service.manager), working_sets);
  ovm_heap_watch (service.manager);
  g_unix_signal_add (SIGTERM, on_signal, &service);
  g_unix_signal_add (SIGINT, on_signal, &service);
  start_watchdog ();
  g_signal_connect (connection, "closed", G_CALLBACK (on_connection_closed), &service);

  /* all must be there before the name is: whoever sees the name may call */
  service.tree = ovm_object_tree_new (service.manager, connection);
  name_id = g_bus_own_name_on_connection (connection,
                                          OVM_BUS_NAME,
                                          G_BUS_NAME_OWNER_FLAGS_DO_NOT_QUEUE,
                                          on_name_acquired,
                                          on_name_lost,
                                          &service,
                                          NULL);
  g_main_loop_run (service.loop);

  g_signal_handlers_disconnect_by_data (connection, &service);
  g_bus_unown_name (name_id);
  (void) g_dbus_connection_flush_sync (connection, NULL, NULL);
  g_object_unref (service.tree);
  g_object_unref (service.manager);
  g_main_loop_unref (service.loop);
  return service.status;
}

int
main (int argc, char **argv)
{
  g_autoptr (GDBusConnection) connection = NULL;
  g_autoptr (GError) error = NULL;
  Options options = { 0 };
  int status;

  if (!parse_options (&options, &argc, &argv, &error))
    {
      g_printerr ("openvmmd: %s\n", error->message);
      return EXIT_FAILURE;
    }
  if (options.version)
    {
      printf ("openvmmd %s\n", PACKAGE_VERSION);
      return EXIT_SUCCESS;
    }
  if (options.verbose)
    g_setenv ("G_MESSAGES_DEBUG", G_LOG_DOMAIN, FALSE);
  ovm_heap_settle ();
  vmm_time_slice_set (TIME_SLICE_USEC);
  raise_descriptor_limit ();
  connection = connect_to_bus (&options, &error);
  if (connection == NULL)
    {
      g_printerr ("openvmmd: %s\n", error->message);
      g_free (options.state_directory);
      return EXIT_FAILURE;
    }
  status = serve (&options, connection);
  g_free (options.state_directory);
  return status;
}
