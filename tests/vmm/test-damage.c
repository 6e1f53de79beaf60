/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/damage.h"

#include <string.h>

static void
assert_tells (const VmmDamage *damage, VmmError code, const char *message)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (vmm_damage_check (damage, "/snap", &error));
  g_assert_error (error, VMM_ERROR, (gint) code);
  g_assert_cmpstr (error->message, ==, message);
}

static void
test_none_is_no_error (void)
{
  g_autoptr (VmmDamage) damage = vmm_damage_new ();
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (vmm_damage_get_count (damage), ==, 0);
  g_assert_true (vmm_damage_check (damage, "/snap", &error));
  g_assert_no_error (error);
}

static void
test_tells_a_line_each (void)
{
  g_autoptr (VmmDamage) damage = vmm_damage_new ();

  vmm_damage_add (damage, "'%s' is missing", "/snap/state.bin");
  assert_tells (damage,
                VMM_ERROR_CORRUPT,
                "snapshot '/snap' is not as it was saved, in 1 place:\n'/snap/state.bin' is missing");
  vmm_damage_take_error (damage, g_error_new (VMM_ERROR, VMM_ERROR_CORRUPT, "two"));
  assert_tells (damage,
                VMM_ERROR_CORRUPT,
                "snapshot '/snap' is not as it was saved, in 2 places:\n'/snap/state.bin' is missing\ntwo");
}

static void
test_one_hindrance_stays_what_it_is (void)
{
  g_autoptr (VmmDamage) damage = vmm_damage_new ();

  vmm_damage_take_error (damage, g_error_new (VMM_ERROR, VMM_ERROR_PARENT_MISSING, "no parent"));
  assert_tells (damage, VMM_ERROR_PARENT_MISSING, "no parent");
  vmm_damage_take_error (damage, g_error_new (VMM_ERROR, VMM_ERROR_NOT_AUTHORIZED, "denied"));
  assert_tells (damage,
                VMM_ERROR_PARENT_MISSING,
                "snapshot '/snap' is not as it was saved, in 2 places:\nno parent\ndenied");
  vmm_damage_add (damage, "hurt");
  assert_tells (damage,
                VMM_ERROR_CORRUPT,
                "snapshot '/snap' is not as it was saved, in 3 places:\nno parent\ndenied\nhurt");
}

static void
test_bounds_its_lines (void)
{
  g_autoptr (VmmDamage) damage = vmm_damage_new ();
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) lines = NULL;

  for (guint i = 0; i < VMM_DAMAGE_LINES_MAX + 7; i++)
    vmm_damage_add (damage, "number %u", i);
  g_assert_cmpuint (vmm_damage_get_count (damage), ==, VMM_DAMAGE_LINES_MAX + 7);
  g_assert_false (vmm_damage_check (damage, "/snap", &error));
  lines = g_strsplit (error->message, "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), ==, 1 + VMM_DAMAGE_LINES_MAX + 1);
  g_assert_cmpstr (lines[0], ==, "snapshot '/snap' is not as it was saved, in 39 places:");
  g_assert_cmpstr (lines[1], ==, "number 0");
  g_assert_cmpstr (lines[VMM_DAMAGE_LINES_MAX], ==, "number 31");
  g_assert_cmpstr (lines[VMM_DAMAGE_LINES_MAX + 1], ==, "and 7 more");
}

static void
test_adds_another (void)
{
  g_autoptr (VmmDamage) damage = vmm_damage_new ();
  g_autoptr (VmmDamage) more = vmm_damage_new ();
  g_autoptr (VmmDamage) hindered = vmm_damage_new ();

  for (guint i = 0; i < VMM_DAMAGE_LINES_MAX + 7; i++)
    vmm_damage_add (more, "number %u", i);
  vmm_damage_add (damage, "first");
  vmm_damage_add_all (damage, more);
  g_assert_cmpuint (vmm_damage_get_count (damage), ==, VMM_DAMAGE_LINES_MAX + 8);
  g_assert_cmpuint (vmm_damage_get_count (more), ==, VMM_DAMAGE_LINES_MAX + 7);

  vmm_damage_free (g_steal_pointer (&more));
  more = vmm_damage_new ();
  vmm_damage_take_error (more, g_error_new (VMM_ERROR, VMM_ERROR_NO_SUCH_SNAPSHOT, "nothing"));
  vmm_damage_add_all (hindered, more);
  assert_tells (hindered, VMM_ERROR_NO_SUCH_SNAPSHOT, "nothing");
  assert_tells (more, VMM_ERROR_NO_SUCH_SNAPSHOT, "nothing");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vmm/damage/none-is-no-error", test_none_is_no_error);
  g_test_add_func ("/vmm/damage/tells-a-line-each", test_tells_a_line_each);
  g_test_add_func ("/vmm/damage/one-hindrance-stays-what-it-is", test_one_hindrance_stays_what_it_is);
  g_test_add_func ("/vmm/damage/bounds-its-lines", test_bounds_its_lines);
  g_test_add_func ("/vmm/damage/adds-another", test_adds_another);
  return g_test_run ();
}
