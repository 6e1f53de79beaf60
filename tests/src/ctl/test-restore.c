/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "tests/src/ctl/fixture.h"

static void
make_snapshot (OvmCtlFixture *f)
{
  ovm_ctl_fixture_create (f, "web", "--start");
  ovm_ctl_fixture_must (f, "save web one");
}

static void
test_makes_a_new_vm (OvmCtlFixture *f, gconstpointer data)
{
  g_autofree char *message = g_strdup_printf ("Restored web-again from %s/one.\n", f->directory);

  make_snapshot (f);
  ovm_ctl_fixture_must (f, "restore one --name web-again --driver test");
  g_assert_cmpstr (f->out, ==, message);
  ovm_ctl_fixture_assert_state (f, "web-again", "running");
  ovm_ctl_fixture_assert_state (f, "web", "running");
}

static void
test_takes_the_saved_name (OvmCtlFixture *f, gconstpointer data)
{
  make_snapshot (f);
  ovm_ctl_fixture_fails (f, "restore one --driver test", 6, "openvmmctl: the name is in use: ");
  ovm_ctl_fixture_must (f, "delete --force web");
  ovm_ctl_fixture_must (f, "restore one --driver test");
  ovm_ctl_fixture_assert_state (f, "web", "running");
}

static void
test_puts_back_in_place (OvmCtlFixture *f, gconstpointer data)
{
  make_snapshot (f);
  ovm_ctl_fixture_must (f, "poweroff web");
  ovm_ctl_fixture_must (f, "restore one --in-place web --json");
  ovm_ctl_assert_contains (f->out, "\"Name\":\"web\"");
  ovm_ctl_assert_contains (f->out, "\"State\":\"running\"");
}

static void
test_pauses_or_runs_as_told (OvmCtlFixture *f, gconstpointer data)
{
  make_snapshot (f);
  ovm_ctl_fixture_must (f, "pause web");
  ovm_ctl_fixture_must (f, "save web two");

  ovm_ctl_fixture_must (f, "restore one --name a --paused --driver test");
  ovm_ctl_fixture_assert_state (f, "a", "paused");
  ovm_ctl_fixture_must (f, "restore two --name b --running --driver test");
  ovm_ctl_fixture_assert_state (f, "b", "running");
  ovm_ctl_fixture_must (f, "restore two --name c --driver test");
  ovm_ctl_fixture_assert_state (f, "c", "paused");
  ovm_ctl_fixture_must (f, "restore one --in-place c --paused --verify-memory --cpu=superset");
  ovm_ctl_fixture_assert_state (f, "c", "paused");
}

static void
test_passes_options_on (OvmCtlFixture *f, gconstpointer data)
{
  g_autofree char *log = g_strdup_printf ("\"ConsoleLog\":\"%s/log\"", f->directory);

  make_snapshot (f);
  ovm_ctl_fixture_must (f,
                        "restore one --name a --uuid 6ba7b810-9dad-11d1-80b4-00c04fd430c8 --description new "
                        "--driver test --console-log log --json");
  ovm_ctl_assert_contains (f->out, "\"UUID\":\"6ba7b810-9dad-11d1-80b4-00c04fd430c8\"");
  ovm_ctl_assert_contains (f->out, "\"Description\":\"new\"");
  ovm_ctl_assert_contains (f->out, log);
  ovm_ctl_fixture_fails (f,
                         "restore one --name b --uuid same --driver test",
                         6,
                         "openvmmctl: the UUID is in use: ");
}

static void
test_refuses_bad_choices (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_fails (f,
                         "restore",
                         2,
                         "openvmmctl: something is missing: it is “openvmmctl restore DIRECTORY”\n");
  ovm_ctl_fixture_fails (f,
                         "restore a --name b --in-place c",
                         2,
                         "openvmmctl: --name and --in-place exclude each other\n");
  ovm_ctl_fixture_fails (f,
                         "restore a --paused --running",
                         2,
                         "openvmmctl: --paused and --running exclude each other\n");
  ovm_ctl_fixture_fails (f,
                         "restore a --in-place c --uuid same",
                         2,
                         "openvmmctl: --uuid, --description, --driver ");
}

static void
test_tells_bad_snapshots_apart (OvmCtlFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *manifest = ovm_ctl_fixture_path (f, "one/manifest.bin");
  g_autofree char *bytes = NULL;
  gsize length;

  make_snapshot (f);
  ovm_ctl_fixture_fails (f, "restore none --name a --driver test", 3, "openvmmctl: no such snapshot: ");
  ovm_ctl_fixture_fails (f, "restore . --name a --driver test", 3, "openvmmctl: no such snapshot: ");
  ovm_ctl_fixture_fails (f, "restore one --in-place nobody", 3, "openvmmctl: no such VM: ");

  g_assert_true (g_file_get_contents (manifest, &bytes, &length, &error));
  g_assert_true (g_file_set_contents (manifest, bytes, (gssize) length - 1, &error));
  ovm_ctl_fixture_fails (f, "restore one --name a --driver test", 7, "openvmmctl: the snapshot is damaged: ");
  ovm_ctl_fixture_fails (f, "restore one --in-place web", 7, "openvmmctl: the snapshot is damaged: ");
  ovm_ctl_fixture_assert_state (f, "web", "running");
}

static void
add (void)
{
  ovm_ctl_fixture_add ("/src/ctl/restore/makes-a-new-vm", test_makes_a_new_vm);
  ovm_ctl_fixture_add ("/src/ctl/restore/takes-the-saved-name", test_takes_the_saved_name);
  ovm_ctl_fixture_add ("/src/ctl/restore/puts-back-in-place", test_puts_back_in_place);
  ovm_ctl_fixture_add ("/src/ctl/restore/pauses-or-runs-as-told", test_pauses_or_runs_as_told);
  ovm_ctl_fixture_add ("/src/ctl/restore/passes-options-on", test_passes_options_on);
  ovm_ctl_fixture_add ("/src/ctl/restore/refuses-bad-choices", test_refuses_bad_choices);
  ovm_ctl_fixture_add ("/src/ctl/restore/tells-bad-snapshots-apart", test_tells_bad_snapshots_apart);
}

int
main (int argc, char **argv)
{
  return ovm_ctl_fixture_main (argc, argv, add);
}
