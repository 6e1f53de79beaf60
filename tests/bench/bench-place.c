/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A benchmark that is killed must not leave 9 GiB in /dev/shm. A process of its own, in a group of its own so that
 * what kills the benchmark does not kill it as well, waits for a byte from a pipe, or until nobody holds the other
 * end, and removes the directory. The byte is needed: GTestDBus has a process that holds what we hold, and ends when
 * we have.
 */

#include "config.h"
#include "tests/bench/bench-place.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/bench.h"

struct _BenchPlace
{
  char *path;
  int held; /* the end of the pipe that is ours */
  pid_t remover;
};

static void G_GNUC_NORETURN
wait_and_remove (const char *path, int end)
{
  char byte;

  /* ends of pipes of other places, too: it would hold them */
  if (dup2 (end, STDIN_FILENO) < 0 || close_range (STDERR_FILENO + 1, ~0u, 0) != 0)
    bench_die ("%s: nobody can be made to remove it: %s", path, g_strerror (errno));
  while (read (STDIN_FILENO, &byte, 1) < 0 && errno == EINTR)
    ;
  bench_remove_tree (path);
  _exit (0);
}

BenchPlace *
bench_place_new (const char *parent)
{
  BenchPlace *place = g_new0 (BenchPlace, 1);
  int ends[2];

  place->path = g_build_filename (parent, "openvmm-bench-XXXXXX", NULL);
  if (g_mkdtemp (place->path) == NULL)
    bench_die ("%s: %s", place->path, g_strerror (errno));
  if (pipe2 (ends, O_CLOEXEC) != 0)
    bench_die ("pipe: %s", g_strerror (errno));
  place->remover = fork ();
  if (place->remover < 0)
    bench_die ("fork: %s", g_strerror (errno));
  if (place->remover == 0)
    wait_and_remove (place->path, ends[0]);
  setpgid (place->remover, 0);
  close (ends[0]);
  place->held = ends[1];
  return place;
}

const char *
bench_place_get_path (BenchPlace *place)
{
  return place->path;
}

void
bench_place_free (BenchPlace *place)
{
  if (write (place->held, "", 1) != 1)
    bench_die ("%s: cannot be given up: %s", place->path, g_strerror (errno));
  close (place->held);
  waitpid (place->remover, NULL, 0);
  g_free (place->path);
  g_free (place);
}
