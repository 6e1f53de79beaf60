/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/file-stamp.h"

static const struct stat model = {
  .st_dev = 1,
  .st_ino = 2,
  .st_size = 3,
  .st_mtim = { .tv_sec = 4, .tv_nsec = 5 },
  .st_nlink = 1,
};

static void
test_knows_the_same_file_again (void)
{
  VmmFileStamp stamp = vmm_file_stamp_take (&model);
  struct stat st = model;

  g_assert_true (vmm_file_stamp_matches (&stamp, &st));
  st.st_nlink = 2;
  st.st_ctim.tv_sec = 9;
  st.st_atim.tv_sec = 9;
  g_assert_true (vmm_file_stamp_matches (&stamp, &st));
}

static void
test_tells_another_file (void)
{
  VmmFileStamp stamp = vmm_file_stamp_take (&model);
  struct stat others[5];

  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    others[i] = model;
  others[0].st_dev++;
  others[1].st_ino++;
  others[2].st_size++;
  others[3].st_mtim.tv_sec++;
  others[4].st_mtim.tv_nsec++;
  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    g_assert_false (vmm_file_stamp_matches (&stamp, &others[i]));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vmm/file-stamp/knows-the-same-file-again", test_knows_the_same_file_again);
  g_test_add_func ("/vmm/file-stamp/tells-another-file", test_tells_another_file);
  return g_test_run ();
}
