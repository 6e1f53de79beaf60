/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/error.h"

static void
test_every_code_has_its_own_name (void)
{
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);

  for (int code = 0; code < OVM_ERROR_COUNT; code++)
    {
      const char *name = ovm_error_get_name ((OvmError) code);

      g_assert_true (g_str_has_prefix (name, OVM_ERROR_PREFIX));
      g_assert_true (g_dbus_is_interface_name (name));
      g_assert_true (g_hash_table_add (names, (gpointer) name));
    }
}

static void
test_names_go_over_the_bus_and_back (void)
{
  for (int code = 0; code < OVM_ERROR_COUNT; code++)
    {
      g_autoptr (GError) error = g_error_new_literal (OVM_ERROR, code, "text");
      g_autofree char *name = g_dbus_error_encode_gerror (error);
      g_autoptr (GError) back = g_dbus_error_new_for_dbus_error (name, "text");

      g_assert_cmpstr (name, ==, ovm_error_get_name ((OvmError) code));
      g_assert_error (back, OVM_ERROR, code);
    }
}

/* what the VMM says must not become "Failed" by an oversight */
static void
test_every_code_of_the_vmm_is_told_apart (void)
{
  g_autoptr (GHashTable) codes = g_hash_table_new (NULL, NULL);

  for (int code = 0; code <= VMM_ERROR_GUEST; code++)
    {
      OvmError ours = ovm_error_from_vmm ((VmmError) code);

      if (code == VMM_ERROR_FAILED || code == VMM_ERROR_BAD_ADDRESS)
        g_assert_cmpint (ours, ==, OVM_ERROR_FAILED);
      else
        {
          g_assert_cmpint (ours, !=, OVM_ERROR_FAILED);
          g_assert_true (g_hash_table_add (codes, GINT_TO_POINTER (ours)));
        }
    }
}

static void
test_translates (void)
{
  g_autoptr (GError) vmm = g_error_new_literal (VMM_ERROR, VMM_ERROR_NO_SPACE, "full");
  g_autoptr (GError) cancelled = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "stop");
  g_autoptr (GError) other = g_error_new_literal (G_FILE_ERROR, G_FILE_ERROR_IO, "odd");
  g_autoptr (GError) of_vmm = ovm_error_translate (vmm);
  g_autoptr (GError) of_cancelled = ovm_error_translate (cancelled);
  g_autoptr (GError) of_other = ovm_error_translate (other);
  g_autoptr (GError) again = ovm_error_translate (of_vmm);

  g_assert_error (of_vmm, OVM_ERROR, OVM_ERROR_NO_SPACE);
  g_assert_cmpstr (of_vmm->message, ==, "full");
  g_assert_error (of_cancelled, OVM_ERROR, OVM_ERROR_CANCELLED);
  g_assert_error (of_other, OVM_ERROR, OVM_ERROR_FAILED);
  g_assert_error (again, OVM_ERROR, OVM_ERROR_NO_SPACE);
}

static void
test_propagates (void)
{
  g_autoptr (GError) error = NULL;

  ovm_error_propagate (&error, g_error_new_literal (VMM_ERROR, VMM_ERROR_CORRUPT, "bad"));
  g_assert_error (error, OVM_ERROR, OVM_ERROR_CORRUPT);
  ovm_error_propagate (NULL, g_error_new_literal (VMM_ERROR, VMM_ERROR_CORRUPT, "nobody looks"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/src/error/every-code-has-its-own-name", test_every_code_has_its_own_name);
  g_test_add_func ("/src/error/names-go-over-the-bus-and-back", test_names_go_over_the_bus_and_back);
  g_test_add_func ("/src/error/every-code-of-the-vmm-is-told-apart", test_every_code_of_the_vmm_is_told_apart);
  g_test_add_func ("/src/error/translates", test_translates);
  g_test_add_func ("/src/error/propagates", test_propagates);
  return g_test_run ();
}
