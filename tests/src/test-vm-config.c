/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/vm-config.h"

#include "src/error.h"

#define UUID "0B3F1A52-77D4-4C0E-9C1E-2F6E0C7A9D11"

static GVariant *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  GVariant *dict = g_variant_parse (G_VARIANT_TYPE_VARDICT, text, NULL, NULL, &error);

  g_assert_no_error (error);
  return dict;
}

static OvmVmConfig *
make (const char *text)
{
  g_autoptr (GVariant) dict = parse (text);
  g_autoptr (GError) error = NULL;
  OvmVmConfig *config = ovm_vm_config_new ("vm", dict, &error);

  g_assert_no_error (error);
  return config;
}

static void
test_takes_every_key (void)
{
  g_autoptr (OvmVmConfig) config = make (
      "{'kernel': <'/k'>, 'initrd': <'/i'>, 'cmdline': <'c'>, 'memory-size': <uint64 33554432>,"
      " 'vp-count': <uint32 3>, 'memory-backing': <'file'>, 'memory-file': <'/m'>, 'console-log': <'/l'>,"
      " 'description': <'d'>, 'driver': <'test'>, 'uuid': <'" UUID "'>, 'test-delay-ms': <uint32 7>}");
  guint delay_ms = 0;

  g_assert_cmpstr (config->vmm->name, ==, "vm");
  g_assert_cmpstr (config->vmm->kernel, ==, "/k");
  g_assert_cmpstr (config->vmm->initrd, ==, "/i");
  g_assert_cmpstr (config->vmm->cmdline, ==, "c");
  g_assert_cmpuint (config->vmm->memory_size, ==, 33554432);
  g_assert_cmpuint (config->vmm->vp_count, ==, 3);
  g_assert_cmpint (config->vmm->memory_backing, ==, VMM_MEMORY_BACKING_FILE);
  g_assert_cmpstr (config->vmm->memory_file, ==, "/m");
  g_assert_cmpstr (config->vmm->description, ==, "d");
  g_assert_cmpstr (config->vmm->uuid, ==, "0b3f1a52-77d4-4c0e-9c1e-2f6e0c7a9d11");
  g_assert_cmpstr (config->console_log, ==, "/l");
  g_assert_true (config->driver == &ovm_driver_test);
  g_assert_true (g_variant_lookup (config->options, "test-delay-ms", "u", &delay_ms));
  g_assert_cmpuint (delay_ms, ==, 7);
  g_assert_cmpuint (g_variant_n_children (config->options), ==, 1);
}

static void
test_has_defaults (void)
{
  g_autoptr (OvmVmConfig) config = make ("{}");
  g_autoptr (OvmVmConfig) other = make ("{}");

  g_assert_true (config->driver == ovm_drivers[0]);
  g_assert_cmpuint (config->vmm->memory_size, ==, 512 * 1024 * 1024);
  g_assert_cmpuint (config->vmm->vp_count, ==, 1);
  g_assert_null (config->vmm->memory_file);
  g_assert_true (g_uuid_string_is_valid (config->vmm->uuid));
  g_assert_cmpstr (config->vmm->uuid, !=, other->vmm->uuid);
}

static void
test_every_backing (void)
{
  static const VmmMemoryBacking backings[] = { VMM_MEMORY_BACKING_FILE,
                                               VMM_MEMORY_BACKING_MEMFD,
                                               VMM_MEMORY_BACKING_ANONYMOUS };

  for (gsize i = 0; i < G_N_ELEMENTS (backings); i++)
    {
      const char *name = ovm_vm_config_backing_to_string (backings[i]);
      g_autofree char *text = g_strdup_printf ("{'memory-backing': <'%s'>}", name);
      g_autoptr (OvmVmConfig) config = make (text);

      g_assert_cmpint (config->vmm->memory_backing, ==, backings[i]);
    }
}

