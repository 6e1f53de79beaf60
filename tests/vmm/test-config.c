/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/vmm.h"

static void
test_defaults_are_valid (void)
{
  g_autoptr (VmmConfig) config = vmm_config_new ();
  g_autoptr (GError) error = NULL;

  g_assert_true (vmm_config_validate (config, &error));
  g_assert_no_error (error);
  g_assert_true (g_uuid_string_is_valid (config->uuid));
}

static void
test_rejects_memory_size (void)
{
  static const guint64 sizes[] = { 0, 1, 4096, VMM_MEMORY_SIZE_MIN - 4096, VMM_MEMORY_SIZE_MIN + 1 };

  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (VmmConfig) config = vmm_config_new ();
      g_autoptr (GError) error = NULL;

      config->memory_size = sizes[i];
      g_assert_false (vmm_config_validate (config, &error));
      g_assert_error (error, VMM_ERROR, VMM_ERROR_INVALID_MEMORY_SIZE);
    }
}

static void
test_rejects_vp_count (void)
{
  static const guint counts[] = { 0, VMM_VP_COUNT_MAX + 1, G_MAXUINT };

  for (gsize i = 0; i < G_N_ELEMENTS (counts); i++)
    {
      g_autoptr (VmmConfig) config = vmm_config_new ();
      g_autoptr (GError) error = NULL;

      config->vp_count = counts[i];
      g_assert_false (vmm_config_validate (config, &error));
      g_assert_error (error, VMM_ERROR, VMM_ERROR_INVALID_VP_COUNT);
    }
}

static void
test_rejects_file_without_file_backing (void)
{
  g_autoptr (VmmConfig) config = vmm_config_new ();
  g_autoptr (GError) error = NULL;

  config->memory_file = g_strdup ("/ram");
  config->memory_backing = VMM_MEMORY_BACKING_ANONYMOUS;
  g_assert_false (vmm_config_validate (config, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_INVALID_CONFIG);
  g_assert_nonnull (strstr (error->message, "/ram"));
}

static void
test_rejects_long_cmdline (void)
{
  g_autoptr (VmmConfig) config = vmm_config_new ();
  g_autoptr (GError) error = NULL;

  config->cmdline = g_strnfill (2048, 'x');
  g_assert_false (vmm_config_validate (config, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_INVALID_CMDLINE);
}

static void
test_copies_every_field (void)
{
  g_autoptr (VmmConfig) config = vmm_config_new ();
  g_autoptr (VmmConfig) copy = NULL;

  config->name = g_strdup ("a");
  config->cmdline = g_strdup ("b");
  copy = vmm_config_copy (config);
  g_assert_cmpstr (copy->name, ==, "a");
  g_assert_cmpstr (copy->cmdline, ==, "b");
  g_assert_cmpstr (copy->uuid, ==, config->uuid);
  g_assert_true (copy->name != config->name);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vmm/config/defaults-are-valid", test_defaults_are_valid);
  g_test_add_func ("/vmm/config/rejects-memory-size", test_rejects_memory_size);
  g_test_add_func ("/vmm/config/rejects-vp-count", test_rejects_vp_count);
  g_test_add_func ("/vmm/config/rejects-file-without-file-backing", test_rejects_file_without_file_backing);
  g_test_add_func ("/vmm/config/rejects-long-cmdline", test_rejects_long_cmdline);
  g_test_add_func ("/vmm/config/copies-every-field", test_copies_every_field);
  return g_test_run ();
}
