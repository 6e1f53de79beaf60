/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* fixture.h: the real openvmmctl, and the real openvmmd with the driver "test" on a bus of its own */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * OvmCtlFixture:
 * @bus: a private bus
 * @service: openvmmd
 * @directory: an empty directory, the working directory of openvmmctl
 * @language: (nullable): what LANGUAGE is for openvmmctl
 * @out: what the last run wrote to stdout
 * @err: and to stderr
 */
typedef struct
{
  GTestDBus *bus;
  GSubprocess *service;
  char *directory;
  const char *language;
  char *out;
  char *err;
} OvmCtlFixture;

typedef void (*OvmCtlFixtureTest) (OvmCtlFixture *f, gconstpointer data);

/** ovm_ctl_fixture_add: a test with bus and service */
#define ovm_ctl_fixture_add(path, test)                                                                      \
  g_test_add (path, OvmCtlFixture, NULL, ovm_ctl_fixture_set_up, test, ovm_ctl_fixture_tear_down)

/** ovm_ctl_fixture_add_without_service: a test with a bus that nobody serves */
#define ovm_ctl_fixture_add_without_service(path, test)                                                      \
  g_test_add (path, OvmCtlFixture, NULL, ovm_ctl_fixture_set_up_bus, test, ovm_ctl_fixture_tear_down)

void ovm_ctl_fixture_set_up (OvmCtlFixture *f, gconstpointer data);
void ovm_ctl_fixture_set_up_bus (OvmCtlFixture *f, gconstpointer data);
void ovm_ctl_fixture_tear_down (OvmCtlFixture *f, gconstpointer data);

/** ovm_ctl_fixture_main: g_test_init(), @add, g_test_run() */
int ovm_ctl_fixture_main (int argc, char **argv, void (*add) (void));

/** ovm_ctl_fixture_make_launcher: (transfer full): for openvmmctl, on the bus of @f */
GSubprocessLauncher *ovm_ctl_fixture_make_launcher (OvmCtlFixture *f, GSubprocessFlags flags);

/** ovm_ctl_fixture_spawn: (transfer full): openvmmctl with the words of @line, split as a shell does */
GSubprocess *ovm_ctl_fixture_spawn (OvmCtlFixture *f, GSubprocessLauncher *launcher, const char *line);

/** ovm_ctl_fixture_run: runs openvmmctl to its end; @out and @err are set. Returns: the exit status */
int ovm_ctl_fixture_run (OvmCtlFixture *f, const char *line);

/** ovm_ctl_fixture_must: as ovm_ctl_fixture_run(), and asserts that it succeeds without a word on stderr */
void ovm_ctl_fixture_must (OvmCtlFixture *f, const char *line);

/** ovm_ctl_fixture_fails: and asserts how it fails; @err must begin with @message, and stdout be empty */
void ovm_ctl_fixture_fails (OvmCtlFixture *f, const char *line, int status, const char *message);

/** ovm_ctl_fixture_create: a stopped VM of the driver "test", with 16 MiB; @options may be "" */
void ovm_ctl_fixture_create (OvmCtlFixture *f, const char *name, const char *options);

/** ovm_ctl_fixture_assert_state: of a VM, as it is on the bus */
void ovm_ctl_fixture_assert_state (OvmCtlFixture *f, const char *name, const char *state);

/** ovm_ctl_fixture_path: (transfer full): a path in the directory of @f */
char *ovm_ctl_fixture_path (OvmCtlFixture *f, const char *name);

#define ovm_ctl_assert_contains(text, part)                                                                  \
  G_STMT_START                                                                                               \
  {                                                                                                          \
    if (strstr ((text), (part)) == NULL)                                                                     \
      g_error ("%s:%d: no “%s” in “%s”", __FILE__, __LINE__, (part), (text));                                \
  }                                                                                                          \
  G_STMT_END

G_END_DECLS