static void
test_refuses (void)
{
  static const struct
  {
    const char *name;
    const char *dict;
    OvmError code;
    const char *word;
  } cases[] = {
    { "a b", "{}", OVM_ERROR_INVALID_NAME, "a b" },
    { "vm", "{'memory': <uint64 1>}", OVM_ERROR_UNKNOWN_KEY, "memory-size" },
    { "vm", "{'test-delay-ms': <uint32 1>}", OVM_ERROR_UNKNOWN_KEY, "test-delay-ms" },
    { "vm", "{'memory-size': <512>}", OVM_ERROR_INVALID_TYPE, "'t'" },
    { "vm", "{'memory-size': <uint64 0>}", OVM_ERROR_INVALID_MEMORY_SIZE, "memory-size" },
    { "vm", "{'memory-size': <uint64 16777217>}", OVM_ERROR_INVALID_MEMORY_SIZE, "16777217" },
    { "vm", "{'vp-count': <uint32 0>}", OVM_ERROR_INVALID_VP_COUNT, "64" },
    { "vm", "{'vp-count': <uint32 65>}", OVM_ERROR_INVALID_VP_COUNT, "65" },
    { "vm", "{'memory-backing': <'disk'>}", OVM_ERROR_INVALID_CONFIG, "disk" },
    { "vm", "{'memory-backing': <''>}", OVM_ERROR_INVALID_CONFIG, "memory-backing" },
    { "vm", "{'memory-backing': <'anonymous'>, 'memory-file': <'/m'>}", OVM_ERROR_INVALID_CONFIG, "/m" },
    { "vm", "{'uuid': <'1234'>}", OVM_ERROR_INVALID_CONFIG, "1234" },
    { "vm", "{'kernel': <'vmlinuz'>}", OVM_ERROR_INVALID_CONFIG, "vmlinuz" },
    { "vm", "{'driver': <'xen'>}", OVM_ERROR_NOT_SUPPORTED, "kvm, test" },
    { "vm", "{'driver': <7>}", OVM_ERROR_INVALID_TYPE, "driver" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GVariant) dict = parse (cases[i].dict);
      g_autoptr (GError) error = NULL;

      g_assert_null (ovm_vm_config_new (cases[i].name, dict, &error));
      g_assert_error (error, OVM_ERROR, (int) cases[i].code);
      g_assert_nonnull (strstr (error->message, cases[i].word));
    }
}

static void
test_refuses_long_strings (void)
{
  static const struct
  {
    const char *key;
    gsize length;
    OvmError code;
  } cases[] = {
    { "cmdline", 2048, OVM_ERROR_INVALID_COMMAND_LINE },
    { "description", OVM_DESCRIPTION_LENGTH_MAX + 1, OVM_ERROR_LIMIT_EXCEEDED },
    { "driver", 65, OVM_ERROR_NOT_SUPPORTED },
    { "uuid", 65, OVM_ERROR_LIMIT_EXCEEDED },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *value = g_strnfill (cases[i].length, 'x');
      g_autofree char *text = g_strdup_printf ("{'%s': <'%s'>}", cases[i].key, value);
      g_autoptr (GVariant) dict = parse (text);
      g_autoptr (GError) error = NULL;

      g_assert_null (ovm_vm_config_new ("vm", dict, &error));
      g_assert_error (error, OVM_ERROR, (int) cases[i].code);
    }
}

static OvmVmConfig *
restored (const char *text)
{
  g_autoptr (OvmVmConfig) saved = make (
      "{'kernel': <'/k'>, 'memory-file': <'/m'>, 'description': <'d'>, 'vp-count': <uint32 2>}");
  g_autoptr (GVariant) dict = parse (text);
  g_autoptr (GError) error = NULL;
  OvmVmConfig *config;

  g_free (saved->vmm->uuid);
  saved->vmm->uuid = g_strdup ("11111111-2222-4333-8444-555555555555");
  g_assert_true (ovm_vm_config_check_restore ("new", dict, &error));
  config = ovm_vm_config_new_restored ("new", saved->vmm, dict, &error);
  g_assert_no_error (error);
  return config;
}

static void
test_restored_leaves_the_ram_file (void)
{
  g_autoptr (OvmVmConfig) config = restored ("{}");

  g_assert_cmpstr (config->vmm->name, ==, "new");
  g_assert_cmpstr (config->vmm->kernel, ==, "/k");
  g_assert_cmpstr (config->vmm->description, ==, "d");
  g_assert_cmpuint (config->vmm->vp_count, ==, 2);
  g_assert_null (config->vmm->memory_file);
  g_assert_null (config->console_log);
}

