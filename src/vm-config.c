/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/vm-config.h"

#include "src/error.h"
#include "src/name.h"

#define UUID_LENGTH_MAX 64 /* bytes; a right one has 36 */
#define WORD_LENGTH_MAX 64
#define BUS_SIZE 1536 /* bytes that are said of one beside its texts: path, names of properties, state */

const OvmOption ovm_vm_config_options[] = {
  { "cmdline", "s", 0, FALSE }, /* the VMM knows its limit */
  { "console-log", "s", 0, TRUE },
  { "description", "s", OVM_DESCRIPTION_LENGTH_MAX, FALSE },
  { "driver", "s", WORD_LENGTH_MAX, FALSE },
  { "initrd", "s", 0, TRUE },
  { "kernel", "s", 0, TRUE },
  { "memory-backing", "s", WORD_LENGTH_MAX, FALSE },
  { "memory-file", "s", 0, TRUE },
  { "memory-size", "t", 0, FALSE },
  { "uuid", "s", UUID_LENGTH_MAX, FALSE },
  { "vp-count", "u", 0, FALSE },
  { NULL },
};

const OvmOption ovm_vm_config_restore_options[] = {
  { "clock", "s", WORD_LENGTH_MAX, FALSE },
  { "console-log", "s", 0, TRUE },
  { "cpu", "s", WORD_LENGTH_MAX, FALSE },
  { "description", "s", OVM_DESCRIPTION_LENGTH_MAX, FALSE },
  { "driver", "s", WORD_LENGTH_MAX, FALSE },
  { "memory", "s", WORD_LENGTH_MAX, FALSE },
  { "paused", "b", 0, FALSE },
  { "uuid", "s", UUID_LENGTH_MAX, FALSE },
  { "verify-memory", "b", 0, FALSE },
  { "wait", "b", 0, FALSE },
  { NULL },
};

static const char *const backing_names[] = {
  [VMM_MEMORY_BACKING_FILE] = "file",
  [VMM_MEMORY_BACKING_MEMFD] = "memfd",
  [VMM_MEMORY_BACKING_ANONYMOUS] = "anonymous",
};

static const char *const memory_names[] = {
  [OVM_MEMORY_LAZY] = "lazy",
  [OVM_MEMORY_POPULATE] = "populate",
  [OVM_MEMORY_WORKING_SET] = "working-set",
};

void
ovm_vm_config_free (OvmVmConfig *config)
{
  if (config == NULL)
    return;
  vmm_config_free (config->vmm);
  g_free (config->console_log);
  g_clear_pointer (&config->options, g_variant_unref);
  g_free (config);
}

static gsize
get_length (const char *text)
{
  return text != NULL ? strlen (text) : 0;
}

gsize
ovm_vm_config_get_bus_size (const OvmVmConfig *config)
{
  const VmmConfig *vmm = config->vmm;

  return BUS_SIZE + get_length (vmm->description) + get_length (vmm->memory_file) + get_length (vmm->kernel) +
         get_length (vmm->initrd) + get_length (vmm->cmdline) + get_length (config->console_log);
}

const char *
ovm_vm_config_backing_to_string (VmmMemoryBacking backing)
{
  g_return_val_if_fail ((guint) backing < G_N_ELEMENTS (backing_names) && backing_names[backing] != NULL,
                        "unknown");
  return backing_names[backing];
}

OvmRestoreMode
ovm_vm_config_get_restore_mode (GVariant *dict)
{
  gboolean paused;

  if (!g_variant_lookup (dict, "paused", "b", &paused))
    return OVM_RESTORE_AS_SAVED;
  return paused ? OVM_RESTORE_PAUSED : OVM_RESTORE_RUNNING;
}

gboolean
ovm_vm_config_get_clock (GVariant *dict, OvmClock *clock, GError **error)
{
  g_autofree char *word = ovm_options_dup_string (dict, "clock");

  *clock = g_strcmp0 (word, "catch-up") == 0 ? OVM_CLOCK_CATCH_UP : OVM_CLOCK_CONTINUE;
  if (word == NULL || g_str_equal (word, "continue") || g_str_equal (word, "catch-up"))
    return TRUE;
  g_set_error (error,
               OVM_ERROR,
               OVM_ERROR_INVALID_CONFIG,
               "clock is '%s'; it must be 'continue' or 'catch-up'",
               word);
  return FALSE;
}

