/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/ctl/client.h"

#include "tests/vmm/scratch.h"

#include <unistd.h>

static void
assert_vm_path (const char *name, const char *expected)
{
  g_autofree char *path = ovm_ctl_client_get_vm_path (name);

  g_assert_cmpstr (path, ==, expected);
  g_assert_true (g_variant_is_object_path (path));
}

static void
test_escapes_names (void)
{
  assert_vm_path ("web", "/org/openvmm/vm/web");
  assert_vm_path ("web-1.a_b", "/org/openvmm/vm/web_2d1_2ea_5fb");
  assert_vm_path ("1web2", "/org/openvmm/vm/_31web2");
  assert_vm_path ("ä", "/org/openvmm/vm/_c3_a4");
}

static void
assert_absolute (const char *path, const char *expected)
{
  g_autofree char *absolute = ovm_ctl_client_make_absolute (path);

  g_assert_cmpstr (absolute, ==, expected);
}

static void
test_makes_paths_absolute (void)
{
  g_assert_no_errno (chdir ("/usr"));
  assert_absolute ("a", "/usr/a");
  assert_absolute ("./a//b/", "/usr/a/b");
  assert_absolute ("/a", "/a");
  assert_absolute ("//a//", "/a");
  assert_absolute ("/a/./b", "/a/b");
  assert_absolute ("", "");
}

static void
test_resolves_parents_as_the_kernel_does (void)
{
  g_autofree char *scratch = scratch_new (NULL);
  g_autofree char *real = realpath (scratch, NULL);
  g_autofree char *far = g_build_filename (real, "a", "b", NULL);
  g_autofree char *link = g_build_filename (real, "link", NULL);
  g_autofree char *near = g_path_get_dirname (far);
  g_autofree char *in_a = g_build_filename (near, "snap", NULL);
  g_autofree char *through_link = g_build_filename (link, "..", "snap", NULL);

  g_assert_no_errno (g_mkdir_with_parents (far, 0700));
  g_assert_no_errno (symlink ("a/b", link));
  g_assert_no_errno (chdir (link));
  g_assert_true (g_setenv ("PWD", link, TRUE));
  assert_absolute ("../snap", in_a);
  assert_absolute ("..//./snap/", in_a);
  assert_absolute (through_link, in_a);
  assert_absolute ("../../link/..", near);
  g_assert_no_errno (chdir ("/usr"));
  scratch_free (g_steal_pointer (&scratch));
}

static void
test_leaves_parents_of_nothing (void)
{
  g_assert_no_errno (chdir ("/usr"));
  assert_absolute ("none/../b", "/usr/none/../b");
  assert_absolute ("/none/../b", "/none/../b");
  assert_absolute ("..a/b..", "/usr/..a/b..");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/src/ctl/client/escapes-names", test_escapes_names);
  g_test_add_func ("/src/ctl/client/makes-paths-absolute", test_makes_paths_absolute);
  g_test_add_func ("/src/ctl/client/resolves-parents-as-the-kernel-does",
                   test_resolves_parents_as_the_kernel_does);
  g_test_add_func ("/src/ctl/client/leaves-parents-of-nothing", test_leaves_parents_of_nothing);
  return g_test_run ();
}
