/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/vmm.h"

#include "vmm/boot.h"

VmmConfig *
vmm_config_new (void)
{
  VmmConfig *config = g_new0 (VmmConfig, 1);

  config->uuid = g_uuid_string_random ();
  config->memory_size = 512 * 1024 * 1024ull;
  config->vp_count = 1;
  config->memory_backing = VMM_MEMORY_BACKING_FILE;
  return config;
}

VmmConfig *
vmm_config_copy (const VmmConfig *config)
{
  VmmConfig *copy = g_memdup2 (config, sizeof *config);

  copy->name = g_strdup (config->name);
  copy->uuid = g_strdup (config->uuid);
  copy->description = g_strdup (config->description);
  copy->memory_file = g_strdup (config->memory_file);
  copy->memory_directory = g_strdup (config->memory_directory);
  copy->kernel = g_strdup (config->kernel);
  copy->initrd = g_strdup (config->initrd);
  copy->cmdline = g_strdup (config->cmdline);
  return copy;
}

void
vmm_config_free (VmmConfig *config)
{
  if (config == NULL)
    return;
  g_free (config->name);
  g_free (config->uuid);
  g_free (config->description);
  g_free (config->memory_file);
  g_free (config->memory_directory);
  g_free (config->kernel);
  g_free (config->initrd);
  g_free (config->cmdline);
  g_free (config);
}

static gboolean
check_memory_size (const VmmConfig *config, GError **error)
{
  if (config->memory_size % VMM_PAGE_SIZE != 0 || config->memory_size < VMM_MEMORY_SIZE_MIN)
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_INVALID_MEMORY_SIZE,
                   "memory-size is %" G_GUINT64_FORMAT " bytes; it must be a multiple of %u and at "
                   "least %llu",
                   config->memory_size,
                   VMM_PAGE_SIZE,
                   VMM_MEMORY_SIZE_MIN);
      return FALSE;
    }
  return TRUE;
}

gboolean
vmm_config_validate (const VmmConfig *config, GError **error)
{
  if (!check_memory_size (config, error))
    return FALSE;
  if (config->vp_count < 1 || config->vp_count > VMM_VP_COUNT_MAX)
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_INVALID_VP_COUNT,
                   "vp-count is %u; it must be 1 to %u",
                   config->vp_count,
                   VMM_VP_COUNT_MAX);
      return FALSE;
    }
  if (config->memory_file != NULL && config->memory_backing != VMM_MEMORY_BACKING_FILE)
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_INVALID_CONFIG,
                   "memory-file '%s' is given, but memory-backing is not 'file'; leave one of them out",
                   config->memory_file);
      return FALSE;
    }
  if (config->cmdline != NULL && strlen (config->cmdline) > VMM_BOOT_CMDLINE_MAX)
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_INVALID_CMDLINE,
                   "cmdline has %zu bytes; the boot protocol leaves room for %u",
                   strlen (config->cmdline),
                   VMM_BOOT_CMDLINE_MAX);
      return FALSE;
    }
  return TRUE;
}
