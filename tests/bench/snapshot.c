/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* snapshot: what snapshots cost, next to the bare KVM calls */

#include "config.h"

#include <errno.h>
#include <gio/gio.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/bench-place.h"
#include "tests/bench/bench.h"

typedef struct
{
  gboolean quick;
  int clones;
  char *directory;
  char *json;
  char *only;
} Options;

static const char summary[] =
    "Measures what snapshots cost, and prints each figure next to its floor, the bare KVM calls, from the same run.\n"
    "A figure is the median of several; its least and greatest value stand behind it. Needs /dev/kvm and dbus-daemon.";

static const char description[] =
    "The whole run takes about five minutes, 6 GiB of disk, and 12 GiB of memory that is free or cache. Guests are\n"
    "tiny, and run in the service or in this program. docs/performance.md tells what the figures mean.\n"
    "\n"
    "Programs and guests are those of the build directory; OPENVMMD and TINY_GUESTS name others.";

static const struct
{
  const char *name;
  void (*run) (Bench *bench);
} parts[] = {
  { "freeze", bench_freeze_first }, { "later", bench_freeze_later }, { "chain", bench_chain },
  { "space", bench_space },         { "restore", bench_restore },    { "clones", bench_clones },
  { "bus", bench_pause_resume },    { "steps", bench_steps },        { "working-set", bench_working_set },
};

static gboolean
parse_options (Options *options, int *argc, char ***argv, GError **error)
{
  const GOptionEntry entries[] = {
    { "directory",
      'd',
      0,
      G_OPTION_ARG_FILENAME,
      &options->directory,
      "Where RAM files and snapshots go (default: /var/tmp; /dev/shm from 4 GiB on)",
      "DIR" },
    { "json", 'j', 0, G_OPTION_ARG_FILENAME, &options->json, "Write the figures to FILE, too", "FILE" },
    { "clones", 'c', 0, G_OPTION_ARG_INT, &options->clones, "How many clones (default: 1000; quick: 3)", "N" },
    { "only",
      'o',
      0,
      G_OPTION_ARG_STRING,
      &options->only,
      "One part: freeze, later, chain, space, restore, clones, bus, steps or working-set",
      "PART" },
    { "quick",
      'q',
      0,
      G_OPTION_ARG_NONE,
      &options->quick,
      "Guests of 32 MiB, few repetitions: to see that it works",
      NULL },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_set_summary (context, summary);
  g_option_context_set_description (context, description);
  g_option_context_add_main_entries (context, entries, NULL);
  return g_option_context_parse (context, argc, argv, error);
}

static char *
from_environment (const char *variable, const char *otherwise)
{
  const char *value = g_getenv (variable);

  return g_strdup (value != NULL ? value : otherwise);
}

static void
run_parts (Bench *bench, const char *only)
{
  gboolean found = FALSE;

  for (gsize i = 0; i < G_N_ELEMENTS (parts); i++)
    if (only == NULL || g_str_equal (only, parts[i].name))
      {
        found = TRUE;
        parts[i].run (bench);
      }
  if (!found)
    bench_die ("there is no part '%s'; see --help", only);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  Options options = { 0 };
  Bench bench = { 0 };
  BenchPlace *place, *big_place;

  if (!parse_options (&options, &argc, &argv, &error))
    bench_check (error, "options");
  bench.quick = options.quick;
  bench.clones = options.clones > 0 ? (guint) options.clones : options.quick ? 3 : 1000;
  bench.guests = from_environment ("TINY_GUESTS", BENCH_TINY_GUESTS);
  bench.openvmmd = from_environment ("OPENVMMD", BENCH_OPENVMMD);
  bench.figures = bench_figures_new ();
  place = bench_place_new (options.directory != NULL ? options.directory : "/var/tmp");
  big_place = bench_place_new (options.directory != NULL ? options.directory : "/dev/shm");
  bench.directory = bench_place_get_path (place);
  bench.big_directory = bench_place_get_path (big_place);

  run_parts (&bench, options.only);
  if (options.json != NULL)
    {
      g_autofree char *json = bench_figures_to_json (bench.figures);

      (void) g_file_set_contents (options.json, json, -1, &error);
      bench_check (error, options.json);
    }
  bench_place_free (big_place);
  bench_place_free (place);
  bench_figures_free (bench.figures);
  g_free (bench.guests);
  g_free (bench.openvmmd);
  g_free (options.directory);
  g_free (options.json);
  g_free (options.only);
  return EXIT_SUCCESS;
}
