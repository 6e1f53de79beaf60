/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/ctl/status.h"

#include "src/error.h"

static GError *
make_bus_error (const char *name, const char *message)
{
  return g_dbus_error_new_for_dbus_error (name, message);
}

static void
assert_status (const char *name, OvmCtlStatus expected)
{
  g_autoptr (GError) error = make_bus_error (name, "words");

  g_assert_cmpint (ovm_ctl_status_from_error (error), ==, expected);
}

static void
test_maps_bus_errors (void)
{
  assert_status ("org.openvmm.Error.Failed", 1);
  assert_status ("org.openvmm.Error.InvalidConfig", 2);
  assert_status ("org.openvmm.Error.NoSuchVM", 3);
  assert_status ("org.openvmm.Error.NoSuchSnapshot", 3);
  assert_status ("org.openvmm.Error.NotAuthorized", 4);
  assert_status ("org.freedesktop.DBus.Error.AccessDenied", 4);
  assert_status ("org.freedesktop.DBus.Error.ServiceUnknown", 5);
  assert_status ("org.freedesktop.DBus.Error.NoReply", 5);
  assert_status ("org.freedesktop.DBus.Error.Spawn.ChildExited", 5);
  assert_status ("org.freedesktop.systemd1.NoSuchUnit", 5);
  assert_status ("org.openvmm.Error.InvalidState", 6);
  assert_status ("org.openvmm.Error.Busy", 6);
  assert_status ("org.openvmm.Error.Corrupt", 7);
  assert_status ("org.openvmm.Error.Cancelled", 130);
  assert_status ("org.openvmm.Error.OneOfTheFuture", 1);
  assert_status ("com.example.Odd", 1);
}

static void
test_maps_local_errors (void)
{
  g_autoptr (GError) own = g_error_new_literal (OVM_CTL_ERROR, OVM_CTL_STATUS_CONFLICT, "x");
  g_autoptr (GError) option = g_error_new_literal (G_OPTION_ERROR, G_OPTION_ERROR_UNKNOWN_OPTION, "x");
  g_autoptr (GError) closed = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CLOSED, "x");
  g_autoptr (GError) other = g_error_new_literal (G_FILE_ERROR, G_FILE_ERROR_IO, "x");

  g_assert_cmpint (ovm_ctl_status_from_error (own), ==, 6);
  g_assert_cmpint (ovm_ctl_status_from_error (option), ==, 2);
  g_assert_cmpint (ovm_ctl_status_from_error (closed), ==, 5);
  g_assert_cmpint (ovm_ctl_status_from_error (other), ==, 1);
}

static void
test_no_error_is_success (void)
{
  g_autoptr (GError) odd = g_error_new_literal (OVM_CTL_ERROR, OVM_CTL_STATUS_OK, "x");

  g_assert_cmpint (ovm_ctl_status_from_error (odd), ==, 1);
  for (guint i = 0; ovm_ctl_status_get_bus_error (i) != NULL; i++)
    {
      g_autoptr (GError) error = make_bus_error (ovm_ctl_status_get_bus_error (i), "words");

      g_assert_cmpint (ovm_ctl_status_from_error (error), !=, OVM_CTL_STATUS_OK);
    }
}

static gboolean
is_known (const char *name)
{
  const char *known;

  for (guint i = 0; (known = ovm_ctl_status_get_bus_error (i)) != NULL; i++)
    {
      if (g_str_equal (known, name))
        return TRUE;
    }
  return FALSE;
}

static void
test_knows_all_of_the_service (void)
{
  for (guint code = 0; code < OVM_ERROR_COUNT; code++)
    {
      const char *name = ovm_error_get_name ((OvmError) code);

      if (!is_known (name))
        g_error ("src/ctl/status.c does not know %s", name);
    }
}

static void
assert_description (GError *error, const char *name, const char *expected)
{
  g_autoptr (GError) owned = error;
  g_autofree char *text = ovm_ctl_status_describe (error);
  g_autofree char *found = ovm_ctl_status_get_error_name (error);

  g_assert_cmpstr (text, ==, expected);
  g_assert_cmpstr (found, ==, name);
}

static void
test_describes (void)
{
  assert_description (make_bus_error ("org.openvmm.Error.NoSuchVM", "no VM is called “a”"),
                      "org.openvmm.Error.NoSuchVM",
                      "no such VM: no VM is called “a”");
  assert_description (make_bus_error ("org.openvmm.Error.Failed", "words"),
                      "org.openvmm.Error.Failed",
                      "words");
  assert_description (make_bus_error ("org.openvmm.Error.OneOfTheFuture", "words"),
                      "org.openvmm.Error.OneOfTheFuture",
                      "words");
  assert_description (g_error_new_literal (OVM_CTL_ERROR, OVM_CTL_STATUS_USAGE, "words"),
                      "org.openvmm.Ctl.Error.Usage",
                      "words");
  assert_description (g_error_new_literal (G_FILE_ERROR, 1, "words"), "org.openvmm.Ctl.Error.Failed", "words");
}

static void
test_makes_messages_harmless (void)
{
  assert_description (make_bus_error ("org.openvmm.Error.Failed", "a\033[2Jb"),
                      "org.openvmm.Error.Failed",
                      "a\\x1b[2Jb");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/src/ctl/status/maps-bus-errors", test_maps_bus_errors);
  g_test_add_func ("/src/ctl/status/maps-local-errors", test_maps_local_errors);
  g_test_add_func ("/src/ctl/status/no-error-is-success", test_no_error_is_success);
  g_test_add_func ("/src/ctl/status/knows-all-of-the-service", test_knows_all_of_the_service);
  g_test_add_func ("/src/ctl/status/describes", test_describes);
  g_test_add_func ("/src/ctl/status/makes-messages-harmless", test_makes_messages_harmless);
  return g_test_run ();
}