static void
test_restored_uuid (void)
{
  g_autoptr (OvmVmConfig) fresh = restored ("{}");
  g_autoptr (OvmVmConfig) same = restored ("{'uuid': <'same'>}");
  g_autoptr (OvmVmConfig) given = restored ("{'uuid': <'" UUID "'>}");

  g_assert_true (g_uuid_string_is_valid (fresh->vmm->uuid));
  g_assert_cmpstr (fresh->vmm->uuid, !=, "11111111-2222-4333-8444-555555555555");
  g_assert_cmpstr (same->vmm->uuid, ==, "11111111-2222-4333-8444-555555555555");
  g_assert_cmpstr (given->vmm->uuid, ==, "0b3f1a52-77d4-4c0e-9c1e-2f6e0c7a9d11");
}

static void
test_restored_options (void)
{
  g_autoptr (OvmVmConfig) config = restored (
      "{'description': <'e'>, 'console-log': <'/l'>, 'driver': <'test'>, 'test-deaf': <true>,"
      " 'wait': <false>, 'paused': <true>, 'verify-memory': <true>}");

  g_assert_cmpstr (config->vmm->description, ==, "e");
  g_assert_cmpstr (config->console_log, ==, "/l");
  g_assert_true (config->driver == &ovm_driver_test);
  g_assert_cmpuint (g_variant_n_children (config->options), ==, 1);
}

static void
test_restore_refuses (void)
{
  static const struct
  {
    const char *name;
    const char *dict;
    OvmError code;
  } cases[] = {
    { "", "{}", OVM_ERROR_INVALID_NAME },
    { "vm", "{'memory-size': <uint64 1>}", OVM_ERROR_UNKNOWN_KEY },
    { "vm", "{'paused': <1>}", OVM_ERROR_INVALID_TYPE },
    { "vm", "{'uuid': <'other'>}", OVM_ERROR_INVALID_CONFIG },
    { "vm", "{'clock': <'stop'>}", OVM_ERROR_INVALID_CONFIG },
    { "vm", "{'clock': <true>}", OVM_ERROR_INVALID_TYPE },
    { "vm", "{'memory': <'eager'>}", OVM_ERROR_INVALID_CONFIG },
    { "vm", "{'memory': <uint64 1>}", OVM_ERROR_INVALID_TYPE },
    { "vm", "{'cpu': <'any'>}", OVM_ERROR_INVALID_CONFIG },
    { "vm", "{'cpu': <true>}", OVM_ERROR_INVALID_TYPE },
    { "vm", "{'driver': <'xen'>}", OVM_ERROR_NOT_SUPPORTED },
    { "vm", "{'console-log': <'l'>}", OVM_ERROR_INVALID_CONFIG },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GVariant) dict = parse (cases[i].dict);
      g_autoptr (GError) error = NULL;

      g_assert_false (ovm_vm_config_check_restore (cases[i].name, dict, &error));
      g_assert_error (error, OVM_ERROR, (int) cases[i].code);
    }
}

static void
test_restore_mode (void)
{
  g_autoptr (GVariant) empty = parse ("{}");
  g_autoptr (GVariant) paused = parse ("{'paused': <true>}");
  g_autoptr (GVariant) running = parse ("{'paused': <false>}");

  g_assert_cmpint (ovm_vm_config_get_restore_mode (empty), ==, OVM_RESTORE_AS_SAVED);
  g_assert_cmpint (ovm_vm_config_get_restore_mode (paused), ==, OVM_RESTORE_PAUSED);
  g_assert_cmpint (ovm_vm_config_get_restore_mode (running), ==, OVM_RESTORE_RUNNING);
}

