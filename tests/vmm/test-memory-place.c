/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/memory-place.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "vmm/fd.h"
#include "vmm/vmm.h"

#define MIB (1024 * 1024ull)
#define GIB (1024 * MIB)

static guint8 *
map (guint64 size)
{
  g_autoptr (GError) error = NULL;
  guint8 *place = vmm_memory_place_map (size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, &error);

  g_assert_no_error (error);
  g_assert_cmpuint ((guintptr) place % VMM_MEMORY_PLACE_ALIGNMENT, ==, 0);
  return place;
}

static void
test_places_do_not_overlap (void)
{
  guint8 *places[64];

  for (gsize i = 0; i < G_N_ELEMENTS (places); i++)
    {
      places[i] = map (3 * GIB);
      for (gsize j = 0; j < i; j++)
        g_assert_true (places[i] + 3 * GIB <= places[j] || places[j] + 3 * GIB <= places[i]);
      places[i][0] = places[i][3 * GIB - 1] = (guint8) i;
    }
  for (gsize i = 0; i < G_N_ELEMENTS (places); i++)
    {
      g_assert_cmpuint (places[i][0], ==, i);
      g_assert_cmpuint (places[i][3 * GIB - 1], ==, i);
      munmap (places[i], 3 * GIB);
    }
}

static void
test_shows_a_file (void)
{
  VMM_AUTO_FD int fd = memfd_create ("test", MFD_CLOEXEC);
  g_autoptr (GError) error = NULL;
  guint8 *place;

  g_assert_cmpint (ftruncate (fd, 4 * MIB), ==, 0);
  g_assert_cmpint (pwrite (fd, "x", 1, MIB), ==, 1);
  place = vmm_memory_place_map (4 * MIB, PROT_READ, MAP_SHARED, fd, &error);
  g_assert_no_error (error);
  g_assert_cmpint (place[MIB], ==, 'x');
  munmap (place, 4 * MIB);
}

/* an address that is taken already, or more than there is, is found out without harm to others */
static void
test_more_than_there_is (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (vmm_memory_place_map (200ull << 40, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_INVALID_MEMORY_SIZE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vmm/memory-place/places-do-not-overlap", test_places_do_not_overlap);
  g_test_add_func ("/vmm/memory-place/shows-a-file", test_shows_a_file);
  g_test_add_func ("/vmm/memory-place/more-than-there-is", test_more_than_there_is);
  return g_test_run ();
}
