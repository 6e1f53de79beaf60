/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/driver.h"

#include "src/error.h"

static void
test_finds_each_by_name (void)
{
  g_auto (GStrv) names = ovm_driver_list_names ();

  g_assert_cmpuint (g_strv_length (names), ==, 2);
  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_true (ovm_driver_lookup (names[i], &error) == ovm_drivers[i]);
      g_assert_no_error (error);
    }
}

static void
test_refuses_other_name (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (ovm_driver_lookup ("qemu", &error));
  g_assert_error (error, OVM_ERROR, OVM_ERROR_NOT_SUPPORTED);
  g_assert_nonnull (strstr (error->message, "qemu"));
  g_assert_nonnull (strstr (error->message, "kvm, test"));
}

static void
test_empty_slot_is_not_supported (void)
{
  OvmDriver driver = ovm_driver_test;
  g_auto (GStrv) all = ovm_driver_list_operations (&driver);
  g_auto (GStrv) fewer = NULL;

  g_assert_true (ovm_driver_supports (&driver, OVM_OPERATION_SAVE));
  driver.save = NULL;
  driver.stop = NULL;
  fewer = ovm_driver_list_operations (&driver);
  g_assert_false (ovm_driver_supports (&driver, OVM_OPERATION_SAVE));
  g_assert_false (ovm_driver_supports (&driver, OVM_OPERATION_POWER_OFF));
  g_assert_false (ovm_driver_supports (&driver, OVM_OPERATION_DELETE));
  g_assert_true (ovm_driver_supports (&driver, OVM_OPERATION_RESTORE));
  g_assert_true (g_strv_contains ((const char *const *) all, "save"));
  g_assert_false (g_strv_contains ((const char *const *) fewer, "save"));
  g_assert_cmpuint (g_strv_length (all), ==, g_strv_length (fewer) + 2);
}

/* a slot that the model calls without asking must be filled */
static void
test_every_driver_has_the_needed_slots (void)
{
  for (const OvmDriver *const *driver = ovm_drivers; *driver != NULL; driver++)
    {
      g_assert_nonnull ((*driver)->description);
      g_assert_true ((*driver)->probe != NULL && (*driver)->define != NULL && (*driver)->undefine != NULL &&
                     (*driver)->get_state != NULL && (*driver)->stop != NULL);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/src/driver/finds-each-by-name", test_finds_each_by_name);
  g_test_add_func ("/src/driver/refuses-other-name", test_refuses_other_name);
  g_test_add_func ("/src/driver/empty-slot-is-not-supported", test_empty_slot_is_not_supported);
  g_test_add_func ("/src/driver/every-driver-has-the-needed-slots", test_every_driver_has_the_needed_slots);
  return g_test_run ();
}