gboolean
ovm_vm_config_get_memory (GVariant *dict, OvmMemory *memory, GError **error)
{
  g_autofree char *word = ovm_options_dup_string (dict, "memory");

  *memory = OVM_MEMORY_LAZY;
  if (word == NULL)
    return TRUE;
  for (gsize i = 0; i < G_N_ELEMENTS (memory_names); i++)
    if (g_str_equal (word, memory_names[i]))
      {
        *memory = (OvmMemory) i;
        return TRUE;
      }
  g_set_error (error,
               OVM_ERROR,
               OVM_ERROR_INVALID_CONFIG,
               "memory is '%s'; it must be 'lazy', 'working-set' or 'populate'",
               word);
  return FALSE;
}

gboolean
ovm_vm_config_get_cpu (GVariant *dict, VmmCpuPolicy *cpu, GError **error)
{
  g_autofree char *word = ovm_options_dup_string (dict, "cpu");

  *cpu = g_strcmp0 (word, "superset") == 0 ? VMM_CPU_SUPERSET : VMM_CPU_EXACT;
  if (word == NULL || g_str_equal (word, "exact") || g_str_equal (word, "superset"))
    return TRUE;
  g_set_error (error,
               OVM_ERROR,
               OVM_ERROR_INVALID_CONFIG,
               "cpu is '%s'; it must be 'exact' or 'superset'",
               word);
  return FALSE;
}

const OvmDriver *
ovm_vm_config_find_driver (GVariant *dict, GError **error)
{
  g_autofree char *name = ovm_options_dup_string (dict, "driver");

  if (name == NULL)
    return ovm_drivers[0];
  return ovm_driver_lookup (name, error);
}

static gboolean
is_driver_key (const OvmDriver *driver, const char *key)
{
  for (const OvmOption *option = driver->options; option != NULL && option->key != NULL; option++)
    if (g_str_equal (option->key, key))
      return TRUE;
  return FALSE;
}

GVariant *
ovm_vm_config_pick_driver_options (const OvmDriver *driver, GVariant *dict)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);
  GVariantIter iter;
  const char *key;
  GVariant *value;

  g_variant_iter_init (&iter, dict);
  while (g_variant_iter_loop (&iter, "{&sv}", &key, &value))
    if (is_driver_key (driver, key))
      g_variant_builder_add (&builder, "{sv}", key, value);
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

static gboolean
parse_backing (VmmConfig *config, GVariant *dict, GError **error)
{
  g_autofree char *backing = ovm_options_dup_string (dict, "memory-backing");

  if (backing == NULL)
    return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (backing_names); i++)
    if (g_strcmp0 (backing_names[i], backing) == 0)
      {
        config->memory_backing = (VmmMemoryBacking) i;
        return TRUE;
      }
  g_set_error (error,
               OVM_ERROR,
               OVM_ERROR_INVALID_CONFIG,
               "memory-backing is '%s'; it must be 'file', 'memfd' or 'anonymous'",
               backing);
  return FALSE;
}

static gboolean
parse_uuid (VmmConfig *config, GVariant *dict, GError **error)
{
  g_autofree char *uuid = ovm_options_dup_string (dict, "uuid");

  if (uuid == NULL)
    return TRUE;
  if (!g_uuid_string_is_valid (uuid))
    {
      g_set_error (error,
                   OVM_ERROR,
                   OVM_ERROR_INVALID_CONFIG,
                   "uuid is '%s'; it must be 8-4-4-4-12 hexadecimal digits",
                   uuid);
      return FALSE;
    }
  g_free (config->uuid);
  config->uuid = g_ascii_strdown (uuid, -1);
  return TRUE;
}