static void
test_clock (void)
{
  static const struct
  {
    const char *dict;
    gboolean ok;
    OvmClock clock;
  } cases[] = {
    { "{}", TRUE, OVM_CLOCK_CONTINUE },
    { "{'clock': <'continue'>}", TRUE, OVM_CLOCK_CONTINUE },
    { "{'clock': <'catch-up'>}", TRUE, OVM_CLOCK_CATCH_UP },
    { "{'clock': <'catch up'>}", FALSE, OVM_CLOCK_CONTINUE },
    { "{'clock': <''>}", FALSE, OVM_CLOCK_CONTINUE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GVariant) dict = parse (cases[i].dict);
      g_autoptr (GError) error = NULL;
      OvmClock clock = OVM_CLOCK_CONTINUE;

      g_assert_cmpint (ovm_vm_config_get_clock (dict, &clock, &error), ==, cases[i].ok);
      if (cases[i].ok)
        g_assert_cmpint (clock, ==, cases[i].clock);
      else
        g_assert_error (error, OVM_ERROR, OVM_ERROR_INVALID_CONFIG);
    }
}

static void
test_memory (void)
{
  static const struct
  {
    const char *dict;
    gboolean ok;
    OvmMemory memory;
  } cases[] = {
    { "{}", TRUE, OVM_MEMORY_LAZY },
    { "{'memory': <'lazy'>}", TRUE, OVM_MEMORY_LAZY },
    { "{'memory': <'populate'>}", TRUE, OVM_MEMORY_POPULATE },
    { "{'memory': <'working-set'>}", TRUE, OVM_MEMORY_WORKING_SET },
    { "{'memory': <'working'>}", FALSE, OVM_MEMORY_LAZY },
    { "{'memory': <'Lazy'>}", FALSE, OVM_MEMORY_LAZY },
    { "{'memory': <''>}", FALSE, OVM_MEMORY_LAZY },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GVariant) dict = g_variant_parse (G_VARIANT_TYPE_VARDICT, cases[i].dict, NULL, NULL, NULL);
      g_autoptr (GError) error = NULL;
      OvmMemory memory;

      g_assert_cmpint (ovm_vm_config_get_memory (dict, &memory, &error), ==, cases[i].ok);
      if (cases[i].ok)
        g_assert_cmpint (memory, ==, cases[i].memory);
      else
        g_assert_error (error, OVM_ERROR, OVM_ERROR_INVALID_CONFIG);
    }
}

static void
test_cpu (void)
{
  static const struct
  {
    const char *dict;
    gboolean ok;
    VmmCpuPolicy cpu;
  } cases[] = {
    { "{}", TRUE, VMM_CPU_EXACT },
    { "{'cpu': <'exact'>}", TRUE, VMM_CPU_EXACT },
    { "{'cpu': <'superset'>}", TRUE, VMM_CPU_SUPERSET },
    { "{'cpu': <'Superset'>}", FALSE, VMM_CPU_EXACT },
    { "{'cpu': <''>}", FALSE, VMM_CPU_EXACT },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GVariant) dict = parse (cases[i].dict);
      g_autoptr (GError) error = NULL;
      VmmCpuPolicy cpu;

      g_assert_cmpint (ovm_vm_config_get_cpu (dict, &cpu, &error), ==, cases[i].ok);
      if (cases[i].ok)
        g_assert_cmpint (cpu, ==, cases[i].cpu);
      else
        g_assert_error (error, OVM_ERROR, OVM_ERROR_INVALID_CONFIG);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/src/vm-config/takes-every-key", test_takes_every_key);
  g_test_add_func ("/src/vm-config/has-defaults", test_has_defaults);
  g_test_add_func ("/src/vm-config/every-backing", test_every_backing);
  g_test_add_func ("/src/vm-config/refuses", test_refuses);
  g_test_add_func ("/src/vm-config/refuses-long-strings", test_refuses_long_strings);
  g_test_add_func ("/src/vm-config/restored-leaves-the-ram-file", test_restored_leaves_the_ram_file);
  g_test_add_func ("/src/vm-config/restored-uuid", test_restored_uuid);
  g_test_add_func ("/src/vm-config/restored-options", test_restored_options);
  g_test_add_func ("/src/vm-config/restore-refuses", test_restore_refuses);
  g_test_add_func ("/src/vm-config/restore-mode", test_restore_mode);
  g_test_add_func ("/src/vm-config/clock", test_clock);
  g_test_add_func ("/src/vm-config/memory", test_memory);
  g_test_add_func ("/src/vm-config/cpu", test_cpu);
  return g_test_run ();
}
