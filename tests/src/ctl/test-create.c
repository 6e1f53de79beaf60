/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "tests/src/ctl/fixture.h"

static void
test_passes_everything_on (OvmCtlFixture *f, gconstpointer data)
{
  static const char *const parts[] = {
    "\"CommandLine\":\"console=ttyS0 a=\\\"b\\\"\"",
    "\"Description\":\"größe\"",
    "\"Driver\":\"test\"",
    "\"MemoryBacking\":\"file\"",
    "\"MemorySize\":134217728",
    "\"Name\":\"web\"",
    "\"Path\":\"/org/openvmm/vm/web\"",
    "\"State\":\"stopped\"",
    "\"UUID\":\"6ba7b810-9dad-11d1-80b4-00c04fd430c8\"",
    "\"VPCount\":2",
  };

  ovm_ctl_fixture_must (
      f,
      "create web --driver test --kernel vmlinuz --initrd initrd --cmdline 'console=ttyS0 a=\"b\"' "
      "--memory 128MiB --vps 2 --backing file --memory-file ./ram --console-log log "
      "--uuid 6ba7b810-9dad-11d1-80b4-00c04fd430c8 --description größe --json");
  for (gsize i = 0; i < G_N_ELEMENTS (parts); i++)
    ovm_ctl_assert_contains (f->out, parts[i]);
}

static void
test_makes_paths_absolute (OvmCtlFixture *f, gconstpointer data)
{
  static const char *const keys[] = { "Kernel", "Initrd", "MemoryFile", "ConsoleLog" };

  ovm_ctl_fixture_must (
      f,
      "create web --driver test --kernel file --initrd ./file --memory-file .//file --console-log file "
      "--json");
  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      g_autofree char *part = g_strdup_printf ("\"%s\":\"%s/file\"", keys[i], f->directory);

      ovm_ctl_assert_contains (f->out, part);
    }
}

static void
test_starts_at_once (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_must (f, "create web --driver test --kernel k --start");
  g_assert_cmpstr (f->out, ==, "");
  ovm_ctl_fixture_assert_state (f, "web", "running");
}

static void
test_refuses_bad_values (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_fails (f, "create", 2, "openvmmctl: something is missing: it is “openvmmctl create NAME”\n");
  ovm_ctl_fixture_fails (f,
                         "create a b",
                         2,
                         "openvmmctl: “b” is one word too many; “openvmmctl create --help” explains\n");
  ovm_ctl_fixture_fails (f, "create a --memory 1.5G", 2, "openvmmctl: “1.5G” is not a size: ");
  ovm_ctl_fixture_fails (f, "create a --memory 512MB", 2, "openvmmctl: “512MB” is not a size: ");
  ovm_ctl_fixture_fails (f,
                         "create a --memory 99999999999G",
                         2,
                         "openvmmctl: the size “99999999999G” is more ");
  ovm_ctl_fixture_fails (f,
                         "create a --vps many",
                         2,
                         "openvmmctl: Cannot parse integer value “many” for --vps");
  ovm_ctl_fixture_fails (f, "create a --vps -2", 2, "openvmmctl: -2 is not a number of virtual processors\n");
  ovm_ctl_fixture_fails (f, "create a --option x", 2, "openvmmctl: “x” is not KEY=VALUE ");
  ovm_ctl_fixture_fails (f, "create a --option x=y", 2, "openvmmctl: “x=y” is not KEY=VALUE ");
  ovm_ctl_fixture_fails (f, "create a --option =1", 2, "openvmmctl: “=1” is not KEY=VALUE ");
  ovm_ctl_fixture_must (f, "list --json");
  g_assert_cmpstr (f->out, ==, "[]\n");
}

static void
test_tells_what_the_service_refuses (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_fails (f, "create .a --driver test --kernel k", 2, "openvmmctl: not a name for a VM: ");
  ovm_ctl_fixture_fails (f, "create '' --driver test --kernel k", 2, "openvmmctl: not a name for a VM: ");
  ovm_ctl_fixture_fails (f,
                         "create a --driver test --kernel k --memory 0",
                         2,
                         "openvmmctl: not a size that memory can have: ");
  ovm_ctl_fixture_fails (f,
                         "create a --driver test --kernel k --vps 65",
                         2,
                         "openvmmctl: not a possible number of processors: ");
  ovm_ctl_fixture_fails (f,
                         "create a --driver test --kernel k -o odd=1",
                         2,
                         "openvmmctl: openvmmd does not know this option: ");
  ovm_ctl_fixture_fails (f,
                         "create a --driver test --kernel k -o test-deaf=1",
                         2,
                         "openvmmctl: an option has a value of the wrong type: ");
  ovm_ctl_fixture_fails (f, "create a --driver odd --kernel k", 1, "openvmmctl: not supported: ");
  ovm_ctl_fixture_create (f, "a", "");
  ovm_ctl_fixture_fails (f, "create a --driver test --kernel k", 6, "openvmmctl: the name is in use: ");
}

static void
add (void)
{
  ovm_ctl_fixture_add ("/src/ctl/create/passes-everything-on", test_passes_everything_on);
  ovm_ctl_fixture_add ("/src/ctl/create/makes-paths-absolute", test_makes_paths_absolute);
  ovm_ctl_fixture_add ("/src/ctl/create/starts-at-once", test_starts_at_once);
  ovm_ctl_fixture_add ("/src/ctl/create/refuses-bad-values", test_refuses_bad_values);
  ovm_ctl_fixture_add ("/src/ctl/create/tells-what-the-service-refuses", test_tells_what_the_service_refuses);
}

int
main (int argc, char **argv)
{
  return ovm_ctl_fixture_main (argc, argv, add);
}
