/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "tests/vmm/tiny-machine.h"

#include <glib/gstdio.h>
#include <poll.h>
#include <unistd.h>

#define MAILBOX 0x200000u
#define PATIENCE_USEC (60 * G_USEC_PER_SEC)

void
tiny_machine_on_event (VmmEvent event, const char *reason, gpointer user_data)
{
  TinyMachine *tiny = user_data;

  g_mutex_lock (&tiny->lock);
  g_assert_false (tiny->has_event);
  tiny->has_event = TRUE;
  tiny->event = event;
  tiny->reason = g_strdup (reason);
  g_cond_signal (&tiny->changed);
  g_mutex_unlock (&tiny->lock);
}

static TinyMachine *
new_with_config (VmmConfig *config)
{
  TinyMachine *tiny = g_new0 (TinyMachine, 1);
  g_autoptr (GError) error = NULL;

  g_mutex_init (&tiny->lock);
  g_cond_init (&tiny->changed);
  tiny->config = config;
  tiny->directory = g_dir_make_tmp ("tiny-machine-XXXXXX", &error);
  g_assert_no_error (error);
  tiny->console = vmm_console_new (NULL, &error);
  g_assert_no_error (error);
  return tiny;
}

TinyMachine *
tiny_machine_new_bare (const char *guest, void (*adjust) (VmmConfig *config))
{
  VmmConfig *config = vmm_config_new ();
  g_autofree char *file = g_strconcat (guest, ".elf", NULL);

  config->name = g_strdup ("tiny");
  config->memory_size = VMM_MEMORY_SIZE_MIN;
  config->kernel = g_build_filename (g_getenv ("TINY_GUESTS"), file, NULL);
  if (adjust != NULL)
    adjust (config);
  return new_with_config (config);
}

TinyMachine *
tiny_machine_new (const char *guest, void (*adjust) (VmmConfig *config))
{
  TinyMachine *tiny = tiny_machine_new_bare (guest, adjust);
  g_autoptr (GError) error = NULL;

  tiny->machine = vmm_machine_new (tiny->config, tiny->console, tiny_machine_on_event, tiny, &error);
  g_assert_no_error (error);
  return tiny;
}

TinyMachine *
tiny_machine_new_restored (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (path, &error);
  TinyMachine *tiny;

  g_assert_no_error (error);
  tiny = new_with_config (vmm_config_copy (vmm_snapshot_get_config (snapshot)));
  tiny->machine = vmm_machine_new_from_snapshot (snapshot,
                                                 tiny->config,
                                                 tiny->console,
                                                 tiny_machine_on_event,
                                                 tiny,
                                                 &error);
  g_assert_no_error (error);
  return tiny;
}

static void
remove_tree (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      remove_tree (child);
    }
  g_remove (path);
}

void
tiny_machine_free (TinyMachine *tiny)
{
  if (tiny == NULL)
    return;
  vmm_machine_free (tiny->machine);
  vmm_console_free (tiny->console);
  vmm_config_free (tiny->config);
  remove_tree (tiny->directory);
  g_free (tiny->directory);
  g_free (tiny->reason);
  g_cond_clear (&tiny->changed);
  g_mutex_clear (&tiny->lock);
  g_free (tiny);
}

void
tiny_machine_resume (TinyMachine *tiny)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (vmm_machine_resume (tiny->machine, &error));
  g_assert_no_error (error);
}

void
tiny_machine_pause (TinyMachine *tiny)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (vmm_machine_pause (tiny->machine, &error));
  g_assert_no_error (error);
}

char *
tiny_machine_save (TinyMachine *tiny, const char *name)
{
  char *path = g_build_filename (tiny->directory, name, NULL);
  g_autoptr (GError) error = NULL;
  VmmSaveResult result;

  g_assert_true (vmm_machine_save (tiny->machine, &(VmmSavePlan){ .directory = path }, &result, &error));
  g_assert_no_error (error);
  g_test_message ("%s: freeze %" G_GUINT64_FORMAT " us", name, result.freeze_usec);
  return path;
}

guint64
tiny_machine_get_word (TinyMachine *tiny, guint index)
{
  g_autoptr (GError) error = NULL;
  guint64 word = 0;

  g_assert_true (vmm_memory_read (tiny->machine->memory, MAILBOX + index * 8, &word, sizeof word, &error));
  g_assert_no_error (error);
  return word;
}

void
tiny_machine_wait_word (TinyMachine *tiny, guint index, guint64 value)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE_USEC;

  while (tiny_machine_get_word (tiny, index) < value)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      g_assert_false (tiny->has_event);
      g_usleep (200);
    }
}

VmmEvent
tiny_machine_wait_event (TinyMachine *tiny)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE_USEC;

  g_mutex_lock (&tiny->lock);
  while (!tiny->has_event && g_cond_wait_until (&tiny->changed, &tiny->lock, deadline))
    ;
  g_assert_true (tiny->has_event);
  g_mutex_unlock (&tiny->lock);
  return tiny->event;
}

void
tiny_machine_wait_byte (int fd, char byte)
{
  char got = 0;

  while (got != byte)
    {
      struct pollfd pollfd = { .fd = fd, .events = POLLIN };

      g_assert_cmpint (poll (&pollfd, 1, PATIENCE_USEC / 1000), ==, 1);
      g_assert_cmpint (read (fd, &got, 1), ==, 1);
    }
}