static gboolean
validate (const VmmConfig *config, GError **error)
{
  g_autoptr (GError) local_error = NULL;

  if (vmm_config_validate (config, &local_error))
    return TRUE;
  ovm_error_propagate (error, g_steal_pointer (&local_error));
  return FALSE;
}

OvmVmConfig *
ovm_vm_config_new (const char *name, GVariant *dict, GError **error)
{
  g_autoptr (OvmVmConfig) config = g_new0 (OvmVmConfig, 1);
  VmmConfig *vmm = config->vmm = vmm_config_new ();

  if (!ovm_name_check (name, error))
    return NULL;
  config->driver = ovm_vm_config_find_driver (dict, error);
  if (config->driver == NULL)
    return NULL;
  if (!ovm_options_check (dict, ovm_vm_config_options, config->driver->options, error))
    return NULL;

  g_free (vmm->name);
  vmm->name = g_strdup (name);
  g_variant_lookup (dict, "memory-size", "t", &vmm->memory_size);
  g_variant_lookup (dict, "vp-count", "u", &vmm->vp_count);
  vmm->cmdline = ovm_options_dup_string (dict, "cmdline");
  vmm->description = ovm_options_dup_string (dict, "description");
  vmm->initrd = ovm_options_dup_string (dict, "initrd");
  vmm->kernel = ovm_options_dup_string (dict, "kernel");
  vmm->memory_file = ovm_options_dup_string (dict, "memory-file");
  config->console_log = ovm_options_dup_string (dict, "console-log");
  config->options = ovm_vm_config_pick_driver_options (config->driver, dict);

  if (!parse_backing (vmm, dict, error) || !parse_uuid (vmm, dict, error) || !validate (vmm, error))
    return NULL;
  return g_steal_pointer (&config);
}

gboolean
ovm_vm_config_check_restore (const char *name, GVariant *dict, GError **error)
{
  g_autoptr (VmmConfig) scratch = vmm_config_new ();
  g_autofree char *uuid = NULL;
  const OvmDriver *driver;
  VmmCpuPolicy cpu;
  OvmMemory memory;
  OvmClock clock;

  if (!ovm_name_check (name, error))
    return FALSE;
  driver = ovm_vm_config_find_driver (dict, error);
  if (driver == NULL || !ovm_options_check (dict, ovm_vm_config_restore_options, driver->options, error) ||
      !ovm_vm_config_get_clock (dict, &clock, error) || !ovm_vm_config_get_memory (dict, &memory, error) ||
      !ovm_vm_config_get_cpu (dict, &cpu, error))
    return FALSE;
  uuid = ovm_options_dup_string (dict, "uuid");
  return g_strcmp0 (uuid, "same") == 0 || parse_uuid (scratch, dict, error);
}

OvmVmConfig *
ovm_vm_config_new_restored (const char *name, const VmmConfig *saved, GVariant *dict, GError **error)
{
  g_autoptr (OvmVmConfig) config = g_new0 (OvmVmConfig, 1);
  g_autofree char *description = ovm_options_dup_string (dict, "description");
  g_autofree char *uuid = ovm_options_dup_string (dict, "uuid");
  VmmConfig *vmm = config->vmm = vmm_config_copy (saved);

  config->driver = ovm_vm_config_find_driver (dict, error);
  if (config->driver == NULL)
    return NULL;
  g_free (vmm->name);
  vmm->name = g_strdup (name);
  g_clear_pointer (&vmm->memory_file, g_free);
  g_clear_pointer (&vmm->memory_directory, g_free);
  if (description != NULL)
    {
      g_free (vmm->description);
      vmm->description = g_steal_pointer (&description);
    }
  config->console_log = ovm_options_dup_string (dict, "console-log");
  config->options = ovm_vm_config_pick_driver_options (config->driver, dict);

  if (g_strcmp0 (uuid, "same") != 0)
    {
      g_free (vmm->uuid);
      vmm->uuid = g_uuid_string_random ();
      if (!parse_uuid (vmm, dict, error))
        return NULL;
    }
  if (!validate (vmm, error))
    return NULL;
  return g_steal_pointer (&config);
}
