/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "tests/src/ctl/fixture.h"

static void
test_prints_its_version (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_must (f, "--version");
  g_assert_cmpstr (f->out, ==, "openvmmctl " PACKAGE_VERSION "\n");
}

static void
test_speaks_german (OvmCtlFixture *f, gconstpointer data)
{
  f->language = "de";
  ovm_ctl_fixture_must (f, "pause --help");
  ovm_ctl_assert_contains (f->out, "\nVMs anhalten\n");
  ovm_ctl_assert_contains (f->out, "Den Dienst der eigenen Sitzung verwenden");
  ovm_ctl_fixture_fails (f, "odd", 2, "openvmmctl: Es gibt keinen Befehl „odd“; ");
  ovm_ctl_fixture_must (f, "list");
  g_assert_cmpstr (f->out, ==, "NAME  ZUSTAND  SPEICHER  VPS  TREIBER\n");
}

static void
test_translates_names_of_errors (OvmCtlFixture *f, gconstpointer data)
{
  f->language = "de";
  ovm_ctl_fixture_fails (f, "show nobody", 3, "openvmmctl: Keine solche VM: ");
  ovm_ctl_assert_contains (f->err, "nobody");
}

static void
test_keeps_json_untranslated (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_create (f, "web", "--start");
  f->language = "de";
  ovm_ctl_fixture_must (f, "show web");
  ovm_ctl_assert_contains (f->out, " läuft\n");
  ovm_ctl_fixture_must (f, "show web --json");
  ovm_ctl_assert_contains (f->out, "\"State\":\"running\"");
}

static void
add (void)
{
  ovm_ctl_fixture_add_without_service ("/src/ctl/main/prints-its-version", test_prints_its_version);
  ovm_ctl_fixture_add ("/src/ctl/main/speaks-german", test_speaks_german);
  ovm_ctl_fixture_add ("/src/ctl/main/translates-names-of-errors", test_translates_names_of_errors);
  ovm_ctl_fixture_add ("/src/ctl/main/keeps-json-untranslated", test_keeps_json_untranslated);
}

int
main (int argc, char **argv)
{
  return ovm_ctl_fixture_main (argc, argv, add);
}
