/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* vm-config.h: what CreateVM and RestoreVM are told, checked */

#pragma once

#include "src/driver.h"

G_BEGIN_DECLS

/** OvmRestoreMode: whether a restored VM runs. */
typedef enum
{
  OVM_RESTORE_AS_SAVED,
  OVM_RESTORE_RUNNING,
  OVM_RESTORE_PAUSED,
} OvmRestoreMode;

/**
 * OvmVmConfig:
 * @vmm: what the machine is made of
 * @driver: what runs it
 * @console_log: (nullable): absolute path
 * @options: a{sv} of the driver's own keys
 */
typedef struct
{
  VmmConfig *vmm;
  const OvmDriver *driver;
  char *console_log;
  GVariant *options;
} OvmVmConfig;

void ovm_vm_config_free (OvmVmConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OvmVmConfig, ovm_vm_config_free)

/** ovm_vm_config_options, ovm_vm_config_restore_options: the keys of CreateVM and of RestoreVM. */
extern const OvmOption ovm_vm_config_options[];
extern const OvmOption ovm_vm_config_restore_options[];

/**
 * ovm_vm_config_new:
 * @name: name of the VM
 * @dict: a{sv} as CreateVM takes it
 *
 * Errors: %OVM_ERROR_INVALID_NAME, those of ovm_options_check(), %OVM_ERROR_NOT_SUPPORTED for an unknown driver,
 * %OVM_ERROR_INVALID_CONFIG, and those of vmm_config_validate().
 */
OvmVmConfig *ovm_vm_config_new (const char *name, GVariant *dict, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** ovm_vm_config_check_restore: checks the options of RestoreVM, before the snapshot is looked at. */
gboolean ovm_vm_config_check_restore (const char *name,
                                      GVariant *dict,
                                      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * ovm_vm_config_new_restored:
 * @saved: configuration in the snapshot
 * @dict: checked options of RestoreVM
 *
 * The configuration of a VM restored as @name: the saved one, without its RAM file, which holds the RAM of the
 * VM that was saved; with a new UUID, unless @dict says otherwise.
 */
OvmVmConfig *ovm_vm_config_new_restored (const char *name,
                                         const VmmConfig *saved,
                                         GVariant *dict,
                                         GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** ovm_vm_config_get_bus_size: bytes that a VM of it takes, at most, in a message that tells all of it. */
gsize ovm_vm_config_get_bus_size (const OvmVmConfig *config);

/** ovm_vm_config_get_restore_mode: what the option `paused` of a restore asks for. */
OvmRestoreMode ovm_vm_config_get_restore_mode (GVariant *dict);

/** ovm_vm_config_get_memory: (out): the same of the option `memory`. */
gboolean ovm_vm_config_get_memory (GVariant *dict,
                                   OvmMemory *memory,
                                   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** ovm_vm_config_get_cpu: (out): what the option `cpu` of a restore asks for. Errors: %OVM_ERROR_INVALID_CONFIG. */
gboolean ovm_vm_config_get_cpu (GVariant *dict, VmmCpuPolicy *cpu, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** ovm_vm_config_get_clock: (out): what the option `clock` of a restore asks for. Errors: %OVM_ERROR_INVALID_CONFIG. */
gboolean ovm_vm_config_get_clock (GVariant *dict, OvmClock *clock, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * ovm_vm_config_find_driver:
 *
 * The driver that @dict names, or the default one; looked at before @dict is checked, since each driver has keys of its
 * own. Errors: %OVM_ERROR_NOT_SUPPORTED.
 */
const OvmDriver *ovm_vm_config_find_driver (GVariant *dict, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** ovm_vm_config_pick_driver_options: (transfer full): those of @dict that are the driver's own, a{sv}. */
GVariant *ovm_vm_config_pick_driver_options (const OvmDriver *driver, GVariant *dict);

/** ovm_vm_config_backing_to_string: as in the key `memory-backing`. */
const char *ovm_vm_config_backing_to_string (VmmMemoryBacking backing);

G_END_DECLS
