/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "tests/src/ctl/fixture.h"
#include "tests/src/ctl/session.h"

#include <signal.h>
#include <string.h>

static void
test_saves_while_it_runs (OvmCtlFixture *f, gconstpointer data)
{
  g_autofree char *directory = ovm_ctl_fixture_path (f, "one");
  g_autofree char *message = g_strdup_printf ("Saved web to %s; it stood still for 1.50 ms.\n", directory);

  ovm_ctl_fixture_create (f, "web", "--start -o 'test-downtime-us=uint64 1500'");
  ovm_ctl_fixture_must (f, "save web one");
  g_assert_cmpstr (f->out, ==, message);
  g_assert_true (g_file_test (directory, G_FILE_TEST_IS_DIR));
  ovm_ctl_fixture_assert_state (f, "web", "running");
}

static void
test_prints_the_snapshot_as_json (OvmCtlFixture *f, gconstpointer data)
{
  g_autofree char *directory = ovm_ctl_fixture_path (f, "one");
  g_autofree char *part = g_strdup_printf ("\"Directory\":\"%s\"", directory);

  ovm_ctl_fixture_create (f, "web", "--start");
  ovm_ctl_fixture_must (f, "save web one --description 'before it'  --json");
  ovm_ctl_assert_contains (f->out, part);
  ovm_ctl_assert_contains (f->out, "\"Description\":\"before it\"");
  ovm_ctl_assert_contains (f->out, "\"DowntimeUSec\":1000");
  ovm_ctl_assert_contains (f->out, "\"Path\":\"/org/openvmm/snapshot/");
}

static void
test_refuses_bad_targets (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_create (f, "web", "--start");
  ovm_ctl_fixture_fails (f,
                         "save web",
                         2,
                         "openvmmctl: something is missing: it is “openvmmctl save VM DIRECTORY”\n");
  ovm_ctl_fixture_fails (f, "save nobody one", 3, "openvmmctl: no such VM: ");
  ovm_ctl_fixture_fails (f, "save web /no/such/place", 3, "openvmmctl: no such file: ");
  ovm_ctl_fixture_fails (f, "save web .", 6, "openvmmctl: there is something there already: ");
  ovm_ctl_fixture_must (f, "save web one");
  ovm_ctl_fixture_fails (f, "save web one", 6, "openvmmctl: there is something there already: ");
}

static void
test_refuses_a_stopped_vm (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_create (f, "web", "");
  ovm_ctl_fixture_fails (f, "save web one", 6, "openvmmctl: not possible in this state: ");
}

static void
test_reports_what_failed (OvmCtlFixture *f, gconstpointer data)
{
  g_autofree char *directory = ovm_ctl_fixture_path (f, "one");

  ovm_ctl_fixture_create (f, "web", "--start -o test-fail=\"'save:NoSpace'\"");
  ovm_ctl_fixture_fails (f, "save web one", 1, "openvmmctl: not enough space: ");
  g_assert_false (g_file_test (directory, G_FILE_TEST_EXISTS));
  ovm_ctl_fixture_assert_state (f, "web", "running");
}

static void
wait_for_job (OvmCtlFixture *f, const char *name)
{
  g_autofree char *line = g_strdup_printf ("show %s --json", name);

  do
    ovm_ctl_fixture_must (f, line);
  while (strstr (f->out, "\"Job\":\"/\"") != NULL);
}

static void
test_shows_progress_on_a_terminal (OvmCtlFixture *f, gconstpointer data)
{
  OvmCtlSession s;

  ovm_ctl_fixture_create (f, "web", "-o 'test-delay-ms=uint32 400'");
  ovm_ctl_fixture_must (f, "start web");
  ovm_ctl_session_open (&s, f, "save web one");
  ovm_ctl_session_expect (&s, "Saving web [");
  ovm_ctl_session_expect (&s, " of 16 MiB");
  ovm_ctl_session_expect (&s, "\r\033[KSaved web to ");
  ovm_ctl_session_ends (&s, 0);
}

static void
test_is_cancelled_by_ctrl_c (OvmCtlFixture *f, gconstpointer data)
{
  g_autofree char *directory = ovm_ctl_fixture_path (f, "one");
  OvmCtlSession s;

  ovm_ctl_fixture_create (f, "web", "-o 'test-delay-ms=uint32 3000'");
  ovm_ctl_fixture_must (f, "start web");
  ovm_ctl_session_open (&s, f, "save web one");
  wait_for_job (f, "web");
  g_subprocess_send_signal (s.process, SIGINT);
  ovm_ctl_session_expect (&s, "openvmmctl: cancelled: ");
  ovm_ctl_session_ends (&s, 130);
  g_assert_false (g_file_test (directory, G_FILE_TEST_EXISTS));
  ovm_ctl_fixture_assert_state (f, "web", "running");
}

static void
add (void)
{
  ovm_ctl_fixture_add ("/src/ctl/save/saves-while-it-runs", test_saves_while_it_runs);
  ovm_ctl_fixture_add ("/src/ctl/save/prints-the-snapshot-as-json", test_prints_the_snapshot_as_json);
  ovm_ctl_fixture_add ("/src/ctl/save/refuses-bad-targets", test_refuses_bad_targets);
  ovm_ctl_fixture_add ("/src/ctl/save/refuses-a-stopped-vm", test_refuses_a_stopped_vm);
  ovm_ctl_fixture_add ("/src/ctl/save/reports-what-failed", test_reports_what_failed);
  ovm_ctl_fixture_add ("/src/ctl/save/shows-progress-on-a-terminal", test_shows_progress_on_a_terminal);
  ovm_ctl_fixture_add ("/src/ctl/save/is-cancelled-by-ctrl-c", test_is_cancelled_by_ctrl_c);
}

int
main (int argc, char **argv)
{
  return ovm_ctl_fixture_main (argc, argv, add);
}
