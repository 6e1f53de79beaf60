/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "tests/bench/bench-place.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_USEC (10 * G_USEC_PER_SEC)

static void
fill (const char *path)
{
  g_autofree char *directory = g_build_filename (path, "snapshot", NULL);
  g_autofree char *file = g_build_filename (directory, "memory.bin", NULL);

  g_assert_cmpint (g_mkdir_with_parents (directory, 0700), ==, 0);
  g_assert_true (g_file_set_contents (file, "bytes", -1, NULL));
}

static void
assert_goes (const char *path)
{
  gint64 end = g_get_monotonic_time () + PATIENCE_USEC;

  while (g_file_test (path, G_FILE_TEST_EXISTS) && g_get_monotonic_time () < end)
    g_usleep (1000);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
}

static void
test_is_removed (void)
{
  BenchPlace *place = bench_place_new (g_get_tmp_dir ());
  g_autofree char *path = g_strdup (bench_place_get_path (place));

  fill (path);
  bench_place_free (place);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
}

/* a process that was forked meanwhile has all that we hold */
static void
test_is_removed_while_others_hold_it (void)
{
  BenchPlace *place = bench_place_new (g_get_tmp_dir ());
  g_autofree char *path = g_strdup (bench_place_get_path (place));
  pid_t holder = fork ();

  g_assert_cmpint (holder, >=, 0);
  if (holder == 0)
    while (TRUE)
      pause ();
  bench_place_free (place);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  g_assert_cmpint (kill (holder, SIGKILL), ==, 0);
  g_assert_cmpint (waitpid (holder, NULL, 0), ==, holder);
}

static void
test_is_independent_of_others (void)
{
  BenchPlace *first = bench_place_new (g_get_tmp_dir ());
  BenchPlace *second = bench_place_new (g_get_tmp_dir ());
  g_autofree char *first_path = g_strdup (bench_place_get_path (first));
  g_autofree char *second_path = g_strdup (bench_place_get_path (second));

  g_assert_cmpstr (first_path, !=, second_path);
  bench_place_free (first);
  g_assert_false (g_file_test (first_path, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (second_path, G_FILE_TEST_IS_DIR));
  bench_place_free (second);
  g_assert_false (g_file_test (second_path, G_FILE_TEST_EXISTS));
}

/* In a child: two places, told through @told; then it is killed, with all that is in its process group. */
static void G_GNUC_NORETURN
be_killed (int told)
{
  setpgid (0, 0);
  for (int i = 0; i < 2; i++)
    {
      const char *path = bench_place_get_path (bench_place_new (g_get_tmp_dir ()));

      fill (path);
      g_assert_cmpint (dprintf (told, "%s\n", path), >, 0);
    }
  kill (0, SIGKILL);
  g_assert_not_reached ();
}

static void
test_is_removed_when_killed (void)
{
  g_auto (GStrv) paths = NULL;
  char text[1024] = "";
  gsize length = 0;
  ssize_t n;
  int ends[2];
  pid_t child;

  g_assert_cmpint (pipe2 (ends, O_CLOEXEC), ==, 0);
  child = fork ();
  if (child == 0)
    be_killed (ends[1]);
  close (ends[1]);
  g_assert_cmpint (waitpid (child, NULL, 0), ==, child);
  while (length < sizeof text - 1 && (n = read (ends[0], text + length, sizeof text - 1 - length)) > 0)
    length += (gsize) n;
  close (ends[0]);
  paths = g_strsplit (text, "\n", -1);
  g_assert_cmpuint (g_strv_length (paths), ==, 3); /* the last is empty */
  assert_goes (paths[0]);
  assert_goes (paths[1]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bench-place/is-removed", test_is_removed);
  g_test_add_func ("/bench-place/is-removed-while-others-hold-it", test_is_removed_while_others_hold_it);
  g_test_add_func ("/bench-place/is-independent-of-others", test_is_independent_of_others);
  g_test_add_func ("/bench-place/is-removed-when-killed", test_is_removed_when_killed);
  return g_test_run ();
}
