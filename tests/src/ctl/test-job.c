/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/ctl/job.h"

#define UID 1000

static gboolean
is_watched (const OvmCtlJobWatch *watch, const char *properties_text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant)
      properties = g_variant_parse (G_VARIANT_TYPE_VARDICT, properties_text, NULL, NULL, &error);

  g_assert_no_error (error);
  return ovm_ctl_job_is_watched (watch, properties, UID);
}

static void
test_tells_ours_from_others (void)
{
  const OvmCtlJobWatch watch = { "save", "/vm/a", "" };

  g_assert_true (is_watched (&watch, "{'Operation': <'save'>, 'Objects': <[objectpath '/x', '/vm/a']>}"));
  g_assert_true (is_watched (
      &watch, "{'Operation': <'save'>, 'Objects': <[objectpath '/vm/a']>, 'StartedByUID': <uint32 1000>}"));
  g_assert_true (is_watched (&watch,
                             "{'Operation': <'save'>, 'Objects': <[objectpath '/vm/a']>, "
                             "'StartedByUID': <uint32 4294967295>}"));
  g_assert_false (is_watched (&watch, "{'Operation': <'restore'>, 'Objects': <[objectpath '/vm/a']>}"));
  g_assert_false (is_watched (&watch, "{'Operation': <'save'>, 'Objects': <[objectpath '/vm/b']>}"));
  g_assert_false (
      is_watched (&watch,
                  "{'Operation': <'save'>, 'Objects': <[objectpath '/vm/a']>, 'StartedByUID': <uint32 0>}"));
}

static void
test_needs_no_object (void)
{
  const OvmCtlJobWatch watch = { "verify", NULL, "" };

  g_assert_true (is_watched (&watch, "{'Operation': <'verify'>, 'Objects': <@ao []>}"));
  g_assert_false (is_watched (&watch, "{'Operation': <'save'>, 'Objects': <@ao []>}"));
}

static void
test_survives_strange_jobs (void)
{
  const OvmCtlJobWatch watch = { "save", "/vm/a", "" };

  g_assert_false (is_watched (&watch, "{}"));
  g_assert_false (is_watched (&watch, "{'Operation': <1>, 'Objects': <[objectpath '/vm/a']>}"));
  g_assert_false (is_watched (&watch, "{'Operation': <'save'>}"));
  g_assert_false (is_watched (&watch, "{'Operation': <'save'>, 'Objects': <'/vm/a'>}"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/src/ctl/job/tells-ours-from-others", test_tells_ours_from_others);
  g_test_add_func ("/src/ctl/job/needs-no-object", test_needs_no_object);
  g_test_add_func ("/src/ctl/job/survives-strange-jobs", test_survives_strange_jobs);
  return g_test_run ();
}
