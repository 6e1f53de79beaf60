/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "tests/src/ctl/fixture.h"

#include <glib/gstdio.h>

static void
test_finds_no_fault (OvmCtlFixture *f, gconstpointer data)
{
  g_autofree char *message = g_strdup_printf ("%s/one is as it was saved.\n", f->directory);
  g_autofree char *json = g_strdup_printf ("{\"Directory\":\"%s/one\",\"Verified\":true}\n", f->directory);

  ovm_ctl_fixture_create (f, "web", "--start");
  ovm_ctl_fixture_must (f, "save web one");
  ovm_ctl_fixture_must (f, "verify one");
  g_assert_cmpstr (f->out, ==, message);
  ovm_ctl_fixture_must (f, "verify ./one/ --json");
  g_assert_cmpstr (f->out, ==, json);
}

static void
test_finds_damage (OvmCtlFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *memory = ovm_ctl_fixture_path (f, "one/memory.bin");
  g_autofree char *bytes = NULL;
  gsize length;

  ovm_ctl_fixture_create (f, "web", "--start");
  ovm_ctl_fixture_must (f, "save web one");
  g_assert_true (g_file_get_contents (memory, &bytes, &length, &error));
  bytes[length / 2] ^= 1;
  g_assert_true (g_file_set_contents (memory, bytes, (gssize) length, &error));
  ovm_ctl_fixture_fails (f, "verify one", 7, "openvmmctl: the snapshot is damaged: ");
  ovm_ctl_assert_contains (f->err, " is not as it was saved, in 1 place:\n  '");
  ovm_ctl_assert_contains (f->err, "/one/memory.bin' is damaged in bytes 8388608 to 12582911: ");
}

static void
test_leaves_out_what_is_under_it (OvmCtlFixture *f, gconstpointer data)
{
  g_autofree char *memory = ovm_ctl_fixture_path (f, "one/memory.bin");

  ovm_ctl_fixture_create (f, "web", "--start");
  ovm_ctl_fixture_must (f, "save web one");
  ovm_ctl_fixture_must (f, "save web two --incremental");
  ovm_ctl_fixture_must (f, "verify two");
  g_assert_cmpint (g_unlink (memory), ==, 0);
  ovm_ctl_fixture_fails (f, "verify two", 7, "openvmmctl: the snapshot is damaged: ");
  ovm_ctl_assert_contains (f->err, "/one/memory.bin' is missing");
  ovm_ctl_fixture_must (f, "verify two --no-chain");
}

static void
test_refuses_what_is_no_snapshot (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_fails (f,
                         "verify",
                         2,
                         "openvmmctl: something is missing: it is “openvmmctl verify DIRECTORY”\n");
  ovm_ctl_fixture_fails (f, "verify none", 3, "openvmmctl: no such snapshot: ");
}

static void
add (void)
{
  ovm_ctl_fixture_add ("/src/ctl/verify/finds-no-fault", test_finds_no_fault);
  ovm_ctl_fixture_add ("/src/ctl/verify/finds-damage", test_finds_damage);
  ovm_ctl_fixture_add ("/src/ctl/verify/leaves-out-what-is-under-it", test_leaves_out_what_is_under_it);
  ovm_ctl_fixture_add ("/src/ctl/verify/refuses-what-is-no-snapshot", test_refuses_what_is_no_snapshot);
}

int
main (int argc, char **argv)
{
  return ovm_ctl_fixture_main (argc, argv, add);
}
